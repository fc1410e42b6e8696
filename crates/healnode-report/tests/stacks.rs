//! Traces that must group and traces that must stay apart, from `data/stacks/`: one file for each language.
//!
//! A block begins with `=== ` and a title. Its traces are parted by marker lines: behind `---` stands the same error once more,
//! behind `+++` another one. Only the frames are compared; type and message are the same for all. A title that ends in
//! `(no frames)` says that nothing in the block is of the application. Each trace must read the same in a log as on a terminal.

use std::time::{Duration, Instant};

use healnode_report::{fingerprint, in_app_frames, language};
use proptest::prelude::*;

const TABLES: &[(&str, &str)] = &[
    ("cpp", include_str!("data/stacks/cpp.txt")),
    ("csharp", include_str!("data/stacks/csharp.txt")),
    ("go", include_str!("data/stacks/go.txt")),
    ("java", include_str!("data/stacks/java.txt")),
    ("javascript", include_str!("data/stacks/javascript.txt")),
    ("php", include_str!("data/stacks/php.txt")),
    ("python", include_str!("data/stacks/python.txt")),
    ("ruby", include_str!("data/stacks/ruby.txt")),
    ("rust", include_str!("data/stacks/rust.txt")),
];

#[test]
fn traces_group_as_the_tables_say() {
    let mut faults = Vec::new();
    for (language, table) in TABLES {
        for block in blocks(table) {
            check(language, &block, &mut faults);
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_trace_reads_the_same_in_a_log() {
    let mut faults = Vec::new();
    for trace in traces() {
        for (name, variant) in variants(&trace) {
            let (plain, logged) = (in_app_frames(&trace), in_app_frames(&variant));
            if plain != logged {
                faults.push(format!("{name}: {plain:?}\n  not {logged:?}\n{variant}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_long_trace_takes_linear_time() {
    let start = Instant::now();
    for trace in traces() {
        for text in [trace.clone(), trace.replace('\n', " "), trace.replace(' ', "")] {
            in_app_frames(&text.repeat(256 * 1024 / text.len().max(1)));
        }
    }
    assert!(start.elapsed() < Duration::from_secs(60), "took {:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn traces_may_be_cut_and_shuffled(traces in proptest::sample::subsequence(traces(), 1..4), cut in any::<proptest::sample::Index>(), seed in any::<u64>()) {
        let mut lines: Vec<String> = traces.join("\n").lines().map(str::to_owned).collect();
        shuffle(&mut lines, seed);
        let text = lines.join("\n");
        let at = text.floor_char_boundary(cut.index(text.len() + 1));
        for text in [&text[..at], &text[at..]] {
            let frames = in_app_frames(text);
            prop_assert!(frames.len() <= 5);
            prop_assert!(frames.is_empty() || language(text) != "text");
        }
    }
}

/// A title, and errors, each as traces of it.
struct Block<'a> {
    title: &'a str,
    errors: Vec<Vec<String>>,
}

fn blocks(table: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in table.lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            blocks.push(Block { title, errors: vec![vec![String::new()]] });
            continue;
        }
        let Some(errors) = blocks.last_mut().map(|block| &mut block.errors) else {
            continue;
        };
        match line {
            "+++" => errors.push(vec![String::new()]),
            "---" => errors.last_mut().expect("a block has an error").push(String::new()),
            _ => {
                let trace = errors.last_mut().and_then(|traces| traces.last_mut()).expect("an error has a trace");
                trace.push_str(line);
                trace.push('\n');
            }
        }
    }
    blocks
}

fn traces() -> Vec<String> {
    TABLES.iter().flat_map(|(_, table)| blocks(table)).flat_map(|block| block.errors.into_iter().flatten()).collect()
}

fn check(fence: &str, block: &Block, faults: &mut Vec<String>) {
    let of = |trace: &str| fingerprint("Error", "boom", Some(trace));
    let mut apart = Vec::new();
    for error in &block.errors {
        let first = of(&error[0]);
        for trace in error {
            let explanation = of(trace);
            if explanation.fingerprint != first.fingerprint {
                faults.push(format!("{fence}: {}\n  must group: {:?}\n              {:?}", block.title, first.frames, explanation.frames));
            }
            if explanation.frames.is_empty() != block.title.ends_with("(no frames)") {
                faults.push(format!("{fence}: {}\n  frames: {:?}", block.title, explanation.frames));
            }
            if language(trace) != fence {
                faults.push(format!("{fence}: {}\n  read as {}:\n{trace}", block.title, language(trace)));
            }
        }
        if apart.contains(&first.fingerprint) {
            faults.push(format!("{fence}: {}\n  must stay apart: {:?}", block.title, first.frames));
        }
        apart.push(first.fingerprint);
    }
}

/// A trace as it comes from other places.
fn variants(trace: &str) -> Vec<(&'static str, String)> {
    let behind = |prefix: &str| trace.lines().map(|line| format!("{prefix}{line}\n")).collect::<String>();
    vec![
        ("line ends of Windows", trace.replace('\n', "\r\n")),
        ("indented", behind("    ")),
        ("compose", behind("web-1  | ")),
        ("container runtime", behind("2026-11-25T13:10:32.125310Z stderr F ")),
        ("system log", behind("Nov 25 13:10:32 node-3 app[812]: ")),
        ("application log", behind("2026-11-25 13:10:32,125 ERROR [worker-3] app.jobs - ")),
    ]
}

/// Puts lines in an order that a seed decides.
fn shuffle(lines: &mut [String], mut seed: u64) {
    for at in (1..lines.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        lines.swap(at, (seed >> 33) as usize % (at + 1));
    }
}
