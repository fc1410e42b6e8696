//! The lines that a command printed before its error.
//!
//! The trace is a part of the report of its own, so it takes none of the room for lines. Where there is no trace, or it is not found again
//! among what was printed, the last lines count.

use super::tail::Line;

/// Places at which the trace may begin that are compared with it, the last ones. Few lines begin a trace; one that is printed all the time
/// is none.
const PLACES_MAX: usize = 64;

/// Lines of the trace that are compared. Two traces of one command that are the same so far tell of the same error.
const COMPARED_MAX: usize = 32;

/// Returns at most `lines_max` lines, those right before the trace.
pub(super) fn lines_before(lines: &[Line], stack: Option<&str>, lines_max: usize) -> Vec<String> {
    let end = stack.and_then(|stack| place_of(lines, stack)).unwrap_or(lines.len());
    lines[end.saturating_sub(lines_max)..end].iter().map(|line| line.text.clone()).collect()
}

/// Returns the index of the trace's first line, where it was printed last.
fn place_of(lines: &[Line], stack: &str) -> Option<usize> {
    let first = telling(stack.lines()).next()?;
    let places = lines.iter().enumerate().rev().filter(|(_, line)| line.text.trim() == first).map(|(place, _)| place);
    places.take(PLACES_MAX).find(|place| begins_with(&lines[*place..], stack))
}

fn begins_with(lines: &[Line], stack: &str) -> bool {
    let stream = lines.first().map(|line| line.stream);
    let mut printed = telling(lines.iter().filter(|line| Some(line.stream) == stream).map(|line| line.text.as_str()));
    telling(stack.lines()).take(COMPARED_MAX).all(|line| printed.next() == Some(line))
}

/// The lines that say anything, without what stands around them.
fn telling<'a>(lines: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    lines.map(str::trim).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tail::Stream;
    use super::*;

    const CAUSE: &str = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nKeyError: 'a'";
    const TRACE: &str = "Traceback (most recent call last):\n  File \"a.py\", line 5, in f\n    g()\n\nValueError: bad";

    fn printed(parts: &[(Stream, &str)]) -> Vec<Line> {
        parts.iter().flat_map(|(stream, text)| text.lines().map(|text| Line { stream: *stream, text: text.to_owned() })).collect()
    }

    #[test]
    fn lines_from_before_the_trace_are_kept_and_neither_the_trace_nor_what_follows_it() {
        let lines = printed(&[(Stream::Out, "one\ntwo"), (Stream::Err, "three"), (Stream::Err, TRACE), (Stream::Out, "bye")]);
        assert_eq!(lines_before(&lines, Some(TRACE), 50), ["one", "two", "three"]);
        assert_eq!(lines_before(&lines, Some(TRACE), 2), ["two", "three"]);
        assert!(lines_before(&lines, Some(TRACE), 0).is_empty());
    }

    #[test]
    fn the_other_stream_may_break_into_the_trace() {
        let (begin, end) = TRACE.split_at(40);
        let lines = printed(&[(Stream::Err, "one"), (Stream::Err, begin.trim_end()), (Stream::Out, "row"), (Stream::Err, end)]);
        let whole: Vec<&str> = lines.iter().filter(|line| line.stream == Stream::Err).skip(1).map(|line| line.text.as_str()).collect();
        assert_eq!(lines_before(&lines, Some(&whole.join("\n")), 50), ["one"]);
    }

    #[test]
    fn of_two_traces_the_one_that_is_meant_ends_the_lines() {
        let lines = printed(&[(Stream::Err, "one"), (Stream::Err, CAUSE), (Stream::Err, "Then:"), (Stream::Err, TRACE)]);
        assert_eq!(lines_before(&lines, Some(TRACE), 1), ["Then:"]);
        assert_eq!(lines_before(&lines, Some(&format!("{CAUSE}\nThen:\n{TRACE}")), 1), ["one"]);
    }

    #[test]
    fn without_a_trace_among_them_the_last_lines_count() {
        let lines = printed(&[(Stream::Out, "one\ntwo\nthree")]);
        assert_eq!(lines_before(&lines, None, 2), ["two", "three"]);
        assert_eq!(lines_before(&lines, Some("elsewhere"), 2), ["two", "three"]);
        assert_eq!(lines_before(&lines, Some(""), 2), ["two", "three"]);
    }
}
