//! A small Python program with a real bug and the test that shows it, as a git repository and on the GitHub emulator.
#![allow(dead_code, reason = "each of the tests that include this file uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::emulator::Emulator;

/// A program with a bug, what shows it, and what mends it.
pub(crate) struct Toy {
    dir: PathBuf,
    /// The file with the bug.
    pub(crate) file: &'static str,
    /// The line with the bug.
    pub(crate) bug: &'static str,
    /// What the line should be.
    pub(crate) mended: &'static str,
    /// What it might be, and is not.
    pub(crate) wrong: &'static str,
    /// The type of the error.
    pub(crate) error_type: &'static str,
    /// Program and arguments that test it.
    pub(crate) test: &'static [&'static str],
    trace: &'static str,
    files: &'static [(&'static str, &'static str)],
}

const PYTHON: &[(&str, &str)] = &[
    (
        "inventory.py",
        "\"\"\"What is in stock.\"\"\"


def average_price(items):
    total = sum(item[\"price\"] for item in items)
    return total / len(items)
",
    ),
    (
        "test_inventory.py",
        "import unittest

from inventory import average_price


class AveragePrice(unittest.TestCase):
    def test_two_items(self):
        self.assertEqual(average_price([{\"price\": 2}, {\"price\": 4}]), 3)

    def test_no_items(self):
        self.assertEqual(average_price([]), 0)
",
    ),
    ("report.py", "from inventory import average_price\n"),
    ("CODEOWNERS", "* @acme/everybody\n/inventory.py @acme/stock\n"),
];

const PYTHON_TRACE: &str = "Traceback (most recent call last):
  File \"/srv/shop/report.py\", line 9, in main
    print(average_price(load()))
  File \"/srv/shop/inventory.py\", line 6, in average_price
    return total / len(items)
ZeroDivisionError: division by zero
";

const RUST: &[(&str, &str)] = &[
    (
        "src/stock.rs",
        "//! What is in stock.

pub fn average_price(prices: &[u64]) -> u64 {
    prices.iter().sum::<u64>() / prices.len() as u64
}

#[cfg(test)]
mod tests {
    use super::average_price;

    #[test]
    fn two_prices() {
        assert_eq!(average_price(&[2, 4]), 3);
    }

    #[test]
    fn no_prices() {
        assert_eq!(average_price(&[]), 0);
    }
}
",
    ),
    ("CODEOWNERS", "* @acme/everybody\n/src/ @acme/stock\n"),
];

const RUST_TRACE: &str = "thread 'main' panicked at src/stock.rs:4:5:
attempt to divide by zero
stack backtrace:
   0: __rustc::rust_begin_unwind
   1: core::panicking::panic_fmt
   2: core::panicking::panic_const::panic_const_div_by_zero
   3: shop::stock::average_price
             at ./src/stock.rs:4:5
   4: shop::main
             at ./src/main.rs:7:20
";

impl Toy {
    /// A program in Python: the average of nothing is a division by zero.
    pub(crate) fn python(parent: &Path, github: Option<&Emulator>) -> Self {
        let toy = Self {
            dir: parent.join("toy"),
            file: "inventory.py",
            bug: "    return total / len(items)",
            mended: "    return total / len(items) if items else 0",
            wrong: "    return total / (len(items) + 1)",
            error_type: "ZeroDivisionError",
            test: &["python3", "-m", "unittest", "-q"],
            trace: PYTHON_TRACE,
            files: PYTHON,
        };
        toy.lay_out(github)
    }

    /// The same in Rust.
    pub(crate) fn rust(parent: &Path, github: Option<&Emulator>) -> Self {
        let toy = Self {
            dir: parent.join("toy"),
            file: "src/stock.rs",
            bug: "    prices.iter().sum::<u64>() / prices.len() as u64",
            mended: "    prices.iter().sum::<u64>().checked_div(prices.len() as u64).unwrap_or(0)",
            wrong: "    prices.iter().sum::<u64>() / (prices.len() as u64 + 1)",
            error_type: "panic",
            test: &["sh", "-c", "mkdir -p target && rustc --edition 2021 --test src/stock.rs -o target/stock && target/stock"],
            trace: RUST_TRACE,
            files: RUST,
        };
        toy.lay_out(github)
    }

    fn lay_out(self, github: Option<&Emulator>) -> Self {
        for (name, content) in self.files {
            let path = self.dir.join(name);
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
            fs::write(path, content).expect("a file can be written");
            if let Some(github) = github {
                put(github, name, content);
            }
        }
        self.git(&["init", "-q", "-b", "main"]);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "stock: the average price"]);
        self
    }

    /// Where the repository is.
    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"];
        let status = Command::new("git").args(identity).args(arguments).current_dir(&self.dir).status().expect("git runs");
        assert!(status.success(), "git {arguments:?}");
    }

    /// A report of the program's failure, as an application would hand it over.
    pub(crate) fn report(&self) -> Value {
        let message = self.trace.lines().find_map(|line| line.strip_prefix("ZeroDivisionError: ")).unwrap_or("attempt to divide by zero");
        json!({ "type": self.error_type, "message": message, "stack": self.trace, "command": "shop report" })
    }

    /// Returns whether the tests pass on a branch of the emulator's repository.
    pub(crate) fn passes_on(&self, github: &Emulator, branch: &str) -> bool {
        let dir = tempfile::tempdir().expect("a folder can be made");
        for (name, _) in self.files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
            fs::write(path, content(github, name, branch)).expect("a file can be written");
        }
        let tests = Command::new(self.test[0]).args(&self.test[1..]).current_dir(dir.path()).output().expect("the tests run");
        tests.status.success()
    }
}

/// Returns a file on a branch of the emulator's repository.
pub(crate) fn content(github: &Emulator, name: &str, branch: &str) -> String {
    let path = format!("/repos/{}/contents/{name}?ref={branch}", github.repo());
    let (status, file) = github.request("GET", &path, github.person_token(), None);
    assert_eq!(status, 200, "{file}");
    let encoded: String = file["content"].as_str().expect("a file's content").split_whitespace().collect();
    String::from_utf8(decode(&encoded)).expect("UTF-8")
}

fn put(github: &Emulator, name: &str, content: &str) {
    let path = format!("/repos/{}/contents/{name}", github.repo());
    let body = json!({ "message": format!("add {name}"), "content": encode(content.as_bytes()) });
    let (status, answer) = github.request("PUT", &path, github.token(), Some(&body));
    assert!(status == 201 || status == 200, "{answer}");
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().chain([0, 0].iter()).take(3).fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        for at in 0..4 {
            let digit = ALPHABET[number >> (18 - 6 * at) & 63];
            text.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in text.as_bytes().chunks(4) {
        let digits = chunk.iter().filter(|digit| **digit != b'=');
        let values: Vec<usize> = digits.map(|digit| ALPHABET.iter().position(|known| known == digit).expect("base64")).collect();
        let number = values.iter().enumerate().fold(0, |number, (at, value)| number | value << (18 - 6 * at));
        bytes.extend((0..values.len().saturating_sub(1)).map(|at| u8::try_from(number >> (16 - 8 * at) & 255).expect("a byte")));
    }
    bytes
}
