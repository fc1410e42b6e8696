//! The fixer without tools: one call to a model a round, which answers with edits that are applied here.
//!
//! The model sees the prompt and the suspect files, runs nothing, and touches nothing. Edits of one answer are applied all or not at all; what
//! kept them from it is told to the model in the next round. Which model, and by which way of asking, is the operator's choice.

mod edits;
mod question;

use http::header::HeaderValue;
use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use serde_json::Value;
use tokio::time::timeout;

use self::edits::{Edit, apply};
use self::question::{Past, answer_text, question};
use super::answer::{answer_from, clip};
use super::limits::{LAST_ANSWER_BYTES_MAX, MODEL_ANSWER_BYTES_MAX, OBJECT_STARTS_MAX, PROBLEM_BYTES_MAX};
use super::provider::Provider;
use super::proxy::{Exchange, tokens};
use super::upstream::{Endpoint, Trouble, Upstream};
use crate::agent::{Agent, Round, RoundEnd};

/// What the fixer without tools needs to know.
#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    /// Who is asked.
    pub provider: Provider,
    /// Which of its models.
    pub model: String,
}

/// The fixer, for one job.
pub(crate) struct OpenAi {
    config: OpenAiConfig,
    cost: Exchange,
    past: Option<Past>,
}

impl OpenAi {
    /// Prepares it, without asking anything.
    pub(crate) fn new(config: OpenAiConfig) -> Self {
        Self { config, cost: Exchange::default(), past: None }
    }

    async fn ask(&mut self, round: &Round<'_>) -> Result<String, RoundEnd> {
        let upstream = Upstream::new(&self.config.provider)
            .map_err(|error| RoundEnd::Failed { why: format!("the model provider cannot be asked: {error}"), passing: false })?;
        let wire_api = self.config.provider.wire_api();
        let question = question(wire_api, &self.config.model, round, self.past.as_ref());
        let call = exchange(&upstream, Endpoint::of(wire_api), question, &mut self.cost);
        let answer = timeout(round.limit, call).await.map_err(|_| stopped(round))?;
        let answer = answer.map_err(|trouble| trouble.ending(&self.config.provider))?;
        answer_text(wire_api, &answer).ok_or_else(|| RoundEnd::Failed { why: "the model's answer holds no text".to_owned(), passing: true })
    }
}

impl Agent for OpenAi {
    fn name(&self) -> String {
        format!("{} at {}", self.config.model, self.config.provider.host())
    }

    async fn round(&mut self, round: Round<'_>) -> RoundEnd {
        let text = match self.ask(&round).await {
            Ok(text) => text,
            Err(end) => return end,
        };
        let past = self.past.get_or_insert_with(|| Past { task: round.prompt.to_owned(), ..Past::default() });
        past.answer = clip(&text, LAST_ANSWER_BYTES_MAX).to_owned();
        past.problem.clear();
        let Some(said) = object_with_edits(&text) else {
            past.problem = "Your answer held no JSON object with `edits`.".to_owned();
            return RoundEnd::Ended(None);
        };
        if let Err(problem) = Edit::list(&said["edits"]).and_then(|edits| apply(round.work, &edits)) {
            past.problem = clip(&format!("None of your edits was applied: {problem}."), PROBLEM_BYTES_MAX).to_owned();
        }
        RoundEnd::Ended(Some(answer_from(&said)))
    }

    fn remarks(&self) -> Vec<String> {
        if self.cost.calls == 0 { Vec::new() } else { vec![self.cost.to_string()] }
    }
}

