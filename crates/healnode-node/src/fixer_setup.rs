//! What is needed to set a fixer up, as often as it takes: where the code is, who changes it, and the secrets that both need.
//!
//! Secrets are read when a job begins and go nowhere but to the fixer's own crate. A fixer that cannot be set up says in a sentence how to
//! make that possible.

use std::path::{Path, PathBuf};

use healnode_fixer::{
    CommandFixer, CopilotAccount, CopilotConfig, Fixer, FixerConfig, OpenAiConfig, Provider, ProviderKey, RepositoryToken,
};
use healnode_forge::{Credential, RepoName};
use healnode_report::Redactor;

use crate::config::{self, Config, FixerKind};
use crate::forging::ForgeSetup;

/// What is needed to set a fixer up.
pub(crate) struct FixerSetup {
    data_dir: PathBuf,
    fix: config::Fix,
    forge: config::Forge,
    credential: ForgeSetup,
    redactor: Redactor,
}

impl FixerSetup {
    /// Takes what the configuration says. `redactor` is for what is shown to a model or published.
    pub(crate) fn new(config: &Config, redactor: Redactor) -> Self {
        Self {
            data_dir: config.data_dir.clone(),
            fix: config.fix.clone(),
            forge: config.forge.clone(),
            credential: ForgeSetup::to_look(&config.forge),
            redactor,
        }
    }

    /// Says in a sentence what keeps fixes from being looked for at all, if something does.
    pub(crate) fn lacks(&self) -> Option<String> {
        let is_forges = self.fix.fixer == FixerKind::CopilotCloud;
        if is_forges { None } else { self.kind().err() }
    }

    /// Ends what a killed node left running and removes its copies. Looks for no token, and for nothing where no fix was ever looked for.
    pub(crate) fn clean_up(&self) {
        if self.data_dir.join("fix").is_dir()
            && let Some((repository, _)) = self.repository()
            && let Err(why) = self.set_up(repository, None)
        {
            tracing::debug!(why, "what an earlier fix left was not cleaned up");
        }
    }

    /// Returns from where the code could be fetched, or says why it could not. Fetches nothing.
    pub(crate) async fn reach(&self) -> Result<String, String> {
        let (repository, token) = self.access().await?;
        healnode_fixer::reach(&repository, token).await.map_err(|error| format!("{error}: {repository}"))?;
        Ok(repository)
    }

    /// Returns where the code is, and the token that opens it, if one is needed and there.
    async fn access(&self) -> Result<(String, Option<RepositoryToken>), String> {
        let (repository, is_forges) = self.repository().ok_or("the code is nowhere to be had: set fix.repository, or forge.repo")?;
        let token = if is_forges { self.repository_token().await } else { None };
        Ok((repository, token))
    }

    /// Sets the fixer up, or says in a sentence how to make that possible.
    pub(crate) async fn open(&self) -> Result<Fixer, String> {
        let (repository, token) = self.access().await?;
        self.set_up(repository, token)
    }

    fn set_up(&self, repository: String, token: Option<RepositoryToken>) -> Result<Fixer, String> {
        let fix = &self.fix;
        let config = FixerConfig {
            data_dir: self.data_dir.clone(),
            repository,
            token,
            fixer: self.kind().unwrap_or_else(healnode_fixer::FixerKind::Nobody),
            tests: fix.test.clone(),
            reproduce: fix.reproduce.clone(),
            tests_limit: fix.test_timeout,
            round_limit: fix.timeout,
            fix_limit: fix.timeout,
            rounds_max: fix.rounds,
            files_max: fix.max_files,
            lines_max: fix.max_lines,
            readable: fix.readable.clone(),
            require_walls: fix.require_walls,
            redactor: self.redactor.clone(),
        };
        Fixer::new(config).map_err(|error| format!("the fixer cannot be set up: {error}"))
    }

    /// Returns where the code is, and whether that is the forge's own repository.
    fn repository(&self) -> Option<(String, bool)> {
        let own = || self.forge.repo.as_ref().map(|repo| (clone_url(&self.forge.api_url, repo), true));
        self.fix.repository.clone().map(|repository| (repository, false)).or_else(own)
    }

    /// The forge's token, for the forge's own repository. An app has none that git could use.
    async fn repository_token(&self) -> Option<RepositoryToken> {
        match self.credential.credential().await {
            Ok((Credential::Token(token), _source)) => Some(RepositoryToken::new(token.reveal())),
            Ok((Credential::App { .. }, _)) | Err(_) => None,
        }
    }

    fn kind(&self) -> Result<healnode_fixer::FixerKind, String> {
        let fix = &self.fix;
        Ok(match fix.fixer {
            FixerKind::Command => healnode_fixer::FixerKind::Command(CommandFixer { argv: fix.command.clone(), ports: fix.ports.clone() }),
            FixerKind::Copilot => healnode_fixer::FixerKind::Copilot(copilot(fix, &self.data_dir)?),
            FixerKind::OpenAi => {
                let provider = fix.provider.as_ref().ok_or("the fixer \"openai\" needs fix.provider.url")?;
                healnode_fixer::FixerKind::OpenAi(OpenAiConfig { model: provider.model.clone(), provider: open_provider(provider)? })
            }
            FixerKind::CopilotCloud => return Err("the forge's own agent looks for fixes (fix.fixer = \"copilot-cloud\")".to_owned()),
        })
    }
}

/// Returns what the Copilot CLI is started with.
pub(crate) fn copilot(fix: &config::Fix, data_dir: &Path) -> Result<CopilotConfig, String> {
    let (account, model) = match (&fix.provider, &fix.copilot.token_file) {
        (Some(provider), _) => (CopilotAccount::Provider(open_provider(provider)?), provider.model.clone()),
        (None, Some(file)) => (CopilotAccount::Login(read_key("fix.copilot.token_file", file)?), fix.copilot.model.clone()),
        (None, None) => {
            let why = "the Copilot CLI needs somebody to answer it: set fix.copilot.token_file, or fix.provider for a model of your own";
            return Err(why.to_owned());
        }
    };
    Ok(CopilotConfig { binary: fix.copilot.binary.clone(), model, account, cache: data_dir.join("fix").join("copilot") })
}

/// Returns the model of the operator's own, with its key.
pub(crate) fn open_provider(provider: &config::Provider) -> Result<Provider, String> {
    let key = provider.key_file.as_ref().map(|file| read_key("fix.provider.key_file", file)).transpose()?;
    Provider::new(&provider.url, key, provider.wire_api).map_err(|error| error.to_string())
}

fn read_key(setting: &str, file: &Path) -> Result<ProviderKey, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{setting} {} cannot be read: {error}", file.display()))?;
    text.parse().map_err(|error| format!("{setting} {}: {error}", file.display()))
}

/// Returns where git fetches a repository of the forge's.
fn clone_url(api_url: &str, repo: &RepoName) -> String {
    let base = match api_url.trim_end_matches('/') {
        "https://api.github.com" => "https://github.com",
        other => other.trim_end_matches("/api/v3"),
    };
    format!("{base}/{repo}.git")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_fetched_from_where_people_see_it() {
        let repo: RepoName = "acme/shop".parse().unwrap();
        for (api_url, expected) in [
            ("https://api.github.com", "https://github.com/acme/shop.git"),
            ("https://git.example.com/api/v3/", "https://git.example.com/acme/shop.git"),
            ("http://127.0.0.1:4911", "http://127.0.0.1:4911/acme/shop.git"),
        ] {
            assert_eq!(clone_url(api_url, &repo), expected);
        }
    }
}
