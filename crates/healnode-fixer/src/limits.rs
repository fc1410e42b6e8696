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
