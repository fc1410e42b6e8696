//! Follows one log by its path, over rotation and truncation, and keeps how far it is.
//!
//! A file that was rotated away is read on until it has been silent for a while; the one that took its place is read at once. What is done
//! with is only what no later error can begin at, and whose errors are delivered: from there a restart reads again.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::cutter::Cutter;
use super::file::{self, Head, LogFile, Look};
use super::limits::{GENERATIONS_MAX, HEAD_BYTES, LINE_BYTES_MAX, LOOK_EVERY, ROTATED_SILENCE, SAVE_EVERY};
use super::position::{Kept, Place, Position, digest};
use super::scan::{Scan, Sighting};
use super::sink::{Sink, silence};
use crate::deliver::new_event_id;

/// Follows one log. Whatever is awaited may be called off at any time: until a file is done with, it stays where its place is kept from.
pub(super) struct Follower {
    path: PathBuf,
    app: String,
    sink: Arc<Sink>,
    position: Arc<Position>,
    /// Files that are no longer at the path, the oldest first.
    rotated: Vec<Run>,
    /// The file at the path.
    current: Option<Run>,
    /// What lay beside it when it was first read.
    beside: Vec<u64>,
    saved: Kept,
    saved_at: Instant,
    /// What is wrong with the file, so that it is told once.
    problem: String,
}

/// One file's content, from its beginning or from where it was first seen.
struct Run {
    file: Arc<LogFile>,
    stream: String,
    head: Head,
    cutter: Cutter,
    scan: Scan<u64>,
    /// Everything before is done with.
    done_to: u64,
    heard_at: Instant,
    is_quiet: bool,
}

/// Why a log cannot be followed.
#[derive(Debug)]
pub(super) enum OpenError {
    /// It cannot be read. Later it would be read from its start, as a new one is, so it is not waited for.
    Log(io::Error),
    /// How far it was read cannot be kept.
    Keep(io::Error),
}

/// What is at the path.
enum AtPath {
    Same,
    Other(LogFile),
    Missing,
}

impl Follower {
    /// Finds the log again where it was left. One that was never watched is read from its end, or from its start if told so.
    pub(super) fn open(path: PathBuf, position: Position, sink: Arc<Sink>, is_from_start: bool) -> Result<Self, OpenError> {
        let context_lines = sink.context_lines();
        let kept = position.read().unwrap_or_else(|problem| {
            warn!(path = %path.display(), %problem, "where it was read to cannot be read, so it is read from its end");
            None
        });
        let mut follower = Self {
            app: sink.app(&file::app_of(&path)),
            path,
            sink,
            position: Arc::new(position),
            rotated: Vec::new(),
            current: None,
            beside: Vec::new(),
            saved: Kept::default(),
            saved_at: Instant::now(),
            problem: String::new(),
        };
        match kept {
            Some(kept) => follower.resume(&kept, context_lines),
            None => match LogFile::open(&follower.path) {
                Ok(file) => follower.current = Some(Run::at_first_sight(file, is_from_start, context_lines).map_err(OpenError::Log)?),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(OpenError::Log(error)),
            },
        }
        follower.beside = file::identities_beside(&follower.path);
        follower.position.write(&follower.kept()).map_err(OpenError::Keep)?;
        follower.saved = follower.kept();
        Ok(follower)
    }

    fn resume(&mut self, kept: &Kept, context_lines: usize) {
        let mut last = None;
        for place in &kept.places {
            let head = Head { bytes: place.head_bytes, digest: place.head.clone() };
            match file::find(&self.path, place.inode, &head, place.offset) {
                Some(file) => {
                    last = Some(file.inode());
                    self.rotated.push(Run::resumed(file, place, head, context_lines));
                }
                None => warn!(path = %self.path.display(), "the file that was read is gone; what was written to it since is not read"),
            }
        }
        let at_path = std::fs::metadata(&self.path).ok().map(|metadata| metadata.ino());
        if let Some(last) = last.filter(|last| Some(*last) != at_path) {
            let missed = file::rotated_after(&self.path, last, &self.read_now(), &kept.beside);
            self.rotated.extend(missed.into_iter().map(|file| Run::from_start(file, Scan::new(context_lines))));
        }
        if let Some(index) = self.rotated.iter().position(|run| Some(run.file.inode()) == at_path) {
            self.current = Some(self.rotated.remove(index));
        }
    }

