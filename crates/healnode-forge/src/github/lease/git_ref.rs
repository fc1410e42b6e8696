//! The lease as a git ref: `refs/healnode/lease` points to a commit whose message holds the record.
//!
//! A ref is made once, and then only moved to a child of the commit it points to, which git lets one rival do. It is never forced and never
//! deleted, for that would let two win. Outside `refs/heads` it starts no workflow and is bound by no rule for branches.

use healnode_core::LeaseRecord;
use http::Method;
use serde_json::{Value, json};

use super::keeper::Slot;
use super::{Hindrance, Reading, Written, undecided};
use crate::github::GitHub;
use crate::github::exchange::{Failure, Route};
use crate::github::git::{is_about_emptiness, target_in};
use crate::github::outcome::{Act, Answer, Obstacle};

const NAME: &str = "refs/healnode/lease";
const READ: &str = "/git/ref/healnode/lease";
const MOVE: &str = "/git/refs/healnode/lease";

/// Characters of the record's line. All issues that a record may name fit in.
const LINE_CHARS_MAX: usize = 1_000;

/// What the only file of the ref's tree says.
const README: &str = "This ref is healnode's. The message of the commit that it points to says which node may create issues here just now.\n\
    It is moved a few times for each issue that is filed. Nothing else hangs on it; while no node runs it may be deleted.\n";

impl GitHub {
    pub(super) async fn read_ref(&mut self) -> Result<Reading, Hindrance> {
        let answer = match self.send(Act::Read, &Method::GET, Route::Repo(READ), None).await {
            Err(failure) if failure.status() == Some(404) => return Ok(Reading { slot: Slot::Empty, record: None }),
            Err(failure) if is_about_emptiness(&failure) => return Err(Hindrance::Unusable(EMPTY)),
            other => other?,
        };
        let sha = target_in(&answer)?;
        if let Some((slot, record)) = &self.lease.commit
            && matches!(slot, Slot::Commit { sha: known, .. } if *known == sha)
        {
            return Ok(Reading { slot: slot.clone(), record: record.clone() });
        }
        let commit = self.read_commit(&sha).await?;
        let slot = Slot::Commit { sha, tree: commit.tree };
        let record = commit.message.lines().find_map(LeaseRecord::from_line);
        self.lease.commit = Some((slot.clone(), record.clone()));
        Ok(Reading { slot, record })
    }

    /// Puts a record in the place of the one in `slot`.
    pub(super) async fn write_ref(&mut self, slot: &Slot, record: &LeaseRecord) -> Result<Written, Hindrance> {
        let (tree, parents) = match slot {
            Slot::Commit { sha, tree } => (tree.clone(), vec![sha.clone()]),
            Slot::Empty | Slot::Label { .. } => (self.make_tree().await?, Vec::new()),
        };
        let message = message(record, &self.node_id);
        let commit = json!({ "message": message, "tree": &tree, "parents": &parents });
        let sha = self.make_lease_object("/git/commits", &commit).await?;
        let moved = match parents.is_empty() {
            true => {
                let body = json!({ "ref": NAME, "sha": &sha });
                self.send(Act::Change, &Method::POST, Route::Repo("/git/refs"), Some(&body)).await
            }
            false => {
                let body = json!({ "sha": &sha, "force": false });
                self.send(Act::Change, &Method::PATCH, Route::Repo(MOVE), Some(&body)).await
            }
        };
        let won = Slot::Commit { sha, tree };
        let Some(written) = self.judge_move(slot, won, moved).await? else { return Ok(Written::Lost) };
        self.lease.commit = Some((written.clone(), Some(record.clone())));
        Ok(Written::Won(written))
    }

    /// Returns the slot if the ref points there; nothing if somebody else was faster.
    async fn judge_move(&mut self, before: &Slot, won: Slot, moved: Result<Answer, Failure>) -> Result<Option<Slot>, Hindrance> {
        let (refused, rival) = match moved {
            Ok(answer) if target_in(&answer).is_ok_and(|sha| matches!(&won, Slot::Commit { sha: own, .. } if *own == sha)) => {
                return Ok(Some(won));
            }
            Err(failure) if is_about_emptiness(&failure) => return Err(Hindrance::Unusable(EMPTY)),
            Err(failure) if matches!(failure.status(), Some(404 | 409 | 422)) => (true, tells_of_a_rival(&failure)),
            Ok(_) | Err(Failure { obstacle: Obstacle::Unclear(_), .. }) => (false, false),
            Err(failure) => return Err(failure.into()),
        };
        // The answer was lost or says too little; the ref itself tells.
        let reading = match self.read_ref().await {
            Err(Hindrance::Failed(_)) => {
                let sentence = "GitHub gave no clear answer about the lease, so nothing is created until it can be read.";
                return Err(Failure::new(Obstacle::Unclear(sentence.to_owned())).into());
            }
            other => other?,
        };
        if reading.slot == won {
            return Ok(Some(won));
        }
        if refused && reading.slot == *before && (!rival || self.lease.is_stuck(before)) {
            return Err(Hindrance::Unusable("GitHub refuses to make or move refs/healnode/lease there"));
        }
        Ok(None)
    }

    async fn make_tree(&mut self) -> Result<String, Hindrance> {
        let readme = json!({ "path": "README.md", "mode": "100644", "type": "blob", "content": README });
        self.make_lease_object("/git/trees", &json!({ "tree": [readme] })).await
    }

    async fn make_lease_object(&mut self, route: &str, body: &Value) -> Result<String, Hindrance> {
        match self.make_object(route, body).await {
            Err(failure) if is_about_emptiness(&failure) => Err(Hindrance::Unusable(EMPTY)),
            other => Ok(other.map_err(undecided)?),
        }
    }
}

const EMPTY: &str = "the repository has no commit yet";

/// Tells whether a refusal is one that the slower of two rivals gets.
fn tells_of_a_rival(failure: &Failure) -> bool {
    let says = |phrase| failure.answer.as_ref().is_some_and(|answer| answer.says(phrase));
    failure.status() == Some(409) || (failure.status() == Some(422) && (says("exist") || says("fast")))
}

fn message(record: &LeaseRecord, node_id: &str) -> String {
    let state = if record.held { "held" } else { "given back" };
    format!(
        "healnode: whose turn it is to create issues\n\n\
         One node at a time may create issues in this repository. This commit says which one, and until when.\n\n\
         {}\n{state} by {node_id}\n",
        record.to_line(LINE_CHARS_MAX)
    )
}

#[cfg(test)]
mod tests {
    use healnode_core::{IssueNumber, LeaseNonce};

    use super::*;

    #[test]
    fn a_commit_tells_people_what_it_is_and_nodes_what_it_says() {
        let issues = (1_000_000..1_000_016).map(IssueNumber).collect();
        let record = LeaseRecord { holder: LeaseNonce([7; 8]), held: true, until: 1_800_000_000, doubt: Some(1_799_999_990), issues };
        let text = message(&record, "12D3KooWnode");
        assert!(text.contains("One node at a time") && text.ends_with("held by 12D3KooWnode\n"), "{text}");
        assert_eq!(text.lines().find_map(LeaseRecord::from_line), Some(record));
    }
}
