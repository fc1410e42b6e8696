//! Messages that must group and messages that must stay apart, from `data/grouping.txt`.

use healnode_report::{Explanation, fingerprint};

#[test]
fn messages_group_as_the_table_says() {
    let mut faults = Vec::new();
    for block in include_str!("data/grouping.txt").split("\n\n") {
        check(block, &mut faults);
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// A block has `=` lines, which are one error, and `!` lines, each of which is another.
fn check(block: &str, faults: &mut Vec<String>) {
    let marked = |mark: &'static str| block.lines().filter_map(move |line| line.strip_prefix(mark)).map(explain).collect::<Vec<_>>();
    let (same, other) = (marked("= "), marked("! "));
    let Some(first) = same.first() else {
        return;
    };
    for explanation in &same[1..] {
        if explanation.fingerprint != first.fingerprint {
            faults.push(format!("must group:\n  {}\n  {}", show(first), show(explanation)));
        }
    }
    let mut apart = vec![first];
    for explanation in &other {
        if let Some(twin) = apart.iter().find(|twin| twin.fingerprint == explanation.fingerprint) {
            faults.push(format!("must stay apart:\n  {}\n  {}", show(twin), show(explanation)));
        }
        apart.push(explanation);
    }
}

fn explain(message: &str) -> Explanation {
    fingerprint("Error", &message.replace("\\n", "\n"), None)
}

fn show(explanation: &Explanation) -> &str {
    &explanation.message
}
