//! Follows a unit of systemd through `journalctl`, and keeps the journal's own mark of how far it is.
//!
//! Lines of different processes are kept apart, so that traces that are printed at the same time stay whole. An entry of priority error or
//! above is an error, and so is a core dump.

use std::collections::{BTreeMap, VecDeque};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use healnode_report::UnixMillis;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use super::WatchError;
use super::cutter::Cutter;
use super::entry::Entry;
use super::limits::{CHUNK_BYTES, ENTRIES_OPEN_MAX, ENTRY_BYTES_MAX, PROCESSES_MAX, RETRY_EVERY, SAVE_EVERY, SILENCE};
use super::position::{Kept, Position, digest};
use super::scan::{Scan, Sighting};
use super::sink::Sink;

/// The fields that are read; the rest is left in the journal.
const FIELDS: &str = "MESSAGE,PRIORITY,UNIT,_SYSTEMD_UNIT,_COMM,_PID,COREDUMP_SIGNAL_NAME,COREDUMP_COMM,COREDUMP_UNIT";

/// Follows one unit.
pub(super) struct Journal {
    unit: String,
    sink: Arc<Sink>,
    position: Position,
    /// The cursor of the last entry that is done with.
    done_to: Option<String>,
    /// Entries that were read after it, by number.
    open: VecDeque<(u64, String)>,
    next: u64,
    processes: BTreeMap<String, Process>,
    saved: Option<String>,
    saved_at: Instant,
}

/// What one process printed.
struct Process {
    scan: Scan<Mark>,
    heard_at: Instant,
    is_quiet: bool,
}

/// The place of a line: its entry, and what is known of that.
#[derive(Clone)]
struct Mark {
    number: u64,
    cursor: Arc<str>,
    app: Arc<str>,
    at: Option<UnixMillis>,
}

impl Journal {
    /// Finds the unit where it was left. One that was never watched is read from now on, or from its first entry if told so.
    pub(super) async fn open(unit: String, position: Position, sink: Arc<Sink>, is_from_start: bool) -> Result<Self, WatchError> {
        let kept = position.read().unwrap_or_else(|problem| {
            warn!(unit, %problem, "how far it was read cannot be read, so it is read from now on");
            None
        });
        let is_known = kept.is_some();
        let mut journal = Self {
            unit,
            sink,
            position,
            done_to: kept.and_then(|kept| kept.cursor),
            open: VecDeque::new(),
            next: 0,
            processes: BTreeMap::new(),
            saved: None,
            saved_at: Instant::now(),
        };
        let last = last_cursor().await?;
        if journal.done_to.is_none() && !is_known && !is_from_start {
            journal.done_to = last;
        }
        journal.write().map_err(WatchError::Keep)?;
        Ok(journal)
    }

    /// Follows until dropped, and starts `journalctl` again when it ends.
    pub(super) async fn run(&mut self) -> Result<(), WatchError> {
        let mut problem = String::new();
        let mut is_first = true;
        loop {
            let mut child = self.start()?;
            let was = self.next;
            let mut said = self.read(&mut child).await;
            let status = child.wait().await;
            if said.is_empty() {
                said = status.as_ref().map_or_else(ToString::to_string, ToString::to_string);
            }
            if is_first && self.next == was && !status.is_ok_and(|status| status.success()) {
                return Err(WatchError::Journal { said });
            }
            is_first = false;
            if problem != said {
                warn!(said, "journalctl ended; starting it again");
                problem = said;
            }
            tokio::time::sleep(RETRY_EVERY).await;
        }
    }

    fn start(&self) -> Result<Child, WatchError> {
        let mut command = journalctl();
        command.args(["--follow", "--no-tail", "--all", "--unit", &self.unit]).arg(format!("--output-fields={FIELDS}"));
        if let Some(cursor) = &self.done_to {
            command.arg(format!("--after-cursor={cursor}"));
        }
        command.spawn().map_err(WatchError::NoJournal)
    }

