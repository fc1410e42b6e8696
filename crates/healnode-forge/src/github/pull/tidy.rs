//! Branches of healnode's own that nobody needs any more: listed, and deleted when a person says so.
//!
//! Kept is each branch with an open pull request, from it or into it, each whose newest commit is not healnode's, and each whose age is not
//! known. All that speaks against it is read right before the branch is deleted. No node does this by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use healnode_core::{BRANCH_PREFIX, PullRequest, PullState, UnixMillis};
use http::Method;
use serde::Deserialize;

use super::answer::PullAnswer;
use super::{CONTENTS, PULLS};
use crate::RepoName;
use crate::github::GitHub;
use crate::github::exchange::{Failure, Route, parse};
use crate::github::git::is_about_emptiness;
use crate::github::issue::time;
use crate::github::outcome::Act;
use crate::percent::encode;
use crate::pull_rules::{is_own_branch, is_own_message};

/// Pages of 100 branches that are listed. Further ones are left for the next time, and that is said.
const PAGES_MAX: usize = 10;

/// Branches that are looked at in one go. Further ones are left for the next time, and that is said.
///
/// 300: with five requests each that is a third of an hour's.
const BRANCHES_MAX: usize = 300;

/// What became of the branches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tidying {
    /// The repository, by the name it was last known by.
    pub repo: RepoName,
    /// The branches that were looked at, by name.
    pub branches: Vec<OwnBranch>,
    /// Whether these are all there are.
    pub is_whole: bool,
    /// What ended it early, in a sentence.
    pub trouble: Option<String>,
}

/// A branch that is called as healnode calls its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnBranch {
    /// Its name.
    pub name: String,
    /// Its newest commit, in full.
    pub commit: String,
    /// When that was committed; nothing when it cannot be read.
    pub committed_at: Option<UnixMillis>,
    /// Its pull request, the open one if there are several, else the first.
    pub pull: Option<PullRequest>,
    /// What became of it.
    pub fate: BranchFate,
}

/// What became of a branch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BranchFate {
    /// Nobody needs it, and it was not to be deleted.
    Stale,
    /// It is deleted.
    Deleted,
    /// A pull request from it is open.
    OpenPull,
    /// A pull request into it is open.
    OpenPullInto,
    /// Its newest commit is not healnode's.
    OfPeople,
    /// How old its newest commit is cannot be read.
    Undated,
    /// Its newest commit is too young.
    Young,
    /// A rule of the repository keeps it from being deleted.
    Protected,
}

/// The fields of a ref that are read.
#[derive(Deserialize)]
struct NamedRef {
    #[serde(rename = "ref")]
    name: String,
}

/// The fields of a commit that are read.
#[derive(Deserialize)]
struct DatedCommit {
    message: String,
    committer: Option<Committer>,
}

#[derive(Deserialize)]
struct Committer {
    date: Option<String>,
}

/// A branch's newest commit.
struct Newest {
    is_own: bool,
    committed_at: Option<UnixMillis>,
    /// How old it is by GitHub's clock, which also dated it.
    age: Option<Duration>,
}

impl GitHub {
    /// Looks through healnode's own branches. See [`Forge::tidy_branches`](crate::Forge::tidy_branches).
    pub(crate) async fn tidy_branches(&mut self, older_than: Duration, delete: bool) -> Tidying {
        let (mut branches, mut trouble) = (Vec::new(), None);
        let (names, mut is_whole) = match self.list_own_branches().await {
            Ok(listed) => listed,
            Err(failure) => {
                trouble = Some(failure.sentence(&self.repo));
                (BTreeSet::new(), false)
            }
        };
        is_whole &= names.len() <= BRANCHES_MAX;
        for name in names.into_iter().take(BRANCHES_MAX) {
            match self.tidy_branch(name, older_than, delete).await {
                Ok(branch) => branches.extend(branch),
                Err(failure) => {
                    (is_whole, trouble) = (false, Some(failure.sentence(&self.repo)));
                    break;
                }
            }
        }
        Tidying { repo: self.repo.clone(), branches, is_whole, trouble }
    }

