//! Passes what is typed on the terminal to the command's own, byte for byte.
//!
//! A thread, for a terminal can only be waited for together with others by means that would change it for whoever shares it. It reads only
//! while it is told to, so that what is typed to others stays theirs. A key that interrupts the command also interrupts what was started together
//! with this process, such as a script around it, for the real terminal would have done so.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read, write};
use rustix::process::{Pid, Signal, kill_current_process_group};
use rustix::termios::{LocalModes, SpecialCodeIndex, tcgetattr, tcgetpgrp};

/// Bytes that are read at once: what a terminal holds of a line.
const BUFFER_BYTES: usize = 4096;

/// The passing on of keys. It ends when this is dropped.
pub(super) struct Keyboard {
    state: Arc<State>,
    wake: io::PipeWriter,
}

#[derive(Default)]
struct State {
    is_listening: AtomicBool,
    has_signalled: AtomicBool,
}

impl Keyboard {
    /// Prepares to pass keys from a terminal to the master's end of another. None are read yet.
    ///
    /// # Errors
    /// When the system gives no thread or no pipe.
    pub(super) fn new(terminal: OwnedFd, master: OwnedFd, command: Pid) -> io::Result<Self> {
        let (woken, wake) = io::pipe()?;
        let state = Arc::new(State::default());
        let keys = Keys { terminal, master, command, woken, state: state.clone() };
        std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || keys.pass_on())?;
        Ok(Self { state, wake })
    }

    /// Begins or ends reading.
    pub(super) fn listen(&mut self, is_listening: bool) {
        self.state.is_listening.store(is_listening, Ordering::SeqCst);
        if self.wake.write_all(&[0]).is_err() {
            tracing::debug!("nobody reads the keyboard any more");
        }
    }

    /// Returns whether a signal to this process came from here, since that was asked last. The command has it already.
    pub(super) fn has_signalled(&self) -> bool {
        self.state.has_signalled.swap(false, Ordering::SeqCst)
    }
}

/// The thread's part.
struct Keys {
    terminal: OwnedFd,
    master: OwnedFd,
    command: Pid,
    woken: io::PipeReader,
    state: Arc<State>,
}

impl Keys {
    fn pass_on(mut self) {
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let (is_woken, is_typed) = self.wait();
            if is_woken && !self.woken.read(&mut [0]).is_ok_and(|read| read > 0) {
                return;
            }
            if !is_typed || !self.state.is_listening.load(Ordering::SeqCst) {
                continue;
            }
            match read(&self.terminal, &mut buffer) {
                Ok(length @ 1..) => {
                    let interrupt = self.interrupt_in(&buffer[..length]);
                    write_all(self.master.as_fd(), &buffer[..length]);
                    interrupt.into_iter().for_each(|signal| self.signal_all(signal));
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                // The terminal is gone, or another's. Who reads on would read for ever.
                Ok(_) | Err(_) => self.state.is_listening.store(false, Ordering::SeqCst),
            }
        }
    }

    fn wait(&self) -> (bool, bool) {
        let mut both = [PollFd::new(&self.woken, PollFlags::IN), PollFd::new(&self.terminal, PollFlags::IN)];
        let waited = if self.state.is_listening.load(Ordering::SeqCst) { &mut both[..] } else { &mut both[..1] };
        if poll(waited, None).is_err() {
            return (false, false);
        }
        (!both[0].revents().is_empty(), !both[1].revents().is_empty())
    }

    /// Returns the signal that the command's terminal makes of the keys. None where they go to a job of a shell that was started as the command.
    fn interrupt_in(&self, typed: &[u8]) -> Option<Signal> {
        let modes = tcgetattr(&self.master).ok()?;
        let keys = [(SpecialCodeIndex::VINTR, Signal::INT), (SpecialCodeIndex::VQUIT, Signal::QUIT)];
        let pressed = keys.into_iter().find(|(index, _)| modes.special_codes[*index] != 0 && typed.contains(&modes.special_codes[*index]));
        let is_for_command = modes.local_modes.contains(LocalModes::ISIG) && tcgetpgrp(&self.master).ok() == Some(self.command);
        pressed.filter(|_| is_for_command).map(|(_, signal)| signal)
    }

    fn signal_all(&self, signal: Signal) {
        self.state.has_signalled.store(true, Ordering::SeqCst);
        if let Err(problem) = kill_current_process_group(signal) {
            tracing::debug!(%problem, "the others could not be interrupted");
        }
    }
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match write(to, bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}
