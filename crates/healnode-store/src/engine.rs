//! sled, opened so that its known traps do no harm.
//!
//! - A kill while sled opens can leave a torn `snap.*.generating`, which sled 0.34.7 takes for its newest snapshot ever after. It is worthless
//!   by its name: sled renames it once it is whole. So such files go before sled looks.
//! - A kill while sled makes its first files can leave a torn `conf`. So a store is made under another name and renamed when it is whole.
//! - sled repairs while it opens, and what it takes for a torn write it overwrites. So opening is rehearsed on a copy.
//! - After one failed write, a full disk for instance, sled fails for good. So the owner of an [`Engine`] drops it then and opens another.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::changes::Changes;
use crate::failure::Failure;
use crate::file::{sync, sync_parent};
use crate::limits::{CACHE_BYTES, REHEARSAL_BYTES_MAX, SYNC_INTERVAL_MS};

/// How long a dropped engine's threads may hold on to its files before another one can open them.
const HANDOVER_MAX: Duration = Duration::from_secs(5);

/// An open sled database.
pub(crate) struct Engine {
    db: sled::Db,
    data: PathBuf,
}

impl Engine {
    /// Makes a database with these contents under `making`, and gives it the name `data` when it is whole and on disk.
    pub(crate) fn create(data: &Path, making: &Path, contents: Changes) -> Result<(), Failure> {
        remove_folder(making)?;
        let engine = Engine::open(making)?;
        engine.apply(contents)?;
        drop(engine);
        for entry in fs::read_dir(making)? {
            sync(&entry?.path())?;
        }
        sync(making)?;
        fs::rename(making, data)?;
        Ok(sync_parent(data)?)
    }

    /// Opens and reads everything in a copy of `data`, so that damage is found before anything is written to the files themselves.
    pub(crate) fn rehearse(data: &Path, trial: &Path) -> Result<(), Failure> {
        remove_folder(trial)?;
        if size(data)? > REHEARSAL_BYTES_MAX {
            return Ok(());
        }
        let outcome = copy_folder(data, trial).map_err(Failure::from).and_then(|()| read_through(trial));
        remove_folder(trial)?;
        match outcome {
            Err(Failure::Full(_)) | Ok(()) => Ok(()),
            Err(failure @ (Failure::Damaged(_) | Failure::Newer | Failure::Io(_))) => Err(failure),
        }
    }

    /// Opens an existing database.
    pub(crate) fn open(data: &Path) -> Result<Engine, Failure> {
        remove_torn_snapshots(data)?;
        let deadline = Instant::now() + HANDOVER_MAX;
        loop {
            let config = sled::Config::new()
                .path(data)
                .cache_capacity(CACHE_BYTES)
                .mode(sled::Mode::LowSpace)
                .flush_every_ms(Some(SYNC_INTERVAL_MS));
            match config.open() {
                Err(error) if is_handover(&error) && Instant::now() < deadline => sleep(Duration::from_millis(20)),
                Err(error) => return Err(error.into()),
                Ok(db) => return Ok(Engine { db, data: data.to_owned() }),
            }
        }
    }

    /// Writes changes at once, and returns when they outlive the process, or, if they have to, a power cut.
    pub(crate) fn apply(&self, changes: Changes) -> Result<(), Failure> {
        let needs_sync = changes.needs_sync();
        self.db.apply_batch(changes.into_batch())?;
        self.db.flush()?;
        if needs_sync {
            sync(&self.data.join("db"))?;
        }
        Ok(())
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, Failure> {
        Ok(self.db.get(key)?)
    }

    /// Returns all pairs whose key begins with `prefix`, by key. Stop at the first error: sled would repeat it for ever.
    pub(crate) fn scan(&self, prefix: &[u8]) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), Failure>> + use<> {
        self.db.scan_prefix(prefix).map(|pair| pair.map_err(Failure::from))
    }

    /// Returns all keys that begin with `prefix`, in order.
    pub(crate) fn keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
        self.scan(prefix).map(|pair| pair.map(|(key, _)| key.to_vec())).collect()
    }
}

/// Opens a database and reads every page of it. sled asserts here and there what damaged files break, so a panic is damage too.
fn read_through(data: &Path) -> Result<(), Failure> {
    let read = || {
        let engine = Engine::open(data)?;
        engine.scan(&[]).try_for_each(|pair| pair.map(drop))
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(Failure::Damaged("it contradicts itself".to_owned())))
}

fn is_handover(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

fn remove_torn_snapshots(data: &Path) -> io::Result<()> {
    if !data.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns the bytes of all files in a folder.
fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
