//! Every bound of the search for a fix, why it is what it is, and what happens beyond it.

use std::time::Duration;

/// How long a stopped process has between the request to end and the end.
///
/// Copilot ends within a tenth of a second of a SIGTERM; test runners that clean up take a few.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(10);

/// How often what a process started is looked for while it runs. What is found is bound to the limits below.
pub(crate) const WATCH_EVERY: Duration = Duration::from_millis(200);

/// CPU time of one process, in seconds. It is ended by the kernel beyond it.
pub(crate) const CPU_SECONDS_MAX: u64 = 3_600;

/// Bytes of one file that is written. The writer is ended by the kernel beyond it.
///
/// 1 GiB: a test binary with debug information stays under half of it.
pub(crate) const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Processes of one launch at a time. All are ended beyond it.
///
/// 256: a parallel build on a large machine takes under half of it.
pub(crate) const PROCESSES_MAX: usize = 256;

/// Threads that one launch may add to those of the same user, counted by the kernel. `fork` fails beyond it.
///
/// The kernel's count is by user, and not for root; [`PROCESSES_MAX`] holds for all.
pub(crate) const THREADS_MAX: u64 = 4_096;

/// Bytes of memory of all processes of one launch. All are ended beyond it.
///
/// 6 GiB: a linker of a large program takes four.
pub(crate) const MEMORY_BYTES_MAX: u64 = 6 * 1024 * 1024 * 1024;

/// By how much the free room on the disk may fall during one launch, in bytes. All are ended beyond it.
///
/// 8 GiB: build folders of large programs take five. Others write meanwhile too, so this is a guard, no account.
pub(crate) const DISK_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// Looks through the table of processes for one end of them all. What is left after so many cannot be ended, as a process that hangs in the
/// kernel.
pub(crate) const SWEEPS_MAX: usize = 200;

/// Entries of one folder that are looked at where a folder holds something that must stay unreadable. More stay unreadable as well.
pub(crate) const GROUND_ENTRIES_MAX: usize = 1_000;

/// How long one call of git may take. It is ended beyond it, and the fix with it.
pub(crate) const GIT_LIMIT: Duration = Duration::from_secs(120);

/// How long a repository may take to say where its default branch is, when nothing is fetched. A forge answers within seconds, or hangs.
pub(crate) const REACH_LIMIT: Duration = Duration::from_secs(15);

/// How long a fetch may take: the first one brings all of the repository.
pub(crate) const FETCH_LIMIT: Duration = Duration::from_secs(600);

/// Bytes that one call of git may answer. It is ended beyond it. 64 MiB: a list of half a million files.
pub(crate) const GIT_ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes of one changed file. A larger one is refused.
pub(crate) const CHANGED_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Changed files that are looked at. With more the difference is refused without a closer look.
pub(crate) const LOOKED_AT_FILES_MAX: usize = 1_000;

/// Lines around a suspect line that are shown on either side.
pub(crate) const SOURCE_LINES: usize = 30;

/// Lines around a suspect line that have to be the same in the head of the default branch.
pub(crate) const SAME_LINES: usize = 3;

/// Bytes of the end of a test run's output that are kept while it runs, before redaction.
pub(crate) const OUTPUT_TAIL_BYTES: usize = 64 * 1024;

/// Bytes that a test run may print. It is ended beyond it. 256 MiB: verbose builds print a tenth.
pub(crate) const OUTPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of one line of output that are looked at for a test's name. The rest of it is passed over.
pub(crate) const OUTPUT_LINE_BYTES_MAX: usize = 4 * 1024;

/// Bytes of the name of a failing test. Longer ones are cut.
pub(crate) const TEST_NAME_BYTES_MAX: usize = 200;

/// Bytes of a fixer's answer file. A longer one counts as none.
pub(crate) const ANSWER_BYTES_MAX: u64 = 256 * 1024;

/// Bytes of one text in an answer. Longer ones are cut.
pub(crate) const ANSWER_TEXT_BYTES_MAX: usize = 8 * 1024;

/// Entries of one list in an answer. More are left out.
pub(crate) const ANSWER_ENTRIES_MAX: usize = 20;

/// Bytes of the error's own text in a prompt. The middle is cut beyond it.
pub(crate) const PROMPT_ERROR_BYTES_MAX: usize = 24 * 1024;

/// Remarks on one fix. More are counted in the last one.
pub(crate) const REMARKS_MAX: usize = 20;
