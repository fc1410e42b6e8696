//! From a job to a proposal, with real repositories, real git, real tests, and scripts as fixers.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod toy;

use std::fs;
use std::time::Duration;

use healnode_core::{FixDepth, FixEnding, Proposal, Verdict};
use healnode_fixer::Fixer;
use tokio::sync::{mpsc, watch};

use toy::{MEND, Toy, ending, git, job, run, stages};

fn proposal(ending: FixEnding) -> Box<Proposal> {
    match ending {
        FixEnding::Proposed(proposal) => proposal,
        other @ (FixEnding::Guided | FixEnding::Failed(_)) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_bug_is_mended_in_one_round() {
    let toy = Toy::python();
    let answer = r#"printf '{"root_cause": "no items", "changes": "a guard", "files": ["inventory.py"], "tests": ["empty"]}' > "$2""#;
    let (outcome, records) =
        run(toy.config(&format!("grep -q ZeroDivisionError - && {MEND} && {answer}")), job(FixDepth::Proposal, None)).await;
    let expected = [
        "checkout 0 passed",
        "context 0 passed",
        "tests-before 0 passed",
        "fixer 1 passed",
        "diff-policy 1 passed",
        "tests-after 1 passed",
    ];
    assert_eq!(stages(&records), expected, "{records:?}");
    let proposal = proposal(outcome.ending);
    assert_eq!((proposal.verdict, proposal.rounds), (Verdict::Verified, 1));
    assert_eq!(proposal.base, git(&toy.origin(), &["rev-parse", "HEAD"]));
    assert_eq!(proposal.answer.root_cause, "no items");
    assert_eq!(proposal.changes.len(), 1);
    assert!(String::from_utf8(proposal.changes[0].content.clone().unwrap()).unwrap().contains("if items else 0"));
    assert!(proposal.diff.contains("+    return total / len(items) if items else 0"), "{}", proposal.diff);
    let tests = proposal.tests.unwrap();
    assert_eq!(tests.before.failing, ["test_empty (test_inventory.Prices.test_empty)"]);
    assert!(!tests.before.passed && tests.after.passed);
    assert_eq!(fs::read_dir(toy.folder().join("data/fix/work")).unwrap().count(), 0, "no copy is left");
}

#[tokio::test]
async fn a_bug_is_mended_in_the_second_round_with_the_tests_as_feedback() {
    let toy = Toy::python();
    let script = format!(
        "if grep -q 'not good enough' \"$3\"; then grep -q test_empty \"$3\" && sed -i 's|if items else 9|if items else 0|' inventory.py; else {}; fi",
        MEND.replace("else 0", "else 9")
    );
    let (outcome, records) = run(toy.config(&script), job(FixDepth::Proposal, None)).await;
    assert!(stages(&records).contains(&"tests-after 1 failed".to_owned()), "{records:?}");
    let proposal = proposal(outcome.ending);
    assert_eq!((proposal.verdict, proposal.rounds), (Verdict::Verified, 2));
}

#[tokio::test]
async fn a_fix_that_does_not_help_is_not_proposed() {
    let toy = Toy::python();
    let (outcome, records) = run(toy.config("echo 'y = 2' >> other.py"), job(FixDepth::Proposal, None)).await;
    assert_eq!(ending(&outcome), "tests-after: the tests after it: 1 failing test, exit 1");
    assert_eq!(records.iter().filter(|record| !record.passed).count(), 3);
    assert!(outcome.guidance.is_some());
}

#[tokio::test]
async fn tests_run_on_the_difference_and_not_in_what_the_fixer_prepared() {
    let toy = Toy::python();
    toy.commit(&[(".gitignore", "sitecustomize.py\nunittest/\n")]);
    let script = "mkdir unittest; echo 'import sys; sys.exit(0)' | tee unittest/__init__.py unittest/__main__.py sitecustomize.py; echo 'y = 2' >> other.py";
    let (outcome, _) = run(toy.config(script), job(FixDepth::Proposal, None)).await;
    assert_eq!(ending(&outcome), "tests-after: the tests after it: 1 failing test, exit 1");
}

#[tokio::test]
async fn guidance_names_places_source_last_change_and_owners() {
    let toy = Toy::python();
    let (outcome, records) = run(toy.config(MEND), job(FixDepth::Guidance, None)).await;
    assert_eq!(outcome.ending, FixEnding::Guided);
    assert_eq!(stages(&records), ["checkout 0 passed", "context 0 passed"]);
    let guidance = outcome.guidance.unwrap();
    assert_eq!(guidance.owners, ["@alice", "@acme/shop"]);
    let [suspect] = &guidance.suspects[..] else {
        panic!("{:?}", guidance.suspects);
    };
    assert_eq!((suspect.path.as_str(), suspect.line, suspect.first_line), ("inventory.py", 3, 1));
    assert!(suspect.source.contains("return total / len(items)"));
    let changed = suspect.changed.clone().unwrap();
    assert_eq!((changed.author.as_str(), changed.subject.as_str()), ("Alice", "shop: prices"));
}

#[tokio::test]
async fn a_release_is_looked_at_in_its_own_commit_and_not_mended_when_the_lines_have_changed() {
    let toy = Toy::python();
    let released = git(&toy.origin(), &["rev-parse", "HEAD"]);
    toy.commit(&[("other.py", "x = 2\n")]);
    let release = format!("shop@1.2+{}", &released[..10]);
    let (outcome, _) = run(toy.config(MEND), job(FixDepth::Proposal, Some(&release))).await;
    assert_eq!(proposal(outcome.ending).base, released);
    toy.commit(&[("inventory.py", "def average_price(items):\n    return 0\n")]);
    let (outcome, _) = run(toy.config(MEND), job(FixDepth::Proposal, Some(&release))).await;
    assert_eq!(ending(&outcome), "context: the lines that the error names have changed since that release");
    let (outcome, _) = run(toy.config(MEND), job(FixDepth::Guidance, Some(&release))).await;
    assert_eq!((ending(&outcome).as_str(), outcome.guidance.unwrap().commit), ("guided", released));
}

#[tokio::test]
async fn a_reproducer_shows_what_no_test_shows() {
    let toy = Toy::python();
    let mut config = toy.config(MEND);
    config.tests = Vec::new();
    let (outcome, _) = run(config.clone(), job(FixDepth::Proposal, None)).await;
    assert_eq!(ending(&outcome), "proposed, not-regressed");
    config.reproduce = ["python3", "-c", "import inventory; inventory.average_price([])"].map(str::to_owned).into();
    let (outcome, _) = run(config, job(FixDepth::Proposal, None)).await;
    assert_eq!(ending(&outcome), "proposed, verified");
}

#[tokio::test]
async fn a_repository_that_is_not_there_may_be_there_later() {
    let toy = Toy::python();
    let mut config = toy.config(MEND);
    config.repository = toy.folder().join("nowhere").to_str().unwrap().to_owned();
    let (outcome, _) = run(config, job(FixDepth::Proposal, None)).await;
    let FixEnding::Failed(failure) = &outcome.ending else {
        panic!("{outcome:?}");
    };
    assert!(failure.passing && ending(&outcome).starts_with("checkout: the repository cannot be fetched"), "{failure:?}");
}

#[tokio::test]
async fn a_cancelled_fix_ends_soon_and_leaves_nothing() {
    let toy = Toy::python();
    let config = toy.config("sleep 600");
    fs::create_dir_all(&config.data_dir).unwrap();
    let fixer = Fixer::new(config).unwrap();
    let (stages, mut records) = mpsc::channel::<healnode_core::StageRecord>(100);
    let (cancel, is_cancelled) = watch::channel(false);
    let watcher = async {
        while let Some(record) = records.recv().await {
            if record.stage == healnode_core::FixStage::TestsBefore {
                break;
            }
        }
        cancel.send(true).unwrap();
    };
    let both = async { tokio::join!(fixer.run(job(FixDepth::Proposal, None), stages, is_cancelled), watcher).0 };
    let outcome = tokio::time::timeout(Duration::from_secs(60), both).await.unwrap();
    assert!(ending(&outcome).ends_with("it was cancelled"), "{outcome:?}");
    assert_eq!(fs::read_dir(toy.folder().join("data/fix/work")).unwrap().count(), 0);
}

#[tokio::test]
async fn rust_is_mended_as_well() {
    let toy = Toy::python();
    toy.commit(&[(
        "lib.rs",
        "pub fn half(of: &[u32]) -> u32 {\n    of[0] / 2\n}\n\n#[test]\nfn empty() {\n    assert_eq!(half(&[]), 0);\n}\n",
    )]);
    let mut config = toy.config("sed -i 's|of\\[0\\] / 2|of.first().map_or(0, \\|first\\| first / 2)|' lib.rs");
    config.tests = ["sh", "-c", "rustc --test lib.rs -o \"$TMPDIR/lib\" && \"$TMPDIR/lib\""].map(str::to_owned).into();
    let mut raw = healnode_report::RawError::new("panic", "index out of bounds");
    raw.stack = Some("thread 'main' panicked at /build/shop/lib.rs:2:5:\nindex out of bounds: the len is 0 but the index is 0".into());
    let mut job = job(FixDepth::Proposal, None);
    *job.sample = healnode_report::Report::new(raw, healnode_report::UnixMillis(0));
    let (outcome, records) = run(config, job).await;
    assert_eq!(ending(&outcome), "proposed, verified", "{records:?}");
    assert_eq!(proposal(outcome.ending).tests.unwrap().before.failing, ["empty"]);
}
