//! The Copilot CLI as a fixer, over the protocol of its server mode.
//!
//! Each round is a process of its own behind walls, which takes the session up where the last one left it; so nothing of it runs while its
//! work is judged. It may view and edit files of the work copy, and nothing else: what it asks for beyond is refused by `policy.rs`. With a
//! provider of the operator's own it is given the address of `proxy.rs` and no key.

mod client;
mod find;
mod frame;
mod policy;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::{Instant, timeout, timeout_at};

use self::client::{Client, Opening, ProtocolError, Turn};
use self::find::Installed;
pub use self::find::{CopilotError, CopilotProbe, probe};
use self::frame::FrameError;
use self::policy::Policy;
use super::limits::GOODBYE_LIMIT;
use super::provider::{Provider, ProviderKey};
use super::proxy::{Budget, Meter, Proxy};
use super::upstream::{Trouble, Upstream};
use crate::agent::{Agent, Round, RoundEnd};
use crate::walls::{Ground, Launch, Running, launch};

/// The port of github.com, and that of name servers.
const GITHUB_PORTS: [u16; 2] = [443, 53];

/// What the Copilot CLI needs to know.
#[derive(Clone, Debug)]
pub struct CopilotConfig {
    /// The program. Without one: `HEALNODE_COPILOT_BIN`, then `copilot` on the `PATH`.
    pub binary: Option<PathBuf>,
    /// The model. Empty: the CLI's own choice, which it has only with a Copilot login.
    pub model: String,
    /// Who answers the model calls.
    pub account: CopilotAccount,
    /// A folder of healnode's own in which the CLI unpacks itself once, 235 MB; rounds may read it only.
    pub cache: PathBuf,
}

/// Who answers the model calls of the Copilot CLI.
#[derive(Clone, Debug)]
pub enum CopilotAccount {
    /// A provider of the operator's own. The CLI is told to stay offline, and sees no key.
    Provider(Provider),
    /// GitHub, for a personal access token that may do nothing but "Copilot Requests". The CLI has it in its environment, where its tools
    /// cannot look, and may connect to any address over https.
    Login(ProviderKey),
}

/// The fixer, for one job.
pub(crate) struct Copilot {
    config: CopilotConfig,
    ground: Ground,
    meter: Arc<Meter>,
    installed: Option<Installed>,
    session: Option<String>,
    refused: BTreeMap<&'static str, u32>,
}

impl Copilot {
    /// Prepares it, without starting anything.
    pub(crate) fn new(config: CopilotConfig, ground: Ground) -> Self {
        Self { config, ground, meter: Arc::new(Meter::new(Budget::default())), installed: None, session: None, refused: BTreeMap::new() }
    }

    async fn attempt(&mut self, round: &Round<'_>) -> Result<RoundEnd, RoundEnd> {
        let deadline = Instant::now() + round.limit;
        let installed = self.install().await?;
        let work = fs::canonicalize(round.work).map_err(|error| lasting(format!("the work copy is gone: {error}")))?;
        let proxy = self.proxy().await?;
        let mut running = self.start(&installed, round, &work, proxy.as_ref())?;
        let (Some(output), Some(input)) = (running.stdout.take(), running.stdin.take()) else {
            return Err(lasting("the Copilot CLI has no pipes".to_owned()));
        };
        let mut client = Client::new(output, input);
        let opening = self.opening(&work, proxy.as_ref());
        let talk = talk(&mut client, &opening, round.prompt, Policy::new(&work));
        let Ok(talked) = timeout_at(deadline, talk).await else {
            let _stopped = running.stop().await;
            return Err(RoundEnd::Failed { why: format!("the Copilot CLI was stopped after {} s", round.limit.as_secs()), passing: true });
        };
        let ending = goodbye(running, client, &talked).await;
        let (session, turn) = talked.map_err(|error| self.failure(error, &ending))?;
        self.session = Some(session);
        for (kind, count) in turn.refused {
            *self.refused.entry(kind).or_default() += count;
        }
        match turn.trouble {
            Some(status) => Err(self.trouble(status)),
            None => Ok(RoundEnd::Ended(turn.answer)),
        }
    }

    /// Finds the CLI and has it unpack itself, once a job.
    async fn install(&mut self) -> Result<Installed, RoundEnd> {
        if let Some(installed) = &self.installed {
            return Ok(installed.clone());
        }
        let installed = find::install(&self.config).await.map_err(|error| lasting(error.to_string()))?;
        Ok(self.installed.insert(installed).clone())
    }

    async fn proxy(&self) -> Result<Option<Proxy>, RoundEnd> {
        let CopilotAccount::Provider(provider) = &self.config.account else { return Ok(None) };
        let upstream = Upstream::new(provider).map_err(|error| lasting(format!("the model provider cannot be asked: {error}")))?;
        let proxy = Proxy::start(upstream, Arc::clone(&self.meter)).await;
        proxy.map(Some).map_err(|error| lasting(format!("the loopback cannot be listened on: {error}")))
    }

    fn start(&self, installed: &Installed, round: &Round<'_>, work: &Path, proxy: Option<&Proxy>) -> Result<Running, RoundEnd> {
        let program = installed.binary.to_string_lossy().into_owned();
        let argv = [&*program, "--server", "--stdio", "--no-auto-update", "--log-level", "error"].map(str::to_owned);
        let ports = proxy.map_or(GITHUB_PORTS.to_vec(), |proxy| vec![proxy.port()]);
        let mut walls = self.ground.walls(work, round.home, &ports);
        walls.readable.extend([installed.needs.clone(), self.config.cache.clone()]);
        let env = self.environment(round.home, proxy);
        let what = Launch { argv: &argv, dir: work, env, walls: &walls };
        launch(what, Stdio::piped(), Stdio::piped(), Stdio::null()).map_err(|error| lasting(error.to_string()))
    }

