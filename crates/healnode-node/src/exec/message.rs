//! What the leader of a command's session tells the process that started it: five bytes a message.

use std::io;

use rustix::process::Pid;

/// Length of a message: what it is, and a number.
pub(super) const MESSAGE_BYTES: usize = 5;

/// The flag by which the leader knows that what it has as standard error is the command's input, and that its errors go to the terminal.
pub(super) const INPUT_APART: &str = "--input-apart";

/// What the other half sends to let a stopped command go on.
pub(super) const CONTINUE: u8 = b'c';

/// One message of the leader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Message {
    /// The command runs.
    Started(Pid),
    /// It does not; the system's number for why.
    NotStarted(i32),
    /// It was stopped by this signal.
    Stopped(i32),
    /// It ended with this status, as `wait` gives it.
    Ended(i32),
}

impl Message {
    pub(super) fn to_bytes(self) -> [u8; MESSAGE_BYTES] {
        let (kind, number) = match self {
            Message::Started(pid) => (b'p', pid.as_raw_pid()),
            Message::NotStarted(number) => (b'f', number),
            Message::Stopped(signal) => (b's', signal),
            Message::Ended(status) => (b'e', status),
        };
        let [a, b, c, d] = number.to_le_bytes();
        [kind, a, b, c, d]
    }

    /// # Errors
    /// When it is no message.
    pub(super) fn from_bytes([kind, a, b, c, d]: [u8; MESSAGE_BYTES]) -> io::Result<Self> {
        let number = i32::from_le_bytes([a, b, c, d]);
        let message = match kind {
            b'p' => Pid::from_raw(number).map(Message::Started),
            b'f' => Some(Message::NotStarted(number)),
            b's' => Some(Message::Stopped(number)),
            b'e' => Some(Message::Ended(number)),
            _ => None,
        };
        message.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the leader of the session said what is no message"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_read() {
        let pid = Pid::from_raw(4711).unwrap();
        for message in [Message::Started(pid), Message::NotStarted(2), Message::Stopped(20), Message::Ended(0x8b)] {
            assert_eq!(Message::from_bytes(message.to_bytes()).unwrap(), message);
        }
        assert!(Message::from_bytes([0; MESSAGE_BYTES]).is_err());
        assert!(Message::from_bytes([b'p', 0, 0, 0, 0]).is_err());
    }
}