    /// Returns the names, and whether these are all there are.
    async fn list_own_branches(&mut self) -> Result<(BTreeSet<String>, bool), Failure> {
        let route = format!("/git/matching-refs/heads/{}?per_page=100", encode(BRANCH_PREFIX, b"/"));
        let pages = match self.read_pages::<NamedRef>(&route, PAGES_MAX).await {
            Err(failure) if is_about_emptiness(&failure) => return Ok((BTreeSet::new(), true)),
            other => other.map_err(|failure| failure.for_want_of(CONTENTS, &self.repo))?,
        };
        let names = pages.items.iter().filter_map(|named| named.name.strip_prefix("refs/heads/"));
        Ok((names.filter(|name| is_own_branch(name)).map(str::to_owned).collect(), pages.is_whole))
    }

    /// Looks at one branch; nothing when it is gone.
    async fn tidy_branch(&mut self, name: String, older_than: Duration, delete: bool) -> Result<Option<OwnBranch>, Failure> {
        let Some(commit) = self.read_tip(&name).await? else { return Ok(None) };
        let newest = self.read_newest(&commit).await?;
        let pulls = self.pulls_from(&name).await?;
        let fate = match newest.age {
            _ if pulls.iter().any(|pull| pull.state() == PullState::Open) => BranchFate::OpenPull,
            _ if !newest.is_own => BranchFate::OfPeople,
            None => BranchFate::Undated,
            Some(age) if age <= older_than => BranchFate::Young,
            Some(_) if self.has_open_pull_into(&name).await? => BranchFate::OpenPullInto,
            Some(_) if delete => self.delete_branch(&name).await?,
            Some(_) => BranchFate::Stale,
        };
        let shown = pulls.iter().min_by_key(|pull| (pull.state() != PullState::Open, pull.number));
        Ok(Some(OwnBranch { name, commit, committed_at: newest.committed_at, pull: shown.map(PullAnswer::reference), fate }))
    }

    async fn read_newest(&mut self, commit: &str) -> Result<Newest, Failure> {
        let route = format!("/git/commits/{commit}");
        let read = self.send(Act::Read, &Method::GET, Route::Repo(&route), None).await;
        let answer = read.map_err(|failure| failure.for_want_of(CONTENTS, &self.repo))?;
        let read: DatedCommit = parse(Act::Read, &answer)?;
        let committed_at = time(read.committer.and_then(|committer| committer.date).as_deref());
        let committed_at = Some(committed_at).filter(|at| at.0 > 0);
        let age = match (answer.date(), committed_at) {
            (Some(now), Some(at)) => Some(Duration::from_millis(now.saturating_mul(1_000).saturating_sub(at.0))),
            (None, _) | (_, None) => None,
        };
        Ok(Newest { is_own: is_own_message(&read.message), committed_at, age })
    }

    /// GitHub closes a pull request whose base is deleted.
    async fn has_open_pull_into(&mut self, branch: &str) -> Result<bool, Failure> {
        let route = format!("/pulls?base={}&state=open&per_page=100", encode(branch, b""));
        let pages = self.read_pages::<PullAnswer>(&route, 1).await.map_err(|failure| failure.for_want_of(PULLS, &self.repo))?;
        Ok(pages.items.iter().any(|pull| pull.is_into(branch) && pull.state() == PullState::Open))
    }

    async fn delete_branch(&mut self, branch: &str) -> Result<BranchFate, Failure> {
        let route = format!("/git/refs/heads/{}", encode(branch, b"/"));
        match self.send(Act::Change, &Method::DELETE, Route::Repo(&route), None).await {
            Ok(_) => Ok(BranchFate::Deleted),
            Err(failure) if failure.is_about_rules() => Ok(BranchFate::Protected),
            // Somebody was faster, or the answer to the first try was lost.
            Err(failure) if failure.status() == Some(422) && failure.says("does not exist") => Ok(BranchFate::Deleted),
            Err(failure) => Err(failure.for_want_of(CONTENTS, &self.repo)),
        }
    }
}
