//! The signals that are sent to `exec` and meant for its command.

use std::task::{Context, Poll, Waker};

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{self, SignalKind, signal};

/// What is listened for, and as what it is passed on. A change of size and a going on are not passed on as such.
const SIGNALS: [Signal; 9] =
    [Signal::HUP, Signal::TERM, Signal::USR1, Signal::USR2, Signal::ALARM, Signal::INT, Signal::QUIT, Signal::WINCH, Signal::CONT];

/// Signals that ask a command to end.
const STOPS: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

/// The signals, as they come.
pub(super) struct Signals {
    streams: Vec<(Signal, unix::Signal)>,
    stopped: bool,
}

impl Signals {
    /// Listens for what is not ignored: a signal that is caught here would no longer be ignored by the command, which would undo `nohup`.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(super) fn listen() -> std::io::Result<Self> {
        let ignored = ignored_signals();
        let kinds = SIGNALS.map(|signal| (signal, SignalKind::from_raw(signal.as_raw())));
        let kinds = kinds.into_iter().filter(|(_, kind)| !ignored.contains(*kind));
        let streams = kinds.map(|(number, kind)| Ok((number, signal(kind)?))).collect::<std::io::Result<_>>()?;
        Ok(Self { streams, stopped: false })
    }

    /// Waits for one. May be cancelled.
    pub(super) async fn next(&mut self) -> Signal {
        let signal = std::future::poll_fn(|context| self.poll(context)).await;
        self.note(signal);
        signal
    }

    /// Returns whether one asked the command to end, those included that came just as it ended.
    pub(super) fn have_asked_to_stop(&mut self) -> bool {
        while let Poll::Ready(signal) = self.poll(&mut Context::from_waker(Waker::noop())) {
            self.note(signal);
        }
        self.stopped
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Signal> {
        for (signal, stream) in &mut self.streams {
            if stream.poll_recv(context).is_ready() {
                return Poll::Ready(*signal);
            }
        }
        Poll::Pending
    }

    fn note(&mut self, signal: Signal) {
        self.stopped |= STOPS.contains(&signal);
    }
}

/// Sends a signal to a command. One that has ended meanwhile does not get it.
pub(super) fn pass_on(pid: Pid, signal: Signal) {
    if let Err(problem) = kill_process(pid, signal) {
        tracing::debug!(%problem, "a signal could not be passed on");
    }
}

/// A set of signals.
#[derive(Clone, Copy)]
pub(super) struct SignalSet(u64);

impl SignalSet {
    pub(super) fn contains(self, kind: SignalKind) -> bool {
        self.0 >> (kind.as_raw_value() - 1) & 1 == 1
    }
}

/// Returns the signals that this process ignores. None where the system does not tell.
pub(super) fn ignored_signals() -> SignalSet {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    SignalSet(mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0))
}
