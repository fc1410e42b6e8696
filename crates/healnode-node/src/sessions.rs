//! Commands under `healnode exec` and what their own SDKs reported: a crash that both tell of is one occurrence.
//!
//! `exec` gives each command a session, which its SDK repeats in every request and `exec` in its own report. Whichever of the two comes second
//! with an error that the session has told already is left out. Kept in memory: after a restart of the node in between, it counts twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use healnode_report::{Fingerprint, RawError};

/// Sessions that are remembered; older ones go. A machine rarely runs that many commands at a time.
const SESSIONS_MAX: usize = 1_024;

/// Errors of a session that are remembered. The first ones decide: a command that fails again and again fails at the same thing.
const ERRORS_MAX: usize = 256;

/// Longest name of a session, in bytes: 32 hexadecimal digits and room to spare.
const NAME_BYTES_MAX: usize = 64;

/// Who tells of an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Teller {
    /// The command's own SDK, each time that it happens.
    Sdk,
    /// `exec`, once, when the command has ended.
    Exec,
}

/// The tag by which `exec` names a command's session. A name with `session` in it would have its value redacted.
pub(crate) const SESSION_TAG: &str = "exec";

/// What the key of a DSN begins with that `exec` made; the session follows. SDKs take letters, digits and `_`.
pub(crate) const KEY_PREFIX: &str = "hn_";

/// Takes the session out of a report that came from `exec`.
pub(crate) fn session_of(raw: &mut RawError) -> Option<(String, Teller)> {
    raw.tags.remove(SESSION_TAG).map(|session| (session, Teller::Exec))
}

/// What sessions have told.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Told>);

#[derive(Default)]
struct Told {
    by_session: BTreeMap<String, Session>,
    order: VecDeque<String>,
}

#[derive(Default)]
struct Session {
    by_sdk: BTreeSet<Fingerprint>,
    by_exec: BTreeSet<Fingerprint>,
}

impl Sessions {
    /// Notes that a session tells of an error. Returns whether the other teller told of it before.
    pub(crate) fn is_told(&self, session: &str, teller: Teller, fingerprint: Fingerprint) -> bool {
        if session.is_empty() || session.len() > NAME_BYTES_MAX {
            return false;
        }
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = told.session(session);
        match teller {
            Teller::Sdk if session.by_exec.remove(&fingerprint) => true,
            Teller::Sdk => {
                if session.by_sdk.len() < ERRORS_MAX {
                    session.by_sdk.insert(fingerprint);
                }
                false
            }
            Teller::Exec if session.by_sdk.contains(&fingerprint) => true,
            Teller::Exec => {
                if session.by_exec.len() < ERRORS_MAX {
                    session.by_exec.insert(fingerprint);
                }
                false
            }
        }
    }
}

impl Told {
    fn session(&mut self, name: &str) -> &mut Session {
        if !self.by_session.contains_key(name) {
            if self.order.len() >= SESSIONS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_session.remove(&oldest);
            }
            self.order.push_back(name.to_owned());
        }
        self.by_session.entry(name.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(n: u8) -> Fingerprint {
        Fingerprint::from_bytes([n; 32])
    }

    #[test]
    fn a_crash_that_both_tell_of_is_one_whoever_comes_first() {
        let sessions = Sessions::default();
        assert!(!sessions.is_told("a", Teller::Sdk, fingerprint(1)));
        assert!(sessions.is_told("a", Teller::Exec, fingerprint(1)));
        assert!(!sessions.is_told("b", Teller::Exec, fingerprint(1)));
        assert!(sessions.is_told("b", Teller::Sdk, fingerprint(1)));
        assert!(!sessions.is_told("b", Teller::Sdk, fingerprint(1)), "it happens again");
    }

    #[test]
    fn an_sdk_may_tell_of_the_same_error_as_often_as_it_happens() {
        let sessions = Sessions::default();
        assert!(!sessions.is_told("a", Teller::Sdk, fingerprint(1)));
        assert!(!sessions.is_told("a", Teller::Sdk, fingerprint(1)));
        assert!(!sessions.is_told("a", Teller::Exec, fingerprint(2)));
        assert!(!sessions.is_told("", Teller::Exec, fingerprint(1)));
    }

    #[test]
    fn old_sessions_make_room() {
        let sessions = Sessions::default();
        for n in 0..=SESSIONS_MAX {
            assert!(!sessions.is_told(&n.to_string(), Teller::Sdk, fingerprint(1)));
        }
        assert!(!sessions.is_told("0", Teller::Exec, fingerprint(1)));
        assert!(sessions.is_told(&SESSIONS_MAX.to_string(), Teller::Exec, fingerprint(1)));
    }
}
