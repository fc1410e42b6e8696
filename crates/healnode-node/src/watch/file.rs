//! One log file as it lies on disk: its identity, its bytes from a place on, and where it went when it was rotated.
//!
//! Every function here may block; `follow.rs` calls them where that does no harm.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};

use super::limits::{BESIDE_MAX, CHUNK_BYTES, CONTEXT_BYTES, FOLDER_ENTRIES_MAX, HEAD_BYTES, HEAD_BYTES_OF_COPY, MISSED_MAX};
use super::position::digest;

/// An open log.
pub(super) struct LogFile {
    file: File,
    inode: u64,
}

/// The beginning of a file, by which it is known again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) bytes: u64,
    pub(super) digest: String,
}

/// What a look at an open file gave.
pub(super) struct Look {
    /// The bytes from the asked place on, as many as are read at a time.
    pub(super) bytes: Vec<u8>,
    /// How long the file is.
    pub(super) length: u64,
    /// Its beginning, as far as it is known by now.
    pub(super) head: Head,
    /// Whether the file begins otherwise than before, or is shorter than it was read to: it was truncated.
    pub(super) is_anew: bool,
}

impl LogFile {
    /// Opens a file. Anything else is refused before it is opened: a pipe without a writer would wait for one.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
        }
        let file = File::open(path)?;
        Ok(Self { inode: file.metadata()?.ino(), file })
    }

    pub(super) fn inode(&self) -> u64 {
        self.inode
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Digests the first `bytes` of the file; of a shorter one all.
    pub(super) fn head(&self, bytes: u64) -> io::Result<Head> {
        let mut head = vec![0; usize::try_from(bytes).unwrap_or(HEAD_BYTES).min(HEAD_BYTES)];
        let length = self.read_whole(&mut head, 0)?;
        Ok(Head { bytes: length as u64, digest: digest(&[&head[..length]]) })
    }

    /// Whether the file begins like this and reaches to `offset`.
    fn goes_on_from(&self, head: &Head, offset: u64) -> bool {
        self.length().is_ok_and(|length| length >= offset) && self.head(head.bytes).is_ok_and(|own| own == *head)
    }

    /// Looks at the file, and reads from `offset` on.
    pub(super) fn look(&self, offset: u64, known: &Head) -> io::Result<Look> {
        let length = self.length()?;
        if length < offset || self.head(known.bytes)? != *known {
            return Ok(Look { bytes: Vec::new(), length, head: known.clone(), is_anew: true });
        }
        let mut bytes = vec![0; CHUNK_BYTES.min(usize::try_from(length - offset).unwrap_or(CHUNK_BYTES))];
        let read = self.read_whole(&mut bytes, offset)?;
        bytes.truncate(read);
        let head = if known.bytes < HEAD_BYTES as u64 { self.head(HEAD_BYTES as u64)? } else { known.clone() };
        Ok(Look { bytes, length, head, is_anew: false })
    }

    /// Returns the lines before `offset` that may go with an error after it, and where the line begins that `offset` is in.
    pub(super) fn before(&self, offset: u64) -> io::Result<(Vec<String>, u64)> {
        let from = offset.saturating_sub(CONTEXT_BYTES);
        let mut bytes = vec![0; usize::try_from(offset - from).unwrap_or_default()];
        let read = self.read_whole(&mut bytes, from)?;
        bytes.truncate(read);
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            return Ok((Vec::new(), if from == 0 { 0 } else { offset }));
        };
        let start = from + end as u64 + 1;
        let whole = if from == 0 { &bytes[..end] } else { behind_first_line(&bytes[..end]) };
        Ok((String::from_utf8_lossy(whole).lines().map(str::to_owned).collect(), start))
    }

    fn read_whole(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut read = 0;
        while read < buffer.len() {
            match self.file.read_at(&mut buffer[read..], offset + read as u64) {
                Ok(0) => break,
                Ok(length) => read += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }
}

/// Returns what stands behind the first end of a line.
fn behind_first_line(bytes: &[u8]) -> &[u8] {
    bytes.iter().position(|byte| *byte == b'\n').map_or(&[], |end| &bytes[end + 1..])
}

/// Finds the file that was read to `offset` once: at its path, or beside it under another name, or as a copy that was made before it was
/// truncated.
pub(super) fn find(path: &Path, inode: u64, head: &Head, offset: u64) -> Option<LogFile> {
    let is_same = |file: &LogFile| file.inode == inode && file.goes_on_from(head, offset);
    if let Some(file) = LogFile::open(path).ok().filter(is_same) {
        return Some(file);
    }
    let files: Vec<LogFile> = beside(path).into_iter().filter_map(|(path, _)| LogFile::open(&path).ok()).collect();
    let (mut same, others): (Vec<_>, Vec<_>) = files.into_iter().partition(is_same);
    same.pop().or_else(|| find_copy_among(others, head, offset))
}

/// Finds the copy of a file that was made before it was truncated.
pub(super) fn find_copy(path: &Path, inode: u64, head: &Head, offset: u64) -> Option<LogFile> {
    let others = beside(path).into_iter().filter(|(_, metadata)| metadata.ino() != inode);
    find_copy_among(others.filter_map(|(path, _)| LogFile::open(&path).ok()).collect(), head, offset)
}

fn find_copy_among(files: Vec<LogFile>, head: &Head, offset: u64) -> Option<LogFile> {
    files.into_iter().find(|file| head.bytes >= HEAD_BYTES_OF_COPY && file.goes_on_from(head, offset))
}

/// Returns the files that were rotated away after the one with number `inode`, the oldest first: those that are neither read nor lay there
/// before.
pub(super) fn rotated_after(path: &Path, inode: u64, read: &[u64], before: &[u64]) -> Vec<LogFile> {
    let files = beside(path);
    let Some(changed) = files.iter().find(|(_, metadata)| metadata.ino() == inode).map(|(_, metadata)| changed(metadata)) else {
        return Vec::new();
    };
    let later = files.iter().filter(|(path, metadata)| {
        let is_new = !read.contains(&metadata.ino()) && !before.contains(&identity(metadata));
        self::changed(metadata) >= changed && is_new && !is_compressed(path)
    });
    later.take(MISSED_MAX).filter_map(|(path, _)| LogFile::open(path).ok()).collect()
}

/// Tells apart the files that lie beside a log now, so that none of them is taken for one that was rotated away later. It may be a log of
/// its own.
pub(super) fn identities_beside(path: &Path) -> Vec<u64> {
    beside(path).iter().rev().take(BESIDE_MAX).map(|(_, metadata)| identity(metadata)).collect()
}

/// The number of a deleted file is given to the next that is made, so the time of making is a part, where the file system tells.
fn identity(metadata: &Metadata) -> u64 {
    let made = metadata.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let hash = Sha256::digest([metadata.ino().to_be_bytes().as_slice(), &made.as_nanos().to_be_bytes()].concat());
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// When a file was last written to, in seconds and nanoseconds.
fn changed(metadata: &Metadata) -> (i64, i64) {
    (metadata.mtime(), metadata.mtime_nsec())
}

/// Returns what lies beside a file and is called like it, by the time of its last change, the oldest first. The file itself is left out.
fn beside(path: &Path) -> Vec<(PathBuf, Metadata)> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().map(|name| name.to_string_lossy())) else { return Vec::new() };
    let Ok(entries) = fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }) else { return Vec::new() };
    let is_rotated = |path: &Path| path.file_name().is_some_and(|other| is_rotated_name(&other.to_string_lossy(), &name));
    let mut files: Vec<_> = entries
        .take(FOLDER_ENTRIES_MAX)
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_rotated(path))
        .filter_map(|path| fs::metadata(&path).ok().filter(Metadata::is_file).map(|metadata| (path, metadata)))
        .collect();
    files.sort_by_key(|(_, metadata)| changed(metadata));
    files
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["gz", "bz2", "xz", "zst", "lz4", "Z"].iter().any(|known| extension == *known))
}