    fn environment(&self, home: &Path, proxy: Option<&Proxy>) -> BTreeMap<String, String> {
        let mut environment = self.ground.environment(home);
        let mut set = |name: &str, value: &str| environment.insert(name.to_owned(), value.to_owned());
        set("COPILOT_HOME", &home.join(".copilot").to_string_lossy());
        set("COPILOT_PKG_CACHE_HOME", &self.config.cache.to_string_lossy());
        set("COPILOT_AUTO_UPDATE", "false");
        if !self.config.model.is_empty() {
            set("COPILOT_MODEL", &self.config.model);
        }
        match (&self.config.account, proxy) {
            (CopilotAccount::Provider(provider), proxy) => {
                set("COPILOT_OFFLINE", "true");
                set("COPILOT_PROVIDER_WIRE_API", provider.wire_api().name());
                set("COPILOT_PROVIDER_BASE_URL", &proxy.map(Proxy::base_url).unwrap_or_default());
            }
            (CopilotAccount::Login(token), _) => {
                set("COPILOT_GITHUB_TOKEN", token.reveal());
            }
        }
        environment
    }

    fn opening(&self, work: &Path, proxy: Option<&Proxy>) -> Opening {
        let provider = match (&self.config.account, proxy) {
            (CopilotAccount::Provider(provider), Some(proxy)) => {
                json!({ "type": "openai", "wireApi": provider.wire_api().name(), "baseUrl": proxy.base_url() })
            }
            (CopilotAccount::Provider(_) | CopilotAccount::Login(_), _) => Value::Null,
        };
        Opening { work: work.to_owned(), model: self.config.model.clone(), provider, session: self.session.clone() }
    }

    fn failure(&self, error: ProtocolError, ending: &str) -> RoundEnd {
        match error {
            ProtocolError::Version(found) => lasting(format!(
                "the Copilot CLI speaks version {found} of its protocol, this healnode speaks {}: install a release of @github/copilot that does",
                client::PROTOCOL_VERSION
            )),
            ProtocolError::Ended | ProtocolError::Io(_) | ProtocolError::Frame(FrameError::Io(_)) => {
                RoundEnd::Failed { why: format!("the Copilot CLI ended by itself ({ending})"), passing: false }
            }
            ProtocolError::Frame(FrameError::Head | FrameError::TooLong) | ProtocolError::Refused(_) => lasting(error.to_string()),
        }
    }

    /// The provider's own word on what went wrong comes before the CLI's.
    fn trouble(&self, status: Option<u16>) -> RoundEnd {
        match (&self.config.account, self.meter.trouble().or(status.map(Trouble::Status))) {
            (CopilotAccount::Provider(provider), Some(trouble)) => trouble.ending(provider),
            (CopilotAccount::Login(_), Some(Trouble::Status(status @ (401 | 403)))) => {
                lasting(format!("GitHub refused Copilot to the token ({status}): it needs the permission \"Copilot Requests\""))
            }
            (CopilotAccount::Login(_), Some(Trouble::Status(status))) => {
                RoundEnd::Failed { why: format!("Copilot has trouble with its model ({status})"), passing: true }
            }
            (CopilotAccount::Login(_) | CopilotAccount::Provider(_), _) => {
                RoundEnd::Failed { why: "Copilot gave up with an error".to_owned(), passing: true }
            }
        }
    }
}

impl Agent for Copilot {
    fn name(&self) -> String {
        let version = self.installed.as_ref().map(|installed| format!(" {}", installed.version)).unwrap_or_default();
        let model = if self.config.model.is_empty() { "its own choice of model" } else { &self.config.model };
        format!("Copilot CLI{version} with {model}")
    }

    async fn round(&mut self, round: Round<'_>) -> RoundEnd {
        self.attempt(&round).await.unwrap_or_else(|failed| failed)
    }

    fn remarks(&self) -> Vec<String> {
        let refused = self.refused.iter().map(|(kind, count)| format!("refused to the fixer: {kind}, {count} times"));
        let exchange = self.meter.exchange();
        refused.chain((exchange.calls > 0).then(|| exchange.to_string())).collect()
    }
}

type Pipes = Client<ChildStdout, ChildStdin>;

/// Everything that is said in one round. Returns the session's id with what came of the turn.
async fn talk(client: &mut Pipes, opening: &Opening, prompt: &str, policy: Policy) -> Result<(String, Turn), ProtocolError> {
    client.connect().await?;
    let session = client.open(opening).await?;
    let turn = client.turn(&session, prompt, &policy).await?;
    Ok((session, turn))
}

/// Lets the CLI end by itself, as it does once its input is closed; stops it otherwise. Returns how it ended, in words.
async fn goodbye(mut running: Running, mut client: Pipes, talked: &Result<(String, Turn), ProtocolError>) -> String {
    let leave = async {
        if let Ok((session, _)) = talked {
            client.detach(session).await?;
        }
        Ok::<_, ProtocolError>(())
    };
    if let Ok(Err(error)) = timeout(GOODBYE_LIMIT, leave).await {
        tracing::debug!(%error, "the Copilot CLI did not say goodbye");
    }
    drop(client);
    let ending = match timeout(GOODBYE_LIMIT, running.wait()).await {
        Ok(ending) => ending,
        Err(_) => running.stop().await,
    };
    ending.map_or_else(|error| error.to_string(), |ending| ending.to_string())
}

/// A failure that waiting does not mend.
fn lasting(why: String) -> RoundEnd {
    RoundEnd::Failed { why, passing: false }
}
