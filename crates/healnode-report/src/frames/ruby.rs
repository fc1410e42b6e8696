//! Ruby: ``cart.rb:12:in `add'`` and, from 3.4 on, `cart.rb:12:in 'Cart#add'`; causes last.
//!
//! The last cause with a frame of the application decides. A method of the runtime is printed with the place that called it, so
//! a frame with the place of the next one is the runtime's.

use std::borrow::Cow;

use super::text::{base_name, behind_number, components, rooted, split_line};
use super::{Frame, Line};

/// Whether a line is a frame.
pub(super) fn is_frame(text: &str) -> bool {
    split(text).is_some()
}

/// Whether a line is a frame with a counter before it.
pub(super) fn is_counted_frame(text: &str) -> bool {
    behind_number(text, ": from ").is_some() && is_frame(text)
}

/// Reads the last block with a frame of the application, or the last one.
pub(super) fn read<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let mut blocks: Vec<Vec<Call>> = vec![Vec::new()];
    for line in lines {
        let call = split(line.text);
        let is_new = call.as_ref().map_or(matches!(line.text, "Caused by:" | "Causes:"), |call| call.is_head);
        let Some(block) = blocks.last_mut() else {
            break;
        };
        let is_counted = block.last().is_some_and(|call| call.is_counted);
        if is_new && !block.is_empty() && !is_counted {
            blocks.push(call.into_iter().collect());
        } else {
            block.extend(call);
        }
    }
    let is_app = |frames: &Vec<Frame>| frames.iter().any(|frame| frame.in_app);
    let mut last = None;
    for block in blocks.into_iter().rev().filter(|block| !block.is_empty()) {
        let frames = frames(block);
        if is_app(&frames) {
            return frames;
        }
        last = last.or(Some(frames));
    }
    last.unwrap_or_default()
}

/// The frames of a block, nearest the throw first. Of one that counts down to the throw, the last line is nearest.
fn frames(mut calls: Vec<Call>) -> Vec<Frame> {
    if calls.first().is_some_and(|call| call.is_counted) {
        calls.reverse();
    }
    let callers: Vec<&str> = calls.iter().skip(1).map(|call| call.place).collect();
    calls.iter().enumerate().map(|(at, call)| frame(call, callers.get(at) == Some(&call.place))).collect()
}

/// A line of a backtrace.
struct Call<'a> {
    /// Path and line.
    place: &'a str,
    path: &'a str,
    function: &'a str,
    /// Whether the error's message follows.
    is_head: bool,
    /// Whether a counter stands before it, as in a backtrace that ends at the throw.
    is_counted: bool,
}

fn split(text: &str) -> Option<Call<'_>> {
    let (place, rest) = text.split_once(":in ")?;
    let rest = rest.strip_prefix(['`', '\''])?;
    let (function, rest) = rest.split_once('\'')?;
    let uncounted = behind_number(place, ": from ");
    let place = uncounted.or_else(|| place.strip_prefix("from ")).unwrap_or(place);
    let gem = place.find(") ").filter(|_| place.contains(" ("));
    let place = if gem.is_some() { place } else { rooted(place) };
    let path = split_line(place)?;
    Some(Call { place, path, function, is_head: rest.starts_with(": "), is_counted: uncounted.is_some() })
}

fn frame<'a>(call: &Call<'a>, is_of_caller: bool) -> Frame<'a> {
    let in_app = !is_of_caller && !is_library(call.path);
    Frame { path: call.path, file: base_name(call.path), function: Cow::Borrowed(name(call.function)), in_app }
}

/// Whether a path is of a gem, of the standard library, or of the runtime itself. Some loggers print a gem with its version before the
/// path in it.
fn is_library(path: &str) -> bool {
    if path.starts_with("<internal:") || path.contains(") ") {
        return true;
    }
    let mut before = "";
    for component in components(path) {
        if matches!((before, component), (_, "gems" | "rubygems") | ("lib", "ruby") | ("vendor", "bundle") | (_, ".rbenv" | ".rvm")) {
            return true;
        }
        before = component;
    }
    matches!(before, "bundle" | "irb" | "rake" | "rspec" | "puma" | "rails" | "sidekiq")
}

/// A method without the blocks around, its class, and the number of a compiled template.
fn name(function: &str) -> &str {
    let is_nested = ["block ", "rescue in ", "ensure in "].iter().any(|prefix| function.starts_with(prefix));
    let name = if is_nested { function.rsplit(" in ").next().unwrap_or(function) } else { function };
    if name.starts_with('<') {
        return name;
    }
    let name = name.rsplit(['#', '.']).next().unwrap_or(name);
    if name.starts_with("_app_") { name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '-')) } else { name }
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};

    #[test]
    fn both_styles_give_the_same_frames() {
        let old = "/srv/cart.rb:12:in `block (2 levels) in add': bad (ArgumentError)\n\tfrom /srv/cart.rb:9:in `each'\n\
                   \tfrom /srv/cart.rb:9:in `add'\n\tfrom /usr/lib/ruby/gems/3.3.0/gems/rack-3.0.1/lib/rack.rb:3:in `call'";
        let new = "/srv/cart.rb:14:in 'block (2 levels) in Cart#add': bad (ArgumentError)\n\tfrom /srv/cart.rb:9:in 'Array#each'\n\
                   \tfrom /srv/cart.rb:9:in 'Cart#add'";
        assert_eq!(in_app_frames(old), ["cart.rb:add"]);
        assert_eq!(in_app_frames(new), in_app_frames(old));
        assert_eq!(language(new), "ruby");
    }

    #[test]
    fn a_backtrace_that_counts_down_ends_at_the_throw() {
        let counted = "Traceback (most recent call last):\n\t2: from /srv/main.rb:9:in `<main>'\n\t1: from /srv/cart.rb:5:in `add'\n\
                       /srv/item.rb:3:in `price': bad (KeyError)";
        assert_eq!(in_app_frames(counted), ["item.rb:price", "cart.rb:add", "main.rb:<main>"]);
    }
}
