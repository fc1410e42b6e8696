//! Reports by the thousand: many requests under way on one connection to a node's socket.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Requests that one connection has under way. So many answers fit into the socket's buffer.
const PIPELINED: usize = 50;

/// Posts reports over one connection, each of which has to be acknowledged.
pub(crate) fn send_pipelined<T: AsRef<str>>(socket: &Path, mut reports: impl Iterator<Item = T>) {
    let mut stream = UnixStream::connect(socket).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut requests, mut sent) = (String::new(), 0);
        for report in reports.by_ref().take(PIPELINED) {
            let report = report.as_ref();
            requests += &format!("POST /v1/report HTTP/1.1\r\nhost: healnode\r\ncontent-length: {}\r\n\r\n{report}", report.len());
            sent += 1;
        }
        if sent == 0 {
            return;
        }
        stream.write_all(requests.as_bytes()).unwrap();
        for _ in 0..sent {
            assert_eq!(read_status(&mut answers), 200);
        }
    }
}

/// Reads one answer to its end and returns its status.
fn read_status(answers: &mut BufReader<UnixStream>) -> u16 {
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().unwrap();
        } else if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        } else if line.is_empty() {
            break;
        }
    }
    answers.read_exact(&mut vec![0; length]).unwrap();
    status
}
