//! One report to the node's socket, as one HTTP request, within a time that no node can stretch.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use healnode_report::Report;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};

use crate::limits::ANSWER_BYTES_MAX;

/// A closed connection is an error and not a signal: a program that has set SIGPIPE to its default would be ended by one.
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: SendFlags = SendFlags::empty();

/// What the node said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// It has the report.
    Taken,
    /// It will never take it.
    Refused,
    /// It cannot take it at the moment, or what came is no answer.
    NotNow,
    /// Nobody listens, or this user may not ask.
    NoNode,
    /// It did not answer in time.
    Silent,
}

/// Posts a report. Returns within `wait_max` and the time of two system calls.
pub(crate) fn report(socket: &Path, report: &Report, wait_max: Duration) -> Answer {
    let deadline = Instant::now() + wait_max;
    let Ok(body) = serde_json::to_vec(report) else { return Answer::Refused };
    let stream = match connect(socket) {
        Ok(stream) => stream,
        Err(error) if is_time_out(&error) => return Answer::Silent,
        Err(_) => return Answer::NoNode,
    };
    match ask(stream, &body, deadline) {
        Ok(answer) => judge(&answer),
        Err(error) if is_time_out(&error) => Answer::Silent,
        Err(_) => Answer::NotNow,
    }
}

/// Connects without waiting: a socket whose node does not accept, and whose backlog is full, would otherwise hold the thread for ever.
fn connect(socket: &Path) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(socket)?;
    let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?;
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&fd, true)?;
    rustix::net::connect(&fd, &address)?;
    let stream = UnixStream::from(fd);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn ask(mut stream: UnixStream, body: &[u8], deadline: Instant) -> io::Result<Vec<u8>> {
    let head = format!(
        "POST /v1/report HTTP/1.1\r\nhost: healnode\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    send(&stream, head.as_bytes(), deadline)?;
    send(&stream, body, deadline)?;
    let mut answer = Vec::new();
    let mut piece = [0; ANSWER_BYTES_MAX];
    while answer.len() < ANSWER_BYTES_MAX && !answer.contains(&b'\n') {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(answer)
}

fn send(stream: &UnixStream, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(left(deadline)?))?;
        match rustix::net::send(stream, bytes, SEND_FLAGS) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => bytes = &bytes[length..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn is_time_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Reads the status of `HTTP/1.1 200 OK`.
fn judge(answer: &[u8]) -> Answer {
    let line = answer.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let status = std::str::from_utf8(line).ok().filter(|line| line.starts_with("HTTP/1.")).and_then(|line| line.split(' ').nth(1));
    match status.and_then(|status| status.parse::<u16>().ok()) {
        Some(200..=299) => Answer::Taken,
        Some(400..=499) => Answer::Refused,
        Some(_) | None => Answer::NotNow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_line_is_an_answer() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\n", Answer::Taken),
            ("HTTP/1.1 413 Payload Too Large\r\n", Answer::Refused),
            ("HTTP/1.1 507 Insufficient Storage\r\n", Answer::NotNow),
            ("HTTP/1.1 99999 x\r\n", Answer::NotNow),
            ("SSH-2.0-OpenSSH\r\n", Answer::NotNow),
            ("\u{0}\u{0}\n200", Answer::NotNow),
            ("", Answer::NotNow),
        ] {
            assert_eq!(judge(answer.as_bytes()), expected, "{answer:?}");
        }
    }
}
