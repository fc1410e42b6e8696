//! Ruby: ``cart.rb:12:in `add'`` and, from 3.4 on, `cart.rb:12:in 'Cart#add'`; causes last.

use super::Frame;
use super::text::{holds_any, split_line};

const LIBRARIES: &[&str] = &["/gems/", "/lib/ruby/", "<internal:", "/rubygems/", "/vendor/bundle/"];

pub(crate) fn knows(line: &str) -> bool {
    frame(line).is_some()
}

/// Reads the last block, which is the innermost cause.
pub(crate) fn read(lines: &[&str]) -> Vec<Frame> {
    let is_header = |line: &&str| !line.trim_start().starts_with("from ") && line.trim_end().ends_with(')') && frame(line).is_some();
    let start = lines.iter().rposition(is_header).unwrap_or(0);
    lines[start..].iter().filter_map(|line| frame(line)).collect()
}

fn frame(line: &str) -> Option<Frame> {
    let line = line.trim_start();
    let line = line.strip_prefix("from ").unwrap_or(line);
    let (place, rest) = line.split_once(":in ")?;
    let path = split_line(place)?;
    let function = rest.strip_prefix(['`', '\''])?.split('\'').next()?;
    let in_app = !holds_any(path, LIBRARIES);
    Some(Frame::new(path, &name(function), in_app))
}

/// A method without the blocks around, its class, and the number of a compiled template.
fn name(function: &str) -> String {
    let name = if function.starts_with("block ") || function.starts_with("rescue in ") || function.starts_with("ensure in ") {
        function.rsplit(" in ").next().unwrap_or(function)
    } else {
        function
    };
    let name = name.rsplit(['#', '.']).next().unwrap_or(name);
    let is_template = name.starts_with("_app_");
    if is_template { name.split("__").next().unwrap_or(name).to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};

    #[test]
    fn both_styles_give_the_same_frames() {
        let old = "/srv/cart.rb:12:in `block (2 levels) in add': bad (ArgumentError)\n\tfrom /srv/cart.rb:9:in `each'\n\
                   \tfrom /usr/lib/ruby/gems/3.3.0/gems/rack-3.0.1/lib/rack.rb:3:in `call'";
        let new = "/srv/cart.rb:14:in 'block (2 levels) in Cart#add': bad (ArgumentError)\n\tfrom /srv/cart.rb:9:in 'Array#each'";
        assert_eq!(in_app_frames(old), ["cart.rb:add", "cart.rb:each"]);
        assert_eq!(in_app_frames(new), in_app_frames(old));
        assert_eq!(language(new), "ruby");
    }
}
