//! A comment that is written once, under an issue or a pull request.
//!
//! A line that people do not see tells it apart. Only this account's own comments are believed to have it.

use healnode_core::{ForgeReply, IssueNumber};

use crate::github::GitHub;
use crate::github::exchange::Failure;
use crate::github::issue::CommentAnswer;
use crate::github::outcome::Obstacle;
use crate::github::single::Single;
use crate::pull_rules::note_line;

/// Pages of 100 comments that are looked through. A longer conversation is left alone.
const PAGES_MAX: usize = 20;

impl GitHub {
    pub(super) async fn comment_once(&mut self, number: IssueNumber, key: &str, text: &str) -> Result<ForgeReply, Failure> {
        let Some(line) = note_line(key) else {
            return Err(Failure::invalid(format!("{key:?} is no key for a comment, so nothing was written.")));
        };
        if self.has_comment(number, &line).await? {
            return Ok(ForgeReply::Done);
        }
        self.refuse_closed_conversation(number).await?;
        let unclear = match self.post_comment(number, &format!("{line}\n{text}")).await {
            Ok(()) => return Ok(ForgeReply::Done),
            Err(failure @ Failure { obstacle: Obstacle::Unclear(_), .. }) => failure,
            Err(failure) => return Err(failure),
        };
        match self.has_comment(number, &line).await {
            Ok(true) => Ok(ForgeReply::Done),
            Ok(false) | Err(_) => Err(unclear),
        }
    }

    async fn has_comment(&mut self, number: IssueNumber, line: &str) -> Result<bool, Failure> {
        let login = self.learn_login().await?;
        let route = format!("/issues/{}/comments?per_page=100", number.0);
        let sentence = || format!("The comments of {number} cannot be read, or it is not there, so nothing was written.");
        let pages = self.read_pages::<CommentAnswer>(&route, PAGES_MAX).await.map_err(|failure| failure.of_feature(sentence))?;
        if pages.items.iter().any(|comment| comment.is_by(&login) && comment.has_line(line)) {
            return Ok(true);
        }
        if !pages.is_whole {
            return Err(Failure::invalid(format!("{number} has too many comments to look through, so nothing was written.")));
        }
        Ok(false)
    }

    async fn refuse_closed_conversation(&mut self, number: IssueNumber) -> Result<(), Failure> {
        match self.single_issue(number).await? {
            Single::Here(issue) => self.refuse_locked(&issue),
            Single::Moved { .. } | Single::Deleted => {
                Err(Failure::invalid(format!("{number} is not in {} any more, so nothing was written.", self.repo)))
            }
            // Its comments could be read, so it is there; some servers show pull requests as such only.
            Single::NotFound => Ok(()),
        }
    }
}
