//! One node with its disk, and its end of the forge.
//!
//! Node and disk are shared between the many states that they are the same in, and each is hashed once.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use healnode_core::{Millis, Node, NodeId, Record, Report, Snapshot};

use crate::forge::{Call, Edge};

/// A node and what belongs to it.
#[derive(Clone, Hash)]
pub(crate) struct Member {
    pub(crate) id: NodeId,
    /// Nothing while it is dead.
    pub(crate) node: Option<Hashed<Node>>,
    pub(crate) disk: Hashed<Snapshot>,
    pub(crate) sample: Option<Sample>,
    pub(crate) lives: u8,
    pub(crate) reported: bool,
    pub(crate) wake_at: Option<Millis>,
    pub(crate) edge: Edge,
    /// Its calls to the forge, one after the other; only the first is under way.
    pub(crate) calls: VecDeque<Call>,
    /// The last create that it sent without a clear answer.
    pub(crate) unclear: Option<Unclear>,
}

/// A create whose outcome its sender does not know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Unclear {
    pub(crate) sent: Millis,
    /// When the list was made that the sender has looked at last since then.
    pub(crate) looked: Option<Millis>,
}

/// A report that is kept whole. All are the same.
#[derive(Clone)]
pub(crate) struct Sample(pub(crate) Arc<Report>);

impl Hash for Sample {
    fn hash<H: Hasher>(&self, _hasher: &mut H) {}
}

/// A value that many states share, with its hash.
#[derive(Clone)]
pub(crate) struct Hashed<T> {
    value: Arc<T>,
    hash: u64,
}

impl<T: Clone + Hash> Hashed<T> {
    pub(crate) fn new(value: T) -> Self {
        let hash = hash_of(&value);
        Self { value: Arc::new(value), hash }
    }

    pub(crate) fn get(&self) -> &T {
        &self.value
    }

    /// Changes the value. Its hash is that of before until [`Hashed::seal`].
    pub(crate) fn change(&mut self) -> &mut T {
        self.hash = 0;
        Arc::make_mut(&mut self.value)
    }

    pub(crate) fn seal(&mut self) {
        if self.hash == 0 {
            self.hash = hash_of(&*self.value);
        }
    }
}

impl<T> Hash for Hashed<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.hash.hash(hasher);
    }
}

/// Returns the hash of a value, which is never 0.
pub(crate) fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish().max(1)
}

impl Member {
    pub(crate) fn store(&mut self, record: Record) {
        if let Record::Sample(report) = &record {
            self.sample = Some(Sample(Arc::new((**report).clone())));
        }
        self.disk.change().apply(record);
    }

    pub(crate) fn seal(&mut self) {
        self.disk.seal();
        if let Some(node) = &mut self.node {
            node.seal();
        }
    }
}
