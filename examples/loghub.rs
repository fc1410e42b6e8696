//! Scores grouping on LogHub's labelled logs: `cargo run --release --example loghub -- */*_2k.log_structured.csv`.
//!
//! Grouping accuracy is the share of lines whose set of lines with the same fingerprint is the set of lines of the same event. A split event
//! has more than one fingerprint, a merged one shares its fingerprint with another. Nothing is tuned to a set.
#![allow(clippy::print_stdout, reason = "a table is what this program is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail};
use healnode_node::{Admission, RawError};

fn main() -> anyhow::Result<()> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        bail!("name CSV files with the columns Content and EventId");
    }
    let mut sum = Score::default();
    println!("{:<12} {:>8} {:>7} {:>7} {:>7}", "set", "accuracy", "events", "split", "merged");
    for file in &files {
        let score = score(&std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?)?;
        let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
        print(name.split(['_', '.']).next().unwrap_or_default(), &score);
        sum.accuracy += score.accuracy / files.len() as f64;
        sum.events += score.events;
        sum.split += score.split;
        sum.merged += score.merged;
    }
    print("all", &sum);
    Ok(())
}

fn print(name: &str, score: &Score) {
    println!("{name:<12} {:>8.3} {:>7} {:>7} {:>7}", score.accuracy, score.events, score.split, score.merged);
}

#[derive(Default)]
struct Score {
    accuracy: f64,
    events: usize,
    split: usize,
    merged: usize,
}

fn score(csv: &str) -> anyhow::Result<Score> {
    let mut rows = csv.lines().map(fields);
    let head = rows.next().context("the file is empty")?;
    let column = |name: &str| head.iter().position(|field| field == name).with_context(|| format!("there is no column {name}"));
    let (content, event) = (column("Content")?, column("EventId")?);
    let admission = Admission::default();
    let (mut by_event, mut by_fingerprint) = (BTreeMap::new(), BTreeMap::new());
    let mut lines = 0_usize;
    for (line, row) in rows.enumerate() {
        let (Some(content), Some(event)) = (row.get(content), row.get(event)) else { continue };
        let fingerprint = admission.explain(&RawError::new("", content.as_str())).fingerprint;
        by_event.entry(event.clone()).or_insert_with(Lines::default).add(line, fingerprint.to_string());
        by_fingerprint.entry(fingerprint.to_string()).or_insert_with(Lines::default).add(line, event.clone());
        lines += 1;
    }
    let right = by_event.values().filter(|event| is_whole(event, &by_fingerprint)).map(|event| event.lines.len()).sum::<usize>();
    Ok(Score {
        accuracy: right as f64 / lines.max(1) as f64,
        events: by_event.len(),
        split: by_event.values().filter(|event| event.others.len() > 1).count(),
        merged: by_fingerprint.values().filter(|group| group.others.len() > 1).count(),
    })
}

/// Lines that belong together, and what else they are called.
#[derive(Default)]
struct Lines {
    lines: BTreeSet<usize>,
    others: BTreeSet<String>,
}

impl Lines {
    fn add(&mut self, line: usize, other: String) {
        self.lines.insert(line);
        self.others.insert(other);
    }
}

fn is_whole(event: &Lines, by_fingerprint: &BTreeMap<String, Lines>) -> bool {
    let mut fingerprints = event.others.iter().filter_map(|fingerprint| by_fingerprint.get(fingerprint));
    fingerprints.next().is_some_and(|group| group.lines == event.lines)
}

/// The fields of a line of CSV; a quoted one may hold commas and doubled quotes.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}
