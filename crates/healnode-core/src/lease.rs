//! The lease on the forge: who may create issues in a repository just now.
//!
//! A mesh can be split, the forge cannot. It keeps one small record that changes hands only by an operation of which one rival wins. This
//! file says what the record holds, who may take it when, and what whoever takes it has to expect; the forge's edges carry that out. All
//! times are the forge's own, in whole Unix seconds, so no node's clock matters. `docs/ALGORITHM.md` has the argument.

use std::fmt;
use std::time::Duration;

use crate::IssueNumber;
use crate::limits::{LEASE_ISSUES_MAX, LOOK_AGAIN_AFTER};

/// How long a lease lasts without being renewed, in seconds.
///
/// 90: a look and a create fit in, twice over; a leader that died is replaced no sooner than this.
pub const LEASE_SECONDS: u64 = 90;

/// A create is sent only while so much is left of the lease. It must cover the time that a create may take to get an answer or to be given
/// up, and the time within which it takes effect if it ever does.
///
/// 45 s: a create is given up after 30 s, and GitHub ends a request after 10 s.
pub const LEASE_LEFT_MIN: Duration = Duration::from_secs(45);

/// A lease with less left than this is renewed before anything is begun under it.
pub const LEASE_RENEWED_BELOW: Duration = Duration::from_secs(65);

/// How long past its end a lease is left alone, in seconds: the forge's machines need not agree to the second.
const GRACE_SECONDS: u64 = 5;

/// What tells one run of a node from every other, also from a copy of the same identity. Random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseNonce(pub [u8; 8]);

/// What the forge keeps.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LeaseRecord {
    /// Who took it last.
    pub holder: LeaseNonce,
    /// Whether it was not given back.
    pub held: bool,
    /// When it ends, by the forge's clock.
    pub until: u64,
    /// Up to when creates may have been sent whose outcome their sender did not record.
    pub doubt: Option<u64>,
    /// The issues created last, oldest first, at most [`LEASE_ISSUES_MAX`]. A list that lacks one of them is behind.
    pub issues: Vec<IssueNumber>,
}

/// What to do about the lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LeaseStep {
    /// Put this record in the place of the one that was read, if that is still there.
    Take(LeaseRecord),
    /// It is this run's own already.
    Ours,
    /// Another has it, for so long at most.
    Wait(Duration),
}

/// Decides what `mine` may do at `now`, the forge's time, about the record that was read; `None` when there is none yet.
pub fn lease_step(record: Option<&LeaseRecord>, mine: LeaseNonce, now: u64) -> LeaseStep {
    let fresh = LeaseRecord { holder: mine, held: true, until: now.saturating_add(LEASE_SECONDS), doubt: None, issues: Vec::new() };
    let Some(record) = record else { return LeaseStep::Take(fresh) };
    let takeable_at = record.until.saturating_add(GRACE_SECONDS);
    // A doubt that lies ahead comes from a clock that was wrong, and would never grow old enough.
    let taken = LeaseRecord { doubt: record.doubt.map(|at| at.min(now)), issues: record.issues.clone(), ..fresh };
    match record.held {
        false => LeaseStep::Take(taken),
        true if record.holder == mine && now < record.until => LeaseStep::Ours,
        true if record.holder == mine => LeaseStep::Take(taken),
        // What claims to last longer than any lease can was not written by one of us, or by a clock that is wrong.
        true if now < takeable_at && record.until <= now.saturating_add(LEASE_SECONDS + GRACE_SECONDS) => {
            LeaseStep::Wait(Duration::from_secs(takeable_at - now))
        }
        true => LeaseStep::Take(LeaseRecord { doubt: taken.doubt.max(Some(record.until.min(now))), ..taken }),
    }
}

impl LeaseRecord {
    /// Returns the record with a new end.
    pub fn renewed(&self, now: u64) -> Self {
        Self { held: true, until: now.saturating_add(LEASE_SECONDS), ..self.clone() }
    }

    /// Returns the record given back; `unclear` when a create may have been sent under it that nobody has seen the outcome of.
    pub fn given_back(&self, unclear: bool, now: u64) -> Self {
        Self { held: false, doubt: if unclear { Some(now) } else { self.doubt }, ..self.clone() }
    }

    /// Notes an issue that was created under it. The oldest is forgotten first.
    pub fn note_issue(&mut self, number: IssueNumber) {
        self.issues.retain(|known| *known != number);
        self.issues.push(number);
        let over = self.issues.len().saturating_sub(LEASE_ISSUES_MAX);
        self.issues.drain(..over);
    }

    /// Returns how long ago a create may last have been sent without a recorded outcome, while that is recent enough to be looked for.
    pub fn doubt_age(&self, now: u64) -> Option<Duration> {
        let age = Duration::from_secs(now.saturating_sub(self.doubt?));
        (age < LOOK_AGAIN_AFTER[LOOK_AGAIN_AFTER.len() - 1]).then_some(age)
    }

    /// Returns the record as one line of at most `chars_max` characters, at least 64; older issues are left out first.
    pub fn to_line(&self, chars_max: usize) -> String {
        let state = if self.held { "held" } else { "free" };
        let doubt = self.doubt.map_or("-".to_owned(), |at| at.to_string());
        let head = format!("v1 {state} {:?} {} {doubt} ", self.holder, self.until);
        let mut issues = String::new();
        for number in self.issues.iter().rev() {
            let comma = if issues.is_empty() { "" } else { "," };
            let longer = format!("{}{comma}{issues}", number.0);
            if head.len() + longer.len() > chars_max {
                break;
            }
            issues = longer;
        }
        format!("{head}{}", if issues.is_empty() { "-" } else { &issues })
    }

