//! The folder itself: its lock, its numbers, its files.
//!
//! A file is `0007-valueerror-bad-input.md`, and a pull request's is below `pulls`; the number is what counts, the rest is for people, and both
//! kinds share their numbers. Everything happens under the lock of
//! `.lock`, which also remembers the highest number ever given, so that a deleted issue's number is not given again. A file is written
//! under another name, flushed and renamed, so that nobody ever sees half of one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use healnode_core::limits::URL_BYTES_MAX;
use healnode_core::{FoundIssue, IssueNumber, IssueRef, MUTE_LABEL, Marker, QUIET_LABEL, Stated, UnixMillis};

use super::page::Page;
use crate::percent::encode;

/// Bytes of one file. A longer one is nothing of ours and is passed over.
///
/// 1 MiB: an issue has at most 60,000 characters, and people may add to it.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Digits of an issue's number. A file with more is nothing of ours and is passed over.
const NUMBER_DIGITS_MAX: usize = 9;

/// Letters of the title that go into the file's name.
const SLUG_CHARS_MAX: usize = 48;

/// What every title starts with, and no name of a file needs.
const TITLE_PREFIX: &str = "[Auto-Generated Error]";

/// How long to wait between two tries to get the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Where pull requests are, below the folder.
const PULLS: &str = "pulls";

const LOCK_NAME: &str = ".lock";
const NEW_NAME: &str = ".new";

/// A folder of issues, by its absolute path.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    dir: PathBuf,
}

/// The folder while nobody else may touch it. Dropping this gives it free.
#[derive(Debug)]
pub(super) struct Locked {
    dir: PathBuf,
    /// Holds the lock; its content is the highest number ever given.
    lock: File,
}

/// One issue or pull request in the folder.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: IssueNumber,
    path: PathBuf,
    /// When the file was last written, by anybody.
    pub(super) changed: UnixMillis,
    pub(super) page: Page,
}

