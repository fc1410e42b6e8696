//! Whether a list of our own issues can be believed.
//!
//! GitHub's lists have come back nearly empty in an incident, and a filer that believed them made hundreds of duplicates. Issues are
//! deleted so rarely that a list which suddenly lacks many is doubted first, and believed when it stays so.

use std::time::Duration;

use tokio::time::Instant;

/// Fewer known issues than this are too few to judge by: deleting two of five is nothing strange.
const KNOWN_MIN: usize = 10;

/// Shares of the known issues that a list must show, in per cent.
const SHOWN_PERCENT: usize = 90;

/// How long a short list is doubted. Longer than most incidents of this kind; after that, people have deleted issues.
const DOUBT: Duration = Duration::from_secs(30 * 60);

/// Remembers how many issues one account had.
#[derive(Debug, Default)]
pub(crate) struct Census {
    login: String,
    known: usize,
    short_since: Option<Instant>,
}

impl Census {
    /// Tells whether a list of `shown` issues by `login` is to be believed. Another account starts anew.
    pub(crate) fn admits(&mut self, login: &str, shown: usize) -> bool {
        if self.login != login {
            *self = Self { login: login.to_owned(), ..Self::default() };
        }
        let short = self.known >= KNOWN_MIN && shown * 100 < self.known * SHOWN_PERCENT;
        if short && self.short_since.get_or_insert_with(Instant::now).elapsed() < DOUBT {
            return false;
        }
        self.known = if short { shown } else { self.known.max(shown) };
        self.short_since = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_list_that_lost_many_issues_is_doubted_until_it_stays_so() {
        let mut census = Census::default();
        let mut admits = |shown| census.admits("healer", shown);
        assert!(admits(0) && admits(9) && admits(3));
        assert!(admits(20) && admits(18));
        assert!(!admits(17));
        assert!(admits(19));
        assert!(!admits(0));
        tokio::time::sleep(DOUBT).await;
        assert!(admits(0));
        assert!(admits(1));
    }

    #[tokio::test]
    async fn another_account_has_issues_of_its_own() {
        let mut census = Census::default();
        assert!(census.admits("healer", 20));
        assert!(census.admits("healnode[bot]", 0));
    }
}
