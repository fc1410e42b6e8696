//! PHP: `#0 /srv/Cart.php(12): Cart->add()`, the innermost cause first; Laravel prints it last.
//!
//! A line names the function that was called and the place of the call, so a function belongs to the place of the line above it.
//! The place of the throw stands in the header; without one the first function has no file.

use std::borrow::Cow;

use super::text::{base_name, behind_number, components, last_word, split_line};
use super::{Frame, Line};

/// Namespaces and classes of the language, of frameworks and of drivers, for a function without a file.
const LIBRARIES: &[&str] = &[
    "Aws",
    "Cake",
    "Carbon",
    "Composer",
    "DateTime",
    "DateTimeImmutable",
    "Doctrine",
    "Dompdf",
    "Drupal",
    "GuzzleHttp",
    "Illuminate",
    "Laravel",
    "League",
    "Memcached",
    "MongoDB",
    "Monolog",
    "PDO",
    "PDOStatement",
    "PHPUnit",
    "Predis",
    "Psr",
    "Redis",
    "SimpleXMLElement",
    "Slim",
    "SoapClient",
    "Stripe",
    "Symfony",
    "Twig",
    "Yii",
    "mysqli",
    "yii",
];

/// Whether a line is a frame as the console of Symfony prints it: the call first, then its place.
pub(super) fn is_console_frame(text: &str) -> bool {
    console(text).is_some()
}

/// Whether a line is a numbered frame.
pub(super) fn is_frame(text: &str) -> bool {
    numbered(text).is_some_and(|rest| {
        rest.starts_with("{main}") || rest.starts_with("[internal function]") || call(rest).is_some_and(|(path, _)| !path.contains(" in "))
    })
}

/// Whether a line is a frame of a list that counts up to the error, as the engine's own log prints it.
pub(super) fn is_counted_frame(text: &str) -> bool {
    counted(text).is_some()
}

/// Reads the first block, or the last one where the causes of an error follow it.
pub(super) fn read<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let is_previous = |line: &Line| line.text.starts_with("[previous exception]");
    if let Some(previous) = lines.iter().rposition(is_previous) {
        let frames = block(&lines[previous..]);
        if frames.iter().any(|frame| frame.in_app) {
            return frames;
        }
        let first = lines.iter().position(is_previous).unwrap_or(previous);
        return block(&lines[..first]);
    }
    let counted: Vec<(&str, &str)> = lines.iter().filter_map(|line| counted(line.text)).collect();
    if counted.is_empty() { block(lines) } else { counted_up(lines, &counted) }
}

/// The frames of calls that are listed with their places, the outermost one first.
fn counted_up<'a>(lines: &[Line<'a>], calls: &[(&'a str, &'a str)]) -> Vec<Frame<'a>> {
    let mut path = lines.iter().find_map(|line| thrown(line.text)).unwrap_or_default();
    let mut frames = Vec::with_capacity(calls.len());
    for (place, called) in calls.iter().rev() {
        frames.push(frame(path, called.strip_prefix("{main}").map_or(called, |_| "")));
        path = place;
    }
    frames
}

/// The place and the call of `2. App\Cart->add($id = 5) /srv/Cart.php:12`, also behind `PHP`.
fn counted(text: &str) -> Option<(&str, &str)> {
    let rest = behind_number(text.strip_prefix("PHP ").unwrap_or(text).trim_start(), ". ")?;
    let (called, place) = rest.rsplit_once(") ")?;
    let path = split_line(place).filter(|path| path.ends_with(".php"))?;
    Some((path, called))
}

/// The frames down to the next error of a chain. A line numbered nought begins another trace.
fn block<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let mut path = "";
    let mut frames = Vec::new();
    for line in lines {
        if let Some((place, called)) = console(line.text) {
            if !called.is_empty() {
                frames.push(frame(path, called));
            }
            path = place;
            continue;
        }
        let Some(rest) = numbered(line.text) else {
            if frames.is_empty() {
                path = thrown(line.text).unwrap_or(path);
            } else if line.text.starts_with("Next ") {
                break;
            }
            continue;
        };
        if !frames.is_empty() && line.text.starts_with("#0 ") {
            break;
        }
        if rest.starts_with("{main}") {
            frames.push(frame(path, ""));
            break;
        }
        if let Some(called) = rest.strip_prefix("[internal function]: ") {
            frames.push(frame(path, called));
            path = "";
        } else if let Some((place, called)) = call(rest) {
            frames.push(frame(path, called));
            path = place;
        }
    }
    frames
}

