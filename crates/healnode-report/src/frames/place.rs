//! Where in the code a frame is: its file as the trace prints it, and the line behind it.
//!
//! A frame's path is a part of the trace's text, so the line is read from what stands behind it. Lines take no part in a fingerprint.

use super::{Frame, read};

/// Most places of one trace. Deeper ones tell how a request came in, not what broke.
const PLACES_MAX: usize = 32;

/// A place in the application's own code, as a trace names it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// The file's path as printed, with `/`; for Java the one that its package gives.
    pub path: String,
    /// The line, from 1; 0 when none is named.
    pub line: u32,
    /// The function, or nothing.
    pub function: String,
}

/// The places in the application's own code that a stack trace names, of the innermost cause, nearest the throw first.
pub fn in_app_places(stack: &str) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let frames = read(stack).map(|trace| trace.frames).unwrap_or_default();
    for place in frames.iter().filter(|frame| frame.in_app && !frame.path.is_empty()).map(|frame| place(stack, frame)) {
        if places.len() == PLACES_MAX {
            break;
        }
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

fn place(stack: &str, frame: &Frame) -> Place {
    let rest = behind(stack, frame.path);
    let (path, line) = match in_brackets(rest) {
        Some((file, line)) if !frame.path.contains(['/', '\\']) => (of_package(frame.path, file), line),
        Some(_) | None => (frame.path.replace('\\', "/"), line(rest)),
    };
    Place { path, line, function: frame.function.clone().into_owned() }
}

/// The rest of a line behind a part of it. Nothing when it is no part of the text.
fn behind<'a>(stack: &'a str, part: &str) -> &'a str {
    let start = (part.as_ptr() as usize).checked_sub(stack.as_ptr() as usize);
    let rest = start.and_then(|start| stack.get(start + part.len()..)).unwrap_or("");
    rest.lines().next().unwrap_or("")
}

/// The number behind a path, as `", line 3`, `:3:14`, `:line 3` and `(3)` have it.
fn line(rest: &str) -> u32 {
    let rest = rest.trim_start_matches('"');
    let number = [", line ", ":line ", ":", "("].iter().find_map(|lead| rest.strip_prefix(lead)).unwrap_or("");
    leading_number(number)
}

fn leading_number(text: &str) -> u32 {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().unwrap_or(0)
}

/// File and line as the JVM prints them, as in `.add(Cart.java:12)`.
fn in_brackets(rest: &str) -> Option<(&str, u32)> {
    let (file, line) = rest.split_once('(')?.1.split_once(')')?.0.split_once(':')?;
    (file.contains('.') && !file.contains('/')).then(|| (file, leading_number(line)))
}

/// The path of a class's file by its package.
fn of_package(class: &str, file: &str) -> String {
    let package = class.rsplit_once('.').map_or("", |(package, _)| package);
    let folder = package.rsplit('/').next().unwrap_or(package).replace('.', "/");
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(stack: &str) -> Vec<(String, u32)> {
        in_app_places(stack).into_iter().map(|place| (place.path, place.line)).collect()
    }

    fn pair(path: &str, line: u32) -> (String, u32) {
        (path.to_owned(), line)
    }

    #[test]
    fn every_language_names_file_and_line() {
        let python = "Traceback (most recent call last):\n  File \"/srv/shop/main.py\", line 9, in main\n    average([])\n  \
                      File \"/srv/shop/inventory.py\", line 3, in average\n    total / len(items)\nZeroDivisionError: division by zero";
        assert_eq!(found(python), [pair("/srv/shop/inventory.py", 3), pair("/srv/shop/main.py", 9)]);
        let go = "goroutine 1 [running]:\nmain.(*Cart).Add(0xc0000, {0x1, 0x2})\n\t/srv/cart.go:21 +0x1d";
        assert_eq!(found(go), [pair("/srv/cart.go", 21)]);
        let java = "java.lang.IllegalStateException: bad\n\tat com.acme.shop.Cart.add(Cart.java:12)";
        assert_eq!(found(java), [pair("com/acme/shop/Cart.java", 12)]);
        let node = "TypeError: x is undefined\n    at add (/srv/shop/cart.js:7:15)";
        assert_eq!(found(node), [pair("/srv/shop/cart.js", 7)]);
        let rust = "thread 'main' panicked at src/cart.rs:4:5:\nindex out of bounds";
        assert_eq!(found(rust), [pair("src/cart.rs", 4)]);
    }

    #[test]
    fn libraries_are_no_places() {
        let stack = "Traceback (most recent call last):\n  File \"/usr/lib/python3.11/json/decoder.py\", line 9, in decode\nValueError: x";
        assert_eq!(found(stack), Vec::<(String, u32)>::new());
        assert_eq!(found("no trace at all"), Vec::<(String, u32)>::new());
    }
}
