//! Functions that call each other in a circle: one order for them, wherever in the circle the program stopped.
//!
//! Two turns make a circle. From where it was entered on it has one order, which is also that of a call that made no turn. Where
//! that place is not shown, names are put in order. Knows no language.

use super::Frame;

/// Most functions in a circle. Engines that print ten frames show no two turns of more than five.
const CIRCLE_MAX: usize = 8;

/// Most functions that the innermost turn may call before a program stops. What calls more is known by these.
const CALLED_MAX: usize = 4;

/// Most frames in which a circle is looked for.
const HEAD_MAX: usize = CALLED_MAX + 2 * CIRCLE_MAX;

/// The frames that count, nearest the throw first. Those of the first circle stand once, in its order.
pub(super) fn unwound<'t, 'a>(frames: &'t [Frame<'a>], is_elided: bool) -> impl Iterator<Item = &'t Frame<'a>> {
    let counted = |frames: &'t [Frame<'a>]| frames.iter().filter(|frame| frame.counts());
    let mut head = head(frames);
    let mut turn = Vec::new();
    let mut rest = frames;
    if let Some((start, length)) = circle(&head) {
        (turn, rest) = turn_of(&frames[head[start].0..], &head[start..start + length], is_elided);
        head.truncate(start);
    } else {
        head.clear();
    }
    head.into_iter().map(|(_, frame)| frame).chain(turn).chain(counted(rest))
}

/// The first frames that count, with where they stand. A function that calls itself is one of them.
fn head<'t, 'a>(frames: &'t [Frame<'a>]) -> Vec<(usize, &'t Frame<'a>)> {
    let mut head: Vec<(usize, &Frame)> = Vec::with_capacity(HEAD_MAX);
    for (at, frame) in frames.iter().enumerate().filter(|(_, frame)| frame.counts()) {
        if head.len() == HEAD_MAX {
            break;
        }
        if !head.last().is_some_and(|(_, last)| last.is_same(frame)) {
            head.push((at, frame));
        }
    }
    head
}

/// Where the first circle begins, and how many functions are in it.
fn circle(head: &[(usize, &Frame)]) -> Option<(usize, usize)> {
    let is_turn = |start: usize, length: usize| {
        let again = start + length;
        head.len() >= again + length && (0..length).all(|at| head[start + at].1.is_same(head[again + at].1))
    };
    let starts = 0..=CALLED_MAX;
    starts.flat_map(|start| (2..=CIRCLE_MAX).map(move |length| (start, length))).find(|(start, length)| is_turn(*start, *length))
}

/// The functions of a circle in their order, and the frames that it was entered from.
fn turn_of<'t, 'a>(frames: &'t [Frame<'a>], members: &[(usize, &Frame)], is_elided: bool) -> (Vec<&'t Frame<'a>>, &'t [Frame<'a>]) {
    let mut turn: Vec<&Frame> = Vec::new();
    let mut end = 0;
    for (at, frame) in frames.iter().enumerate().filter(|(_, frame)| frame.counts()) {
        if !members.iter().any(|(_, member)| member.is_same(frame)) {
            break;
        }
        turn.retain(|known| !known.is_same(frame));
        turn.push(frame);
        end = at + 1;
    }
    if is_elided || end == frames.len() {
        turn.sort_by(|one, other| (&one.file, &one.function).cmp(&(&other.file, &other.function)));
    }
    (turn, &frames[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<'a>(names: &[&'a str], is_elided: bool) -> Vec<String> {
        let frame = |name: &&'a str| Frame { path: "a.py", file: "a.py".into(), function: (*name).into(), in_app: *name != "library" };
        let frames: Vec<Frame> = names.iter().map(frame).collect();
        let mut kept: Vec<String> = unwound(&frames, is_elided).map(|frame| frame.function.to_string()).collect();
        kept.dedup();
        kept
    }

    #[test]
    fn it_does_not_matter_where_in_a_circle_a_program_stopped() {
        let shallow = names(&["odd", "even", "main"], false);
        assert_eq!(shallow, ["odd", "even", "main"]);
        assert_eq!(names(&["odd", "even", "odd", "even", "main"], false), shallow);
        assert_eq!(names(&["even", "odd", "even", "odd", "even", "main"], false), shallow);
        assert_eq!(names(&["even", "library", "odd", "even", "library", "odd", "even", "main"], false), shallow);
        assert_eq!(names(&["odd", "odd", "odd", "even", "even", "odd", "even", "main"], false), shallow);
        assert_eq!(names(&["top", "even", "odd", "even", "odd", "main", "main"], false), ["top", "even", "odd", "main"]);
    }

    #[test]
    fn without_the_place_that_it_was_entered_from_names_decide() {
        assert_eq!(names(&["odd", "even", "odd", "even", "odd"], false), ["even", "odd"]);
        assert_eq!(names(&["even", "odd", "even", "odd", "even"], false), ["even", "odd"]);
        assert_eq!(names(&["odd", "even", "odd", "even", "main"], true), ["even", "odd", "main"]);
    }

    #[test]
    fn one_turn_and_a_half_are_no_circle() {
        assert_eq!(names(&["even", "odd", "even", "main"], false), ["even", "odd", "even", "main"]);
    }
}
