//! Every bound of the library, with its reason and what happens beyond it.
//!
//! These are bounds of what is kept unredacted in memory, for the moments until the background thread redacts it. What leaves the process
//! has the bounds of `healnode_report::limits`, which are lower: a text is cut here only where those cut it again, so that no half of a
//! secret is left at an end.

use std::time::Duration;

/// Reports that wait for the background thread. One more is dropped and counted.
///
/// 64: with the parts below some 16 MB at the very worst, and a few hundred kilobytes as errors are.
pub const QUEUE_MAX: usize = 64;

/// Longest message with the messages of its causes, in bytes. The rest is cut off. Four times what a report keeps.
pub const MESSAGE_BYTES_MAX: usize = 4 * healnode_report::limits::MESSAGE_BYTES_MAX;

/// Longest name of a type, in bytes; also how much of an error's `Debug` text is looked at for its name.
pub const TYPE_BYTES_MAX: usize = healnode_report::limits::ERROR_TYPE_BYTES_MAX;

/// Most causes of one error. Deeper ones are left out; a chain that is a ring ends here too.
pub const CAUSES_MAX: usize = 16;

/// Longest backtrace, in bytes. Its outermost frames are cut off. Four times what a report keeps; some 2,500 frames.
pub const BACKTRACE_BYTES_MAX: usize = 4 * healnode_report::limits::STACK_BYTES_MAX;

/// Most log lines that are kept, and what [`log_context_lines`](crate::Builder::log_context_lines) is at most. Older ones are forgotten.
pub const LOG_LINES_MAX: usize = healnode_report::limits::LOG_LINES_MAX;

/// Longest log line, in bytes. The rest is cut off. With 50 lines, 100 KiB of a process are log lines.
pub const LOG_LINE_BYTES_MAX: usize = 2 * healnode_report::limits::LOG_LINE_BYTES_MAX;

/// Most names and values that come with one error. Further ones are left out. A report keeps 50 tags, and the library adds some.
pub const CONTEXT_MAX: usize = 40;

/// Longest value in the context of an error, in bytes. The rest is cut off. Four times what a report keeps.
pub const CONTEXT_BYTES_MAX: usize = 4 * healnode_report::limits::TAG_VALUE_BYTES_MAX;

/// How much of the command line is looked at, in bytes. Four times what a report keeps.
pub const COMMAND_BYTES_MAX: usize = 4 * healnode_report::limits::COMMAND_BYTES_MAX;

/// Reports that may wait in the spool before this library adds none. One more is dropped and counted.
///
/// A tenth of what a node allows: on a machine that has no node at all, no program fills the disk. A typical report takes 5 KiB.
pub const SPOOL_FILES_MAX: usize = 1_000;

/// How long a node may take to answer. Then the report goes into the spool; its event id keeps it from counting twice.
///
/// Half of [`EXIT_WAIT_MAX`], so that a report whose node hangs is on the disk before the process may end.
pub const ANSWER_WAIT_MAX: Duration = Duration::from_secs(1);

/// How long a node is left alone that did not answer in time. Meanwhile reports go into the spool at once.
pub const SILENT_NODE_PAUSE: Duration = Duration::from_secs(30);

/// How long the end of a process waits for its last reports: all waits of one client at its end together.
pub const EXIT_WAIT_MAX: Duration = Duration::from_secs(2);

/// How much of a node's answer is read, in bytes. Its first line is all that is needed.
pub const ANSWER_BYTES_MAX: usize = 1024;
