//! Bounds on what models and their programs say, and what becomes of the rest.

use std::time::Duration;

/// Bytes of one entry in a list of a fixer's answer. A longer one is cut at a character boundary.
///
/// 1 KiB: a test case is told in a sentence or two.
pub(super) const ANSWER_ENTRY_BYTES_MAX: usize = 1024;

/// Bytes of one message from the Copilot CLI. A longer one ends the round.
///
/// 16 MiB: an edit is told with the file before and after and with a diff, so a file of 2 MiB still fits.
pub(super) const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of the lines before one such message. More ends the round.
///
/// 1 KiB: it is one line of some 25 bytes.
pub(super) const FRAME_HEAD_BYTES_MAX: usize = 1024;

/// How long the Copilot CLI may take to say its version, unpacking itself on the way.
///
/// 60 s: a second was measured on two cores, so this is for a slow disk.
pub(super) const PROBE_LIMIT: Duration = Duration::from_secs(60);

/// Bytes of what it prints then. A longer output is not read further.
pub(super) const PROBE_BYTES_MAX: u64 = 4 * 1024;

/// How long the Copilot CLI may take to end by itself. After that it is stopped.
///
/// 3 s: 0.05 s was measured.
pub(super) const GOODBYE_LIMIT: Duration = Duration::from_secs(3);

/// Model calls of one job. Further ones are refused.
///
/// 100: a fix of a toy takes four, those of agents on real repositories mostly less than forty.
pub(super) const MODEL_CALLS_MAX: u32 = 100;

/// Bytes that all model calls of one job carry, there and back. Calls that would carry more are refused, answers that do are cut off.
///
/// 256 MiB: 100 calls with a conversation of 128,000 tokens, at some four bytes each, and as much again.
pub(super) const MODEL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of one request to a model. A longer one is refused.
///
/// 8 MiB: two million tokens, more than any model reads.
pub(super) const MODEL_REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of one whole answer of a model, where it is read here. A longer one counts as none.
///
/// 4 MiB: a million tokens, more than any model writes.
pub(super) const MODEL_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes at the end of a passed-through answer that are looked through for the tokens that it took.
///
/// 16 KiB: the count is the last thing but a few hundred bytes; where it is not, the call counts without tokens.
pub(super) const USAGE_TAIL_BYTES: usize = 16 * 1024;

/// Connections to the proxy at a time. Further ones wait.
///
/// 8: an agent asks one thing at a time, some two.
pub(super) const PROXY_CONNECTIONS_MAX: usize = 8;

/// How long a client of the proxy may take for the head of a request, and how long connecting to the provider may take.
///
/// 20 s: both are a few packets.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// How long the proxy rests when it cannot take a connection, as when the process has no more files to open.
pub(super) const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Files that a model without tools is shown whole.
///
/// 6: the five places that an error names at most, and one more.
pub(super) const SHOWN_FILES_MAX: usize = 6;

/// Bytes of one file that a model without tools is shown. A longer one is not shown.
///
/// 128 KiB: some 3,000 lines. Half a file would invite edits that do not apply.
pub(super) const SHOWN_FILE_BYTES_MAX: u64 = 128 * 1024;

/// Bytes of all files that a model without tools is shown. Those that do not fit any more are not shown.
///
/// 256 KiB: some 64,000 tokens, half of what a model of 128,000 reads.
pub(super) const SHOWN_BYTES_MAX: u64 = 256 * 1024;

/// Places in an answer at which the object with the edits is looked for. An object after them is not found.
///
/// 64: it stands at the first, or after some prose; more would only serve a text that means to cost time.
pub(super) const OBJECT_STARTS_MAX: usize = 64;

/// Bytes of a model's last answer that it is shown again. More is cut at a character boundary.
///
/// 64 KiB: a fix of 120 lines, searched and replaced, takes some 20.
pub(super) const LAST_ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Edits in one answer. An answer with more is not applied.
///
/// 40: a fix may change 120 lines by default.
pub(super) const EDITS_MAX: usize = 40;

/// Bytes of a file that an edit may change or leave. An edit of a larger one does not apply.
///
/// 1 MiB: eight times what is shown.
pub(super) const EDITED_FILE_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a problem with edits that is told back to the model. More is cut at a character boundary.
pub(super) const PROBLEM_BYTES_MAX: usize = 2 * 1024;
