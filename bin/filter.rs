//! The two filters, `fingerprint` and `redact`: lines in, lines out, in the same order and in constant memory.
//!
//! What they do to a line is `healnode-report`'s, the same as a node does to a report. A line beyond [`LINE_BYTES_MAX`] never gives a half
//! redacted text: `redact` withholds it, `fingerprint` takes its beginning, which is all that a node would look at.

use std::io::{BufRead, BufWriter, Write};

use anyhow::{Context as _, ensure};
use healnode_node::{Admission, RawError, Redactor};

use crate::line::{LINE_BYTES_MAX, Line, Lines};
use crate::print::printable;

/// Writes the fingerprint of each line: of a message, or with `json` of a report. `explain` adds what was hashed: the message without what
/// varies, then, where there are any, the frames that count and the parts of a fingerprint of its own.
///
/// # Errors
/// Names the line that is no report.
pub(crate) fn fingerprint(admission: &Admission, json: bool, explain: bool, input: impl BufRead, out: impl Write) -> anyhow::Result<()> {
    each_line(input, out, |line, out| {
        let raw = if json { read_report(line)? } else { RawError::new("", String::from_utf8_lossy(line.bytes)) };
        let explanation = admission.explain(&raw);
        write!(out, "{}", explanation.fingerprint)?;
        if explain {
            write!(out, "\t{}", printable(&explanation.message))?;
            for (list, separator) in [(&explanation.frames, " < "), (&explanation.parts, " | ")] {
                if !list.is_empty() {
                    write!(out, "\t{}", printable(&list.join(separator)))?;
                }
            }
        }
        Ok(writeln!(out)?)
    })
}

/// Writes each line without secrets and personal data. With `json` a line is a JSON string, in and out.
///
/// # Errors
/// Names the line that is no JSON string.
pub(crate) fn redact(redactor: &Redactor, json: bool, input: impl BufRead, out: impl Write) -> anyhow::Result<()> {
    each_line(input, out, |line, out| {
        if json {
            let text: String =
                serde_json::from_slice(whole(line)?).with_context(|| format!("line {} is not a JSON string", line.number))?;
            write!(out, "{}", serde_json::to_string(&redactor.redact(&text))?)?;
        } else if line.is_cut() {
            write!(out, "<withheld: {} bytes, more than {LINE_BYTES_MAX}>", line.bytes_whole)?;
        } else {
            write!(out, "{}", redactor.redact(&String::from_utf8_lossy(line.bytes)))?;
        }
        Ok(writeln!(out)?)
    })
}

fn each_line(
    input: impl BufRead,
    out: impl Write,
    mut act: impl FnMut(&Line<'_>, &mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut lines = Lines::new(input);
    let mut out = BufWriter::new(out);
    while let Some(line) = lines.next(|| out.flush()).context("reading standard input")? {
        if let Err(error) = act(&line, &mut out) {
            out.flush()?;
            return Err(error);
        }
    }
    Ok(out.flush()?)
}

fn read_report(line: &Line<'_>) -> anyhow::Result<RawError> {
    let context = || format!("line {} is not a report", line.number);
    let text = std::str::from_utf8(whole(line)?).with_context(context)?;
    RawError::from_json(text).with_context(context)
}

/// Returns a line's bytes. Half a JSON value is none, so a cut line is an error.
fn whole<'a>(line: &Line<'a>) -> anyhow::Result<&'a [u8]> {
    ensure!(!line.is_cut(), "line {} has {} bytes; the most is {LINE_BYTES_MAX}", line.number, line.bytes_whole);
    Ok(line.bytes)
}
