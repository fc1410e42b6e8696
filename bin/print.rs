//! What people read: the answers of a node as text for a terminal.
//!
//! Each view is a pure function of the node's JSON and of the page that it is written on; unknown fields are ignored, missing ones left out.
//! Text that came from an error never reaches the terminal with control characters in it.

mod branches;
mod deploy;
mod doctor;
mod errors;
mod field;
mod fix;
mod page;
mod patterns;
mod peers;
mod show;
mod status;
mod table;
mod text;
mod why;

pub(crate) use branches::branches;
pub(crate) use deploy::deploy;
pub(crate) use doctor::doctor;
pub(crate) use errors::errors;
pub(crate) use fix::{fix, stage_line};
pub(crate) use page::{Page, may_use_colour};
pub(crate) use peers::peers;
pub(crate) use show::show;
pub(crate) use status::status;
pub(crate) use text::printable;
pub(crate) use why::why;

#[cfg(test)]
mod tests;
