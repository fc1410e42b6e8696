//! The signals that are sent to `exec` and meant for its command.

use std::task::{Context, Poll, Waker};

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{self, SignalKind, signal};

/// What is listened for, and as what it is passed on. A change of size and a going on are not passed on as such.
const SIGNALS: [Signal; 9] =
    [Signal::HUP, Signal::TERM, Signal::USR1, Signal::USR2, Signal::ALARM, Signal::INT, Signal::QUIT, Signal::WINCH, Signal::CONT];

/// Signals that ask a command to end.
const STOPS: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

/// What the keyboard stops commands by, and what tells that one was stopped.
const STOPPINGS: [Signal; 4] = [Signal::CHILD, Signal::TSTP, Signal::TTIN, Signal::TTOU];

/// The signals, as they come.
pub(super) struct Signals {
    streams: Streams,
    stopped: bool,
}

impl Signals {
    /// Listens for what is not ignored: a signal that is caught here would no longer be ignored by the command, which would undo `nohup`.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(super) fn listen() -> std::io::Result<Self> {
        let streams = listen_for(&SIGNALS)?;
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
        poll_all(&mut self.streams, context)
    }

    fn note(&mut self, signal: Signal) {
        self.stopped |= STOPS.contains(&signal);
    }
}

/// Stops of this process or its command. While this lives the keyboard does not stop this process, which so can finish what it is at.
pub(super) struct Stops(Streams);

impl Stops {
    /// # Errors
    /// When the system does not let it.
    pub(super) fn listen() -> std::io::Result<Self> {
        listen_for(&STOPPINGS).map(Self)
    }

    /// Waits until this process or its command may have been stopped. May be cancelled.
    pub(super) async fn next(&mut self) {
        std::future::poll_fn(|context| poll_all(&mut self.0, context)).await;
    }
}

type Streams = Vec<(Signal, unix::Signal)>;

fn listen_for(signals: &[Signal]) -> std::io::Result<Streams> {
    let ignored = ignored_signals();
    let kinds = signals.iter().map(|signal| (*signal, SignalKind::from_raw(signal.as_raw())));
    kinds.filter(|(_, kind)| !ignored.contains(*kind)).map(|(number, kind)| Ok((number, signal(kind)?))).collect()
}

fn poll_all(streams: &mut Streams, context: &mut Context<'_>) -> Poll<Signal> {
    let is_ready = |(signal, stream): &mut (Signal, unix::Signal)| stream.poll_recv(context).is_ready().then_some(*signal);
    streams.iter_mut().find_map(is_ready).map_or(Poll::Pending, Poll::Ready)
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