/// Whether a name is one under which a file is kept after rotation: `app.log.1`, `app.log-20261125`, `app-2026-11-25.log`, `app.1.log`.
fn is_rotated_name(other: &str, name: &str) -> bool {
    let is_mark = |mark: &str| {
        mark.starts_with(['.', '-', '_']) && mark.bytes().any(|byte| byte.is_ascii_digit()) || matches!(mark, ".old" | ".bak" | ".orig")
    };
    if let Some(mark) = other.strip_prefix(name) {
        return is_mark(mark);
    }
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    other.strip_prefix(stem).and_then(|rest| rest.strip_suffix(extension)).and_then(|mark| mark.strip_suffix('.')).is_some_and(is_mark)
}

/// Returns what an application is called by the name of its log: `billing` for `/var/log/billing.log.1`.
pub(super) fn app_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut app = name.as_str();
    while let Some(at) = app.rfind(['.', '-', '_']).filter(|at| *at > 0) {
        let mark = &app[at + 1..];
        let is_number = !mark.is_empty() && mark.bytes().all(|byte| byte.is_ascii_digit());
        let is_extension =
            app.as_bytes()[at] == b'.' && ["log", "txt", "out", "err", "json", "jsonl", "ndjson", "old", "bak"].contains(&mark);
        if !is_number && !is_extension {
            break;
        }
        app = &app[..at];
    }
    app.to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn an_application_is_called_like_its_log() {
        for (path, app) in [
            ("/var/log/billing-api.log", "billing-api"),
            ("billing.log.1", "billing"),
            ("billing.log-20261125", "billing"),
            ("shop-2026-11-25.log", "shop"),
            ("shop.1.log", "shop"),
            ("v2.json", "v2"),
            ("service", "service"),
            ("web.example.com.log", "web.example.com"),
            (".log", ".log"),
            ("1.log", "1"),
        ] {
            assert_eq!(app_of(Path::new(path)), app, "{path}");
        }
    }

    #[test]
    fn rotated_files_are_known_by_their_names() {
        for other in
            ["app.log.1", "app.log-20261125", "app-2026-11-25.log", "app.1.log", "app.log.old", "app.log.2026-11-25_10", "app.log.2.gz"]
        {
            assert!(is_rotated_name(other, "app.log"), "{other}");
        }
        for other in ["app.log", "app-errors.log", "apple.log", "app.log.swp", "app.txt", "other.log.1"] {
            assert!(!is_rotated_name(other, "app.log"), "{other}");
        }
    }

    #[test]
    fn only_what_was_rotated_away_later_was_missed() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.log");
        let write = |name: &str| fs::write(dir.path().join(name), name).unwrap();
        ["app.log.1", "app-worker.log", "app-2.log"].into_iter().for_each(write);
        let before = identities_beside(&log);
        let last = LogFile::open(&dir.path().join("app.log.1")).unwrap().inode();
        ["app.log.2", "app.log.3.gz", "app-2.log"].into_iter().for_each(write);
        let missed = rotated_after(&log, last, &[last], &before);
        let expected = LogFile::open(&dir.path().join("app.log.2")).unwrap().inode();
        assert_eq!(missed.iter().map(LogFile::inode).collect::<Vec<_>>(), [expected]);
        assert!(rotated_after(&log, last, &[last, expected], &before).is_empty());
    }

    #[test]
    fn the_lines_before_a_place_are_whole() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"one\ntwo\nthr").unwrap();
        let log = LogFile::open(file.path()).unwrap();
        assert_eq!(log.before(11).unwrap(), (vec!["one".to_owned(), "two".to_owned()], 8));
        assert_eq!(log.before(8).unwrap(), (vec!["one".to_owned(), "two".to_owned()], 8));
        assert_eq!(log.before(2).unwrap(), (Vec::new(), 0));
        file.write_all(&vec![b'x'; 100_000]).unwrap();
        file.write_all(b"\nlast\n").unwrap();
        let length = log.length().unwrap();
        assert_eq!(log.before(length).unwrap(), (vec!["last".to_owned()], length));
    }

    #[test]
    fn a_file_that_begins_anew_is_noticed() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"one\n").unwrap();
        let log = LogFile::open(file.path()).unwrap();
        let look = log.look(0, &log.head(0).unwrap()).unwrap();
        assert_eq!((look.bytes.as_slice(), look.head.bytes, look.is_anew), (&b"one\n"[..], 4, false));
        assert!(!log.look(4, &look.head).unwrap().is_anew);
        fs::write(file.path(), "two\n").unwrap();
        assert!(log.look(4, &look.head).unwrap().is_anew);
        fs::write(file.path(), "one\nthree\n").unwrap();
        assert_eq!(log.look(4, &look.head).unwrap().bytes, b"three\n");
        fs::write(file.path(), "").unwrap();
        assert!(log.look(4, &look.head).unwrap().is_anew);
    }
}
