//! The fixers that there are.
