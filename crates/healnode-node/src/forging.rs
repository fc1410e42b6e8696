//! The task that owns the forge: carries out one call after the other, and finds out when a blocked forge can be used again.
//!
//! A forge that turned out unusable is set up anew before each check, so a token that a person has put right is picked up without a restart.
//! Where nothing is to be filed nothing is set up: no token is looked for, no program is run, nothing is sent.

use std::path::Path;
use std::time::Duration;

use healnode_core::{CallId, ForgeCall, ForgeHealth, ForgeReply, NodeId, Refusal, RefusalKind};
use healnode_forge::{
    AppKey, Credential, Forge, GitHub, GitHubConfig, LeaseDescription, LeaseKind, Outbox, OutboxConfig, Pace, RepoName, Timeouts,
    find_token, token_from_gh,
};
use tokio::sync::mpsc;

use crate::config;

/// How soon a blocked forge is checked at first; twice as long after each check that fails.
const CHECK_WAIT_MIN: Duration = Duration::from_secs(5);

/// How often a forge that stays blocked is checked. A person mends a token at a person's pace.
const CHECK_WAIT_MAX: Duration = Duration::from_secs(300);

/// How long GitHub may take to answer somebody who only looks.
const LOOK_PATIENCE: Duration = Duration::from_secs(10);

/// Why there is nothing to open GitHub with, when no place is named that should hold it.
pub(crate) const NO_TOKEN: &str = "there is no GitHub token: set forge.token_file or HEALNODE_GITHUB_TOKEN, or log in with `gh auth login`";

/// What the forge has to say.
pub(crate) enum Forged {
    /// An answer to a call.
    Reply { id: CallId, reply: ForgeReply },
    /// Whether filing is possible.
    Health(ForgeHealth),
    /// What keeps two nodes from filing at once has changed, or is known now.
    Lease(LeaseDescription),
}

/// What is needed to set a forge up, as often as it takes.
pub(crate) struct ForgeSetup {
    config: config::Forge,
    approval_label: String,
    /// Who asks, as GitHub is told.
    me: String,
    timeouts: Timeouts,
}

impl ForgeSetup {
    pub(crate) fn new(config: &config::Forge, approval_label: &str, me: NodeId) -> Self {
        Self { config: config.clone(), approval_label: approval_label.to_owned(), me: me.to_string(), timeouts: Timeouts::default() }
    }

    /// A setup to look with, not to file with: it waits for GitHub as long as a person would.
    pub(crate) fn to_look(config: &config::Forge) -> Self {
        let timeouts = Timeouts { whole: LOOK_PATIENCE, ..Timeouts::default() };
        Self { config: config.clone(), approval_label: String::new(), me: "doctor".to_owned(), timeouts }
    }

    /// A setup to look after branches with, which is done for somebody who waits.
    pub(crate) fn to_tidy(config: &config::Forge) -> Self {
        Self { me: "branches".to_owned(), ..Self::to_look(config) }
    }

    /// Sets the forge up, or says in a sentence how to make that possible.
    pub(crate) async fn open(&self) -> Result<Forge, String> {
        match &self.config.repo {
            Some(repo) if self.config.kind == config::ForgeKind::Github => {
                let (credential, _source) = self.credential().await?;
                self.open_github(repo.clone(), credential)
            }
            Some(_) | None => {
                let outbox = Outbox::new(OutboxConfig {
                    dir: self.config.outbox.clone(),
                    bot: self.me.clone(),
                    approval_label: self.approval_label.clone(),
                });
                outbox.map(Forge::Outbox).map_err(|problem| format!("forge.outbox cannot be used: {problem}"))
            }
        }
    }

    /// Sets up GitHub with a credential, without sending anything yet.
    pub(crate) fn open_github(&self, repo: RepoName, credential: Credential) -> Result<Forge, String> {
        let config = &self.config;
        let config = GitHubConfig {
            repo,
            api_url: config.api_url.clone(),
            credential,
            node_id: self.me.clone(),
            labels: config.labels.iter().chain(Some(&config.priority_label).filter(|label| !label.is_empty())).cloned().collect(),
            approval_label: self.approval_label.clone(),
            lease: match config.lease {
                config::Lease::Ref => LeaseKind::Ref,
                config::Lease::Label => LeaseKind::Label,
                config::Lease::None => LeaseKind::None,
            },
            pace: Pace::default(),
            timeouts: self.timeouts,
        };
        GitHub::new(config).map(|github| Forge::GitHub(Box::new(github))).map_err(|problem| problem.to_string())
    }

