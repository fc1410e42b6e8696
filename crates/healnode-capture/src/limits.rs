//! Every bound of what comes in, with its reason.
//!
//! Beyond the first two a request is refused; beyond the others a part is left out and the rest is kept.

/// Longest body as it was sent, in bytes. The longest of a real SDK had 105 KB before compression; Relay allows 1 MiB for an event.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Longest body after decoding, in bytes. A real one of 2 KB became 529 KB, so the limit is on what comes out.
pub const DECODED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Largest window that a zstd frame may ask for, in bytes: what its specification wants every decoder to support.
pub const ZSTD_WINDOW_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Longest header, header line of an envelope, path and query, in bytes: what web servers allow. A longer one is not read.
pub const HEADER_BYTES_MAX: usize = 8 * 1024;

/// Longest key, client name and app name, in bytes. A longer one is not read.
pub const NAME_BYTES_MAX: usize = 128;

/// Most errors of one envelope. The protocol allows one event; later ones are counted as `other`.
pub const EVENTS_MAX: usize = 16;

/// Outermost and innermost exceptions of a chain that are kept, each. SDKs stop at 50, and a reader stops long before.
pub const EXCEPTIONS_KEPT: usize = 8;

/// Frames that are kept where a stack begins.
pub const FIRST_FRAMES_KEPT: usize = 50;

/// Frames that are kept where a stack ends, which is where it failed.
pub const LAST_FRAMES_KEPT: usize = 200;

/// Longest name, path and source line of a frame, in bytes. A longer one is left out whole: a cut could halve a secret.
pub const FRAME_FIELD_BYTES_MAX: usize = 2 * 1024;

/// Breadcrumbs that are kept, the last ones. Some have no message, so more than become log lines.
pub const BREADCRUMBS_KEPT: usize = 100;

/// Log lines of an error. The design document promises the last 50.
pub const LOG_LINES_MAX: usize = 50;

/// How much of a text attachment is looked at for log lines, in bytes from its end.
pub const ATTACHMENT_BYTES_MAX: usize = 64 * 1024;

/// Threads that are looked at for the one that crashed.
pub const THREADS_MAX: usize = 256;

/// Tags that are read. A report keeps 50.
pub const TAGS_MAX: usize = 200;

/// Entries of other lists of texts, such as arguments, that are read.
pub const TEXTS_MAX: usize = 256;

/// Longest type, message and stack trace that may be posted without an SDK, in characters, as the interface promises. A report is clipped
/// further, behind redaction.
pub const POSTED_TYPE_CHARACTERS_MAX: usize = 500;
/// See [`POSTED_TYPE_CHARACTERS_MAX`].
pub const POSTED_MESSAGE_CHARACTERS_MAX: usize = 10_000;
/// See [`POSTED_TYPE_CHARACTERS_MAX`].
pub const POSTED_STACK_CHARACTERS_MAX: usize = 50_000;

/// Longest line of a text that is looked at, in bytes. Of a longer one only the length is told: a cut could halve a secret.
pub const LINE_BYTES_MAX: usize = 16 * 1024;

/// Lines before a stack trace that are searched for the error's name, which Node, Java and .NET print first.
pub const LINES_BEFORE_MAX: usize = 12;

/// Lines that wait for a later one to say whether they belong to a stack trace.
pub const LINES_HELD_MAX: usize = 16;

/// Lines that are kept where a stack trace begins.
pub const FIRST_LINES_KEPT: usize = 200;

/// Lines that are kept where a stack trace ends.
pub const LAST_LINES_KEPT: usize = 400;

/// Longest stack trace that is kept, in bytes. Beyond it lines are left out of the middle. A report keeps 64 KiB.
pub const STACK_BYTES_MAX: usize = 128 * 1024;

/// Longest stack trace, in lines, kept or not. Whatever continues it beyond is a new text.
pub const STACK_LINES_MAX: u64 = 100_000;

/// Most errors of one export. Exporters send 512 records at once unless told otherwise; errors beyond are counted.
pub const EXPORTED_ERRORS_MAX: usize = 512;
