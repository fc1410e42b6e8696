//! The edge that files issues and opens draft pull requests: on GitHub through octocrab, or in a folder of Markdown files.
//!
//! It carries out one [`ForgeCall`](healnode_core::ForgeCall) at a time and says in a [`ForgeReply`](healnode_core::ForgeReply) what came
//! of it, above all whether something was for certain not created, or may have been. Here is only how; when, by whom, and whether to look
//! again is decided in `healnode-core`. It never sends a create twice without a clear "no" to the first one, never searches, never merges,
//! never forces a branch, deletes none unless a person asks, never believes a marker that somebody else wrote, and never logs text of an issue above debug level.

mod credential_kind;
mod forge;
mod github;
mod outbox;
mod percent;
mod pull_rules;
mod repo_name;
mod token;

pub use credential_kind::CredentialKind;
pub use forge::{Forge, ForgeDescription, LeaseDescription};
pub use github::{AppKey, Credential, GitHub, GitHubConfig, GitHubConfigError, LeaseKind, Pace, Timeouts};
pub use github::{BranchFate, OwnBranch, Tidying};
pub use github::{Inspection, Rate, Repository, Right, Rights, Role, Trouble, TroubleKind};
pub use outbox::{Outbox, OutboxConfig};
pub use repo_name::{InvalidRepoName, RepoName};
pub use token::{FoundToken, InvalidToken, Token, TokenError, TokenSource, find_token, token_from_gh};
