//! The error as it may leave this machine.
//!
//! [`Report::new`] is the only constructor: it redacts, clips to the bounds in `limits.rs`, and fingerprints what is left. A
//! stored or received report comes back as a [`RawError`] through the same constructor, and comes out equal.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::admission::Admission;
use crate::clip::{Part, clip, clip_middle, line, one_line, settle};
use crate::context::Context;
use crate::fingerprint::{Algorithms, Explanation, Fingerprint, Redacted};
use crate::grouping::{Decision, Verdict, decide};
use crate::head::Head;
use crate::limits::{
    COMMAND_BYTES_MAX, COUNT_MAX, DIRECTORY_BYTES_MAX, ERROR_TYPE_BYTES_MAX, EVENT_ID_BYTES_MAX, FRAME_BYTES_MAX, FRAMES_AND_CAUSE_MAX,
    LOG_LINE_BYTES_MAX, LOG_LINES_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX, PART_BYTES_MAX, PARTS_MAX, STACK_BYTES_MAX, TAG_NAME_BYTES_MAX,
    TAG_VALUE_BYTES_MAX, TAGS_MAX,
};
use crate::raw::{RawError, System};
use crate::redact::{Redactor, quote_argv, redact};
use crate::severity::Severity;
use crate::time::UnixMillis;

/// An error that is redacted, bounded and fingerprinted.
#[derive(Clone, PartialEq, Hash, Debug, Serialize)]
pub struct Report {
    #[serde(rename = "type")]
    error_type: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
    severity: Severity,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(rename = "timestamp", serialize_with = "as_text")]
    at: UnixMillis,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(rename = "fingerprint", skip_serializing_if = "Vec::is_empty")]
    parts: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Value>,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<System>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<u16>,
    clipped: bool,
    #[serde(skip)]
    explanation: Explanation,
}

