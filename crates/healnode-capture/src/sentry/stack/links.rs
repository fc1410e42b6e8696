//! What the exceptions of a chain are to each other. SDKs number them and name parents; older ones send only the order.

use crate::sentry::event::Exception;

/// What led to the exception at `at`: the one that names it as its parent, or without such names the one before.
pub(super) fn cause(chain: &[Exception], at: usize) -> Option<usize> {
    let mechanism = &chain[at].mechanism;
    match mechanism.exception_id {
        None => at.checked_sub(1).filter(|before| chain[*before].mechanism.exception_id.is_none()),
        Some(id) => (0..at).rev().find(|child| is_child(&chain[*child], id) && !is_member(&chain[*child])),
    }
}

/// The errors that the one at `at` is a group of, the first one first.
pub(super) fn members(chain: &[Exception], at: usize) -> Vec<usize> {
    let Some(id) = chain[at].mechanism.exception_id else {
        return Vec::new();
    };
    (0..at).rev().filter(|child| is_child(&chain[*child], id) && is_member(&chain[*child])).collect()
}

fn is_child(exception: &Exception, parent: u64) -> bool {
    exception.mechanism.parent_id == Some(parent) && exception.mechanism.exception_id.is_some_and(|id| id != parent)
}

/// Whether it is of a group: `exceptions[0]` in Python, `errors[0]` in JavaScript.
fn is_member(exception: &Exception) -> bool {
    let source = exception.mechanism.source.as_deref().unwrap_or_default();
    source.starts_with("exceptions[") || source.starts_with("errors[")
}
