//! The node's identity: the secret from which its key pair is made, in a file of its own beside the store.
//!
//! It outlives the store: a node whose store is moved away keeps its name and counts on under a new epoch. Making a secret takes randomness,
//! which the caller brings.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::file::write_whole;

const HEADER: &str = "healnode identity v1";

/// Why there is no identity. No file was changed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Other users may read the secret, so it may no longer be one.
    #[error("{} can be read by other users (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file is not an identity.
    #[error(
        "{} is no healnode identity (expected the line \"{HEADER}\" and a line of 64 hexadecimal digits); restore it from a backup, or move it away to start under a new identity",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused something.
    #[error("cannot read or write the identity in {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Returns the Ed25519 secret seed in the file at `path`. If there is no file, makes a seed and keeps it there, readable for its owner only.
///
/// Call it with the store open: the store's lock keeps a second process from making an identity at the same time.
///
/// # Errors
/// When the file is readable for others, is not an identity, or cannot be read or written. A file that exists is never written to.
pub fn load_or_create(path: &Path, make: impl FnOnce() -> [u8; 32]) -> Result<[u8; 32], IdentityError> {
    let on_io = |source| IdentityError::Io { path: path.to_owned(), source };
    match fs::metadata(path) {
        Ok(metadata) => load(path, metadata.permissions().mode()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let seed = make();
            write_whole(path, format!("{HEADER}\n{}\n", to_hex(&seed)).as_bytes()).map_err(on_io)?;
            Ok(seed)
        }
        Err(error) => Err(on_io(error)),
    }
}

fn load(path: &Path, mode: u32) -> Result<[u8; 32], IdentityError> {
    if mode & 0o077 != 0 {
        return Err(IdentityError::TooOpen { path: path.to_owned(), mode: mode & 0o777 });
    }
    let bytes = fs::read(path).map_err(|source| IdentityError::Io { path: path.to_owned(), source })?;
    parse(&bytes).ok_or_else(|| IdentityError::Malformed { path: path.to_owned() })
}

fn parse(bytes: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(bytes).ok()?;
    let hex = text.strip_prefix(HEADER)?.strip_prefix('\n')?.trim_end();
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut seed = [0; 32];
    for (byte, digits) in seed.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(seed)
}

fn to_hex(seed: &[u8; 32]) -> String {
    seed.iter().map(|byte| format!("{byte:02x}")).collect()
}
