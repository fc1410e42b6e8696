//! Every bound of the store, why it is what it is, and what happens beyond it.

/// Records that are written and flushed at once. An append with more is written in several steps, in order; a crash between two steps leaves
/// the records before it and none after.
///
/// 512: sled holds on to memory for everything that one step deletes (100,000 deletes in one go took 323 MB), and 512 statements fit in 2 MiB.
pub const STEP_RECORDS_MAX: usize = 512;

/// Bytes of one value. A longer sample, or log of a fix, is kept in several parts.
///
/// 6 KiB: a page of sled's holds up to 20 values, and a page above 128 KiB goes to a file of its own that sled never syncs.
pub const VALUE_BYTES_MAX: usize = 6 * 1024;

/// Peers whose addresses are kept, for redialling after a restart. Further ones are not kept.
pub const PEERS_MAX: usize = 256;

/// Addresses kept of one peer. Further ones are not kept.
pub const ADDRESSES_MAX: usize = 8;

/// Bytes of one address. A longer one is not kept.
///
/// A relayed address with two peer ids takes some 200.
pub const ADDRESS_BYTES_MAX: usize = 256;

/// Bytes that have to be free before the store is tried again after the disk was full. Until then an append fails at once.
///
/// sled's log grows by segments of 512 KiB, and opening takes one more.
pub const ROOM_BYTES: usize = 1024 * 1024;

/// Bytes of stored data up to which an opening is rehearsed on a copy. More is opened directly, and so is what the disk has no room to copy;
/// sled may then write to damaged files before it finds the damage.
///
/// 256 MiB copy in well under a second, and no store came near it in use.
pub const REHEARSAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of memory that sled may use as cache.
///
/// 16 MiB: the node keeps the ledger in memory itself and reads samples only to file them.
pub(crate) const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// How often sled syncs in the background, in milliseconds: what a power cut may take.
///
/// Without it, sled neither syncs nor collects its garbage.
pub(crate) const SYNC_INTERVAL_MS: u64 = 500;
