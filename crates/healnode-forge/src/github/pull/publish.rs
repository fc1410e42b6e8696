//! Putting a fix on the branch of a pull request, and its story into the text.
//!
//! The commit follows the one that was expected and moves the branch by a fast-forward, so of several nodes one wins, and a commit that a
//! person pushed meanwhile stays. Its dates are given, so making it again makes the same one; a lost answer is settled by reading the branch.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use healnode_core::{FileChange, Publication, PullState};
use http::Method;
use serde_json::{Value, json};

use super::branch::Head;
use super::{CONTENTS, PULLS, against_rules};
use crate::forge::changed_body;
use crate::github::GitHub;
use crate::github::exchange::{Failure, Route};
use crate::github::git::{is_name, target_in};
use crate::github::outcome::{Act, Obstacle};
use crate::percent::encode;
use crate::pull_rules::fault_in_publication;

impl GitHub {
    /// Returns the commit that the branch is at.
    pub(super) async fn publish(&mut self, publication: &Publication) -> Result<String, Failure> {
        if let Some(fault) = fault_in_publication(publication) {
            return Err(Failure::invalid(fault));
        }
        if !is_name(&publication.expected) {
            return Err(Failure::invalid("The commit to go on from has no full name, so nothing was published.".to_owned()));
        }
        let text = self.text_to_publish_into(publication).await?;
        let Some(before) = self.read_fresh_branch(&publication.branch).await? else { return Err(overtaken(publication)) };
        let head = if is_made_of(&before, publication) { before.commit } else { self.put_on_top(publication, &before).await? };
        self.tell(&text, publication).await?;
        Ok(head)
    }

    /// Returns the text of the pull request, which is healnode's own and open.
    async fn text_to_publish_into(&mut self, publication: &Publication) -> Result<String, Failure> {
        let login = self.learn_login().await?;
        let number = publication.number;
        let (pull, text) = self.read_pull(number).await?;
        if !pull.is_by(&login) || !pull.is_from(&publication.branch) {
            return Err(Failure::invalid(format!("Pull request {number} is not {login}'s own from that branch, so it is left alone.")));
        }
        match pull.state() {
            PullState::Open => Ok(text),
            PullState::Merged { .. } | PullState::Closed => {
                Err(Failure::overtaken(format!("A person has merged or closed pull request {number}, so nothing more is put into it.")))
            }
        }
    }

    async fn put_on_top(&mut self, publication: &Publication, before: &Head) -> Result<String, Failure> {
        if before.commit != publication.expected {
            return Err(overtaken(publication));
        }
        let sha = self.make_commit(publication, &before.made.tree).await.map_err(|failure| {
            if failure.is_about_rules() {
                return Failure::invalid(against_rules(&publication.branch, &self.repo));
            }
            failure.for_want_of(CONTENTS, &self.repo).of_object()
        })?;
        let route = format!("/git/refs/heads/{}", encode(&publication.branch, b"/"));
        let moved = self.send(Act::Change, &Method::PATCH, Route::Repo(&route), Some(&json!({ "sha": sha, "force": false }))).await;
        self.judge_push(publication, sha, moved.and_then(|answer| target_in(&answer).map_err(|_unreadable| Failure::garbage(Act::Change))))
            .await
    }

    async fn judge_push(&mut self, publication: &Publication, sha: String, moved: Result<String, Failure>) -> Result<String, Failure> {
        let failure = match moved {
            Ok(target) if target == sha => return Ok(sha),
            Ok(_) => Failure::garbage(Act::Change),
            Err(failure) => failure,
        };
        if failure.is_about_rules() {
            return Err(Failure::invalid(against_rules(&publication.branch, &self.repo)));
        }
        let unclear = matches!(failure.obstacle, Obstacle::Unclear(_));
        if !unclear && !matches!(failure.status(), Some(404 | 409 | 422)) {
            return Err(failure.for_want_of(CONTENTS, &self.repo));
        }
        // Whatever was answered, the branch itself tells.
        match self.read_tip(&publication.branch).await {
            Ok(Some(tip)) if tip == sha => Ok(sha),
            Ok(Some(tip)) if tip == publication.expected && (unclear || failure.status() == Some(409)) => Err(failure),
            Ok(Some(tip)) if tip == publication.expected => Err(Failure::invalid(format!(
                "GitHub refuses to move the branch {} in {}, so the fix is not in its pull request; the token may lack {CONTENTS}, or Workflows.",
                publication.branch, self.repo
            ))),
            Ok(_) => Err(overtaken(publication)),
            Err(_) => Err(failure),
        }
    }

