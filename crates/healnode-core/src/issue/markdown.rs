//! Markdown that its content cannot break.

/// Returns `text` in a fence of `language`, longer than any run of backticks in it.
pub(super) fn fence(text: &str, language: &str) -> String {
    let text = without_comments(text);
    let ticks = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{ticks}{language}\n{}\n{ticks}", text.trim_end_matches('\n'))
}

/// Returns `text` as inline code on one line.
pub(super) fn code(text: &str) -> String {
    let text = without_comments(&one_line(text));
    if text.is_empty() {
        return "(none)".to_owned();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// Returns `text` with every run of white space as one space.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the first `chars_max` characters of `text`, with `...` behind them if there were more.
pub(super) fn clip(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// Returns the beginning and the end of `text`, `chars_max` characters together, with a line `...` between them if there were more.
pub(super) fn clip_middle(text: &str, chars_max: usize) -> String {
    let chars = text.chars().count();
    if chars <= chars_max {
        return text.to_owned();
    }
    let half = chars_max / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(chars - half).collect();
    format!("{head}\n...\n{tail}")
}

/// Returns `text` with a line break in the place of a space wherever a line would be longer than `width` characters.
pub(super) fn wrap(text: &str, width: usize) -> String {
    text.lines().map(|line| wrap_line(line, width)).collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, width: usize) -> String {
    let mut wrapped = String::new();
    let mut column = 0;
    for (number, word) in line.split(' ').enumerate() {
        let chars = word.chars().count();
        match number {
            0 => {}
            _ if column + 1 + chars > width => {
                wrapped.push('\n');
                column = 0;
            }
            _ => {
                wrapped.push(' ');
                column += 1;
            }
        }
        wrapped.push_str(word);
        column += chars;
    }
    wrapped
}

/// Takes the meaning from what would open a comment: markers are comments, and only healnode writes them.
fn without_comments(text: &str) -> String {
    text.replace("<!--", "<! --")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_any_run_inside() {
        assert_eq!(fence("a\n```\nb", "text"), "````text\na\n```\nb\n````");
    }

    #[test]
    fn inline_code_holds_backticks() {
        assert_eq!(code("`x`"), "`` `x` ``");
        assert_eq!(code("a\nb"), "`a b`");
    }

    #[test]
    fn long_lines_of_prose_are_broken_at_spaces_and_short_ones_stay() {
        assert_eq!(wrap("one two three\n  four", 8), "one two\nthree\n  four");
        assert_eq!(wrap("muchtoolong a", 5), "muchtoolong\na");
    }

    #[test]
    fn clipping_counts_characters_and_says_so() {
        assert_eq!(clip("\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}", 5), "\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}");
        assert_eq!(clip("abcdef", 5), "abcde...");
        assert_eq!(clip_middle("abcdef", 4), "ab\n...\nef");
    }
}
