//! Every bound of the core, why it is what it is, and what happens beyond it.

use std::time::Duration;

/// Fingerprints in the ledger. A report of one more is not counted and its sender is told; a peer's statement about one more is dropped
/// and counted.
///
/// 200,000 at about 1.5 KiB each stay under 300 MiB. A service with more distinct errors than that has a grouping problem.
pub const FINGERPRINTS_MAX: usize = 200_000;

/// Fingerprints that peers may fill. The rest is kept for what this node itself sees, so that no flood from outside turns its own reports away.
pub const PEER_FINGERPRINTS_MAX: usize = FINGERPRINTS_MAX / 4 * 3;

/// Statements kept of all origins. More of peers are dropped and counted; later statements about keys already held still count.
///
/// 600,000 at about 800 bytes each stay under 500 MB, in a mesh where everybody sees everything.
pub const STATEMENTS_MAX: usize = 3 * FINGERPRINTS_MAX;

/// Statements kept of one other origin and epoch: a third of what peers may fill, so that one alone cannot fill it. More are dropped and
/// counted; the origin's later statements about keys already held still count.
pub const ORIGIN_STATEMENTS_MAX: usize = PEER_FINGERPRINTS_MAX / 3;

/// Statements of one origin that may carry the same number. More are dropped and counted.
///
/// An honest origin never uses a number twice. Two nodes with one identity do, and are reported; without a bound, a page of them would grow
/// beyond what may be sent.
pub const SAME_NUMBER_MAX: usize = 4;

/// Origins with their epochs. Statements of one more are dropped and counted until a silent one is forgotten.
///
/// 1,024: a digest of so many takes 48 KiB, well inside [`REQUEST_BYTES_MAX`].
pub const ORIGINS_MAX: usize = 1_024;

/// Occurrences that one origin may claim of one fingerprint, and of one release of it. Its own count stops there; a peer that claims more is at
/// fault, and its whole message is refused.
///
/// A million million: three years at ten thousand a second. The sum over all [`ORIGINS_MAX`] stays below 2^53, so it is exact wherever JSON is
/// read as floating point, and one liar cannot bring a sum to where it no longer grows.
pub const TALLY_COUNT_MAX: u64 = 1_000_000_000_000;

/// Releases counted apart in one tally. Further ones are counted together under `other`.
pub const RELEASES_MAX: usize = 8;

/// Releases remembered as seen before an issue was closed, the highest by name. An occurrence of one beyond them counts as by a build with the
/// fix, so the issue may be opened again early.
///
/// 64, as 8 bytes each: the statement stays within [`STATEMENT_BYTES_MAX`].
pub const BASELINE_RELEASES_MAX: usize = 64;

/// Event ids remembered, so that the same id twice is one occurrence. The oldest is forgotten first.
pub const EVENT_IDS_MAX: u32 = 65_536;

/// Bytes of statements in one gossiped run, by [`Signed::size_estimate`](crate::Signed::size_estimate). More are split over several runs.
///
/// 8 KiB: gossipsub's default message limit is 64 KiB, and a message near the limit kills the link in silence.
pub const RUN_BYTES_MAX: usize = 8 * 1024;

/// Bytes of one page of anti-entropy. What does not fit is asked for again.
pub const PAGE_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a request for anti-entropy or for a sample. A longer one is refused before it is decoded.
pub const REQUEST_BYTES_MAX: usize = 128 * 1024;

/// Bytes of one encoded statement. A longer one is refused before it is decoded.
///
/// Head and releases at their bounds take 2.2 KiB.
pub const STATEMENT_BYTES_MAX: usize = 4 * 1024;

/// Bytes of an issue's address. A longer one makes its statement invalid.
pub const URL_BYTES_MAX: usize = 512;

/// Fingerprints in one issue. More due at once make further issues.
///
/// 100 lines and markers take under 30,000 characters of the 60,000 that an issue may have.
pub const GROUP_MEMBERS_MAX: usize = 100;

/// Characters of an issue's title; longer ones are cut. GitHub takes 256.
pub const TITLE_CHARS_MAX: usize = 200;

/// Characters of an issue's body; the longest parts are cut first. GitHub takes 65,536.
pub const BODY_CHARS_MAX: usize = 60_000;

/// Sequence numbers that are reserved on disk at a time, so that not each costs a write.
pub const SEQ_RESERVE: u64 = 1_024;

/// Peers that are named as holders of a sample, lowest id first.
pub const HOLDERS_ASKED_MAX: usize = 4;

/// How long after an unclear answer to look again, each counted from the answer, before anything is created again.
///
/// The forge kills a request after 10 s and its lists lag by seconds; a minute covers both with room to spare.
pub const LOOK_AGAIN_AFTER: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(60)];

/// How long after an issue was closed it may be opened again. An error that comes back later gets a new issue that names the old one.
///
/// 90 days: what was discussed then is of little use by now, and people are notified of old closed issues by nothing else.
pub const GIVEN_UP_AFTER: Duration = Duration::from_secs(90 * 24 * 3600);