/// The file in `… in /srv/Cart.php:12`, `… in /srv/Cart.php on line 12` and `… at /srv/Cart.php:12)`.
fn thrown(text: &str) -> Option<&str> {
    let end = text.rfind(".php")? + 4;
    let rest = &text[end..];
    let is_place = rest.starts_with(':') || rest.starts_with(" on line ") || rest.starts_with('(');
    let start = [" in ", " at "].iter().filter_map(|word| text[..end].rfind(word)).max()? + 4;
    is_place.then(|| &text[start..end])
}

/// The place and the call of `App\Cart->add() at /srv/Cart.php:12`. The first place has no call: it is the throw.
fn console(text: &str) -> Option<(&str, &str)> {
    let path = split_line(text).filter(|path| path.ends_with(".php"))?;
    if let Some(path) = path.strip_prefix("at ") {
        return Some((path, ""));
    }
    let (called, path) = path.split_once("() at ")?;
    Some((path, last_word(called)))
}

fn numbered(text: &str) -> Option<&str> {
    behind_number(text.strip_prefix('#')?, " ")
}

/// The path and the call of `/srv/Cart.php(12): Cart->add()`.
fn call(rest: &str) -> Option<(&str, &str)> {
    let (place, called) = rest.split_once("): ")?;
    let (path, line) = place.rsplit_once('(')?;
    (!path.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())).then_some((path, called))
}

fn frame<'a>(path: &'a str, called: &'a str) -> Frame<'a> {
    let function = name(called);
    let in_app = if path.is_empty() { is_named_by_the_application(called) } else { !is_library_path(path) };
    let file = if is_compiled_template(path) { Cow::Borrowed("template") } else { base_name(path) };
    Frame { path, file, function, in_app }
}

/// Whether a function without a file is in a namespace or a class that is nobody else's.
fn is_named_by_the_application(called: &str) -> bool {
    let function = called.split('(').next().unwrap_or(called);
    let Some(owner) = function.split(['\\', '-', ':']).next().filter(|owner| owner.len() < function.len()) else {
        return false;
    };
    LIBRARIES.binary_search(&owner).is_err()
}

/// Whether a path is of an installed package, of the distribution, or of the core of a content management system.
fn is_library_path(path: &str) -> bool {
    path.starts_with("phar://")
        || components(path).any(|component| matches!(component, "vendor" | "wp-includes" | "wp-admin" | "pear"))
        || path.starts_with("/usr/share/php")
}

/// Whether a framework wrote a file from a template; such files are named after a hash.
fn is_compiled_template(path: &str) -> bool {
    path.contains("/framework/views/") || path.contains("/cache/") && path.contains("/twig/")
}

/// A function with its class, without namespaces and what stands for code without a name.
fn name(called: &str) -> Cow<'_, str> {
    if called.contains("{closure") {
        return Cow::Borrowed("{closure}");
    }
    if let Some((_, rest)) = called.split_once("@anonymous") {
        let method = ["->", "::"].iter().find_map(|arrow| rest.rsplit_once(arrow)).map_or("", |(_, method)| method);
        return Cow::Owned(format!("class@anonymous->{}", method.split('(').next().unwrap_or(method)));
    }
    let function = called.split('(').next().unwrap_or(called);
    Cow::Borrowed(function.rsplit('\\').next().unwrap_or(function))
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};
    use super::*;

    #[test]
    fn a_function_belongs_to_the_file_that_it_failed_in() {
        let stack = "PHP Fatal error:  Uncaught Exception: bad in /srv/Cart.php:12\nStack trace:\n\
                     #0 /srv/Api.php(30): App\\Cart->add(Object(Item), 5)\n#1 /srv/vendor/fw/Kernel.php(9): App\\Api->post()\n\
                     #2 /srv/index.php(3): Kernel->run()\n#3 {main}\n  thrown in /srv/Cart.php on line 12";
        assert_eq!(in_app_frames(stack), ["cart.php:Cart->add", "api.php:Api->post", "index.php:"]);
        assert_eq!(language(stack), "php");
    }

    #[test]
    fn without_a_header_the_first_function_has_no_file() {
        let stack = "#0 /srv/Api.php(30): App\\Cart->add()\n#1 /srv/index.php(3): App\\Api->post()\n#2 {main}";
        assert_eq!(in_app_frames(stack), [":Cart->add", "api.php:Api->post", "index.php:"]);
        assert!(LIBRARIES.is_sorted());
    }
}
