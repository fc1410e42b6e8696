//! Scores grouping on LogHub's labelled logs: `cargo run --release --example loghub -- */*_2k.log_structured.csv`.
//!
//! Grouping accuracy is the share of lines whose set of lines with the same fingerprint is the set of lines of the same event. A split event
//! has more than one fingerprint, a merged one shares its fingerprint with another. Precision and recall count pairs of lines. Beside them stand
//! the scores of a baseline: the three replacements of the error aggregator in `ipfs_accelerate_py`. Nothing is tuned to a set.
#![allow(clippy::print_stdout, reason = "a table is what this program is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use anyhow::{Context as _, bail};
use healnode_node::{Admission, RawError};

fn main() -> anyhow::Result<()> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        bail!("name CSV files with the columns Content and EventId");
    }
    let (mut ours, mut baselines) = (Sum::default(), Sum::default());
    println!(
        "{:<12} {:>8} {:>9} {:>7} {:>7} {:>7} {:>7}   baseline: the same",
        "set", "accuracy", "precision", "recall", "events", "split", "merged"
    );
    for file in &files {
        let lines = read(&std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?)?;
        let admission = Admission::default();
        let own = score(&lines, |content| admission.explain(&RawError::new("", content)).fingerprint.to_string());
        let baseline = score(&lines, baseline);
        let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
        println!("{:<12} {own}   {baseline}", name.split(['_', '.']).next().unwrap_or_default());
        ours.add(&own);
        baselines.add(&baseline);
    }
    println!("{:<12} {}   {}", "all", ours.mean(), baselines.mean());
    Ok(())
}

/// What a plain error aggregator does to a message: an ISO time, a directory, and eight or more hexadecimal digits each become one word.
fn baseline(message: &str) -> String {
    let words = message.split_inclusive(char::is_whitespace).map(|token| without_directory(&without_time(token)));
    without_ids(&words.collect::<String>())
}

fn without_time(token: &str) -> String {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let fits = |(found, shape): (&u8, &u8)| if *shape == b'0' { found.is_ascii_digit() } else { found == shape };
    let at = token.as_bytes().windows(SHAPE.len()).position(|window| window.iter().zip(SHAPE).all(fits));
    at.map_or_else(|| token.to_owned(), |at| format!("{}TIMESTAMP{}", &token[..at], without_time(&token[at + SHAPE.len()..])))
}

fn without_directory(token: &str) -> String {
    match (token.find('/'), token.rfind('/')) {
        (Some(first), Some(last)) if last > first + 1 => format!("{}/PATH{}", &token[..first], &token[last..]),
        _ => token.to_owned(),
    }
}

fn without_ids(text: &str) -> String {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let is_id = |word: &str| word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut rest = text;
    let mut out = String::new();
    while let Some(start) = rest.find(is_word) {
        let end = rest[start..].find(|character| !is_word(character)).map_or(rest.len(), |length| start + length);
        out.push_str(&rest[..start]);
        out.push_str(if is_id(&rest[start..end]) { "ID" } else { &rest[start..end] });
        rest = &rest[end..];
    }
    out + rest
}

/// Scores of one set.
#[derive(Default)]
struct Score {
    accuracy: f64,
    /// Of all pairs of lines that share a fingerprint, those of one event.
    precision: f64,
    /// Of all pairs of lines of one event, those that share a fingerprint.
    recall: f64,
    events: usize,
    split: usize,
    merged: usize,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accuracy, precision, recall, events, split, merged } = self;
        write!(f, "{accuracy:>8.3} {precision:>9.3} {recall:>7.3} {events:>7} {split:>7} {merged:>7}")
    }
}

/// Scores of several sets.
#[derive(Default)]
struct Sum {
    sets: f64,
    score: Score,
}

impl Sum {
    fn add(&mut self, score: &Score) {
        self.sets += 1.0;
        self.score.accuracy += score.accuracy;
        self.score.precision += score.precision;
        self.score.recall += score.recall;
        self.score.events += score.events;
        self.score.split += score.split;
        self.score.merged += score.merged;
    }

    fn mean(self) -> Score {
        let Self { sets, score: Score { accuracy, precision, recall, events, split, merged } } = self;
        Score { accuracy: accuracy / sets, precision: precision / sets, recall: recall / sets, events, split, merged }
    }
}

/// Reads the messages of a set, each with its event.
fn read(csv: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut rows = csv.lines().map(fields);
    let head = rows.next().context("the file is empty")?;
    let column = |name: &str| head.iter().position(|field| field == name).with_context(|| format!("there is no column {name}"));
    let (content, event) = (column("Content")?, column("EventId")?);
    Ok(rows.filter_map(|row| Some((row.get(content)?.clone(), row.get(event)?.clone()))).collect())
}

fn score(lines: &[(String, String)], key: impl Fn(&str) -> String) -> Score {
    let (mut by_event, mut by_key, mut both) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::<(String, &str), usize>::new());
    for (line, (content, event)) in lines.iter().enumerate() {
        let key = key(content);
        by_event.entry(event.clone()).or_insert_with(Lines::default).add(line, key.clone());
        by_key.entry(key.clone()).or_insert_with(Lines::default).add(line, event.clone());
        *both.entry((key, event)).or_default() += 1;
    }
    let pairs = |sizes: &mut dyn Iterator<Item = usize>| sizes.map(|size| (size * (size - 1) / 2) as f64).sum::<f64>().max(1.0);
    let right = pairs(&mut both.into_values());
    let whole = by_event.values().filter(|event| is_whole(event, &by_key)).map(|event| event.lines.len()).sum::<usize>();
    Score {
        accuracy: whole as f64 / lines.len().max(1) as f64,
        precision: right / pairs(&mut by_key.values().map(|group| group.lines.len())),
        recall: right / pairs(&mut by_event.values().map(|event| event.lines.len())),
        events: by_event.len(),
        split: by_event.values().filter(|event| event.others.len() > 1).count(),
        merged: by_key.values().filter(|group| group.others.len() > 1).count(),
    }
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
