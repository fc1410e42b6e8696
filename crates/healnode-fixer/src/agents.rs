//! The fixers that there are.

mod command;

pub(crate) use command::CommandAgent;
