//! What must hold for any text whatever. The fuzz targets look for one for which it does not; `corpora.rs` goes through those kept.

use healnode_report::{RawError, Report, UnixMillis, in_app_frames, language, normalise, redact};

/// Longest text that is looked at, in bytes: the most that a message may have.
const TEXT_BYTES_MAX: usize = healnode_report::limits::MESSAGE_BYTES_MAX;

/// Takes a text for a message.
pub(crate) fn text(text: &str) {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let redacted = redact(text).into_owned();
    assert_eq!(redact(&redacted), redacted, "redacting twice changes something");
    let normalised = normalise(&redacted);
    assert_eq!(normalise(&normalised), normalised, "normalising twice changes something");
}

/// Takes a text for a stack trace.
pub(crate) fn trace(text: &str) {
    let frames = in_app_frames(text);
    assert!(frames.len() <= healnode_report::limits::FRAMES_AND_CAUSE_MAX);
    assert!(frames.iter().all(|frame| frame.len() <= healnode_report::limits::FRAME_BYTES_MAX));
    language(text);
}

/// Takes a text for a report in JSON, or else for the message and the stack of one.
pub(crate) fn report(text: &str) {
    let raw = RawError::from_json(text).unwrap_or_else(|_| {
        let mut raw = RawError::new("Error", text);
        raw.stack = Some(text.to_owned());
        raw.command = text.split(' ').map(str::to_owned).collect();
        raw.logs = text.lines().map(str::to_owned).collect();
        raw
    });
    let report = Report::new(raw, UnixMillis(0));
    let json = serde_json::to_string(&report).expect("a report is JSON");
    let again = Report::new(RawError::from_json(&json).expect("what a report is written as is one"), UnixMillis(0));
    assert_eq!(again, report, "admitting twice changes something");
}