    /// Reads what [`LeaseRecord::to_line`] wrote; nothing if it is anything else.
    pub fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let mut word = || words.next();
        (word()? == "v1").then_some(())?;
        let held = match word()? {
            "held" => true,
            "free" => false,
            _ => return None,
        };
        let holder = LeaseNonce::from_hex(word()?)?;
        let until = word()?.parse().ok()?;
        let doubt = match word()? {
            "-" => None,
            at => Some(at.parse().ok()?),
        };
        let issues = match word()? {
            "-" => Vec::new(),
            list => list.split(',').take(LEASE_ISSUES_MAX).map(|number| number.parse().ok().map(IssueNumber)).collect::<Option<_>>()?,
        };
        words.next().is_none().then_some(Self { holder, held, until, doubt, issues })
    }
}

impl LeaseNonce {
    fn from_hex(text: &str) -> Option<Self> {
        let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        plain.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Debug for LeaseNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: LeaseNonce = LeaseNonce([1; 8]);
    const RIVAL: LeaseNonce = LeaseNonce([2; 8]);
    const NOW: u64 = 1_800_000_000;

    fn record(holder: LeaseNonce, held: bool, until: u64) -> LeaseRecord {
        LeaseRecord { holder, held, until, doubt: None, issues: vec![IssueNumber(7)] }
    }

    fn taken(step: LeaseStep) -> LeaseRecord {
        let LeaseStep::Take(record) = step else { panic!("{step:?}") };
        record
    }

    #[test]
    fn a_lease_that_is_held_is_waited_for_until_a_little_after_its_end() {
        assert_eq!(lease_step(Some(&record(RIVAL, true, NOW + 30)), ME, NOW), LeaseStep::Wait(Duration::from_secs(35)));
        assert_eq!(lease_step(Some(&record(RIVAL, true, NOW - 4)), ME, NOW), LeaseStep::Wait(Duration::from_secs(1)));
        assert_eq!(lease_step(Some(&record(ME, true, NOW + 30)), ME, NOW), LeaseStep::Ours);
    }

    #[test]
    fn a_lease_that_ran_out_leaves_its_holders_creates_in_doubt_and_one_given_back_does_not() {
        let run_out = taken(lease_step(Some(&record(RIVAL, true, NOW - 10)), ME, NOW));
        assert_eq!((run_out.holder, run_out.until, run_out.held), (ME, NOW + LEASE_SECONDS, true));
        assert_eq!(run_out.doubt_age(NOW), Some(Duration::from_secs(10)));
        assert_eq!(run_out.issues, [IssueNumber(7)]);
        let given_back = taken(lease_step(Some(&record(RIVAL, false, NOW + 30)), ME, NOW));
        assert_eq!(given_back.doubt, None);
        assert_eq!(taken(lease_step(None, ME, NOW)).doubt, None);
    }

    #[test]
    fn a_doubt_outlives_the_terms_of_others_until_it_is_too_old_to_be_looked_for() {
        let unclear = record(RIVAL, true, NOW).given_back(true, NOW);
        let next = taken(lease_step(Some(&unclear), ME, NOW + 20));
        let later = taken(lease_step(Some(&next.given_back(false, NOW + 30)), RIVAL, NOW + 40));
        assert_eq!(later.doubt_age(NOW + 40), Some(Duration::from_secs(40)));
        assert_eq!(later.doubt_age(NOW + 60), None);
    }

    #[test]
    fn a_doubt_that_lies_ahead_is_no_older_than_now_and_grows_old() {
        let ahead = record(RIVAL, true, NOW).given_back(true, NOW + 1_000_000);
        let next = taken(lease_step(Some(&ahead), ME, NOW));
        assert_eq!((next.doubt_age(NOW), next.doubt_age(NOW + 60)), (Some(Duration::ZERO), None));
    }

    #[test]
    fn a_record_that_claims_to_last_for_years_is_not_waited_for() {
        let wrong = record(RIVAL, true, NOW + 10_000_000);
        assert_eq!(taken(lease_step(Some(&wrong), ME, NOW)).doubt, Some(NOW));
    }

    #[test]
    fn what_is_written_is_what_is_read_and_the_line_stays_within_its_bound() {
        let mut record = record(ME, true, NOW);
        record.doubt = Some(NOW - 1);
        for number in 1..=40 {
            record.note_issue(IssueNumber(number * 1_000_000));
        }
        assert_eq!(record.issues.len(), LEASE_ISSUES_MAX);
        assert_eq!(LeaseRecord::from_line(&record.to_line(1_000)), Some(record.clone()));
        let short = record.to_line(100);
        assert!(short.len() <= 100, "{short}");
        assert_eq!(LeaseRecord::from_line(&short).map(|record| record.issues.last().copied()), Some(Some(IssueNumber(40_000_000))));
    }

    #[test]
    fn what_was_not_written_by_healnode_is_no_record() {
        for line in [
            "",
            "v1",
            "v2 held 0101010101010101 1 - -",
            "v1 held 01 1 - -",
            "v1 kept 0101010101010101 1 - -",
            "v1 held 0101010101010101 x - -",
        ] {
            assert_eq!(LeaseRecord::from_line(line), None, "{line}");
        }
        assert_eq!(LeaseRecord::from_line("v1 held 0101010101010101 1 - 1 more"), None);
    }
}
