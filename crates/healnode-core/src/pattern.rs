//! What is noticed in how an error comes: much more often than usual, in one release only, from node to node, or together with another.
//!
//! Each kind is one pure function of counts and times, in a file of its own, with its thresholds and where they come from; none has weights that
//! somebody would have to train. What is noticed is shown, and may have an error filed sooner. It never keeps one from being filed, and no
//! count, turn or issue depends on it, so a wrong clock or a peer that lies about times can do no more than hurry what is due anyway.

pub(crate) mod release;
pub(crate) mod spike;
pub(crate) mod spreading;
pub(crate) mod together;

use std::fmt;

use healnode_report::Fingerprint;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One thing noticed about an error.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pattern {
    /// It is seen much more often than usual.
    Spike {
        /// Occurrences in one hour: the present one, or the last whole one.
        hour: u64,
        /// Occurrences in an hour as usual: the median of the hours before.
        usual: Usual,
    },
    /// Only the newest release of its app, or what was the newest then, has shown it.
    NewInRelease {
        /// Which release.
        release: String,
    },
    /// It began on one node, and others followed within an hour.
    Spreading {
        /// Nodes that have seen it.
        nodes: u64,
    },
    /// It nearly always comes with others.
    Together {
        /// Which, at most [`TOGETHER_MAX`](crate::limits::TOGETHER_MAX), those that coincide most first.
        with: Vec<Fingerprint>,
    },
}

/// A median of whole numbers, which may end in a half. Written as a number, such as 4.0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Usual {
    /// Twice the number.
    pub halves: u64,
}

impl Pattern {
    /// Returns whether it is a reason to file an error at once that was seen often enough, instead of at the next bundle.
    pub fn is_urgent(&self) -> bool {
        match self {
            Pattern::Spike { .. } | Pattern::NewInRelease { .. } | Pattern::Spreading { .. } => true,
            Pattern::Together { .. } => false,
        }
    }

    /// Returns it as a sentence. `quote` makes text that came with errors harmless where the sentence stands.
    pub fn sentence(&self, quote: impl Fn(&str) -> String) -> String {
        match self {
            Pattern::Spike { hour, usual } => format!("Seen {hour} times within an hour; {usual} is usual."),
            Pattern::NewInRelease { release } => format!("New in release {}: no other release of the app has shown it.", quote(release)),
            Pattern::Spreading { nodes } => format!("Spreading: it began on one node and is on {nodes} by now."),
            Pattern::Together { with } => {
                let with = with.iter().map(|other| quote(&other.short())).collect::<Vec<_>>().join(", ");
                format!("It nearly always comes together with {with}.")
            }
        }
    }
}

impl fmt::Display for Usual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = if self.halves % 2 == 1 { ".5" } else { "" };
        write!(f, "{}{half}", self.halves / 2)
    }
}

impl Serialize for Usual {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.halves as f64 / 2.0)
    }
}

impl<'de> Deserialize<'de> for Usual {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(|number| Self { halves: (number * 2.0).round() as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_sentence() {
        let sentence = |pattern: Pattern| pattern.sentence(|text| format!("<{text}>"));
        let other = Fingerprint::from_bytes([0xab; 32]);
        assert_eq!(sentence(Pattern::Spike { hour: 120, usual: Usual { halves: 9 } }), "Seen 120 times within an hour; 4.5 is usual.");
        assert_eq!(
            sentence(Pattern::NewInRelease { release: "2".to_owned() }),
            "New in release <2>: no other release of the app has shown it."
        );
        assert_eq!(sentence(Pattern::Spreading { nodes: 3 }), "Spreading: it began on one node and is on 3 by now.");
        assert_eq!(sentence(Pattern::Together { with: vec![other] }), "It nearly always comes together with <abababababab>.");
    }
}
