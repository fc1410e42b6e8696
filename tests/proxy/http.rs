//! HTTP/1.1 as far as a proxy between healnode and the emulator needs it: one message at a time, bodies by their length.
//!
//! Knows no faults; those are in `mod.rs` beside it.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

/// Bytes of a body that are taken. No issue and no list of a test comes near.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A request, whole.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With its query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads the next one. `None` when the connection ends before it begins.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some((line, headers)) = read_head(from)? else { return Ok(None) };
        let mut words = line.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Err(invalid("no request line")) };
        let length = header(&headers, "content-length").map_or(Ok(0), str::parse).map_err(|_not_a_number| invalid("no length"))?;
        let mut request = Self { method: method.to_owned(), target: target.to_owned(), headers, body: Vec::new() };
        request.body.resize(if length > BODY_BYTES_MAX { return Err(invalid("a body too long")) } else { length }, 0);
        from.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    /// Returns a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Returns the path below the repository, or the whole path when it is not below one, without the query.
    pub(crate) fn path(&self) -> &str {
        let path = self.target.split('?').next().unwrap_or_default();
        let below = path.strip_prefix("/repos/").and_then(|rest| rest.splitn(3, '/').nth(2));
        below.map_or(path, |below| &path[path.len() - below.len() - 1..])
    }

    /// Sends it to a server on a connection of its own, and returns the answer.
    pub(crate) fn forward(&self, server: SocketAddr) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(server)?;
        let mut head = format!("{} {} HTTP/1.0\r\nhost: {server}\r\ncontent-length: {}\r\n", self.method, self.target, self.body.len());
        for (name, value) in self.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "host" | "content-length" | "connection")) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        stream.write_all(&self.body)?;
        Answer::read_to_end(&mut BufReader::new(stream))
    }
}

impl Answer {
    /// Makes one of JSON text.
    pub(crate) fn json(status: u16, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Self { status, headers, body: body.as_bytes().to_vec() }
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Returns its bytes on the wire, for a connection that stays open.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Answer\r\n", self.status);
        let own = |name: &str| matches!(name, "content-length" | "connection" | "transfer-encoding" | "keep-alive");
        for (name, value) in self.headers.iter().filter(|(name, _)| !own(name)) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }

    fn read_to_end(from: &mut impl BufRead) -> io::Result<Self> {
        let (line, headers) = read_head(from)?.ok_or_else(|| invalid("no answer"))?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| invalid("no status"))?;
        let mut body = Vec::new();
        from.read_to_end(&mut body)?;
        Ok(Self { status, headers, body })
    }
}

type Head = (String, Vec<(String, String)>);

fn read_head(from: &mut impl BufRead) -> io::Result<Option<Head>> {
    let first = read_line(from)?;
    if first.is_empty() {
        return Ok(None);
    }
    let mut headers = Vec::new();
    loop {
        let line = read_line(from)?;
        let Some((name, value)) = line.split_once(':') else { return Ok(Some((first, headers))) };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
