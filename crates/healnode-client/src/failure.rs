//! What a program's `main` may fail with, and how each of them is looked at as an error.

use std::error::Error;
use std::fmt::{self, Debug};

/// What [`wrap_main`](crate::Client::wrap_main) takes as the error of a program's `main`.
///
/// Implemented for every [`Error`], for errors in boxes, for texts, and by feature for `anyhow::Error` and `eyre::Report`. `Kind` tells these
/// apart and is always inferred.
pub trait Failure<Kind>: Debug {
    /// Shows the error, and the name of its type if it is known.
    #[doc(hidden)]
    fn show(&self, see: &mut dyn FnMut(&dyn Error, Option<&'static str>));
}

/// Kinds of [`Failure`].
#[doc(hidden)]
pub mod kind {
    #[derive(Debug)]
    pub struct Concrete;
    #[derive(Debug)]
    pub struct Boxed;
    #[derive(Debug)]
    pub struct Text;
    #[cfg(feature = "anyhow")]
    #[derive(Debug)]
    pub struct Anyhow;
    #[cfg(feature = "eyre")]
    #[derive(Debug)]
    pub struct Eyre;
}

impl<E: Error> Failure<kind::Concrete> for E {
    fn show(&self, see: &mut dyn FnMut(&dyn Error, Option<&'static str>)) {
        see(&self, Some(std::any::type_name::<E>()));
    }
}

impl Failure<kind::Boxed> for Box<dyn Error> {
    fn show(&self, see: &mut dyn FnMut(&dyn Error, Option<&'static str>)) {
        see(&**self, None);
    }
}

impl Failure<kind::Boxed> for Box<dyn Error + Send> {
    fn show(&self, see: &mut dyn FnMut(&dyn Error, Option<&'static str>)) {
        see(&**self, None);
    }
}

impl Failure<kind::Boxed> for Box<dyn Error + Send + Sync> {
    fn show(&self, see: &mut dyn FnMut(&dyn Error, Option<&'static str>)) {
        see(&**self, None);
    }
}

impl Failure<kind::Text> for String {
    fn show(&self, see: &mut dyn FnMut(&dyn Error, Option<&'static str>)) {
        see(&Text(self), None);
    }
}

impl Failure<kind::Text> for &str {
    fn show(&self, see: &mut dyn FnMut(&dyn Error, Option<&'static str>)) {
        see(&Text(self), None);
    }
}

#[cfg(feature = "anyhow")]
impl Failure<kind::Anyhow> for anyhow::Error {
    fn show(&self, see: &mut dyn FnMut(&dyn Error, Option<&'static str>)) {
        see(self.as_ref(), None);
    }
}

#[cfg(feature = "eyre")]
impl Failure<kind::Eyre> for eyre::Report {
    fn show(&self, see: &mut dyn FnMut(&dyn Error, Option<&'static str>)) {
        see(self.as_ref(), None);
    }
}

/// A text as an error without a name.
struct Text<'a>(&'a str);

impl Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(self.0, f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Text<'_> {}