fn as_text<S: Serializer>(at: &UnixMillis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

impl Report {
    /// Admits an error by the built-in rules: redacts, clips, fingerprints. `now` is its time if it carries none.
    pub fn new(raw: RawError, now: UnixMillis) -> Report {
        Report::admit(raw, now, &Admission::default())
    }

    /// Admits an error by an operator's rules. No rule is asked that could leave it out.
    pub(crate) fn admit(raw: RawError, now: UnixMillis, admission: &Admission) -> Report {
        let mut clipper = Clipper { redactor: &admission.redactor, clipped: raw.clipped };
        let Essence { error_type, message, stack, severity, frames, parts, explanation } = Essence::of(&raw, admission, &mut clipper);
        let severity = severity.or(raw.severity).unwrap_or_else(|| Severity::of(&raw.error_type, &raw.message));
        let report = Report {
            explanation,
            error_type,
            message,
            stack,
            severity,
            logs: last(clipper.logs(&raw.logs), admission.log_lines_max),
            command: clipper.command(&raw.command),
            app: clipper.name(raw.app),
            release: clipper.name(raw.release),
            environment: clipper.name(raw.environment),
            at: raw.at.unwrap_or(now).clamped(),
            event_id: clipper.event_id(raw.event_id),
            parts,
            tags: clipper.tags(raw.tags),
            context: clipper.context(raw.context),
            count: clipper.count(raw.count),
            system: raw.system.map(|system| clipper.system(&system)),
            frames,
            algorithm: None,
            clipped: clipper.clipped,
        };
        let is_former = raw.algorithm.is_some_and(|version| report.former().is_some_and(|(_, former)| former == version));
        if is_former { report.into_former() } else { report }
    }

    /// What is the same for all occurrences of this error, by the version that it is counted under.
    pub fn fingerprint(&self) -> Fingerprint {
        self.explanation.fingerprint
    }

    /// The fingerprint by the version before and its number, unless there is none, or the report is counted under it already.
    pub fn former(&self) -> Option<(Fingerprint, u16)> {
        self.explanation.other.filter(|(_, version)| *version < self.explanation.version)
    }

    /// The same report, counted under the version before; unchanged when there is none.
    pub fn into_former(mut self) -> Report {
        if self.former().is_some() {
            self.explanation.swap();
            self.algorithm = Some(self.explanation.version);
        }
        self
    }

    /// Its fingerprints by every version in use, each with the version's number; the one that it is counted under first.
    pub fn fingerprints(&self) -> impl Iterator<Item = (Fingerprint, u16)> {
        std::iter::once((self.explanation.fingerprint, self.explanation.version)).chain(self.explanation.other)
    }

    /// Whether it is counted under a fingerprint, by any version in use.
    pub fn has_fingerprint(&self, fingerprint: Fingerprint) -> bool {
        self.fingerprints().any(|(own, _)| own == fingerprint)
    }

    /// How the fingerprint came about.
    pub fn explanation(&self) -> &Explanation {
        &self.explanation
    }

    /// Type of the error, on one line.
    pub fn error_type(&self) -> &str {
        &self.error_type
    }

    /// What the error said; may have several lines.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Stack trace as its language prints it.
    pub fn stack(&self) -> Option<&str> {
        self.stack.as_deref()
    }

    /// How bad it is: the application's word, else judged by type and message.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Last log lines before the error, oldest first.
    pub fn logs(&self) -> &[String] {
        &self.logs
    }

    /// The command that failed, as a shell would read it.
    pub fn command(&self) -> Option<String> {
        self.command.clone()
    }

    /// Name of the deployment.
    pub fn app(&self) -> Option<&str> {
        self.app.as_deref()
    }

    /// Release of the deployment.
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// Where it runs, such as `production`.
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// When it happened, or when it was admitted.
    pub fn at(&self) -> UnixMillis {
        self.at
    }

    /// Id of the occurrence: the same id twice is one occurrence.
    pub fn event_id(&self) -> Option<&str> {
        self.event_id.as_deref()
    }

    /// Names and values that the application attached.
    pub fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    /// What else the application attached, of whatever shape.
    pub fn context(&self) -> Option<&Value> {
        self.context.as_ref()
    }

    /// How many occurrences this stands for, 1 to [`COUNT_MAX`].
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The machine and the runtime.
    pub fn system(&self) -> Option<&System> {
        self.system.as_ref()
    }

    /// Whether any part was cut to its bound, now or when it was admitted before.
    pub fn clipped(&self) -> bool {
        self.clipped
    }

    /// What may be gossiped of it.
    pub fn head(&self) -> Head {
        let head = Head {
            error_type: self.error_type.clone(),
            message: self.explanation.message.clone(),
            severity: self.severity,
            app: self.app.clone().unwrap_or_default(),
            release: self.release.clone().unwrap_or_default(),
            frames: frames_digest(&self.explanation.frames),
        };
        head.admit()
    }
}

/// What of an error makes its fingerprint, and the fingerprint.
struct Essence {
    error_type: String,
    message: String,
    stack: Option<String>,
    /// What a rule says of it.
    severity: Option<Severity>,
    /// Frames that a rule chose.
    frames: Option<Vec<String>>,
    parts: Vec<String>,
    explanation: Explanation,
}

impl Essence {
    fn of(raw: &RawError, admission: &Admission, clipper: &mut Clipper<'_>) -> Essence {
        let error_type = clipper.line(&raw.error_type, ERROR_TYPE_BYTES_MAX);
        let message = clipper.text(&raw.message, MESSAGE_BYTES_MAX);
        let stack = raw.stack.as_ref().map(|stack| clipper.stack(stack)).filter(|stack| !stack.is_empty());
        let Decision { frames, severity, verdict } = decide(&admission.rules, &error_type, &message, stack.as_deref());
        let (rule, verdict) = verdict.unzip();
        let ignored_by = rule.filter(|_| matches!(verdict, Some(Verdict::Ignore)));
        let parts = match verdict {
            Some(Verdict::Fingerprint(parts)) => clipper.parts(&filled_in(&parts, &error_type, &message, &admission.algorithms)),
            Some(Verdict::Ignore) | None => clipper.parts(&raw.fingerprint),
        };
        let frames = frames.or_else(|| raw.frames.clone()).map(|frames| clipper.frames(&frames));
        // What the operator allowed to be shown takes no part: other nodes do not know of it.
        let bare = |text| if admission.redactor.has_allowed() { redact(text) } else { Cow::Borrowed(text) };
        let bare_stack = stack.as_deref().map(bare);
        let key = Redacted {
            error_type: &bare(&error_type),
            message: &bare(&message),
            stack: bare_stack.as_deref(),
            frames: frames.as_deref(),
            parts: &parts,
        };
        let explanation = Explanation { ignored_by, ..key.explain(&admission.algorithms) };
        Essence { error_type, message, stack, severity, frames, parts, explanation }
    }
}

/// Fingerprints an error as [`Report::admit`] does, and leaves out the rest of the report.
pub(crate) fn explain(raw: &RawError, admission: &Admission) -> Explanation {
    Essence::of(raw, admission, &mut Clipper { redactor: &admission.redactor, clipped: false }).explanation
}

/// The parts of a rule with what they stand for, but for the default one.
fn filled_in(parts: &[String], error_type: &str, message: &str, algorithms: &Algorithms) -> Vec<String> {
    let fill = |part: &String| match part.split_whitespace().collect::<String>().as_str() {
        "{{type}}" => error_type.to_owned(),
        "{{message}}" => (algorithms.current.normalise)(message),
        _ => part.clone(),
    };
    parts.iter().map(fill).collect()
}

/// Frames in few bytes: the first 8 of a SHA-256, or 0 for none.
fn frames_digest(frames: &[String]) -> u64 {
    if frames.is_empty() {
        return 0;
    }
    let hash: [u8; 32] = Sha256::digest(frames.join("\n")).into();
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Redacts and clips the parts of one report, and remembers whether anything was cut.
struct Clipper<'a> {
    redactor: &'a Redactor,
    clipped: bool,
}

impl Clipper<'_> {
    fn keep(&mut self, part: Part) -> String {
        self.clipped |= part.clipped;
        part.text
    }

    fn shaped(&mut self, text: &str, shape: impl Fn(&str) -> Part) -> String {
        let part = settle(text, |text| self.redactor.redact(text), shape);
        self.keep(part)
    }

    fn line(&mut self, text: &str, bytes_max: usize) -> String {
        self.shaped(text, |text| clip(&one_line(text), bytes_max))
    }

    fn text(&mut self, text: &str, bytes_max: usize) -> String {
        self.shaped(text, |text| clip(text, bytes_max))
    }

    fn stack(&mut self, text: &str) -> String {
        self.shaped(text, |text| clip_middle(text, STACK_BYTES_MAX))
    }

    fn name(&mut self, name: Option<String>) -> Option<String> {
        name.map(|name| self.line(&name, NAME_BYTES_MAX)).filter(|name| !name.is_empty())
    }

    /// An id that would not stay as it is gives way to its digest: two ids that look alike once redacted are still two occurrences.
    fn event_id(&mut self, id: Option<String>) -> Option<String> {
        let id = id.filter(|id| !id.trim().is_empty())?;
        let admitted = line(&id, EVENT_ID_BYTES_MAX).text;
        if admitted == id {
            return Some(id);
        }
        let digest = Sha256::digest(id.as_bytes());
        Some(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Redacts log lines together, so that a key that spans lines is seen as one.
    fn logs(&mut self, logs: &[String]) -> Vec<String> {
        if logs.is_empty() {
            return Vec::new();
        }
        let whole = self.shaped(&logs.join("\n"), clip_lines);
        whole.split('\n').map(str::to_owned).collect()
    }

    fn command(&mut self, argv: &[String]) -> Option<String> {
        let quoted = match argv {
            [] => return None,
            [line] => line.clone(),
            _ => quote_argv(&self.redactor.redact_argv(argv)),
        };
        let part =
            settle(&quoted, |text| Cow::Owned(self.redactor.redact_command_line(text)), |text| clip(&one_line(text), COMMAND_BYTES_MAX));
        Some(self.keep(part)).filter(|command| !command.is_empty())
    }

    fn parts(&mut self, parts: &[String]) -> Vec<String> {
        self.clipped |= parts.len() > PARTS_MAX;
        parts.iter().take(PARTS_MAX).map(|part| self.line(part, PART_BYTES_MAX)).collect()
    }

    fn frames(&mut self, frames: &[String]) -> Vec<String> {
        frames.iter().take(FRAMES_AND_CAUSE_MAX).map(|frame| self.line(frame, FRAME_BYTES_MAX)).collect()
    }

    fn tags(&mut self, tags: BTreeMap<String, String>) -> BTreeMap<String, String> {
        self.clipped |= tags.len() > TAGS_MAX;
        let mut kept = BTreeMap::new();
        for (name, value) in tags.into_iter().take(TAGS_MAX) {
            let name = self.line(&name, TAG_NAME_BYTES_MAX);
            let value = settle(
                &value,
                |value| Cow::Owned(self.redactor.redact_named(&name, value)),
                |value| clip(&one_line(value), TAG_VALUE_BYTES_MAX),
            );
            let value = self.keep(value);
            kept.insert(name, value);
        }
        kept
    }

    fn context(&mut self, context: Option<Value>) -> Option<Value> {
        let context = Context::of(&context?, self.redactor);
        self.clipped |= context.clipped;
        context.value.filter(|value| !value.is_null())
    }

    fn count(&mut self, count: u64) -> u64 {
        self.clipped |= count > COUNT_MAX;
        count.clamp(1, COUNT_MAX)
    }

    fn system(&mut self, system: &System) -> System {
        System {
            os: self.line(&system.os, NAME_BYTES_MAX),
            arch: self.line(&system.arch, NAME_BYTES_MAX),
            host: self.line(&system.host, NAME_BYTES_MAX),
            runtime: self.line(&system.runtime, NAME_BYTES_MAX),
            cwd: self.line(&system.cwd, DIRECTORY_BYTES_MAX),
        }
    }
}

/// The last lines of a text, each within its bound.
/// Returns the last lines. What the operator does not want is left out, not clipped.
fn last(mut lines: Vec<String>, lines_max: usize) -> Vec<String> {
    lines.drain(..lines.len().saturating_sub(lines_max));
    lines
}

fn clip_lines(text: &str) -> Part {
    let lines: Vec<&str> = text.split('\n').collect();
    let skipped = lines.len().saturating_sub(LOG_LINES_MAX);
    let kept: Vec<Part> = lines[skipped..].iter().map(|line| clip(line, LOG_LINE_BYTES_MAX)).collect();
    Part {
        clipped: skipped > 0 || kept.iter().any(|line| line.clipped),
        text: kept.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::GAP;
    use crate::limits::HEAD_MESSAGE_BYTES_MAX;

    fn now() -> UnixMillis {
        UnixMillis(1_795_612_232_000)
    }

    #[test]
    fn what_the_error_leaves_out_is_filled_in() {
        let report = Report::new(RawError::new("KeyError", "'a'"), now());
        assert_eq!(report.severity(), Severity::Medium);
        assert_eq!(report.at(), now());
        assert_eq!(report.count(), 1);
        assert!(!report.clipped());
    }

    #[test]
    fn parts_beyond_their_bounds_are_clipped_and_it_says_so() {
        let mut raw = RawError::new("E".repeat(500), "m ".repeat(10_000));
        raw.logs = (0..60).map(|n| format!("line {n}")).collect();
        raw.count = u64::MAX;
        let report = Report::new(raw, now());
        assert_eq!(report.error_type().len(), ERROR_TYPE_BYTES_MAX);
        assert!(report.message().len() <= MESSAGE_BYTES_MAX);
        assert_eq!(report.logs().len(), LOG_LINES_MAX);
        assert_eq!(report.logs()[0], "line 10");
        assert_eq!(report.count(), COUNT_MAX);
        assert!(report.clipped());
        assert!(report.head().message.len() <= HEAD_MESSAGE_BYTES_MAX);
    }

    #[test]
    fn a_long_stack_keeps_its_head_and_its_tail() {
        let mut raw = RawError::new("E", "m");
        let lines: Vec<String> = (0..20_000).map(|n| format!("frame {n}")).collect();
        raw.stack = Some(lines.join("\n"));
        let report = Report::new(raw, now());
        let stack = report.stack().unwrap();
        assert!(stack.len() <= STACK_BYTES_MAX);
        assert!(stack.starts_with("frame 0\n") && stack.ends_with("\nframe 19999"));
        assert!(stack.contains(GAP));
    }

    #[test]
    fn type_and_head_are_on_one_line() {
        let report = Report::new(RawError::new("A\nB", "first\nsecond\tthird"), now());
        assert_eq!(report.error_type(), "A B");
        assert!(!report.head().message.contains('\n'));
        assert!(report.message().contains('\n'));
    }

    #[test]
    fn context_is_redacted_and_takes_no_part_in_the_fingerprint() {
        let with = |context: Option<Value>| {
            let raw = RawError { context, ..RawError::new("E", "m") };
            Report::new(raw, now())
        };
        let report = with(Some(serde_json::json!({"order": 17, "password": "hunter2"})));
        assert_eq!(report.context(), Some(&serde_json::json!({"order": 17, "password": "<password>"})));
        assert_eq!(report.fingerprint(), with(None).fingerprint());
        assert_eq!(with(None).context(), None);
    }

    #[test]
    fn a_report_without_context_reads_as_before() {
        let report = Report::new(RawError::new("E", "m"), now());
        let json = serde_json::to_string(&report).unwrap();
        assert!(!json.contains("context"));
        assert_eq!(Report::new(RawError::from_json(&json).unwrap(), UnixMillis(0)), report);
    }

    #[test]
    fn a_reports_own_fingerprint_overrides_the_computed_one() {
        let of = |parts: &[&str], message: &str| {
            let mut raw = RawError::new("E", message);
            raw.fingerprint = parts.iter().map(|part| (*part).to_owned()).collect();
            Report::new(raw, now()).fingerprint()
        };
        assert_eq!(of(&["checkout"], "a"), of(&["checkout"], "b"));
        assert_ne!(of(&["checkout"], "a"), of(&["cart"], "a"));
        assert_eq!(of(&["{{ default }}"], "a"), of(&[], "a"));
        assert_ne!(of(&["{{ default }}", "x"], "a"), of(&["{{default}}", "x"], "b"));
    }
}
