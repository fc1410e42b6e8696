//! Who files, and where: the account behind the credential, and the repository behind its name.
//!
//! Both are found out once and kept. A repository that was renamed is followed to its new name; one that takes no issues is reported.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::Sender;
use super::exchange::{Failure, parse};
use super::outcome::{Act, Obstacle};
use super::{APP_REFUSED, GitHub};
use crate::RepoName;

#[derive(Deserialize)]
pub(super) struct RepositoryAnswer {
    full_name: String,
    #[serde(default)]
    archived: bool,
    #[serde(default = "yes")]
    has_issues: bool,
    /// Nothing when GitHub does not say.
    pub(super) default_branch: Option<String>,
}

#[derive(Deserialize)]
struct AppAnswer {
    slug: String,
}

#[derive(Deserialize)]
struct UserAnswer {
    login: String,
}

#[derive(Deserialize)]
struct ViewerAnswer {
    data: ViewerData,
}

#[derive(Deserialize)]
struct ViewerData {
    viewer: UserAnswer,
}

fn yes() -> bool {
    true
}

impl GitHub {
    pub(super) async fn prepare(&mut self) -> Result<(), Failure> {
        self.learn_login().await?;
        let repository = self.find_repository().await?;
        let repo = &self.repo;
        if repository.archived {
            return Err(Failure::denied(format!("{repo} is archived and read-only; file into another repository.")));
        }
        if !repository.has_issues {
            return Err(Failure::denied(format!("Issues are turned off in {repo}; turn them on in its settings under General, Features.")));
        }
        self.prepare_labels().await;
        Ok(())
    }

    /// Finds the repository, under a new name if it has one.
    pub(super) async fn find_repository(&mut self) -> Result<RepositoryAnswer, Failure> {
        let route = format!("/repos/{}", self.repo);
        let found = match self.send_once(Act::Read, Sender::Bot, &Method::GET, &route, None).await {
            Err(Failure { obstacle: Obstacle::Moved, answer: Some(answer) }) => {
                let route = answer.location().ok_or_else(|| Failure::garbage(Act::Read))?;
                self.send_once(Act::Read, Sender::Bot, &Method::GET, &route, None).await
            }
            other => other,
        };
        let repository: RepositoryAnswer = parse(Act::Read, &found?)?;
        let name: RepoName = repository.full_name.parse().map_err(|_invalid| Failure::garbage(Act::Read))?;
        if !name.is_same_as(&self.repo) {
            tracing::warn!(old = %self.repo, new = %name, "the repository was renamed; correct forge.repo");
        }
        self.repo = name;
        self.moved = false;
        Ok(repository)
    }

    pub(super) async fn learn_login(&mut self) -> Result<String, Failure> {
        if let Some(login) = &self.login {
            return Ok(login.clone());
        }
        let login = self.ask_for_login().await?;
        tracing::info!(%login, "files issues as this account");
        self.login = Some(login.clone());
        Ok(login)
    }

    async fn ask_for_login(&mut self) -> Result<String, Failure> {
        if self.client.is_app() {
            return self.ask_app().await;
        }
        match self.send_once(Act::Read, Sender::Bot, &Method::GET, "/user", None).await {
            Ok(answer) => Ok(parse::<UserAnswer>(Act::Read, &answer)?.login),
            Err(Failure { obstacle: Obstacle::Denied(_), answer: Some(answer) }) if answer.status.as_u16() == 403 => {
                self.ask_viewer().await
            }
            Err(failure) => Err(failure),
        }
    }

    async fn ask_app(&mut self) -> Result<String, Failure> {
        let answer = match self.send_once(Act::Read, Sender::App, &Method::GET, "/app", None).await {
            Err(Failure { obstacle: Obstacle::Denied(_), .. }) => return Err(Failure::denied(APP_REFUSED.to_owned())),
            other => other?,
        };
        let app: AppAnswer = parse(Act::Read, &answer)?;
        Ok(format!("{}[bot]", app.slug))
    }

    /// A token of an installation, such as that of GitHub Actions, may not ask `/user`; GraphQL tells it who it is.
    async fn ask_viewer(&mut self) -> Result<String, Failure> {
        let query = json!({ "query": "{viewer{login}}" });
        let answer = self.send_once(Act::Read, Sender::Bot, &Method::POST, "/graphql", Some(&query)).await?;
        let viewer: ViewerAnswer = parse(Act::Read, &answer)?;
        Ok(viewer.data.viewer.login)
    }
}
