//! PHP: `#0 /srv/Cart.php(12): Cart->add()`, the innermost cause first.

use super::Frame;
use super::text::{base_name, holds_any};

pub(crate) fn knows(line: &str) -> bool {
    numbered(line).is_some_and(|rest| rest.contains(".php(") || rest.starts_with("{main}") || rest.starts_with("[internal function]"))
        || line.starts_with("PHP Fatal error: ")
        || thrown(line).is_some()
}

/// Reads up to the exception that the first one led to. The function called at a place is named one line before it is entered.
pub(crate) fn read(lines: &[&str]) -> Vec<Frame> {
    let next = lines.iter().position(|line| line.starts_with("Next ")).unwrap_or(lines.len());
    let mut path = lines[..next].iter().find_map(|line| thrown(line)).unwrap_or_default();
    let mut frames = Vec::new();
    for rest in lines[..next].iter().filter_map(|line| numbered(line)) {
        if rest.starts_with("{main}") {
            frames.push(frame(path, ""));
            break;
        }
        let (place, call) = rest.split_once(": ").unwrap_or((rest, ""));
        if !call.is_empty() {
            frames.push(frame(path, call));
        }
        path = place.rsplit_once('(').map_or("", |(path, _)| path);
    }
    frames
}

/// The file in `… in /srv/Cart.php:12` or `… on line 12`.
fn thrown(line: &str) -> Option<&str> {
    let (_, place) = line.rsplit_once(" in ")?;
    let end = place.find(".php")? + 4;
    let rest = &place[end..];
    (rest.starts_with(':') || rest.starts_with(" on line ")).then(|| &place[..end])
}

fn numbered(line: &str) -> Option<&str> {
    let (number, rest) = line.trim_start().strip_prefix('#')?.split_once(' ')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(rest)
}

fn frame(path: &str, call: &str) -> Frame {
    let function = call.split('(').next().unwrap_or(call);
    let is_closure = function.ends_with("{closure}") || call.contains("{closure");
    let name = if is_closure { "{closure}" } else { function };
    let name = name.rsplit('\\').next().unwrap_or(name);
    let name = if name.contains("class@anonymous") { base_name(name) } else { name.to_owned() };
    Frame::new(path, &name, !path.is_empty() && !holds_any(path, &["/vendor/"]))
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};

    #[test]
    fn a_function_belongs_to_the_file_that_it_failed_in() {
        let stack = "PHP Fatal error:  Uncaught Exception: bad in /srv/Cart.php:12\nStack trace:\n\
                     #0 /srv/Api.php(30): App\\Cart->add(Object(Item), 5)\n#1 /srv/vendor/fw/Kernel.php(9): App\\Api->post()\n\
                     #2 /srv/index.php(3): Kernel->run()\n#3 {main}\n  thrown in /srv/Cart.php on line 12";
        assert_eq!(in_app_frames(stack), ["cart.php:Cart->add", "api.php:Api->post", "index.php:"]);
        assert_eq!(language(stack), "php");
    }
}
