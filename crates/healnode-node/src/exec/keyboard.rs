//! Passes what is typed on the terminal to the command's own, byte for byte.
//!
//! A thread, for a terminal can only be waited for together with others by means that would change it for whoever shares it. It reads only
//! while it is told to, so that what is typed to others stays theirs.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read, write};
use rustix::termios::{LocalModes, SpecialCodeIndex, tcgetattr};

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
    has_interrupted: AtomicBool,
}

impl Keyboard {
    /// Prepares to pass keys from a terminal to the master's end of another. None are read yet.
    ///
    /// # Errors
    /// When the system gives no thread or no pipe.
    pub(super) fn new(terminal: OwnedFd, master: OwnedFd) -> io::Result<Self> {
        let (woken, wake) = io::pipe()?;
        let state = Arc::new(State::default());
        let keys = Keys { terminal, master, woken, state: state.clone() };
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

    /// Returns whether the command was sent an interrupt by a key.
    pub(super) fn has_interrupted(&self) -> bool {
        self.state.has_interrupted.load(Ordering::SeqCst)
    }
}

/// The thread's part.
struct Keys {
    terminal: OwnedFd,
    master: OwnedFd,
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
                    self.note_interrupt(&buffer[..length]);
                    write_all(self.master.as_fd(), &buffer[..length]);
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

    fn note_interrupt(&self, typed: &[u8]) {
        let Ok(modes) = tcgetattr(&self.master) else { return };
        let keys = [SpecialCodeIndex::VINTR, SpecialCodeIndex::VQUIT].map(|index| modes.special_codes[index]);
        if modes.local_modes.contains(LocalModes::ISIG) && typed.iter().any(|byte| *byte != 0 && keys.contains(byte)) {
            self.state.has_interrupted.store(true, Ordering::SeqCst);
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