    /// Makes the commit that follows the one that was expected. Nothing points to it yet.
    async fn make_commit(&mut self, publication: &Publication, tree: &str) -> Result<String, Failure> {
        let mut entries = Vec::new();
        for change in &publication.changes {
            let sha = match &change.content {
                Some(content) => Some(self.make_object("/git/blobs", &blob(content)).await?),
                None => None,
            };
            entries.push(entry(change, sha));
        }
        let tree = self.make_object("/git/trees", &json!({ "base_tree": tree, "tree": entries })).await?;
        let login = self.learn_login().await?;
        let date = publication.at.to_string();
        // GitHub wants whole seconds.
        let date = date.split_once('.').map_or(date.clone(), |(seconds, _millis)| format!("{seconds}Z"));
        let person = json!({ "name": login, "email": format!("{login}@users.noreply.github.com"), "date": date });
        let commit = json!({
            "message": publication.message, "tree": tree, "parents": [publication.expected], "author": person, "committer": person,
        });
        self.make_object("/git/commits", &commit).await
    }

    /// Replaces healnode's own part of the pull request's text. A right that is missing for it costs the text, not the fix.
    async fn tell(&mut self, existing: &str, publication: &Publication) -> Result<(), Failure> {
        let Some(body) = changed_body(existing, &publication.body) else { return Ok(()) };
        let route = format!("/pulls/{}", publication.number.0);
        match self.send(Act::Change, &Method::PATCH, Route::Repo(&route), Some(&json!({ "body": body }))).await {
            Err(failure) if failure.declines_feature() || matches!(failure.obstacle, Obstacle::Invalid(_)) => {
                tracing::info!(number = %publication.number, needs = PULLS, obstacle = ?failure.obstacle, "a fix is published, but the text stays");
                Ok(())
            }
            other => other.map(drop),
        }
    }
}

/// Tells whether a branch is at the commit that a publication makes: its message is unique to node and attempt.
fn is_made_of(head: &Head, publication: &Publication) -> bool {
    head.made.parents.as_slice() == [publication.expected.as_str()] && head.made.message.trim_end() == publication.message.trim_end()
}

fn overtaken(publication: &Publication) -> Failure {
    let why = format!(
        "The branch {} is not at {} as was expected: another node, or a person, was first, so nothing was published.",
        publication.branch, publication.expected
    );
    Failure::overtaken(why)
}

fn blob(content: &[u8]) -> Value {
    match std::str::from_utf8(content) {
        Ok(text) if !text.contains('\0') => json!({ "content": text, "encoding": "utf-8" }),
        Ok(_) | Err(_) => json!({ "content": STANDARD.encode(content), "encoding": "base64" }),
    }
}

/// A file without a blob is taken away.
fn entry(change: &FileChange, blob: Option<String>) -> Value {
    let mode = if change.executable { "100755" } else { "100644" };
    json!({ "path": change.path, "mode": mode, "type": "blob", "sha": blob })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_travels_as_base64() {
        assert_eq!(blob("é\r\n".as_bytes()), json!({ "content": "é\r\n", "encoding": "utf-8" }));
        assert_eq!(blob(b""), json!({ "content": "", "encoding": "utf-8" }));
        assert_eq!(blob(&[0xff, 0xfe]), json!({ "content": "//4=", "encoding": "base64" }));
        assert_eq!(blob(b"a\0"), json!({ "content": "YQA=", "encoding": "base64" }));
    }

    #[test]
    fn a_file_keeps_its_mode_and_one_without_content_goes() {
        let change = |executable| FileChange { path: "a".to_owned(), content: None, executable };
        assert_eq!(entry(&change(true), Some("1".to_owned())), json!({ "path": "a", "mode": "100755", "type": "blob", "sha": "1" }));
        assert_eq!(entry(&change(false), None), json!({ "path": "a", "mode": "100644", "type": "blob", "sha": null }));
    }
}
