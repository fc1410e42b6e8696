//! Labels that issues are to carry.
//!
//! They are made once, before the first issue, because an issue with a label that does not exist can be refused. Whatever goes wrong here
//! is a matter for the log: an issue is never lost for want of a label.

use healnode_core::{MUTE_LABEL, QUIET_LABEL};
use http::Method;
use serde_json::{Value, json};

use super::GitHub;
use super::exchange::{Failure, Route};
use super::outcome::Act;
use crate::percent::encode;

impl GitHub {
    /// Makes the labels that are missing, once per process.
    pub(super) async fn prepare_labels(&mut self) {
        if self.labels_are_ready {
            return;
        }
        let people_need = [MUTE_LABEL.to_owned(), self.approval_label.clone()];
        for name in self.labels.clone().into_iter().chain(people_need).filter(|name| !name.is_empty()) {
            if let Err(failure) = self.prepare_label(&name).await {
                tracing::info!(label = %name, obstacle = ?failure.obstacle, "a label could not be made; issues are filed without it");
                return;
            }
        }
        self.labels_are_ready = true;
    }

    /// Makes one label if it is missing.
    pub(super) async fn prepare_label(&mut self, name: &str) -> Result<(), Failure> {
        let route = format!("/labels/{}", encode(name, b""));
        match self.send(Act::Read, &Method::GET, Route::Repo(&route), None).await {
            Err(failure) if failure.status() == Some(404) => {}
            other => return other.map(drop),
        }
        match self.send(Act::Change, &Method::POST, Route::Repo("/labels"), Some(&label(name, &self.approval_label))).await {
            // Another node was faster.
            Err(failure) if failure.status() == Some(422) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// GitHub takes 100 characters of description, and no emoji.
fn label(name: &str, approval_label: &str) -> Value {
    let (color, description) = match name {
        _ if name == approval_label => ("0e8a16", "Put this on an issue of healnode to let it look for a fix"),
        "auto-generated" => ("5319e7", "Filed by healnode from errors of running programs"),
        "bug" => ("d73a4a", "Something isn't working"),
        "needs-review" => ("fbca04", "A person has to look at this before it is merged"),
        "priority" => ("b60205", "An error of high or critical severity"),
        MUTE_LABEL => ("ededed", "Put this on an issue of healnode to hear no more of its error"),
        QUIET_LABEL => ("c2e0c6", "The error has not been seen for long"),
        _ => ("ededed", "Used by healnode"),
    };
    json!({ "name": name, "color": color, "description": description })
}