impl Folder {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the folder if need be and waits for its lock.
    ///
    /// # Errors
    /// `WouldBlock` when another process holds the lock for longer than `patience`; else what the file system says.
    pub(super) fn lock(&self, patience: Duration) -> io::Result<Locked> {
        fs::create_dir_all(&self.dir)?;
        let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(self.dir.join(LOCK_NAME))?;
        let deadline = Instant::now() + patience;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Locked { dir: self.dir.clone(), lock }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl Locked {
    /// Returns every file that can be read as an issue, lowest number first. Others are passed over.
    pub(super) fn entries(&self) -> io::Result<Vec<Entry>> {
        read_all(&self.dir)
    }

    /// Returns every file that can be read as a pull request, lowest number first. Others are passed over.
    pub(super) fn pulls(&self) -> io::Result<Vec<Entry>> {
        read_all(&self.dir.join(PULLS))
    }

    pub(super) fn read(&self, number: IssueNumber) -> io::Result<Option<Entry>> {
        read_one(&self.dir, number)
    }

    pub(super) fn read_pull(&self, number: IssueNumber) -> io::Result<Option<Entry>> {
        read_one(&self.dir.join(PULLS), number)
    }

    /// Tells whether there is a file of this number, readable or not.
    pub(super) fn has(&self, number: IssueNumber) -> io::Result<bool> {
        Ok(files_in(&self.dir)?.iter().any(|(found, _path)| *found == number))
    }

    /// Writes a new issue under the next number.
    ///
    /// # Errors
    /// After an error there is no such issue: its file gets its name last.
    pub(super) fn create(&self, page: &Page, title: &str) -> io::Result<Entry> {
        self.create_in(&self.dir, page, &slug(title))
    }

    /// Writes a new pull request under the next number; see [`create`](Self::create).
    pub(super) fn create_pull(&self, page: &Page, name: &str) -> io::Result<Entry> {
        let dir = self.dir.join(PULLS);
        fs::create_dir_all(&dir)?;
        self.create_in(&dir, page, name)
    }

    fn create_in(&self, dir: &Path, page: &Page, name: &str) -> io::Result<Entry> {
        let number = IssueNumber(self.highest_number()?.saturating_add(1));
        let path = dir.join(format!("{:04}-{name}.md", number.0));
        self.remember_number(number)?;
        let entry = Entry { number, path, changed: unix_millis(SystemTime::now()), page: page.clone() };
        self.replace(&entry)?;
        Ok(entry)
    }

    /// Writes the newest commit of a pull request beside it, whole or not at all.
    pub(super) fn write_commit(&self, pull: &Entry, stream: &[u8]) -> io::Result<()> {
        let path = self.dir.join(PULLS).join(format!("{:04}.fast-import", pull.number.0));
        self.put(&path, stream)
    }

    /// Writes an issue's or a pull request's file anew, whole or not at all.
    pub(super) fn replace(&self, entry: &Entry) -> io::Result<()> {
        let text = entry.page.text();
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.put(&entry.path, text.as_bytes())
    }

    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let new = self.dir.join(NEW_NAME);
        let written = write_durably(&new, content).and_then(|()| fs::rename(&new, path));
        if let Err(error) = written {
            // What is left over is overwritten by the next write.
            let _already_failing = fs::remove_file(&new);
            return Err(error);
        }
        path.parent().into_iter().for_each(flush_names);
        Ok(())
    }

    /// Makes sure that a file can be written, and takes it away again.
    pub(super) fn try_writing(&self) -> io::Result<()> {
        let new = self.dir.join(NEW_NAME);
        write_durably(&new, b"")?;
        fs::remove_file(new)
    }

    fn highest_number(&self) -> io::Result<u64> {
        let mut text = String::new();
        let mut lock = &self.lock;
        lock.rewind()?;
        // A torn or strange content is no number; then the files alone count.
        let remembered = lock.take(32).read_to_string(&mut text).ok().and_then(|_read| text.trim().parse().ok()).unwrap_or(0);
        let highest = |dir: &Path| Ok::<_, io::Error>(files_in(dir)?.last().map_or(0, |(number, _path)| number.0));
        Ok(highest(&self.dir)?.max(highest(&self.dir.join(PULLS))?).max(remembered))
    }

    fn remember_number(&self, number: IssueNumber) -> io::Result<()> {
        let mut lock = &self.lock;
        lock.rewind()?;
        lock.set_len(0)?;
        writeln!(lock, "{}", number.0)
    }
}

/// A rename is in place for everybody at once; this only makes it outlast a power cut, and not every file system can.
fn flush_names(dir: &Path) {
    if let Err(error) = File::open(dir).and_then(|dir| dir.sync_all()) {
        tracing::debug!(%error, "the outbox's folder could not be flushed");
    }
}

fn read_all(dir: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (number, path) in files_in(dir)? {
        entries.extend(read_entry(number, path)?);
    }
    Ok(entries)
}

fn read_one(dir: &Path, number: IssueNumber) -> io::Result<Option<Entry>> {
    for (found, path) in files_in(dir)? {
        if found == number
            && let Some(entry) = read_entry(found, path)?
        {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// Names that begin with a number, in the order of their numbers; none where there is no folder.
fn files_in(dir: &Path) -> io::Result<Vec<(IssueNumber, PathBuf)>> {
    let items = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut files = Vec::new();
    for item in items {
        let path = item?.path();
        if let Some(number) = number_of(&path) {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files)
}

impl Entry {
    /// Returns what is kept of the issue.
    pub(super) fn reference(&self) -> IssueRef {
        IssueRef { number: self.number, url: self.url(), open: self.page.is_open() }
    }

    /// Returns the file's address. One that is too long to keep is left out; the number stands for itself.
    pub(super) fn url(&self) -> String {
        let url = format!("file://{}", encode(&self.path.to_string_lossy(), b"/"));
        if url.len() <= URL_BYTES_MAX { url } else { String::new() }
    }

    /// Returns the issue if it has a marker.
    pub(super) fn found(&self, approval_label: &str) -> Option<FoundIssue> {
        Some(self.shown(approval_label)).filter(|found| !found.markers.is_empty())
    }

    /// Returns the issue, marker or not.
    pub(super) fn shown(&self, approval_label: &str) -> FoundIssue {
        FoundIssue {
            issue: self.reference(),
            markers: self.page.markers(),
            is_one_error: Marker::are_of_one_error(self.page.body()),
            created_at: self.page.created().unwrap_or(self.changed),
            closing: self.page.closing(self.changed),
            locked: self.page.is_locked(),
            muted: self.page.has_label(MUTE_LABEL),
            quiet: self.page.has_label(QUIET_LABEL),
            approved: !approval_label.is_empty() && self.page.has_label(approval_label),
            stated: Stated::read(self.page.body()),
        }
    }
}

fn number_of(path: &Path) -> Option<IssueNumber> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".md")?;
    let digits = stem.split('-').next()?;
    if digits.len() > NUMBER_DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().ok()?;
    (number > 0).then_some(IssueNumber(number))
}

fn read_entry(number: IssueNumber, path: PathBuf) -> io::Result<Option<Entry>> {
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| {
        let changed = file.metadata()?.modified()?;
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok(unix_millis(changed))
    });
    let changed = match read {
        Ok(changed) => changed,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory) => return Ok(None),
        Err(error) => return Err(error),
    };
    let short = bytes.len() as u64 <= FILE_BYTES_MAX;
    let page = String::from_utf8(bytes).ok().filter(|_text| short).and_then(|text| Page::parse(&text));
    if page.is_none() {
        tracing::debug!(path = %path.display(), "a file in the outbox is no readable issue and is passed over");
    }
    Ok(page.map(|page| Entry { number, path, changed, page }))
}

pub(super) fn unix_millis(at: SystemTime) -> UnixMillis {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn slug(title: &str) -> String {
    let title = title.strip_prefix(TITLE_PREFIX).unwrap_or(title);
    let words = title.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = String::new();
    for word in words {
        let room = SLUG_CHARS_MAX.saturating_sub(slug.len());
        if word.len() + 1 > room {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    if slug.is_empty() { "error".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use healnode_core::IssueDraft;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn page() -> Page {
        Page::new(&IssueDraft { title: "T".to_owned(), body: "B".to_owned(), labels: Vec::new() }, "n", UnixMillis(0))
    }

    #[test]
    fn the_name_of_a_file_tells_what_it_is_about() {
        assert_eq!(slug("[Auto-Generated Error] ValueError: bad input"), "valueerror-bad-input");
        assert_eq!(slug("[Auto-Generated Error] 错误"), "error");
        assert_eq!(slug(&"../etc/passwd ".repeat(20)), "etc-passwd-etc-passwd-etc-passwd-etc-passwd-etc");
        assert_eq!(slug(&"x".repeat(80)), "error");
    }

    #[test]
    fn the_number_of_a_deleted_issue_is_not_given_again() {
        let dir = tempfile::tempdir().unwrap();
        let locked = Folder::new(dir.path().to_owned()).lock(PATIENCE).unwrap();
        fs::write(dir.path().join("0005-by-hand.md"), "nonsense").unwrap();
        let entry = locked.create(&page(), "first").unwrap();
        assert_eq!(entry.path.file_name().unwrap(), "0006-first.md");
        fs::remove_file(&entry.path).unwrap();
        assert_eq!(locked.create(&page(), "second").unwrap().number, IssueNumber(7));

        fs::write(dir.path().join(LOCK_NAME), "torn\u{0}").unwrap();
        assert_eq!(locked.create(&page(), "third").unwrap().number, IssueNumber(8));
    }

    #[test]
    fn nobody_waits_for_ever_for_a_folder_that_another_holds() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().to_owned());
        let held = folder.lock(PATIENCE).unwrap();
        assert_eq!(folder.lock(Duration::from_millis(20)).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(held);
        folder.lock(PATIENCE).unwrap();
    }

    #[test]
    fn only_names_with_a_number_are_issues() {
        let number = |name: &str| number_of(Path::new(name)).map(|number| number.0);
        assert_eq!(number("0007-valueerror.md"), Some(7));
        assert_eq!(number("12345.md"), Some(12345));
        for name in ["README.md", "+7-x.md", "0000-x.md", "0007-x.txt", "-7.md", "9999999999-x.md"] {
            assert_eq!(number(name), None, "{name}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let locked = Folder::new(dir.path().to_owned()).lock(PATIENCE).unwrap();
        fs::create_dir(dir.path().join(NEW_NAME)).unwrap();
        assert!(locked.create(&page(), "first").is_err());
        assert!(locked.entries().unwrap().is_empty());
    }
}
