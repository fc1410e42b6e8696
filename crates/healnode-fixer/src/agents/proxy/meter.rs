//! What model calls cost: counted as they pass, and bounded for a whole job.
//!
//! Tokens are counted by the provider's word, and shown only; what bounds a job are calls and bytes, which are counted here.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use serde_json::{Deserializer, Value};

use crate::agents::limits::{MODEL_BYTES_MAX, MODEL_CALLS_MAX, USAGE_TAIL_BYTES};
use crate::agents::upstream::{Endpoint, Trouble};

/// What the model calls of one job may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Budget {
    /// Calls.
    pub(crate) calls: u32,
    /// Bytes, there and back.
    pub(crate) bytes: u64,
}

/// What the model calls of one job cost so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Exchange {
    /// Calls.
    pub(crate) calls: u32,
    /// Bytes, there and back.
    pub(crate) bytes: u64,
    /// Tokens read, as the provider reports them.
    pub(crate) tokens_in: u64,
    /// Tokens written, as the provider reports them.
    pub(crate) tokens_out: u64,
}

/// Counts the calls of one job, over all its rounds.
#[derive(Debug)]
pub(crate) struct Meter {
    budget: Budget,
    count: Mutex<Count>,
}

#[derive(Debug, Default)]
struct Count {
    exchange: Exchange,
    trouble: Option<Trouble>,
}

/// An answer on its way. Ends with an error where it goes over the budget.
pub(super) struct MeteredAnswer {
    inner: Incoming,
    meter: Arc<Meter>,
    tail: Vec<u8>,
    counted: bool,
}

/// Why an answer was cut off.
#[derive(Debug, thiserror::Error)]
pub(super) enum OverBudget {
    /// The bytes of the job are used up.
    #[error("the budget of model calls for this job is spent")]
    Bytes,
    /// The provider broke off.
    #[error("the model provider broke off")]
    Broken(#[source] hyper::Error),
}

impl Meter {
    /// Starts at nothing.
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, count: Mutex::default() }
    }

    /// Takes one call and its request into the count. False when the budget does not allow it; then nothing is counted.
    pub(super) fn admits(&self, endpoint: Endpoint, request_bytes: usize) -> bool {
        let mut count = self.count();
        let calls = count.exchange.calls + u32::from(endpoint != Endpoint::Models);
        let bytes = count.exchange.bytes.saturating_add(request_bytes as u64);
        let admitted = calls <= self.budget.calls && bytes <= self.budget.bytes;
        if admitted {
            (count.exchange.calls, count.exchange.bytes) = (calls, bytes);
        } else {
            count.trouble = Some(Trouble::Budget);
        }
        admitted
    }

    /// Remembers what went wrong last.
    pub(super) fn note(&self, trouble: Trouble) {
        self.count().trouble = Some(trouble);
    }

    /// What the calls cost so far.
    pub(crate) fn exchange(&self) -> Exchange {
        self.count().exchange
    }

    /// What went wrong last.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.count().trouble
    }

    /// Takes a piece of an answer into the count. False when it goes over the budget.
    fn admits_more(&self, bytes: usize) -> bool {
        let mut count = self.count();
        count.exchange.bytes = count.exchange.bytes.saturating_add(bytes as u64);
        let admitted = count.exchange.bytes <= self.budget.bytes;
        if !admitted {
            count.trouble = Some(Trouble::Budget);
        }
        admitted
    }

    /// Takes the provider's word on tokens into the count.
    fn count_tokens(&self, answer_end: &[u8]) {
        let (tokens_in, tokens_out) = tokens(answer_end);
        let mut count = self.count();
        count.exchange.tokens_in = count.exchange.tokens_in.saturating_add(tokens_in);
        count.exchange.tokens_out = count.exchange.tokens_out.saturating_add(tokens_out);
    }

    /// Nothing that holds the lock can leave a half-made count, so a panic elsewhere does not matter.
    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { calls: MODEL_CALLS_MAX, bytes: MODEL_BYTES_MAX }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.calls == 1 { "" } else { "s" };
        write!(f, "{} model call{plural}, {} tokens read, {} written", self.calls, self.tokens_in, self.tokens_out)
    }
}

