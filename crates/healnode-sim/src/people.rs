//! What people do to issues: close, open, delete, lock and mute them, and copy their text into issues of their own.

use healnode_core::{CloseReason, Marker, Millis};

use crate::dice::Dice;
use crate::forge::Issue;
use crate::network::Place;

/// Of a thousand runs, people touch issues in so many.
pub(crate) const RUNS_PER_MILLE: u64 = 500;

/// Of a thousand touches, so many are of a pull request.
pub(crate) const PULLS_PER_MILLE: u64 = 350;

/// Lets a person do something to some issue. Returns what was done and which markers that concerns; nothing when there is no issue.
pub(crate) fn touch(issues: &mut Vec<Issue>, now: Millis, dice: &mut Dice) -> Option<(&'static str, Vec<Marker>)> {
    let there: Vec<usize> = (0..issues.len()).filter(|index| issues[*index].own && !issues[*index].deleted).collect();
    let index = *there.get(dice.below(there.len()))?;
    let number = healnode_core::IssueNumber(issues.len() as u64 + 1);
    let issue = &mut issues[index];
    let markers = issue.markers.clone();
    let what = match dice.below(8) {
        0 | 1 => {
            issue.close(now, CloseReason::Completed);
            "closed as done"
        }
        2 => {
            issue.close(now, CloseReason::NotPlanned);
            "closed as not planned"
        }
        3 => {
            issue.closing = None;
            issue.opened_at = Some(now);
            "opened"
        }
        4 => {
            issue.deleted = true;
            "deleted"
        }
        5 => {
            issue.muted = true;
            "muted"
        }
        6 => {
            issue.locked = true;
            "locked"
        }
        _ => {
            let mut copy = Issue::new(number, markers.clone(), now, Place::MAX);
            copy.own = false;
            issues.push(copy);
            return Some(("copied", Vec::new()));
        }
    };
    Some((what, markers))
}
