//! Recorded requests, read from `tests/data`.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::fs;
use std::path::{Path, PathBuf};

use healnode_capture::sentry::Request;
use healnode_report::UnixMillis;

/// When the recorded requests come in.
pub(crate) const NOW: UnixMillis = UnixMillis(1_795_612_232_000);

/// A recorded request.
pub(crate) struct Capture {
    pub(crate) uri: String,
    pub(crate) content_encoding: Option<String>,
    pub(crate) sentry_auth: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Capture {
    /// The names of all recorded requests.
    pub(crate) fn names() -> Vec<String> {
        rows().into_iter().map(|row| row[0].clone()).collect()
    }

    pub(crate) fn load(name: &str) -> Capture {
        let row = rows().into_iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("{name} is not in captures.txt"));
        let header = |text: &str| (text != "-").then(|| text.to_owned());
        Capture {
            uri: row[1].clone(),
            content_encoding: header(&row[2]),
            sentry_auth: header(&row[3]),
            body: fs::read(data().join("captures").join(format!("{name}.bin"))).unwrap(),
        }
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            uri: &self.uri,
            content_encoding: self.content_encoding.as_deref(),
            sentry_auth: self.sentry_auth.as_deref(),
            authorization: None,
            body: &self.body,
        }
    }
}

/// The folder with recorded data.
pub(crate) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn rows() -> Vec<[String; 4]> {
    let text = fs::read_to_string(data().join("captures.txt")).unwrap();
    let cells = |line: &str| line.split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<String>>().try_into().unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(cells).collect()
}
