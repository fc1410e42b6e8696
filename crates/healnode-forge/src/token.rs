//! The secret that opens the forge, and where it may come from.
//!
//! A [`Token`] can't be printed: `Debug` hides it, and there is no `Display`. Nothing here sends it anywhere.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

/// Longest token, in bytes. A longer one is refused.
///
/// 4,096: GitHub's take under 300, and a file that was named by mistake isn't read into memory.
const TOKEN_BYTES_MAX: usize = 4_096;

/// How long `gh auth token` may take. It reads a file or asks the keyring; one that waits for a person is given up.
const GH_PATIENCE: Duration = Duration::from_secs(5);

/// The environment variables that may hold a token, the first one that is set wins.
const VARIABLES: [&str; 3] = ["HEALNODE_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"];

/// A token of GitHub's. Can be sent, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// The text cannot be a token. It is not repeated here, for it may be one with a slip.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("that is not a token: a token is one word of visible ASCII characters, at most {TOKEN_BYTES_MAX} bytes long")]
pub struct InvalidToken;

/// A token, and where it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundToken {
    /// The token.
    pub token: Token,
    /// Where it was found, for `doctor` and the log.
    pub source: TokenSource,
}

/// Where a token was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TokenSource {
    /// In the file that the configuration names.
    File(PathBuf),
    /// In this environment variable.
    Variable(&'static str),
    /// `gh auth token` printed it.
    Gh,
}

/// Why no token could be read from a place that should hold one. Other places were not tried: what the operator named is not passed over.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("forge.token_file {} cannot be read; check that it exists and that this user may read it", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file holds no token.
    #[error("forge.token_file {} holds no token; put the token on its first line", path.display())]
    NoTokenInFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: InvalidToken,
    },
    /// A variable holds no token.
    #[error("the environment variable {name} is set, but holds no token; correct or unset it")]
    NoTokenInVariable {
        /// Which variable.
        name: &'static str,
        /// What is wrong.
        #[source]
        source: InvalidToken,
    },
}

/// Looks for a token: in `token_file`, else in `HEALNODE_GITHUB_TOKEN`, `GH_TOKEN`, `GITHUB_TOKEN`. Empty variables count as unset.
///
/// # Errors
/// A file or a variable that is named but holds no token is an error, even when a later place holds one.
pub fn find_token(env: impl Fn(&str) -> Option<String>, token_file: Option<&Path>) -> Result<Option<FoundToken>, TokenError> {
    if let Some(path) = token_file {
        let token = read_token_file(path)?;
        return Ok(Some(FoundToken { token, source: TokenSource::File(path.to_owned()) }));
    }
    for name in VARIABLES {
        let Some(text) = env(name).filter(|text| !text.trim().is_empty()) else { continue };
        let token = text.parse().map_err(|source| TokenError::NoTokenInVariable { name, source })?;
        return Ok(Some(FoundToken { token, source: TokenSource::Variable(name) }));
    }
    Ok(None)
}

/// Asks GitHub's own command line tool for the token of `host`: `github.com`, or the host of an Enterprise server.
///
/// `None` when `program` (normally `gh`) is not there, is not logged in, or takes more than 5 s. Cancel-safe: the child is killed.
pub async fn token_from_gh(program: &Path, host: &str) -> Option<FoundToken> {
    let mut command = tokio::process::Command::new(program);
    command.args(["auth", "token", "--hostname", host]);
    command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(GH_PATIENCE, command.output()).await.ok()?.ok()?;
    if !output.status.success() {
        return None;
    }
    let token = String::from_utf8(output.stdout).ok()?.parse().ok()?;
    Some(FoundToken { token, source: TokenSource::Gh })
}

fn read_token_file(path: &Path) -> Result<Token, TokenError> {
    let unreadable = |source| TokenError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let limit = TOKEN_BYTES_MAX as u64 + 2;
    file.take(limit).read_to_string(&mut text).map_err(unreadable)?;
    let first_line = text.lines().next().unwrap_or_default();
    first_line.parse().map_err(|source| TokenError::NoTokenInFile { path: path.to_owned(), source })
}

impl Token {
    /// Returns the secret itself, to be sent, or to be taken out of texts wherever it stands, and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() || text.len() > TOKEN_BYTES_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenSource::File(path) => write!(f, "the file {}", path.display()),
            TokenSource::Variable(name) => write!(f, "the environment variable {name}"),
            TokenSource::Gh => f.write_str("gh auth token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_comes_first_then_the_variables_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "from-file\nnot this\n").unwrap();
        let all = |name: &str| Some(format!("from-{name}"));
        let found = |env: &dyn Fn(&str) -> Option<String>, file| find_token(env, file).unwrap().map(|found| found.token.0);

        assert_eq!(found(&all, Some(&path)).as_deref(), Some("from-file"));
        assert_eq!(found(&all, None).as_deref(), Some("from-HEALNODE_GITHUB_TOKEN"));
        assert_eq!(found(&|name| all(name).filter(|_| name != VARIABLES[0]), None).as_deref(), Some("from-GH_TOKEN"));
        assert_eq!(
            found(&|name| if name == "GITHUB_TOKEN" { all(name) } else { Some(" ".to_owned()) }, None).as_deref(),
            Some("from-GITHUB_TOKEN")
        );
        assert_eq!(found(&|_| None, None), None);
    }

    #[test]
    fn a_named_place_without_a_token_is_an_error_that_says_where() {
        let dir = tempfile::tempdir().unwrap();
        let empty = dir.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        let long = dir.path().join("long");
        std::fs::write(&long, "x".repeat(TOKEN_BYTES_MAX + 1)).unwrap();
        let missing = dir.path().join("missing");

        for path in [&empty, &long, &missing] {
            let error = find_token(|_| Some("other".to_owned()), Some(path)).unwrap_err().to_string();
            assert!(error.contains(&path.display().to_string()), "{error}");
        }
        let error = find_token(|name| (name == "GH_TOKEN").then(|| "two words".to_owned()), None).unwrap_err().to_string();
        assert!(error.contains("GH_TOKEN") && !error.contains("two words"), "{error}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn gh_is_asked_for_the_token_of_the_host() {
        let gh = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gh");
        let found = token_from_gh(&gh, "github.com").await.unwrap();
        assert_eq!((found.token.reveal(), found.source), ("ghp_from_gh", TokenSource::Gh));
        assert_eq!(token_from_gh(&gh, "elsewhere.example").await, None);
        assert_eq!(token_from_gh(&gh.with_file_name("no-gh"), "github.com").await, None);
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn gh_is_not_waited_for_when_it_waits_for_a_person() {
        let gh = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gh");
        assert_eq!(token_from_gh(&gh, "waiting.example").await, None);
    }

    #[test]
    fn a_token_is_never_printed() {
        let token: Token = "ghp_secret".parse().unwrap();
        let found = FoundToken { token, source: TokenSource::Gh };
        assert!(!format!("{found:?}").contains("secret"));
    }

    #[test]
    fn what_could_break_a_header_is_no_token() {
        for text in ["", "  ", "a\nb", "a b", "tökn", "a\u{7f}"] {
            assert_eq!(text.parse::<Token>(), Err(InvalidToken), "{text:?}");
        }
    }
}