/// How many creates one filing may send. After the last unclear one it waits for the next bundle, and begins anew with looking for a minute.
pub const CREATES_MAX: u8 = 2;

/// Issues that the lease's record names: those created last. A list that lacks one of them is behind, and the issue is read by its number.
///
/// 16: creates are at least 3 s apart, and lists lag by seconds.
pub const LEASE_ISSUES_MAX: usize = 16;

/// How far another node's clock may be ahead before its word on when an error was seen last is left out, in milliseconds.
///
/// A day is more than any time zone set by mistake.
pub const AHEAD_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// How far another node's clock may be ahead before its word on when it created an issue no longer counts against the caps, in milliseconds.
///
/// An hour is the shorter of the two spans, so a clock that is wrong holds filing up for no more than that span once over.
pub const CREATED_AHEAD_MAX_MS: u64 = 60 * 60 * 1000;

/// Types of errors that are counted apart in a node's status, those seen most often first. The rest is counted together.
pub const TYPES_SHOWN_MAX: usize = 20;

/// Similar errors that an issue names. More than a handful says that the type is a generic one, and helps nobody.
pub const SIMILAR_MAX: usize = 5;

/// Places in the code that a pull request names. More are left out: the innermost say most.
pub const SUSPECTS_MAX: usize = 5;

/// Bytes of source around one place: 61 lines of ordinary width. The outer lines are left out beyond it.
pub const SUSPECT_SOURCE_BYTES_MAX: usize = 6 * 1024;

/// Owners that a pull request names. More are left out.
pub const OWNERS_MAX: usize = 5;

/// Files of one proposal, whatever the configuration says. A larger one is refused.
pub const CHANGED_FILES_MAX: usize = 50;

/// Bytes of a proposal's diff that are kept and shown. The rest is cut, and that is said.
///
/// 32 KiB: 120 changed lines with their context take a fifth of it.
pub const DIFF_BYTES_MAX: usize = 32 * 1024;

/// Names of failing tests that are kept of one run. More are counted only.
pub const FAILING_TESTS_MAX: usize = 50;

/// Bytes of the end of a test run's output. The beginning is cut.
pub const TEST_TAIL_BYTES_MAX: usize = 8 * 1024;

/// Bytes of the sentence on one stage. A longer one is cut.
pub const STAGE_NOTE_BYTES_MAX: usize = 400;

/// Stages kept of one fix: nine that come once or in each of at most ten rounds. Later ones are left out.
pub const STAGE_RECORDS_MAX: usize = 40;

/// Hours of counts that are kept of one error, for noticing patterns. What is older is left out.
///
/// 48: two days, so that the same hour of the day before is among them.
pub const RATE_HOURS: usize = 48;

/// Errors whose counts are followed by the hour. Of one more nothing is noticed, until one that is followed was not seen for an hour.
///
/// 2,048 at about 300 bytes stay under a MiB, and the hourly writing of all of them under half of one.
pub const SERIES_MAX: usize = 2_048;

/// Windows of five minutes after which an error that was not seen makes way for another: an hour.
pub const SERIES_IDLE_WINDOWS: u64 = 12;

/// Errors that are compared with each other for coming together, those seen last first. The others are left out.
///
/// 256 make 32,640 pairs, each two operations on a number: well under a millisecond for a list of all.
pub const TOGETHER_COMPARED_MAX: usize = 256;

/// Errors that are named as coming together with one. More say that something larger is wrong, and help nobody.
pub const TOGETHER_MAX: usize = 5;

/// Apps whose releases are told apart for noticing what is new in one. Of one more nothing is noticed.
pub const APPS_FOLLOWED_MAX: usize = 64;

/// Releases remembered of one app. The oldest make way.
///
/// 64: a service that is deployed twice a day has a month of them, as long as errors are kept.
pub const RELEASES_FOLLOWED_MAX: usize = 64;

/// Deploy markers that are kept. The oldest makes way.
///
/// 16: a rollback looks back half an hour, and people at the last few.
pub const DEPLOYS_MAX: usize = 16;

/// Issues that wait for their pull request at one node. More come with the next survey.
pub const PULLS_WAITING_MAX: usize = 100;

/// Issues remembered as getting no pull request for a while. More are tried again sooner, at one call each.
pub const PULLS_LEFT_ALONE_MAX: usize = 1_000;

/// Fixes that people have asked a node for and that wait for their turn. More are turned away, and `show` says so.
pub const FIX_REQUESTS_MAX: usize = 8;

/// Errors whose fix is due at one node. More wait for the next bundle.
pub const FIXES_DUE_MAX: usize = 100;

/// Bytes of each text of a fixer's answer. The rest is cut.
pub const ANSWER_TEXT_BYTES_MAX: usize = 4 * 1024;

/// Items of each list of a fixer's answer or remarks, of [`STAGE_NOTE_BYTES_MAX`] bytes each. More are left out.
pub const ANSWER_ITEMS_MAX: usize = 20;

/// Times that a fix of one error is looked for without a person's asking, by all nodes together: once more after a failure that may pass, or
/// after the node stopped in the middle of it.
pub const FIX_ATTEMPTS_MAX: u64 = 2;
