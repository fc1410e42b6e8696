//! Lists that come in pages.
//!
//! A list is read page by page as its answers lead, up to a bound. Whether half a list is worth anything is for the caller to say.

use http::Method;
use serde::de::DeserializeOwned;

use super::GitHub;
use super::exchange::{Failure, Route, parse};
use super::outcome::Act;

/// As much of a list as was read.
pub(super) struct Pages<T> {
    pub(super) items: Vec<T>,
    /// Whether that is all there is.
    pub(super) is_whole: bool,
}

impl GitHub {
    /// Reads at most `pages_max` pages of the list below the repository.
    pub(super) async fn read_pages<T: DeserializeOwned>(&mut self, route: &str, pages_max: usize) -> Result<Pages<T>, Failure> {
        let mut answer = self.send(Act::Read, &Method::GET, Route::Repo(route), None).await?;
        let mut items: Vec<T> = parse(Act::Read, &answer)?;
        for _further in 1..pages_max {
            let Some(next) = answer.next_page()? else { return Ok(Pages { items, is_whole: true }) };
            answer = self.send(Act::Read, &Method::GET, Route::Root(&next), None).await?;
            items.extend(parse::<Vec<T>>(Act::Read, &answer)?);
        }
        Ok(Pages { items, is_whole: answer.next_page()?.is_none() })
    }
}
