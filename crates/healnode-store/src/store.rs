//! The store: one folder, opened once, durable before it says so.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use healnode_core::{Epoch, Fingerprint, NodeId, RawError, Record, Snapshot, UnixMillis};
use healnode_wire::decode_sample;

use crate::changes::Changes;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::folder::Folder;
use crate::limits::{ROOM_BYTES, STEP_RECORDS_MAX};
use crate::{AppendError, OpenError, ReadError, keys, load};

/// Everything that one node keeps. Open at most once per folder, whatever the process.
pub struct Store {
    /// Shut after a failure: sled never recovers from one while it is open. The next call opens it again.
    engine: Mutex<Option<Engine>>,
    epoch: Epoch,
    folder: Folder,
}

impl Store {
    /// Opens the store in `dir` and returns it with all that was kept. Makes both if they are missing; `now` is then the epoch, for as long
    /// as the folder lives.
    ///
    /// `dir` is the store's alone: nothing else may be kept in it. What a kill during an earlier opening left there is mended.
    ///
    /// # Errors
    /// When the folder is in use, is not a store, is one of a newer program, or is damaged; when the disk is full; and when the operating
    /// system refuses something. What state that leaves is said at [`OpenError`].
    pub fn open(dir: &Path, now: UnixMillis) -> Result<(Store, Snapshot), OpenError> {
        let folder = Folder::take(dir)?;
        let (engine, epoch, snapshot) = open_engine(&folder, now).map_err(|failure| failure.on_open(dir))?;
        Ok((Store { engine: Mutex::new(Some(engine)), epoch, folder }, snapshot))
    }

    /// Returns when this folder was made: a node that lost it counts on under another epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Keeps records, in their order, and returns when they are on disk.
    ///
    /// All of one call are kept at once or not at all, except that more than [`STEP_RECORDS_MAX`] are written in steps: a crash may then leave
    /// the first steps without the rest.
    ///
    /// # Errors
    /// When the disk is full, damaged, or refuses to be written. Some steps may be on disk all the same. Append the same records again: what is
    /// there already does no harm.
    pub fn append(&self, records: &[Record]) -> Result<(), AppendError> {
        let steps = |engine: &Engine| records.chunks(STEP_RECORDS_MAX).try_for_each(|step| append_step(engine, step));
        self.with_engine(steps).map_err(|failure| failure.on_append(self.folder.path()))
    }

    /// Returns the whole report that is kept of a fingerprint. It is redacted again on its way to becoming a report.
    ///
    /// # Errors
    /// When the store is damaged, or shut for lack of room.
    pub fn sample(&self, fingerprint: Fingerprint) -> Result<Option<RawError>, ReadError> {
        self.with_engine(|engine| read_sample(engine, &fingerprint)).map_err(|failure| failure.on_read(self.folder.path()))
    }

    /// Keeps these peers and their addresses in the place of all earlier ones: the first [`PEERS_MAX`](crate::limits::PEERS_MAX) peers and of
    /// each the first [`ADDRESSES_MAX`](crate::limits::ADDRESSES_MAX) addresses.
    ///
    /// # Errors
    /// As for [`append`](Store::append).
    pub fn keep_peers(&self, peers: &[(NodeId, Vec<String>)]) -> Result<(), AppendError> {
        let replace = |engine: &Engine| {
            let mut changes = Changes::default();
            changes.replace_peers(engine, peers)?;
            engine.apply(changes)
        };
        self.with_engine(replace).map_err(|failure| failure.on_append(self.folder.path()))
    }

    /// Returns the peers that were kept last, by id, with their addresses.
    ///
    /// # Errors
    /// As for [`sample`](Store::sample).
    pub fn peers(&self) -> Result<Vec<(NodeId, Vec<String>)>, ReadError> {
        self.with_engine(load::peers).map_err(|failure| failure.on_read(self.folder.path()))
    }

    /// Runs `work` with an open engine, and shuts the engine if it failed.
    fn with_engine<T>(&self, work: impl FnOnce(&Engine) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut slot = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = match slot.take() {
            Some(engine) => engine,
            None => reopen(&self.folder)?,
        };
        let done = work(&engine)?;
        *slot = Some(engine);
        Ok(done)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("folder", &self.folder).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

fn open_engine(folder: &Folder, now: UnixMillis) -> Result<(Engine, Epoch, Snapshot), Failure> {
    let data = folder.data();
    if data.exists() {
        Engine::rehearse(&data, &folder.trial())?;
    } else {
        let mut contents = Changes::default();
        contents.put(keys::EPOCH.to_vec(), &Epoch(now.0));
        Engine::create(&data, &folder.data_in_the_making(), contents)?;
    }
    let engine = Engine::open(&data)?;
    let epoch = load::epoch(&engine)?;
    let snapshot = load::snapshot(&engine)?;
    Ok((engine, epoch, snapshot))
}

/// Opens the engine again after a failure, if there is room for it. Trying without room would read the whole log each time, to no end.
fn reopen(folder: &Folder) -> Result<Engine, Failure> {
    require_room(folder)?;
    Engine::open(&folder.data())
}

fn require_room(folder: &Folder) -> io::Result<()> {
    let probe = folder.room_probe();
    let written = fs::write(&probe, vec![1; ROOM_BYTES]);
    let removed = fs::remove_file(&probe);
    written.and(removed)
}

fn append_step(engine: &Engine, records: &[Record]) -> Result<(), Failure> {
    let mut changes = Changes::default();
    records.iter().try_for_each(|record| changes.add(engine, record))?;
    engine.apply(changes)
}

fn read_sample(engine: &Engine, fingerprint: &Fingerprint) -> Result<Option<RawError>, Failure> {
    let mut bytes = Vec::new();
    for pair in engine.scan(&keys::sample(fingerprint)) {
        bytes.extend_from_slice(&pair?.1);
    }
    if bytes.is_empty() {
        return Ok(None);
    }
    Ok(Some(decode_sample(&bytes)?))
}