async fn exchange(upstream: &Upstream, endpoint: Endpoint, question: Value, cost: &mut Exchange) -> Result<Value, Trouble> {
    cost.calls += 1;
    let body = Bytes::from(question.to_string());
    let answer = upstream.send(endpoint, &HeaderValue::from_static("application/json"), body).await.map_err(|error| {
        tracing::debug!(error = &error as &dyn std::error::Error, "a model call failed");
        Trouble::Unreachable
    })?;
    let status = answer.status();
    if !status.is_success() {
        return Err(Trouble::Status(status.as_u16()));
    }
    let body = Limited::new(answer.into_body(), MODEL_ANSWER_BYTES_MAX).collect().await.map_err(|_| Trouble::Unreachable)?;
    let body = body.to_bytes();
    let (tokens_in, tokens_out) = tokens(&body);
    cost.tokens_in = cost.tokens_in.saturating_add(tokens_in);
    cost.tokens_out = cost.tokens_out.saturating_add(tokens_out);
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

fn stopped(round: &Round<'_>) -> RoundEnd {
    RoundEnd::Failed { why: format!("the model did not answer within {} s", round.limit.as_secs()), passing: true }
}

/// Finds the object with `edits` in a text: the whole of it, or a part, as models fence what they say and talk around it.
fn object_with_edits(text: &str) -> Option<Value> {
    let starts = text.match_indices('{').map(|(at, _)| at);
    starts.take(OBJECT_STARTS_MAX).find_map(|at| {
        let value = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>().next()?.ok()?;
        value["edits"].is_array().then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::agents::model::{Model, Step};
    use crate::agents::provider::WireApi;

    const BUG: &str = "def average(items):\n    return sum(items) / len(items)\n";

    #[tokio::test]
    async fn edits_are_applied_and_the_answer_is_passed_on() {
        for wire_api in [WireApi::Completions, WireApi::Responses] {
            let copy = copy();
            let model = Model::without_tools(vec![Step::text(&format!("Here it is:\n```json\n{}\n```", fix("sum(items) / len(items)")))]);
            let mut fixer = fixer(&model, wire_api);
            let RoundEnd::Ended(Some(answer)) = fixer.round(round(copy.path(), 1)).await else { panic!("no answer") };
            assert_eq!(answer.root_cause, "an empty list");
            assert_eq!(fixer.remarks(), ["1 model call, 1000 tokens read, 50 written"]);
            assert_eq!(read(copy.path()), "def average(items):\n    return sum(items) / len(items) if items else 0.0\n");
            let asked = model.requests();
            assert_eq!(asked.len(), 1);
            let text = asked[0]["body"].to_string();
            assert!(text.contains("def average(items):") && text.contains("mend it"), "{text}");
            assert!(!text.contains("not a suspect"), "{text}");
            assert_eq!(asked[0]["headers"]["authorization"], "Bearer sk-real");
        }
    }

    #[tokio::test]
    async fn an_edit_that_does_not_apply_is_told_back() {
        let copy = copy();
        let right = fix("sum(items) / len(items)").to_string();
        let model = Model::without_tools(vec![Step::text(&fix("no such text").to_string()), Step::text(&right)]);
        let mut fixer = fixer(&model, WireApi::Completions);
        assert!(matches!(fixer.round(round(copy.path(), 1)).await, RoundEnd::Ended(Some(_))));
        assert_eq!(read(copy.path()), BUG);
        let again = Round { prompt: "not good enough", ..round(copy.path(), 2) };
        assert!(matches!(fixer.round(again).await, RoundEnd::Ended(Some(_))));
        assert_ne!(read(copy.path()), BUG);
        let asked = model.requests();
        let texts: Vec<&str> =
            asked[1]["body"]["messages"].as_array().unwrap().iter().map(|said| said["content"].as_str().unwrap()).collect();
        assert_eq!(texts.len(), 4);
        assert_eq!(texts[1], "mend it");
        assert!(texts[2].contains("no such text"));
        assert!(texts[3].contains("edit 1: `old` occurs 0 times") && texts[3].contains("not good enough") && texts[3].contains(BUG));
        assert!(!asked[0]["body"].to_string().contains("None of your edits"));
    }

    #[tokio::test]
    async fn an_answer_without_edits_changes_nothing() {
        let copy = copy();
        for said in ["I cannot help", "{}", r#"{"edits": 3}"#, "{\"edits\": [", "{{{{", r#"{"edits": [{"path": 1}]}"#] {
            let model = Model::without_tools(vec![Step::text(said)]);
            assert!(matches!(fixer(&model, WireApi::Completions).round(round(copy.path(), 1)).await, RoundEnd::Ended(_)), "{said}");
            assert_eq!(read(copy.path()), BUG);
        }
    }

    #[tokio::test]
    async fn trouble_with_the_model_is_told_in_a_sentence() {
        let copy = copy();
        for (status, passing, why) in [(401, false, "key"), (404, false, "base URL"), (429, true, "rate"), (500, true, "trouble")] {
            let model = Model::without_tools(vec![Step::status(status)]);
            let RoundEnd::Failed { why: said, passing: found } = fixer(&model, WireApi::Completions).round(round(copy.path(), 1)).await
            else {
                panic!("{status} is a failure")
            };
            assert!(said.contains(why), "{said}");
            assert_eq!(found, passing, "{status}");
        }
        let model = Model::without_tools(vec![Step::text("late").after(Duration::from_secs(60))]);
        let quick = Round { limit: Duration::from_millis(50), ..round(copy.path(), 1) };
        assert!(matches!(fixer(&model, WireApi::Completions).round(quick).await, RoundEnd::Failed { passing: true, .. }));
    }

    fn fixer(model: &Model, wire_api: WireApi) -> OpenAi {
        let provider = Provider::new(&model.base_url(), Some("sk-real".parse().unwrap()), wire_api).unwrap();
        OpenAi::new(OpenAiConfig { provider, model: "any-name".to_owned() })
    }

    fn round(work: &Path, number: u8) -> Round<'_> {
        Round { work, home: work, number, prompt: "mend it", suspects: suspects(), limit: Duration::from_secs(30) }
    }

    fn suspects() -> &'static [String] {
        static SUSPECTS: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
        SUSPECTS.get_or_init(|| vec!["a.py".to_owned(), "../outside".to_owned(), "missing.py".to_owned()])
    }

    fn copy() -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        fs::write(copy.path().join("a.py"), BUG).unwrap();
        fs::write(copy.path().join("b.py"), "not a suspect\n").unwrap();
        copy
    }

    fn read(work: &Path) -> String {
        fs::read_to_string(work.join("a.py")).unwrap()
    }

    fn fix(old: &str) -> Value {
        let edit = json!({ "path": "a.py", "old": old, "new": "sum(items) / len(items) if items else 0.0" });
        json!({ "root_cause": "an empty list", "changes": "a guard", "files": ["a.py"], "tests": ["an empty list"], "edits": [edit] })
    }
}
