//! `report`: hands errors to the node, from flags or from JSON on standard input.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::Context as _;
use healnode_node::config::Config;
use healnode_node::{Delivered, RawError};

use crate::args;
use crate::line::LINE_BYTES_MAX;

/// Longest stack trace that is read from a file, in bytes; of a longer one the beginning is taken. A report keeps 64 KiB of it.
const STACK_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reports what the command line says, or each report on standard input, and writes what became of it. One that is no report does not keep
/// those behind it from being delivered; the first such is the error in the end.
pub(crate) async fn report(config: &Config, args: &args::Report, out: &mut dyn Write) -> anyhow::Result<()> {
    if !args.json {
        let delivered = healnode_node::report(config, of_flags(args)?).await?;
        say_if_uncounted(&delivered);
        return Ok(writeln!(out, "{}", delivered.fingerprint)?);
    }
    let room = Cell::new(LINE_BYTES_MAX);
    let reader = Bounded { input: io::stdin().lock(), room: &room };
    let mut refused = None;
    for (index, value) in serde_json::Deserializer::from_reader(reader).into_iter::<serde_json::Value>().enumerate() {
        room.set(LINE_BYTES_MAX);
        let context = || format!("report {} on standard input", index + 1);
        let raw = match RawError::from_json(&value.with_context(context)?.to_string()).with_context(context) {
            Ok(raw) => raw,
            Err(error) => {
                refused.get_or_insert(error);
                continue;
            }
        };
        let delivered = healnode_node::report(config, raw).await.with_context(context)?;
        say_if_uncounted(&delivered);
        writeln!(out, "{}", serde_json::to_string(&delivered)?)?;
        out.flush()?;
    }
    refused.map_or(Ok(()), Err)
}

fn of_flags(args: &args::Report) -> anyhow::Result<RawError> {
    let mut raw = RawError::new(args.error_type.as_deref().unwrap_or_default(), args.message.as_deref().unwrap_or_default());
    raw.severity = args.severity.as_deref().and_then(|severity| severity.parse().ok());
    raw.stack = args.stack_file.as_deref().map(read_stack).transpose()?;
    Ok(raw)
}

fn read_stack(path: &Path) -> anyhow::Result<String> {
    let context = || format!("reading the stack trace {}", path.display());
    let mut bytes = Vec::new();
    File::open(path).with_context(context)?.take(STACK_FILE_BYTES_MAX).read_to_end(&mut bytes).with_context(context)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn say_if_uncounted(delivered: &Delivered) {
    if let Some(rule) = delivered.ignored_by_rule {
        let _nobody_reads = writeln!(io::stderr(), "left out by rule {rule} of grouping.rule");
    }
    if delivered.spooled {
        let _nobody_reads = writeln!(io::stderr(), "no node answers; the report is kept for the next `healnode run`");
    }
}

/// A reader that gives so much and no more, so that one endless value cannot fill the memory.
struct Bounded<'a, R> {
    input: R,
    room: &'a Cell<usize>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.room.get() == 0 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {LINE_BYTES_MAX} bytes")));
        }
        let most = buffer.len().min(self.room.get());
        let read = self.input.read(&mut buffer[..most])?;
        self.room.set(self.room.get() - read);
        Ok(read)
    }
}
