//! Branches of healnode's own that nobody needs any more, for `healnode branches`: needs the credential of a node, but no node that runs.
//!
//! Which can go is decided in `healnode-forge`; here it becomes the JSON that the command prints.

use std::time::Duration;

use healnode_core::PullState;
use healnode_forge::{BranchFate, OwnBranch, Tidying};
use serde_json::{Value, json};

use crate::config::{Config, ForgeKind};
use crate::forging::ForgeSetup;

/// How old a branch is at least before it is called old. Its pull request may be on its way for a minute, its fix for 45.
pub const BRANCH_AGE_MIN: Duration = Duration::from_secs(3600);

/// Why the branches could not be looked through. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BranchesError {
    /// No repository is named.
    #[error("no repository is named: set forge.repo = \"owner/name\" (or HEALNODE_REPO=owner/name)")]
    NoRepository,
    /// The forge cannot be set up.
    #[error("{0}")]
    NoForge(String),
}

/// Looks through healnode's own branches, and deletes those that nobody needs any more if `delete`. Younger ones than [`BRANCH_AGE_MIN`] stay
/// in any case.
///
/// Returns `kind`, `repo`, `older_than_s`, `whole`, `trouble`, and `branches`, each with `name`, `commit`, `committed_at`, `pull_request` and
/// `fate`: `stale`, `deleted`, or why it stays.
///
/// # Errors
/// When there is nothing to ask GitHub with. Trouble on the way is in the answer.
pub async fn branches(config: &Config, older_than: Duration, delete: bool) -> Result<Value, BranchesError> {
    let forge = &config.forge;
    let older_than = older_than.max(BRANCH_AGE_MIN);
    if forge.kind == ForgeKind::Github && forge.repo.is_none() {
        return Err(BranchesError::NoRepository);
    }
    let mut opened = ForgeSetup::to_tidy(forge).open().await.map_err(BranchesError::NoForge)?;
    Ok(match opened.tidy_branches(older_than, delete).await {
        Some(tidying) => answer(&tidying, older_than),
        None => json!({
            "kind": ForgeKind::Outbox.name(), "repo": forge.outbox.display().to_string(), "older_than_s": older_than.as_secs(),
            "whole": true, "trouble": null, "branches": [],
        }),
    })
}

fn answer(tidying: &Tidying, older_than: Duration) -> Value {
    json!({
        "kind": ForgeKind::Github.name(),
        "repo": tidying.repo.to_string(),
        "older_than_s": older_than.as_secs(),
        "whole": tidying.is_whole,
        "trouble": tidying.trouble,
        "branches": tidying.branches.iter().map(branch).collect::<Vec<Value>>(),
    })
}

fn branch(branch: &OwnBranch) -> Value {
    let pull = branch.pull.as_ref();
    json!({
        "name": branch.name,
        "commit": branch.commit,
        "committed_at": branch.committed_at.map(|at| at.to_string()),
        "pull_request": pull.map(|pull| json!({ "number": pull.number, "url": pull.url, "state": state(pull.state) })),
        "fate": word(branch.fate),
    })
}

fn state(state: PullState) -> &'static str {
    match state {
        PullState::Open => "open",
        PullState::Merged { .. } => "merged",
        PullState::Closed => "closed",
    }
}

fn word(fate: BranchFate) -> &'static str {
    match fate {
        BranchFate::Stale => "stale",
        BranchFate::Deleted => "deleted",
        BranchFate::OpenPull => "open_pull_request",
        BranchFate::OpenPullInto => "open_pull_request_into",
        BranchFate::OfPeople => "of_people",
        BranchFate::Undated => "undated",
        BranchFate::Young => "young",
        BranchFate::Protected => "protected",
    }
}
