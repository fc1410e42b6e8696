//! Which lines differ between two texts, by the longest common subsequence.
//!
//! Texts whose middle parts are too large for it count as changed as a whole, which no bound lets pass.

/// Pairs of lines that are compared at most. 4 million take 16 MB.
const PAIRS_MAX: usize = 4_000_000;

/// The lines that differ, in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LineChange<'a> {
    pub(super) added: Vec<&'a str>,
    pub(super) removed: Vec<&'a str>,
}

pub(super) fn line_change<'a>(before: &'a str, after: &'a str) -> LineChange<'a> {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let start = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let end = before[start..].iter().rev().zip(after[start..].iter().rev()).take_while(|(one, other)| one == other).count();
    let (before, after) = (&before[start..before.len() - end], &after[start..after.len() - end]);
    let (removed, added) =
        if before.len().saturating_mul(after.len()) > PAIRS_MAX { (before.to_vec(), after.to_vec()) } else { apart(before, after) };
    let bare = |lines: Vec<&'a str>| lines.into_iter().map(|line| line.trim_end_matches('\n')).collect();
    LineChange { added: bare(added), removed: bare(removed) }
}

fn apart<'a>(before: &[&'a str], after: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let width = after.len() + 1;
    let mut common = vec![0_u32; (before.len() + 1) * width];
    for row in (0..before.len()).rev() {
        for column in (0..after.len()).rev() {
            common[row * width + column] = if before[row] == after[column] {
                common[(row + 1) * width + column + 1] + 1
            } else {
                common[(row + 1) * width + column].max(common[row * width + column + 1])
            };
        }
    }
    let (mut removed, mut added, mut row, mut column) = (Vec::new(), Vec::new(), 0, 0);
    while row < before.len() && column < after.len() {
        if before[row] == after[column] {
            (row, column) = (row + 1, column + 1);
        } else if common[(row + 1) * width + column] >= common[row * width + column + 1] {
            removed.push(before[row]);
            row += 1;
        } else {
            added.push(after[column]);
            column += 1;
        }
    }
    removed.extend_from_slice(&before[row..]);
    added.extend_from_slice(&after[column..]);
    (removed, added)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_changed() {
        for (before, after, removed, added) in [
            ("a\nb\nc\n", "a\nB\nc\n", vec!["b"], vec!["B"]),
            ("", "a\nb\n", vec![], vec!["a", "b"]),
            ("a\n", "", vec!["a"], vec![]),
            ("a\nb\nc\nd\n", "b\nx\nd\n", vec!["a", "c"], vec!["x"]),
            ("a\nb\n", "b\na\n", vec!["a"], vec!["a"]),
            ("a", "a\n", vec!["a"], vec!["a"]),
            ("a\n", "a\n", vec![], vec![]),
        ] {
            assert_eq!(line_change(before, after), LineChange { added, removed }, "{before:?} {after:?}");
        }
    }

    #[test]
    fn texts_that_are_too_large_to_compare_are_changed_as_a_whole() {
        let text = |name: &str| (0..3_000).map(|line| format!("{name}{line}\n")).collect::<String>();
        assert_eq!(line_change(&text("a"), &text("b")).added.len(), 3_000);
    }
}
