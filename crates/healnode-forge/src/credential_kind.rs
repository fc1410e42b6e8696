//! What kind of credential opens the forge, by the prefix that GitHub gives each kind of token.
//!
//! Says nothing of whether it is valid, nor of what it may do; `github/inspect.rs` finds that out.

use std::fmt;

use crate::{Credential, Token};

/// A kind of credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CredentialKind {
    /// A GitHub App that is installed on the repository's owner.
    App,
    /// A classic personal token, `ghp_`.
    Classic,
    /// A fine-grained personal token, `github_pat_`.
    FineGrained,
    /// A token that a person gave to a program by logging in, `gho_`; `gh` has one.
    OAuth,
    /// A token of a person by way of a GitHub App, `ghu_`.
    UserOfApp,
    /// A token of an installation, `ghs_`; GitHub Actions gives one to each job.
    Installation,
    /// One without a known prefix: old, or of another server.
    Other,
}

/// Prefixes of tokens (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>).
const PREFIXES: [(&str, CredentialKind); 5] = [
    ("ghp_", CredentialKind::Classic),
    ("github_pat_", CredentialKind::FineGrained),
    ("gho_", CredentialKind::OAuth),
    ("ghu_", CredentialKind::UserOfApp),
    ("ghs_", CredentialKind::Installation),
];

impl Credential {
    /// Returns what kind this is.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Credential::Token(token) => token.kind(),
            Credential::App { .. } => CredentialKind::App,
        }
    }
}

impl Token {
    /// Returns what kind this is.
    pub fn kind(&self) -> CredentialKind {
        let known = PREFIXES.iter().find(|(prefix, _)| self.reveal().starts_with(prefix));
        known.map_or(CredentialKind::Other, |(_, kind)| *kind)
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CredentialKind::App => "a GitHub App",
            CredentialKind::Classic => "a classic personal token",
            CredentialKind::FineGrained => "a fine-grained personal token",
            CredentialKind::OAuth => "a token from a login",
            CredentialKind::UserOfApp => "a person's token for an app",
            CredentialKind::Installation => "a token of an installed app, such as that of a job in GitHub Actions",
            CredentialKind::Other => "a token of no known kind",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_tells_the_kind() {
        for (text, kind) in [
            ("ghp_abc", CredentialKind::Classic),
            ("github_pat_abc", CredentialKind::FineGrained),
            ("gho_abc", CredentialKind::OAuth),
            ("ghu_abc", CredentialKind::UserOfApp),
            ("ghs_abc", CredentialKind::Installation),
            ("0123456789abcdef", CredentialKind::Other),
            ("GHP_abc", CredentialKind::Other),
        ] {
            assert_eq!(text.parse::<Token>().unwrap().kind(), kind, "{text}");
        }
    }
}
