//! From a job to a proposal with models as fixers: the real Copilot CLI, and a model without tools, both answered by a script.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

#[path = "../../../tests/copilot/cli.rs"]
mod cli;
mod model;
mod toy;

use healnode_core::{FixDepth, FixEnding, Proposal, Verdict};
use healnode_fixer::{CopilotAccount, CopilotConfig, FixerConfig, FixerKind, OpenAiConfig, Provider, WireApi};
use serde_json::{Value, json};

use model::{Model, Step};
use toy::{MEND, Toy, ending, job, run};

const BUG: &str = "return total / len(items)";
const MENDED: &str = "return total / len(items) if items else 0";
const WRONG: &str = "return total / max(len(items), 1) + 1";

#[tokio::test]
async fn the_copilot_cli_mends_a_bug_and_the_tests_show_it() {
    let Some(cli) = cli::cli() else { return };
    let toy = Toy::python();
    let model = Model::start(vec![Step::tool("view", json!({ "path": "inventory.py" })), edit(BUG, MENDED), report("no items")]);
    let (outcome, records) = run(with_copilot(&toy, &cli, &model), job(FixDepth::Proposal, None)).await;
    let proposal = proposal(outcome.ending);
    assert_eq!((proposal.verdict, proposal.rounds), (Verdict::Verified, 1), "{records:?}");
    assert_eq!(proposal.answer.root_cause, "no items");
    assert_eq!(proposal.fixer, "Copilot CLI 1.0.102 with any-name");
    assert_eq!(proposal.remarks[0], "3 model calls, 3000 tokens read, 150 written");
    let first = model.requests()[0]["body"].to_string();
    assert!(first.contains("ZeroDivisionError") && first.contains("DATA-"));
    assert!(model.requests().iter().all(|request| request["headers"]["authorization"] == "Bearer sk-real"));
}

#[tokio::test]
async fn the_copilot_cli_hears_of_failing_tests_and_mends_again() {
    let Some(cli) = cli::cli() else { return };
    let toy = Toy::python();
    let model = Model::start(vec![edit(BUG, WRONG), report("a guess"), edit(WRONG, MENDED), report("no items")]);
    let (outcome, records) = run(with_copilot(&toy, &cli, &model), job(FixDepth::Proposal, None)).await;
    let proposal = proposal(outcome.ending);
    assert_eq!((proposal.verdict, proposal.rounds), (Verdict::Verified, 2), "{records:?}");
    assert_eq!(proposal.answer.root_cause, "no items");
    assert!(model.requests().last().unwrap()["body"].to_string().contains("test_empty"), "the tests' output came back");
}

#[tokio::test]
async fn a_hostile_model_in_the_copilot_cli_comes_to_nothing() {
    let Some(cli) = cli::cli() else { return };
    let toy = Toy::python();
    let create = |path: &str| Step::tool("create", json!({ "path": path, "file_text": "evil" }));
    let ci = Step::tool("edit", json!({ "path": ".github/workflows/ci.yml", "old_str": "on: push", "new_str": "on: evil" }));
    let shell = Step::tool("bash", json!({ "command": "touch evil", "description": "x" }));
    let model =
        Model::start(vec![shell, ci, create(".github/evil.yml"), create("../evil"), create("/tmp/healnode-evil"), report("nothing")]);
    let mut config = with_copilot(&toy, &cli, &model);
    config.rounds_max = 1;
    let (outcome, records) = run(config, job(FixDepth::Proposal, None)).await;
    assert_eq!(ending(&outcome), "diff-policy: it changed nothing");
    assert!(records.iter().any(|record| record.note.contains("refused to the fixer: writing elsewhere, 4 times")), "{records:?}");
    let results = model.tool_results();
    assert_eq!(results.iter().filter(|result| result.contains("denied by healnode policy")).count(), 4, "{results:#?}");
}

#[tokio::test]
async fn a_model_without_tools_mends_a_bug_in_the_second_round() {
    for wire_api in [WireApi::Completions, WireApi::Responses] {
        let toy = Toy::python();
        // By the other way of asking the script cannot count turns of text, so there the first answer has to be right.
        let steps = match wire_api {
            WireApi::Completions => vec![Step::text(&fix("no such line")), Step::text(&fix(BUG))],
            WireApi::Responses => vec![Step::text(&fix(BUG))],
        };
        let rounds = u8::try_from(steps.len()).unwrap();
        let model = Model::without_tools(steps);
        let provider = Provider::new(&model.base_url(), Some("sk-real".parse().unwrap()), wire_api).unwrap();
        let mut config = toy.config(MEND);
        config.fixer = FixerKind::OpenAi(OpenAiConfig { provider, model: "any-name".to_owned() });
        let (outcome, records) = run(config, job(FixDepth::Proposal, None)).await;
        let proposal = proposal(outcome.ending);
        assert_eq!((proposal.verdict, proposal.rounds), (Verdict::Verified, rounds), "{records:?}");
        assert_eq!(proposal.fixer, "any-name at 127.0.0.1");
    }
}

fn with_copilot(toy: &Toy, cli: &cli::Cli, model: &Model) -> FixerConfig {
    let provider = Provider::new(&model.base_url(), Some("sk-real".parse().unwrap()), WireApi::Completions).unwrap();
    let (binary, cache) = (Some(cli.binary.clone()), cli.cache.clone());
    let copilot = CopilotConfig { binary, model: "any-name".to_owned(), account: CopilotAccount::Provider(provider), cache };
    FixerConfig { fixer: FixerKind::Copilot(copilot), ..toy.config(MEND) }
}

fn edit(old: &str, new: &str) -> Step {
    Step::tool("edit", json!({ "path": "inventory.py", "old_str": old, "new_str": new }))
}

fn report(root_cause: &str) -> Step {
    Step::tool("submit_fix_report", json!({ "root_cause": root_cause, "changes": "a guard", "files": ["inventory.py"], "tests": [] }))
}

fn fix(old: &str) -> String {
    let edits: Value = json!([{ "path": "inventory.py", "old": old, "new": MENDED }]);
    json!({ "root_cause": "no items", "changes": "a guard", "files": ["inventory.py"], "tests": [], "edits": edits }).to_string()
}

fn proposal(ending: FixEnding) -> Box<Proposal> {
    match ending {
        FixEnding::Proposed(proposal) => proposal,
        other @ (FixEnding::Guided | FixEnding::Failed(_)) => panic!("{other:?}"),
    }
}