    /// Finds what opens GitHub, and says where it was found.
    pub(crate) async fn credential(&self) -> Result<(Credential, String), String> {
        if let Some(app) = &self.config.app {
            let pem = std::fs::read(&app.key_file)
                .map_err(|problem| format!("forge.app.key_file {} cannot be read: {problem}", app.key_file.display()))?;
            let credential = Credential::App { id: app.id, installation: app.installation, key_pem: AppKey::new(pem) };
            return Ok((credential, format!("the key file {}", app.key_file.display())));
        }
        let found =
            find_token(|name| std::env::var(name).ok(), self.config.token_file.as_deref()).map_err(|problem| problem.to_string())?;
        let found = match found {
            Some(found) => Some(found),
            None => token_from_gh(Path::new("gh"), &forge_host(&self.config.api_url)).await,
        };
        found.map(|found| (Credential::Token(found.token), found.source.to_string())).ok_or_else(|| NO_TOKEN.to_owned())
    }
}

/// Returns the host whose token opens the API: that of the address, without the `api.` of github.com.
fn forge_host(api_url: &str) -> String {
    let host = api_url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or(api_url);
    if host == "api.github.com" { "github.com".to_owned() } else { host.to_owned() }
}

/// The forge, and whether it can be used just now.
#[derive(Default)]
struct Seat {
    forge: Option<Forge>,
    is_ready: bool,
    /// What was told of the lease last.
    lease: Option<LeaseDescription>,
    /// Whether a create went unanswered since the lease was last given back.
    is_unclear: bool,
}

/// Runs until `calls` closes, and gives the lease back then. Dropping it while a create is under way leaves it unknown whether the issue
/// exists; the core's intent on disk is for that.
pub(crate) async fn run(setup: ForgeSetup, mut calls: mpsc::Receiver<(CallId, ForgeCall)>, replies: mpsc::Sender<Forged>) {
    let mut seat = Seat::default();
    let may_file = setup.config.may_file();
    let mut wait = Duration::ZERO;
    loop {
        let said = tokio::select! {
            call = calls.recv() => {
                let Some((id, call)) = call else { return seat.leave().await };
                let reply = seat.call(call).await;
                if is_blocking(&reply) {
                    (seat.is_ready, wait) = (false, CHECK_WAIT_MIN);
                }
                Forged::Reply { id, reply }
            }
            () = tokio::time::sleep(wait), if may_file && !seat.is_ready => {
                wait = (wait * 2).clamp(CHECK_WAIT_MIN, CHECK_WAIT_MAX);
                Forged::Health(seat.renew(&setup).await)
            }
        };
        let news = seat.news_of_lease().map(Forged::Lease);
        for said in [Some(said), news].into_iter().flatten() {
            if replies.send(said).await.is_err() {
                return seat.leave().await;
            }
        }
    }
}

impl Seat {
    async fn call(&mut self, call: ForgeCall) -> ForgeReply {
        let creates = matches!(call, ForgeCall::Create(_));
        self.is_unclear &= !matches!(call, ForgeCall::Release { .. });
        match &mut self.forge {
            Some(forge) => {
                let reply = forge.call(call).await;
                self.is_unclear |= creates && matches!(reply, ForgeReply::Unclear { .. });
                reply
            }
            None => ForgeReply::Refused(Refusal { kind: RefusalKind::Unreachable, message: "The forge is not set up.".to_owned() }),
        }
    }

    fn news_of_lease(&mut self) -> Option<LeaseDescription> {
        let lease = self.forge.as_ref()?.describe().lease;
        (self.lease.as_ref() != Some(&lease)).then(|| self.lease.insert(lease).clone())
    }

    /// Whoever takes the lease next need not wait for its end.
    async fn leave(&mut self) {
        if let Some(forge) = &mut self.forge {
            let _nobody_left_to_tell = forge.call(ForgeCall::Release { unclear: self.is_unclear }).await;
        }
    }

    /// Sets the forge up anew, with what the one before knew of limits and of issues, and checks it.
    async fn renew(&mut self, setup: &ForgeSetup) -> ForgeHealth {
        let mut forge = match setup.open().await {
            Ok(forge) => forge,
            Err(why) => return ForgeHealth::Blocked { why },
        };
        if let Some(previous) = self.forge.take() {
            forge.inherit(previous);
        }
        let health = forge.check().await;
        self.is_ready = health == ForgeHealth::Ready;
        self.forge = Some(forge);
        health
    }
}

fn is_blocking(reply: &ForgeReply) -> bool {
    match reply {
        ForgeReply::Refused(refusal) => match refusal.kind {
            RefusalKind::Denied | RefusalKind::Unreachable => true,
            RefusalKind::Limited { .. } | RefusalKind::Invalid | RefusalKind::Unleased | RefusalKind::Overtaken => false,
        },
        ForgeReply::Leased(_)
        | ForgeReply::Held { .. }
        | ForgeReply::Found(_)
        | ForgeReply::Issue(_)
        | ForgeReply::Gone { .. }
        | ForgeReply::Pull(_)
        | ForgeReply::Created(_)
        | ForgeReply::Done
        | ForgeReply::Unclear { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_token_is_that_of_the_api() {
        assert_eq!(forge_host("https://api.github.com"), "github.com");
        assert_eq!(forge_host("https://git.example.com/api/v3"), "git.example.com");
        assert_eq!(forge_host("http://127.0.0.1:4911"), "127.0.0.1");
    }
}