impl MeteredAnswer {
    pub(super) fn new(inner: Incoming, meter: Arc<Meter>) -> Self {
        Self { inner, meter, tail: Vec::new(), counted: false }
    }

    fn keep(&mut self, piece: &[u8]) {
        let piece = &piece[piece.len().saturating_sub(USAGE_TAIL_BYTES)..];
        let surplus = (self.tail.len() + piece.len()).saturating_sub(USAGE_TAIL_BYTES);
        self.tail.drain(..surplus);
        self.tail.extend_from_slice(piece);
    }

    /// Counts the tokens, once.
    fn end(&mut self) {
        if !std::mem::replace(&mut self.counted, true) {
            self.meter.count_tokens(&self.tail);
        }
    }
}

impl Body for MeteredAnswer {
    type Data = Bytes;
    type Error = OverBudget;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, OverBudget>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        let passed = match frame {
            None => None,
            Some(Err(error)) => Some(Err(OverBudget::Broken(error))),
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) if !self.meter.admits_more(data.len()) => Some(Err(OverBudget::Bytes)),
                Some(data) => {
                    self.keep(data);
                    Some(Ok(frame))
                }
                None => Some(Ok(frame)),
            },
        };
        if passed.is_none() || self.inner.is_end_stream() {
            self.end();
        }
        Poll::Ready(passed)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for MeteredAnswer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns the tokens read and written, by the last `usage` of an answer of either kind, whole or streamed.
///
/// Text of the model cannot pass for one: in a JSON string its quotes are escaped.
pub(crate) fn tokens(answer_end: &[u8]) -> (u64, u64) {
    const NAME: &[u8] = b"\"usage\":";
    let mut end = answer_end.len();
    while let Some(at) = answer_end[..end].windows(NAME.len()).rposition(|window| window == NAME) {
        let value = Deserializer::from_slice(&answer_end[at + NAME.len()..]).into_iter::<Value>().next();
        if let Some(Ok(Value::Object(usage))) = value {
            let number = |names: [&str; 2]| names.iter().find_map(|name| usage.get(*name)?.as_u64()).unwrap_or_default();
            return (number(["prompt_tokens", "input_tokens"]), number(["completion_tokens", "output_tokens"]));
        }
        end = at;
    }
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_every_kind_of_answer() {
        let check = |answer: &str, expected| assert_eq!(tokens(answer.as_bytes()), expected, "{answer}");
        check(r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#, (7, 2));
        check(r#"{"usage": {"input_tokens":3,"output_tokens":1,"input_tokens_details":{"cached_tokens":0}},"id":"x"}"#, (3, 1));
        check("data: {\"usage\":null}\n\ndata: {\"usage\":{\"prompt_tokens\":5}}\n\ndata: {\"usage\":null}\n\ndata: [DONE]\n\n", (5, 0));
        check(r#"{"choices":[{"message":{"content":"\"usage\":{\"prompt_tokens\":999}"}}]}"#, (0, 0));
        check(r#"{"usage":"#, (0, 0));
        check("", (0, 0));
    }

    #[test]
    fn the_cost_is_told_in_words() {
        let exchange = Exchange { calls: 1, tokens_in: 1000, tokens_out: 50, bytes: 0 };
        assert_eq!(exchange.to_string(), "1 model call, 1000 tokens read, 50 written");
        assert_eq!(Exchange { calls: 2, ..exchange }.to_string(), "2 model calls, 1000 tokens read, 50 written");
    }

    #[test]
    fn asking_for_models_is_no_call() {
        let meter = Meter::new(Budget { calls: 0, bytes: 10 });
        assert!(meter.admits(Endpoint::Models, 10));
        assert!(!meter.admits(Endpoint::Models, 1));
        assert!(!meter.admits(Endpoint::Responses, 0));
    }
}
