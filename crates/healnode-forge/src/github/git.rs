//! Git's own objects, as the API shows and makes them.
//!
//! An object that nothing points to is seen by nobody, so making one twice does no harm. What points to what is decided by whoever moves a
//! ref: `lease/git_ref.rs` for the lease, `pull/` for the branch of a pull request.

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::GitHub;
use super::exchange::{Failure, Route, parse};
use super::outcome::{Act, Answer};

/// Letters of a commit's name: SHA-1 or SHA-256.
const SHA_LENGTHS: [usize; 2] = [40, 64];

/// A commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Commit {
    pub(super) message: String,
    /// The name of its tree.
    pub(super) tree: String,
    /// The names of the commits that it follows.
    pub(super) parents: Vec<String>,
}

#[derive(Deserialize)]
struct RefAnswer {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: String,
}

#[derive(Deserialize)]
struct CommitAnswer {
    message: String,
    tree: Object,
    #[serde(default)]
    parents: Vec<Object>,
}

impl GitHub {
    /// Reads a commit by its name, which is known to be one.
    pub(super) async fn read_commit(&mut self, sha: &str) -> Result<Commit, Failure> {
        let answer = self.send(Act::Read, &Method::GET, Route::Repo(&format!("/git/commits/{sha}")), None).await?;
        let commit: CommitAnswer = parse(Act::Read, &answer)?;
        let parents = commit.parents.into_iter().map(|parent| parent.sha).collect();
        Ok(Commit { message: commit.message, tree: commit.tree.sha, parents })
    }

    /// Makes an object that nothing points to yet, and returns its name.
    pub(super) async fn make_object(&mut self, route: &str, body: &Value) -> Result<String, Failure> {
        let answer = self.send(Act::Change, &Method::POST, Route::Repo(route), Some(body)).await?;
        checked(parse::<Object>(Act::Read, &answer)?.sha)
    }
}

/// Returns the name of the commit that a ref points to.
pub(super) fn target_in(answer: &Answer) -> Result<String, Failure> {
    checked(parse::<RefAnswer>(Act::Read, answer)?.object.sha)
}

/// Names of commits become part of addresses.
pub(super) fn checked(sha: String) -> Result<String, Failure> {
    if is_name(&sha) { Ok(sha) } else { Err(Failure::garbage(Act::Read)) }
}

/// Tells whether this is the full name of an object.
pub(super) fn is_name(sha: &str) -> bool {
    SHA_LENGTHS.contains(&sha.len()) && sha.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Tells whether a refusal says that the repository has no commit yet.
pub(super) fn is_about_emptiness(failure: &Failure) -> bool {
    failure.status() == Some(409) && failure.answer.as_ref().is_some_and(|answer| answer.says("empty"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_of_a_commit_never_becomes_part_of_an_address() {
        assert!(checked("a".repeat(40)).is_ok() && checked("0".repeat(64)).is_ok());
        for sha in [String::new(), "a".repeat(39), "../".repeat(20), "g".repeat(40)] {
            assert!(checked(sha).is_err());
        }
    }
}
