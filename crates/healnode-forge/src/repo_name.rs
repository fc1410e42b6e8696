//! The name of a repository: `owner/name`, checked before it becomes part of an address.

use std::fmt;
use std::str::FromStr;

/// Longest name of an owner, in characters. GitHub allows 39; users that a company manages have a suffix of up to 40 more.
const OWNER_CHARS_MAX: usize = 80;

/// Longest name of a repository, in characters, as on GitHub.
const NAME_CHARS_MAX: usize = 100;

/// A repository as `owner/name`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepoName {
    owner: String,
    name: String,
}

/// The text is not the name of a repository.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{given:?} is not a repository: write OWNER/NAME, for example acme/shop, without https:// and without .git")]
pub struct InvalidRepoName {
    given: String,
}

impl RepoName {
    /// Returns the user or organisation it belongs to.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Returns its name without the owner.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether both name one repository: GitHub does not tell apart upper and lower case.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.owner.eq_ignore_ascii_case(&other.owner) && self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl FromStr for RepoName {
    type Err = InvalidRepoName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidRepoName { given: text.chars().take(OWNER_CHARS_MAX + NAME_CHARS_MAX + 1).collect() };
        let (owner, name) = text.split_once('/').ok_or_else(invalid)?;
        if !is_owner(owner) || !is_name(name) {
            return Err(invalid());
        }
        Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

fn is_owner(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=OWNER_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let reserved = matches!(text, "." | "..") || text.ends_with(".git");
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed) && !reserved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_an_owner_and_a_name() {
        let repo: RepoName = "acme/healnode.rs_2".parse().unwrap();
        assert_eq!((repo.owner(), repo.name()), ("acme", "healnode.rs_2"));
        assert_eq!(repo.to_string(), "acme/healnode.rs_2");
    }

    #[test]
    fn anything_that_could_lead_elsewhere_is_refused() {
        for text in
            ["", "acme", "/", "acme/", "/shop", "a/b/c", "acme/..", "acme/shop.git", "https://github.com/acme/shop", "acme/a?b", "a b/c"]
        {
            let error = text.parse::<RepoName>().unwrap_err();
            assert!(error.to_string().contains("OWNER/NAME"), "{text}");
        }
        assert!(format!("{}/x", "a".repeat(81)).parse::<RepoName>().is_err());
    }
}
