//! The places in the repository that an error names, with their source, who changed them last, and who owns them.
//!
//! Paths of a trace are of another machine; a file of the repository is meant when it alone shares the longest end with one. All source is
//! redacted before anything else sees it.

use healnode_core::limits::{OWNERS_MAX, SUSPECT_SOURCE_BYTES_MAX, SUSPECTS_MAX};
use healnode_core::{Guidance, Suspect};
use healnode_report::{Place, Redactor, Report, in_app_places};

use crate::limits::{SAME_LINES, SOURCE_LINES};
use crate::owners::{OWNERS_FILES, owners};
use crate::repository::{Mirror, RepositoryError};

/// Finds what a person needs to begin.
pub(crate) async fn guidance(mirror: &Mirror, commit: &str, report: &Report, redactor: &Redactor) -> Result<Guidance, RepositoryError> {
    let files = mirror.files(commit).await?;
    let places = report.stack().map(in_app_places).unwrap_or_default();
    let mut suspects: Vec<Suspect> = Vec::new();
    for place in &places {
        if suspects.len() == SUSPECTS_MAX {
            break;
        }
        let Some(path) = file_of(place, &files) else {
            continue;
        };
        suspects.push(suspect(mirror, commit, path, place, redactor).await);
    }
    let owners = match suspects.first() {
        Some(innermost) => owners_of(mirror, commit, &innermost.path).await,
        None => Vec::new(),
    };
    Ok(Guidance { commit: commit.to_owned(), suspects, owners })
}

/// Whether the lines around the innermost suspect are not in another commit.
pub(crate) async fn is_changed(mirror: &Mirror, guidance: &Guidance, other: &str) -> bool {
    let Some(suspect) = guidance.suspects.first().filter(|suspect| suspect.line > 0 && guidance.commit != other) else {
        return false;
    };
    let before = mirror.content(&guidance.commit, &suspect.path).await.unwrap_or_default();
    let after = mirror.content(other, &suspect.path).await.unwrap_or_default();
    let (_, lines) = around(&before, suspect.line, SAME_LINES);
    !after.contains(&lines)
}

async fn suspect(mirror: &Mirror, commit: &str, path: &str, place: &Place, redactor: &Redactor) -> Suspect {
    let content = mirror.content(commit, path).await.unwrap_or_default();
    let (first_line, source) = excerpt(&content, place.line, redactor);
    let changed = if place.line > 0 { mirror.last_change(commit, path, place.line).await } else { None };
    Suspect { path: path.to_owned(), line: place.line, function: place.function.clone(), first_line, source, changed }
}

async fn owners_of(mirror: &Mirror, commit: &str, path: &str) -> Vec<String> {
    for file in OWNERS_FILES {
        if let Some(codeowners) = mirror.content(commit, file).await {
            return owners(&codeowners, path).into_iter().take(OWNERS_MAX).collect();
        }
    }
    Vec::new()
}

/// The file that shares the longest end with a place's path, if only one does. Its name alone is enough when no other file has it.
fn file_of<'a>(place: &Place, files: &'a [String]) -> Option<&'a str> {
    let shared = |file: &str| file.rsplit('/').zip(place.path.rsplit('/')).take_while(|(one, other)| one == other).count();
    let longest = files.iter().map(|file| shared(file)).max().filter(|longest| *longest > 0)?;
    let mut best = files.iter().filter(|file| shared(file) == longest);
    let (first, second) = (best.next()?, best.next());
    second.is_none().then_some(first.as_str())
}

/// The lines around one, redacted, with the number of the first. The outer ones are left out beyond the bound.
fn excerpt(content: &str, line: u32, redactor: &Redactor) -> (u32, String) {
    let mut reach = SOURCE_LINES;
    loop {
        let (first, source) = around(content, line.max(1), reach);
        let source = redactor.redact(&source).into_owned();
        if source.len() <= SUSPECT_SOURCE_BYTES_MAX {
            return (first, source);
        }
        if reach == 0 {
            return (first, source[..source.floor_char_boundary(SUSPECT_SOURCE_BYTES_MAX)].to_owned());
        }
        reach = reach * 2 / 3;
    }
}

fn around(content: &str, line: u32, reach: usize) -> (u32, String) {
    let index = usize::try_from(line).unwrap_or(0).saturating_sub(1);
    let start = index.saturating_sub(reach);
    let lines: Vec<&str> = content.lines().skip(start).take(index + reach + 1 - start).collect();
    (u32::try_from(start + 1).unwrap_or(1), lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> Place {
        Place { path: path.to_owned(), line: 3, function: "f".to_owned() }
    }

    #[test]
    fn a_file_is_found_by_the_longest_end_of_its_path_that_only_it_has() {
        let files: Vec<String> =
            ["shop/inventory.py", "tests/inventory.py", "shop/cart.py", "a/__init__.py", "b/__init__.py"].map(str::to_owned).into();
        for (path, expected) in [
            ("/srv/app/shop/inventory.py", Some("shop/inventory.py")),
            ("/srv/app/cart.py", Some("shop/cart.py")),
            ("/srv/app/inventory.py", None),
            ("/usr/lib/python3/a/__init__.py", Some("a/__init__.py")),
            ("/srv/c/__init__.py", None),
            ("/srv/app/shop/other.py", None),
        ] {
            assert_eq!(file_of(&place(path), &files), expected, "{path}");
        }
    }

    #[test]
    fn source_is_redacted_and_bounded() {
        let content = (1..=200).map(|line| format!("line {line} password=hunter2 {}", "x".repeat(300))).collect::<Vec<String>>().join("\n");
        let (first, source) = excerpt(&content, 100, &Redactor::default());
        assert!(source.len() <= SUSPECT_SOURCE_BYTES_MAX && !source.contains("hunter2"));
        assert!(first > 70 && source.contains("line 100 "));
        assert_eq!(excerpt("one\ntwo", 2, &Redactor::default()), (1, "one\ntwo".to_owned()));
        assert_eq!(excerpt("one", 900, &Redactor::default()).1, "");
    }
}
