//! Every bound of a report, with its reason.
//!
//! A part beyond its bound is clipped, never refused, and the report says that it is clipped. Redaction comes first: a cut
//! could halve a secret so that no rule knows it any more.

/// Longest error type, in bytes. Longer than any qualified class name seen, and short enough for an issue's title.
pub const ERROR_TYPE_BYTES_MAX: usize = 128;

/// Longest message, in bytes. An issue's body holds 64 KiB, and a message longer than a screen is a log.
pub const MESSAGE_BYTES_MAX: usize = 8 * 1024;

/// Longest stack trace, in bytes: some 600 frames. Head and tail are kept, because Python prints its innermost frame last.
pub const STACK_BYTES_MAX: usize = 64 * 1024;

/// How much of a clipped stack trace is its head, in bytes. The rest of the room goes to the tail.
pub const STACK_HEAD_BYTES: usize = 24 * 1024;

/// Most log lines; the last ones are kept. The design document promises the last 50.
pub const LOG_LINES_MAX: usize = 50;

/// Longest log line, in bytes. With 50 lines, the logs of a sample stay under 50 KiB.
pub const LOG_LINE_BYTES_MAX: usize = 1024;

/// Longest command line, in bytes. Room for long argument lists, far below what an operating system allows.
pub const COMMAND_BYTES_MAX: usize = 4 * 1024;

/// Most tags; the first ones by name are kept. Sentry SDKs send a dozen.
pub const TAGS_MAX: usize = 50;

/// Longest name of a tag, in bytes. Sentry allows 32; twice that for others.
pub const TAG_NAME_BYTES_MAX: usize = 64;

/// Longest value of a tag, in bytes. Sentry allows 200.
pub const TAG_VALUE_BYTES_MAX: usize = 256;

/// Most of a context, in bytes of its JSON. What goes beyond is left out. An issue has room for as much beside trace and logs.
pub const CONTEXT_BYTES_MAX: usize = 8 * 1024;

/// Most values of a context: lists and objects, and what is in them. Further ones are left out. A page of them is more than anybody reads.
pub const CONTEXT_VALUES_MAX: usize = 250;

/// Deepest nesting of a context. What lies deeper is replaced by `[...]`. Sentry SDKs cut at three to ten.
pub const CONTEXT_DEPTH_MAX: usize = 8;

/// Longest text in a context, in bytes, so that one does not take the room of all others.
pub const CONTEXT_TEXT_BYTES_MAX: usize = 2 * 1024;

/// Longest name in a context, in bytes.
pub const CONTEXT_NAME_BYTES_MAX: usize = 64;

/// Longest app, release, environment, and field of [`System`](crate::System) other than the working directory, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// Longest working directory, in bytes: what Linux allows for a path, rounded down to what is useful to read.
pub const DIRECTORY_BYTES_MAX: usize = 1024;

/// Longest event id, in bytes: 32 hex digits in Sentry's form, 36 as a UUID, and room for other systems.
pub const EVENT_ID_BYTES_MAX: usize = 64;

/// Most parts of a report's own fingerprint. Sentry SDKs send one to three.
pub const PARTS_MAX: usize = 16;

/// Longest part of a report's own fingerprint, in bytes.
pub const PART_BYTES_MAX: usize = 256;

/// Most occurrences that one report may stand for, so that a single bad report cannot drown the true counts.
pub const COUNT_MAX: u64 = 1_000_000;

/// Longest normalised message in a head, in bytes.
///
/// 512: with names and signature a head stays under 1 KiB, so one gossip message (64 KiB) carries some sixty.
pub const HEAD_MESSAGE_BYTES_MAX: usize = 512;

/// Most frames that take part in a fingerprint. Deeper ones tell how a request came in, not what broke.
pub const FRAMES_MAX: usize = 5;

/// Most frames of a fingerprint with the innermost cause behind them.
pub const FRAMES_AND_CAUSE_MAX: usize = FRAMES_MAX + 1;

/// Longest frame, in bytes. Beyond it a generic name tells no two frames apart.
pub const FRAME_BYTES_MAX: usize = 256;