    /// Reads until `journalctl` ends. Returns the last that it had to say.
    async fn read(&mut self, child: &mut Child) -> String {
        let mut said = String::new();
        let (Some(mut output), Some(mut errors)) = (child.stdout.take(), child.stderr.take()) else { return said };
        let mut cutter = Cutter::new(0, ENTRY_BYTES_MAX);
        let (mut buffer, mut error_buffer) = (vec![0; CHUNK_BYTES], [0; 512]);
        let mut is_silent = false;
        loop {
            let length = tokio::select! {
                read = output.read(&mut buffer) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(length) => length,
                },
                read = errors.read(&mut error_buffer), if !is_silent => {
                    let length = read.unwrap_or(0);
                    is_silent = length == 0;
                    note(&mut said, &error_buffer[..length]);
                    0
                }
                () = tokio::time::sleep(SILENCE / 4) => 0,
            };
            let mut sightings = Vec::new();
            cutter.take(&buffer[..length], |_, line| sightings.extend(self.feed(line)));
            sightings.extend(self.flush(SILENCE));
            self.deliver(sightings).await;
            self.settle();
            if self.saved_at.elapsed() >= SAVE_EVERY {
                self.save();
            }
        }
        let sightings = self.flush(Duration::ZERO);
        self.deliver(sightings).await;
        self.settle();
        if let Ok(Ok(length)) = timeout(SILENCE, errors.read(&mut error_buffer)).await {
            note(&mut said, &error_buffer[..length]);
        }
        said
    }

    fn feed(&mut self, line: &str) -> Vec<Sighting<Mark>> {
        let Some(entry) = Entry::read(line) else {
            debug!(bytes = line.len(), "an entry of the journal cannot be read");
            return Vec::new();
        };
        self.sink.count_lines(1);
        let mark = Mark {
            number: self.next,
            cursor: entry.cursor.as_str().into(),
            app: entry.app().unwrap_or_else(|| super::entry::unit_name(&self.unit)).into(),
            at: entry.at,
        };
        self.next += 1;
        self.open.push_back((mark.number, entry.cursor.clone()));
        if let Some(raw) = entry.core_dump() {
            return vec![Sighting { mark, raw }];
        }
        let mut sightings = self.make_room(&entry.process);
        let process = self.processes.entry(entry.process.clone()).or_insert_with(|| Process::new(self.sink.context_lines()));
        process.heard_at = Instant::now();
        process.is_quiet = false;
        if entry.is_error {
            sightings.extend(process.scan.feed_error(&mark, &entry.message));
        } else {
            sightings.extend(entry.message.split('\n').flat_map(|line| process.scan.feed(mark.clone(), line)));
        }
        sightings
    }

    /// Ends what the process said that was silent for longest, when a new one comes and there are as many as may be.
    fn make_room(&mut self, process: &str) -> Vec<Sighting<Mark>> {
        if self.processes.contains_key(process) || self.processes.len() < PROCESSES_MAX {
            return Vec::new();
        }
        let oldest = self.processes.iter().min_by_key(|(_, process)| process.heard_at).map(|(id, _)| id.clone());
        oldest.and_then(|id| self.processes.remove(&id)).map(|mut process| process.scan.flush()).unwrap_or_default()
    }

    /// Ends what processes said that are silent for so long.
    fn flush(&mut self, silence: Duration) -> Vec<Sighting<Mark>> {
        let is_full = self.open.len() > ENTRIES_OPEN_MAX;
        let due = self.processes.values_mut().filter(|process| !process.is_quiet && (is_full || process.heard_at.elapsed() >= silence));
        due.flat_map(|process| {
            process.is_quiet = true;
            process.scan.flush()
        })
        .collect()
    }

    async fn deliver(&self, sightings: Vec<Sighting<Mark>>) {
        let raws = sightings.into_iter().map(|Sighting { mark, mut raw }| {
            raw.app = Some(self.sink.app(&mark.app));
            raw.at = mark.at;
            // What is found in one entry differs by what it says; the same entry read again says the same.
            raw.event_id = Some(digest(&[mark.cursor.as_bytes(), raw.error_type.as_bytes(), raw.message.as_bytes()]));
            raw
        });
        self.sink.deliver(raws.collect()).await;
    }

    /// Takes note of the entries that are done with: those before the oldest that a process is still looked at for.
    fn settle(&mut self) {
        let oldest = self.processes.values().filter_map(|process| process.scan.oldest()).map(|mark| mark.number).min();
        while self.open.front().is_some_and(|(number, _)| oldest.is_none_or(|oldest| *number < oldest)) {
            self.done_to = self.open.pop_front().map(|(_, cursor)| cursor);
        }
    }

    /// Writes how far it is.
    pub(super) fn save(&mut self) {
        self.saved_at = Instant::now();
        if self.done_to != self.saved
            && let Err(problem) = self.write()
        {
            warn!(%problem, "how far the journal was read could not be written");
        }
    }

    fn write(&mut self) -> std::io::Result<()> {
        self.position.write(&Kept { cursor: self.done_to.clone(), ..Kept::default() })?;
        self.saved.clone_from(&self.done_to);
        Ok(())
    }
}

impl Process {
    fn new(context_lines: usize) -> Self {
        Self { scan: Scan::new(context_lines), heard_at: Instant::now(), is_quiet: true }
    }
}

fn journalctl() -> Command {
    let mut command = Command::new("journalctl");
    command.args(["--output=json", "--no-pager"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).process_group(0);
    command
}

/// Returns the cursor of the newest entry of the whole journal; nothing when it is empty.
async fn last_cursor() -> Result<Option<String>, WatchError> {
    let output = journalctl().arg("--lines=1").arg("--output-fields=PRIORITY").output().await.map_err(WatchError::NoJournal)?;
    let mut said = String::new();
    note(&mut said, &output.stderr);
    if !output.status.success() {
        return Err(WatchError::Journal { said });
    }
    if !said.is_empty() {
        warn!(said, "journalctl has something to say");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next_back().and_then(Entry::read).map(|entry| entry.cursor))
}

/// Keeps the first line of what was said last.
fn note(said: &mut String, bytes: &[u8]) {
    if let Some(line) = String::from_utf8_lossy(bytes).lines().next() {
        line.trim().clone_into(said);
    }
}