    /// Follows until dropped. May be dropped at any point: what was not done with is read again.
    pub(super) async fn run(&mut self) {
        loop {
            if !self.step().await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Reads what is there, up to a bound. Returns whether there is more.
    async fn step(&mut self) -> bool {
        self.look_at_path().await;
        let mut is_more = false;
        for index in 0..self.rotated.len() {
            match self.rotated[index].read(&self.sink, &self.app).await {
                Ok(Reading::Read(has_more)) => is_more |= has_more,
                Ok(Reading::Anew) => self.rotated[index].end(&self.sink, &self.app).await,
                Err(problem) => self.tell(&problem),
            }
        }
        if let Some(run) = &mut self.current {
            match run.read(&self.sink, &self.app).await {
                Ok(Reading::Read(has_more)) => is_more |= has_more,
                Ok(Reading::Anew) => {
                    self.begin_anew().await;
                    is_more = true;
                }
                Err(problem) => self.tell(&problem),
            }
        }
        self.end_rotated().await;
        if self.saved_at.elapsed() >= SAVE_EVERY {
            self.save().await;
        }
        is_more
    }

    /// Takes note of a file that took the place of the one that is read.
    async fn look_at_path(&mut self) {
        let (path, inode) = (self.path.clone(), self.current.as_ref().map(|run| run.file.inode()));
        match blocking(move || at_path(&path, inode)).await {
            Ok(AtPath::Same) => {}
            Ok(AtPath::Missing) => {
                if self.current.is_none() && self.rotated.is_empty() {
                    self.tell_missing();
                }
                self.rotated.extend(self.current.take());
            }
            Ok(AtPath::Other(file)) => {
                self.problem.clear();
                self.go_on_with(file).await;
            }
            Err(problem) => self.tell(&problem),
        }
    }

    /// The numbers of the files that are read.
    fn read_now(&self) -> Vec<u64> {
        self.rotated.iter().chain(&self.current).map(|run| run.file.inode()).collect()
    }

    /// Reads what was rotated away after a file before it was looked at: the log may be faster than whoever takes its errors.
    async fn catch_up(&mut self, last: u64) {
        let (path, read, before) = (self.path.clone(), self.read_now(), self.beside.clone());
        let look = move || Ok((file::rotated_after(&path, last, &read, &before), file::identities_beside(&path)));
        let (missed, beside) = blocking(look).await.unwrap_or_default();
        self.beside = beside;
        for file in missed {
            self.rotated.push(Run::from_start(file, Scan::new(self.sink.context_lines())));
            if self.rotated.len() > GENERATIONS_MAX {
                self.end(0).await;
            }
        }
    }

    /// Reads a rotated file to its end and takes that as all that it will hold.
    async fn end(&mut self, index: usize) {
        let run = &mut self.rotated[index];
        while let Ok(Reading::Read(true)) = run.read(&self.sink, &self.app).await {}
        run.end(&self.sink, &self.app).await;
        self.rotated.remove(index);
    }

    async fn go_on_with(&mut self, file: LogFile) {
        let last = self.current.as_ref().map(|run| run.file.inode());
        self.rotated.extend(self.current.take());
        if let Some(index) = self.rotated.iter().position(|run| run.file.inode() == file.inode()) {
            self.current = Some(self.rotated.remove(index));
            return;
        }
        if let Some(last) = last.or_else(|| self.rotated.last().map(|run| run.file.inode())) {
            self.catch_up(last).await;
        }
        let mut scan = Scan::new(self.sink.context_lines());
        if let Some(earlier) = self.rotated.last() {
            scan.prime_from(&earlier.scan);
            info!(path = %self.path.display(), "it was rotated; going on with the new file");
        }
        self.current = Some(Run::from_start(file, scan));
        self.save().await;
    }

    /// The file was truncated. If it was copied before, the rest of what it held is read from the copy.
    async fn begin_anew(&mut self) {
        let Some(run) = &mut self.current else { return };
        let (path, inode, head, offset) = (self.path.clone(), run.file.inode(), run.head.clone(), run.cutter.read_to());
        match blocking(move || Ok(file::find_copy(&path, inode, &head, offset))).await {
            Ok(Some(copy)) => {
                let copied = copy.inode();
                run.file = Arc::new(copy);
                run.heard_at = Instant::now();
                self.rotated.extend(self.current.take());
                self.catch_up(copied).await;
            }
            Ok(None) | Err(_) => {
                run.end(&self.sink, &self.app).await;
                self.current = None;
            }
        }
        info!(path = %self.path.display(), "it was truncated; reading from its start");
    }

    async fn end_rotated(&mut self) {
        for index in (0..self.rotated.len()).rev() {
            if self.rotated[index].heard_at.elapsed() >= ROTATED_SILENCE {
                self.end(index).await;
            }
        }
    }

    fn kept(&self) -> Kept {
        Kept { places: self.rotated.iter().chain(&self.current).map(Run::place).collect(), beside: self.beside.clone(), cursor: None }
    }

    /// Writes how far everything is.
    pub(super) async fn save(&mut self) {
        self.saved_at = Instant::now();
        let kept = self.kept();
        if kept == self.saved {
            return;
        }
        let (position, writing) = (self.position.clone(), kept.clone());
        match blocking(move || position.write(&writing)).await {
            Ok(()) => self.saved = kept,
            Err(problem) => self.tell(&problem),
        }
    }

    fn tell_missing(&mut self) {
        let problem = "it does not exist yet";
        if self.problem != problem {
            problem.clone_into(&mut self.problem);
            warn!(path = %self.path.display(), "it does not exist yet; waiting for it");
        }
    }

    fn tell(&mut self, problem: &io::Error) {
        let problem = problem.to_string();
        if self.problem != problem {
            warn!(path = %self.path.display(), problem, "it cannot be followed; trying on");
            self.problem = problem;
        }
    }
}

/// What reading gave.
enum Reading {
    /// What was there; whether there is more.
    Read(bool),
    /// The file was truncated.
    Anew,
}

impl Run {
    fn new(file: LogFile, stream: String, head: Head, offset: u64, scan: Scan<u64>) -> Self {
        let cutter = Cutter::new(offset, LINE_BYTES_MAX);
        Self { file: Arc::new(file), stream, head, cutter, scan, done_to: offset, heard_at: Instant::now(), is_quiet: true }
    }

    fn from_start(file: LogFile, scan: Scan<u64>) -> Self {
        let head = Head { bytes: 0, digest: digest(&[b""]) };
        Run::new(file, new_event_id(), head, 0, scan)
    }

    fn at_first_sight(file: LogFile, is_from_start: bool, context_lines: usize) -> io::Result<Self> {
        let mut scan = Scan::new(context_lines);
        if is_from_start {
            return Ok(Run::from_start(file, scan));
        }
        let head = file.head(HEAD_BYTES as u64)?;
        let (lines, offset) = file.before(file.length()?)?;
        lines.iter().for_each(|line| scan.prime(line));
        Ok(Run::new(file, new_event_id(), head, offset, scan))
    }

    fn resumed(file: LogFile, place: &Place, head: Head, context_lines: usize) -> Self {
        let mut scan = Scan::new(context_lines);
        match file.before(place.offset) {
            Ok((lines, _)) => lines.iter().for_each(|line| scan.prime(line)),
            Err(problem) => debug!(%problem, "the lines before cannot be read"),
        }
        Run::new(file, place.stream.clone(), head, place.offset, scan)
    }

    fn place(&self) -> Place {
        let Head { bytes, digest } = self.head.clone();
        Place { stream: self.stream.clone(), inode: self.file.inode(), offset: self.done_to, head_bytes: bytes, head: digest }
    }

    async fn read(&mut self, sink: &Sink, app: &str) -> io::Result<Reading> {
        let (file, offset, known) = (self.file.clone(), self.cutter.read_to(), self.head.clone());
        let Look { bytes, length, head, is_anew } = blocking(move || file.look(offset, &known)).await?;
        if is_anew {
            return Ok(Reading::Anew);
        }
        self.head = head;
        if bytes.is_empty() {
            if !self.is_quiet && self.heard_at.elapsed() >= silence(self.cutter.is_in_line()) {
                let sightings = self.scan.flush();
                self.deliver(sightings, sink, app).await;
                self.is_quiet = true;
            }
            return Ok(Reading::Read(false));
        }
        self.heard_at = Instant::now();
        self.is_quiet = false;
        let (mut sightings, mut lines) = (Vec::new(), 0);
        self.cutter.take(&bytes, |start, text| {
            lines += 1;
            sightings.extend(self.scan.feed(start, text));
        });
        sink.count_lines(lines);
        self.deliver(sightings, sink, app).await;
        Ok(Reading::Read(self.cutter.read_to() < length))
    }

    /// Takes what is there as all that there will be.
    async fn end(&mut self, sink: &Sink, app: &str) {
        let mut sightings = Vec::new();
        self.cutter.finish(|start, text| sightings.extend(self.scan.feed(start, text)));
        sightings.extend(self.scan.flush());
        self.deliver(sightings, sink, app).await;
    }

    async fn deliver(&mut self, sightings: Vec<Sighting<u64>>, sink: &Sink, app: &str) {
        let raws = sightings.into_iter().map(|seen| {
            let mut raw = seen.raw;
            raw.event_id = Some(digest(&[self.stream.as_bytes(), &seen.mark.to_be_bytes()]));
            raw.app = Some(app.to_owned());
            raw
        });
        sink.deliver(raws.collect()).await;
        self.done_to = self.scan.oldest().copied().unwrap_or_else(|| self.cutter.line_start());
    }
}

fn at_path(path: &std::path::Path, inode: Option<u64>) -> io::Result<AtPath> {
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match std::fs::metadata(path) {
        Ok(metadata) if Some(metadata.ino()) == inode => Ok(AtPath::Same),
        Ok(_) => match LogFile::open(path) {
            Ok(file) => Ok(AtPath::Other(file)),
            Err(error) if is_missing(&error) => Ok(AtPath::Missing),
            Err(error) => Err(error),
        },
        Err(error) if is_missing(&error) => Ok(AtPath::Missing),
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}
