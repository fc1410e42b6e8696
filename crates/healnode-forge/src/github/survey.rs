//! Which issues of this account there are.
//!
//! Two lists, by author and by label, each read whole or not believed; and the issues created last, by their numbers, when both lists lack
//! them. Says what is absent only when nothing speaks against it.

use std::collections::BTreeMap;

use healnode_core::{ForgeReply, FoundIssue, IssueNumber, Marker};

use super::GitHub;
use super::exchange::Failure;
use super::issue::IssueAnswer;
use super::outcome::Obstacle;
use super::single::Single;
use crate::percent::encode;

/// Pages of 100 issues that one list may have. A longer list is refused whole, for nothing can be said to be absent from half a list.
///
/// 100: at 10,000 issues a single look costs 2 % of an hour's requests.
const PAGES_MAX: usize = 100;

impl GitHub {
    pub(super) async fn look(&mut self, markers: &[Marker]) -> Result<ForgeReply, Failure> {
        let mut found = self.survey().await?;
        found.retain(|issue| issue.markers.iter().any(|marker| markers.contains(marker)));
        Ok(ForgeReply::Found(found))
    }

    /// Lists by author and, because a list has been seen to come back empty, by label as well; oldest first, so that pages don't shift
    /// while they are read.
    pub(super) async fn survey(&mut self) -> Result<Vec<FoundIssue>, Failure> {
        let login = self.learn_login().await?;
        let mut keys = vec![format!("creator={}", encode(&login, b""))];
        keys.extend(self.labels.first().map(|label| format!("labels={}", encode(label, b""))));
        let mut own = BTreeMap::new();
        for key in keys {
            let route = format!("/issues?{key}&state=all&sort=created&direction=asc&per_page=100");
            for issue in self.list(&route).await? {
                if let Some(found) = issue.found_by(&login, &self.approval_label) {
                    own.insert(found.issue.number, found);
                }
            }
        }
        if !self.census.admits(&login, own.len()) {
            return Err(Failure::new(Obstacle::Unreachable(
                "GitHub's list of issues lacks many that it showed before, so nothing is said to be absent; it is read again.".to_owned(),
            )));
        }
        self.add_unlisted(&login, &mut own).await?;
        self.lease.note_found(own.keys().copied());
        Ok(own.into_values().collect())
    }

    /// Reads the issues created last that the lists lack. A list that is behind hides none of them.
    async fn add_unlisted(&mut self, login: &str, own: &mut BTreeMap<IssueNumber, FoundIssue>) -> Result<(), Failure> {
        for number in self.lease.expected() {
            if own.contains_key(&number) {
                continue;
            }
            match self.single_issue(number).await? {
                Single::Here(issue) => match issue.found_by(login, &self.approval_label) {
                    Some(found) => drop(own.insert(number, found)),
                    None => self.lease.note_foreign(number),
                },
                Single::Moved { .. } | Single::Deleted => self.lease.note_gone(number),
                Single::NotFound if self.lease.note_missing(number) => {}
                Single::NotFound => {
                    return Err(Failure::new(Obstacle::Unreachable(format!(
                        "GitHub does not show issue {number}, which was created a short while ago, so nothing is said to be absent; it is read again."
                    ))));
                }
            }
        }
        Ok(())
    }

    async fn list(&mut self, route: &str) -> Result<Vec<IssueAnswer>, Failure> {
        let pages = self.read_pages(route, PAGES_MAX).await?;
        if pages.is_whole {
            return Ok(pages.items);
        }
        Err(Failure::denied(format!(
            "There are more than {} issues in {} by this account or with its label, too many to look through; use another account, label or repository.",
            PAGES_MAX * 100,
            self.repo
        )))
    }
}
