//! Every bound and wait of `healnode watch`, with its reason.

use std::time::Duration;

/// How often a file is looked at. Rotation leaves the old file in place, so nothing is lost between two looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Silence after which a trace is taken to be whole. Programs print one in milliseconds.
pub(super) const SILENCE: Duration = Duration::from_secs(1);

/// Silence after which a trace is taken to be whole although its last line lacks its end: the program still writes, or died in the middle.
pub(super) const SILENCE_IN_LINE: Duration = Duration::from_secs(10);

/// How often positions are written. What a kill leaves unwritten is read again and, by its event ids, not counted again.
pub(super) const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Bytes that are read at a time. When every line is an error, each with the lines before it, they become some 10 MB until they are delivered.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;

/// Longest line of a log that is read, in bytes. Of a longer one only the length is known, as with the finder of errors.
pub(super) const LINE_BYTES_MAX: usize = healnode_capture::limits::LINE_BYTES_MAX;

/// Longest entry of the journal as JSON, in bytes. A longer one is left out; journald cuts what services print after 48 KiB.
pub(super) const ENTRY_BYTES_MAX: usize = 1024 * 1024;

/// Bytes at the beginning of a file by which it is known again. Logs begin with a time, so few are the same there.
pub(super) const HEAD_BYTES: usize = 1024;

/// Fewest of these by which a copy is taken for the file that was truncated.
pub(super) const HEAD_BYTES_OF_COPY: u64 = 16;

/// How far before the first line that is read lines are looked for that go with an error, in bytes.
pub(super) const CONTEXT_BYTES: u64 = 64 * 1024;

/// Lines that are remembered besides those before an error: they decide where it begins.
pub(super) const RECENT_LINES: usize = 32;

/// Longest line that is kept to go with an error, in bytes. Of a longer one only the length is told. A report keeps 1 KiB of each.
pub(super) const CONTEXT_LINE_BYTES_MAX: usize = 4 * 1024;

/// Lines of high priority that wait to be told by a trace. The oldest is then an error of its own.
pub(super) const CLAIMS_MAX: usize = 16;

/// Files that are followed. Each takes 30 KiB for usual lines, and up to 600 KiB when all are as long as may be.
pub(super) const FILES_MAX: usize = 256;

/// How long a file that was rotated away may be silent. Services are told to open the new one within seconds.
pub(super) const ROTATED_SILENCE: Duration = Duration::from_secs(10);

/// Files of one name that are read at a time, with those that were rotated away. The oldest is read to its end before more are begun.
pub(super) const GENERATIONS_MAX: usize = 8;

/// Files beside a log that are remembered, so that none is taken for one that was rotated away and missed. The newest count.
pub(super) const BESIDE_MAX: usize = 256;

/// Files that were rotated away and missed that are read; the oldest ones. Logs are rotated once a day to a few times an hour, and few
/// services keep more than a dozen.
pub(super) const MISSED_MAX: usize = 64;

/// Entries of a folder that are looked at for files that were rotated away.
pub(super) const FOLDER_ENTRIES_MAX: usize = 10_000;

/// Reports under way at a time, of one file or of the journal. The node writes those that come together at once.
pub(super) const DELIVERIES_MAX: usize = 16;

/// How long to wait before a report that neither the node nor the spool takes is tried again. The log waits meanwhile.
pub(super) const RETRY_EVERY: Duration = Duration::from_secs(2);

/// Processes of a unit whose lines are kept apart. The one that was silent for longest gives way.
pub(super) const PROCESSES_MAX: usize = 64;

/// Entries of the journal that may wait for a trace to end. Then all open ones end.
pub(super) const ENTRIES_OPEN_MAX: usize = 8_192;

/// Longest cursor of the journal, in bytes. Real ones have about 160.
pub(super) const CURSOR_BYTES_MAX: usize = 1_024;

/// Largest file of positions, in bytes. What is larger is none of ours.
pub(super) const POSITION_BYTES_MAX: u64 = 64 * 1024;

/// Age at which positions of what is no longer watched are removed.
pub(super) const POSITION_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// Chunks of standard input that wait to be read.
pub(super) const CHUNKS_WAITING_MAX: usize = 4;
