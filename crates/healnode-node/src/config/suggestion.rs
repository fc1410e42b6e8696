//! "Did you mean": the known name nearest to one that nobody knows.
//!
//! Never guesses far: a name of eight letters may differ in two of them, or stand in another section.

/// Returns the known name that was probably meant, if one is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .filter_map(|candidate| {
            let distance = if last_part(candidate) == last_part(&name) { 0 } else { edit_distance(&name, &candidate.to_lowercase()) };
            (distance <= 1 + name.len() / 6).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Returns how many characters must be put in, left out or exchanged to make `b` of `a`.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let exchanged = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["bundle.interval", "bundle.min_occurrences", "forge.auto_issue", "app"];

    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(nearest(name, KNOWN.into_iter()), expected, "{name}");
    }

    #[test]
    fn a_misspelt_name_is_recognised() {
        check("bundle.intervall", Some("bundle.interval"));
        check("bundle.min_occurences", Some("bundle.min_occurrences"));
        check("Bundle.Interval", Some("bundle.interval"));
    }

    #[test]
    fn a_name_in_the_wrong_section_is_recognised() {
        check("auto_issue", Some("forge.auto_issue"));
        check("bundle.auto_issue", Some("forge.auto_issue"));
    }

    #[test]
    fn a_name_far_from_all_others_is_not_guessed_at() {
        check("database", None);
        check("bundle.colour", None);
    }
}
