//! Issues and pull requests in a repository on GitHub or on a GitHub Enterprise server.
//!
//! Carries out each call as one or a few exchanges: lists by author (never by search), creates once and only under the lease, edits only
//! healnode's own part of a body. Trusts a marker only in an issue that this very account wrote. Where an answer leaves open whether an issue
//! was created, it says so and does nothing more; looking again is the core's business.

mod account;
mod census;
mod client;
mod clock;
mod exchange;
mod filing;
mod git;
mod inspect;
mod issue;
mod label;
mod lease;
mod lifecycle;
mod outcome;
mod pace;
mod pages;
mod pull;
mod single;
mod survey;

use std::fmt;

use healnode_core::{ForgeCall, ForgeHealth, ForgeReply};

use self::census::Census;
use self::client::Client;
use self::clock::ForgeClock;
use self::lease::Keeper;
use self::pace::Pacer;
use crate::{CredentialKind, LeaseDescription, RepoName, Token};

pub use self::client::Timeouts;
pub use self::inspect::{Inspection, Rate, Repository, Right, Rights, Role, Trouble, TroubleKind};
pub use self::lease::LeaseKind;
pub use self::pace::Pace;
pub use self::pull::{BranchFate, OwnBranch, Tidying};

/// What an app is told when GitHub knows it not.
const APP_REFUSED: &str =
    "GitHub refused the app; check forge.app: its id, the id of its installation on the repository's owner, and its key.";

/// What is needed to file on GitHub.
#[derive(Clone, Debug)]
pub struct GitHubConfig {
    /// Where issues go. A renamed repository is followed to its new name.
    pub repo: RepoName,
    /// Address of the API: `https://api.github.com`, or `https://HOST/api/v3` for an Enterprise server.
    pub api_url: String,
    /// What opens it.
    pub credential: Credential,
    /// This node's id, sent along in the header `X-Healnode-Id`.
    pub node_id: String,
    /// Labels to have ready. The first is carried by every issue and is the second key to find them by; may be empty.
    pub labels: Vec<String>,
    /// Label by which a person approves of a fix, had ready as well; empty for none.
    pub approval_label: String,
    /// What keeps two nodes from creating at once.
    pub lease: LeaseKind,
    /// How far apart requests are.
    pub pace: Pace,
    /// How long they may take.
    pub timeouts: Timeouts,
}

/// What opens GitHub.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A personal token, or any other that is sent as it is.
    Token(Token),
    /// An installation of a GitHub App: it files under its own name, with a token for an hour each.
    App {
        /// The app's id.
        id: u64,
        /// The id of its installation on the repository's owner.
        installation: u64,
        /// The app's private key.
        key_pem: AppKey,
    },
}

/// The private key of a GitHub App, as PEM. Can be used, never shown.
#[derive(Clone)]
pub struct AppKey(Vec<u8>);

/// Why GitHub can't be spoken to at all. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum GitHubConfigError {
    /// The address is not that of an API.
    #[error(
        "forge.api_url {given:?} is not the address of a GitHub API: write https://api.github.com, or https://HOST/api/v3 for an Enterprise server"
    )]
    ApiUrl {
        /// What was given.
        given: String,
    },
    /// The key of the app can't be read.
    #[error("the key of the GitHub App is not an RSA private key in PEM form; download one from the app's settings")]
    AppKey(#[source] octocrab::Error),
    /// TLS can't be set up.
    #[error("TLS cannot be set up; install the system's root certificates (the package is often called ca-certificates)")]
    Tls(#[source] octocrab::Error),
}

/// A repository on GitHub, and one account to file in it.
pub struct GitHub {
    client: Client,
    credential: CredentialKind,
    repo: RepoName,
    /// The repository's name in the configuration, which may be an older one.
    configured: RepoName,
    /// Set when an answer hints that the repository has another name by now.
    moved: bool,
    labels: Vec<String>,
    approval_label: String,
    labels_are_ready: bool,
    /// The account that issues are filed as, once it is known.
    login: Option<String>,
    pacer: Pacer,
    census: Census,
    clock: ForgeClock,
    lease: Keeper,
    /// Who holds the lease, for people who look at it.
    node_id: String,
}

impl GitHub {
    /// Sets up the connection, without sending anything yet. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the address, the app's key or the system's root certificates are unusable.
    pub fn new(config: GitHubConfig) -> Result<Self, GitHubConfigError> {
        Ok(Self {
            client: Client::new(&config)?,
            credential: config.credential.kind(),
            configured: config.repo.clone(),
            repo: config.repo,
            moved: false,
            labels: config.labels,
            approval_label: config.approval_label,
            labels_are_ready: false,
            login: None,
            pacer: Pacer::new(config.pace),
            census: Census::default(),
            clock: ForgeClock::default(),
            lease: Keeper::new(config.lease),
            node_id: config.node_id,
        })
    }

    /// Returns the repository by the name it was last known by.
    pub fn repo(&self) -> &RepoName {
        &self.repo
    }

    /// See [`Forge::inherit`](crate::Forge::inherit).
    pub(crate) fn inherit(&mut self, previous: Self) {
        self.pacer.inherit(previous.pacer);
        let same_repository = [&previous.repo, &previous.configured].iter().any(|name| self.repo.is_same_as(name));
        if same_repository {
            self.census = previous.census;
            self.clock = previous.clock;
        }
        self.lease.inherit(previous.lease, same_repository);
    }

    /// See [`Forge::describe`](crate::Forge::describe).
    pub(crate) fn describe_lease(&self) -> LeaseDescription {
        self.lease.describe()
    }

    /// Carries out one call; see [`Forge::call`](crate::Forge::call).
    pub async fn call(&mut self, call: ForgeCall) -> ForgeReply {
        let outcome = match call {
            ForgeCall::Look { markers } => self.look(&markers).await,
            ForgeCall::Survey => self.survey().await.map(ForgeReply::Found),
            ForgeCall::Acquire => self.acquire().await,
            ForgeCall::Release { unclear } => self.release(unclear).await,
            ForgeCall::Inspect { number } => self.inspect(number).await,
            ForgeCall::Create(draft) => self.create(&draft).await,
            ForgeCall::Update { number, draft } => self.update(number, &draft).await,
            ForgeCall::Comment { number, text } => self.comment(number, &text).await,
            ForgeCall::Reopen { number, comment } => self.reopen(number, &comment).await,
            ForgeCall::Close { number, comment } => self.close(number, &comment).await,
            ForgeCall::MarkQuiet { number, quiet } => self.mark_quiet(number, quiet).await,
            ForgeCall::CloseDuplicate { number, of } => self.close_duplicate(number, of).await,
            ForgeCall::Pull(call) => self.pull(call).await,
        };
        outcome.unwrap_or_else(|failure| failure.reply(&self.repo))
    }

    /// Finds out whether issues can be filed; see [`Forge::check`](crate::Forge::check).
    pub async fn check(&mut self) -> ForgeHealth {
        match self.prepare().await {
            Ok(()) => ForgeHealth::Ready,
            Err(failure) => ForgeHealth::Blocked { why: failure.sentence(&self.repo) },
        }
    }
}

impl AppKey {
    /// Takes the content of a PEM file. Whether it is a key shows in [`GitHub::new`].
    pub fn new(pem: impl Into<Vec<u8>>) -> Self {
        Self(pem.into())
    }

    fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKey(hidden)")
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("repo", &self.repo).field("login", &self.login).finish_non_exhaustive()
    }
}
