//! Names of failing tests in what common test runners print, line by line.
//!
//! Knows unittest, pytest, cargo, go, node's runner, jest and rspec. A name is text of a stranger, clipped; whether a run failed is told by
//! its exit, never by its output.

use crate::limits::TEST_NAME_BYTES_MAX;

/// The failing test that a line names, or nothing.
pub(crate) fn failing_test(line: &str) -> Option<String> {
    let line = plain(line);
    let line = line.trim_end();
    let name = unittest(line).or_else(|| pytest(line)).or_else(|| cargo(line)).or_else(|| marked(line))?;
    let name = name.trim();
    (!name.is_empty()).then(|| name[..name.floor_char_boundary(TEST_NAME_BYTES_MAX)].to_owned())
}

/// `FAIL: test_empty (test_inventory.Prices.test_empty)`
fn unittest(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("FAIL: ").or_else(|| line.strip_prefix("ERROR: "))?;
    rest.contains('(').then_some(rest)
}

/// `FAILED tests/test_a.py::test_x - AssertionError`
fn pytest(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR "))?;
    let name = rest.split_once(" - ").map_or(rest, |(name, _)| name);
    name.contains(".py").then_some(name)
}

/// `test cart::tests::empty ... FAILED`
fn cargo(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// `--- FAIL: TestEmpty (0.00s)`, `not ok 1 - empty`, `✖ empty (1.2ms)`, `● Cart › empty`, `rspec ./spec/cart_spec.rb:12 # empty`
fn marked(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let go = line.strip_prefix("--- FAIL: ").map(without_time);
    let tap = || line.strip_prefix("not ok ")?.split_once(" - ").map(|(_, name)| name);
    let node = || line.strip_prefix("✖ ").filter(|name| *name != "failing tests:").map(without_time);
    let jest = || line.strip_prefix("● ").filter(|name| name.contains(" › "));
    let rspec = || line.strip_prefix("rspec ").filter(|name| name.contains("_spec.rb")).map(|name| name.split(" #").next().unwrap_or(name));
    go.or_else(tap).or_else(node).or_else(jest).or_else(rspec)
}

/// A name without the time in brackets behind it, which differs from run to run.
fn without_time(name: &str) -> &str {
    name.rsplit_once(" (").filter(|(_, time)| time.ends_with("s)")).map_or(name, |(name, _)| name)
}

/// A line without colours.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = behind.find(|character: char| character.is_ascii_alphabetic()).map_or("", |end| &behind[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runner_names_its_failing_tests() {
        for (line, expected) in [
            ("FAIL: test_empty (test_inventory.Prices.test_empty)", Some("test_empty (test_inventory.Prices.test_empty)")),
            ("ERROR: test_empty (test_inventory.Prices)", Some("test_empty (test_inventory.Prices)")),
            ("FAILED tests/test_a.py::test_x[1] - AssertionError: a - b", Some("tests/test_a.py::test_x[1]")),
            ("\u{1b}[31mFAILED\u{1b}[0m tests/test_a.py::test_x", Some("tests/test_a.py::test_x")),
            ("test cart::tests::empty ... FAILED", Some("cart::tests::empty")),
            ("    --- FAIL: TestCart/empty (0.01s)", Some("TestCart/empty")),
            ("not ok 3 - empty cart", Some("empty cart")),
            ("✖ empty cart (1.25ms)", Some("empty cart")),
            ("  ● Cart › is empty", Some("Cart › is empty")),
            ("rspec ./spec/cart_spec.rb:12 # Cart is empty", Some("./spec/cart_spec.rb:12")),
            ("test cart::tests::full ... ok", None),
            ("FAILED (errors=1)", None),
            ("ok 1 - fine", None),
            ("ERROR: connection refused", None),
            ("", None),
        ] {
            assert_eq!(failing_test(line).as_deref(), expected, "{line}");
        }
        assert!(failing_test(&format!("test {} ... FAILED", "ä".repeat(500))).unwrap().len() <= TEST_NAME_BYTES_MAX);
    }
}
