//! A small Python program with a real bug and the test that shows it, as a git repository and on the GitHub emulator.
#![allow(dead_code, reason = "each of the tests that include this file uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::emulator::Emulator;

/// The program: the average of nothing is a division by zero.
const PROGRAM: &str = "\"\"\"What is in stock.\"\"\"


def average_price(items):
    total = sum(item[\"price\"] for item in items)
    return total / len(items)
";

/// Its tests: one shows the bug, one has to go on passing.
const TESTS: &str = "import unittest

from inventory import average_price


class AveragePrice(unittest.TestCase):
    def test_two_items(self):
        self.assertEqual(average_price([{\"price\": 2}, {\"price\": 4}]), 3)

    def test_no_items(self):
        self.assertEqual(average_price([]), 0)


if __name__ == \"__main__\":
    unittest.main()
";

/// The line with the bug, and what mends it.
pub(crate) const BUG: &str = "    return total / len(items)";
pub(crate) const MENDED: &str = "    return total / len(items) if items else 0.0";

/// What the program prints when it fails.
pub(crate) const TRACE: &str = "Traceback (most recent call last):
  File \"/srv/shop/report.py\", line 9, in main
    print(average_price(load()))
  File \"/srv/shop/inventory.py\", line 6, in average_price
    return total / len(items)
ZeroDivisionError: division by zero
";

/// Program and arguments that test it, as they stand in a configuration.
pub(crate) const TEST_COMMAND: &str = "[\"python3\", \"-m\", \"unittest\", \"-q\"]";

/// The repository in a folder.
pub(crate) struct Toy {
    dir: PathBuf,
}

impl Toy {
    /// Makes the repository below `parent`, and puts the same files into the emulator's.
    pub(crate) fn new(parent: &Path, github: Option<&Emulator>) -> Self {
        let dir = parent.join("toy");
        fs::create_dir_all(&dir).expect("a folder can be made");
        let toy = Self { dir };
        let files = [
            ("inventory.py", PROGRAM),
            ("test_inventory.py", TESTS),
            ("report.py", "from inventory import average_price\n"),
            ("CODEOWNERS", "* @acme/everybody\n/inventory.py @acme/stock\n"),
        ];
        for (name, content) in files {
            fs::write(toy.dir.join(name), content).expect("a file can be written");
            if let Some(github) = github {
                put(github, name, content);
            }
        }
        toy.git(&["init", "-q", "-b", "main"]);
        toy.git(&["add", "-A"]);
        toy.git(&["commit", "-q", "-m", "stock: the average price"]);
        toy
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
}

/// A report of the program's failure, as an application would hand it over.
pub(crate) fn report() -> Value {
    json!({ "type": "ZeroDivisionError", "message": "division by zero", "stack": TRACE, "command": "python3 report.py" })
}

/// Returns whether the tests pass on a branch of the emulator's repository.
pub(crate) fn passes_on(github: &Emulator, branch: &str) -> bool {
    let dir = tempfile::tempdir().expect("a folder can be made");
    for name in ["inventory.py", "test_inventory.py"] {
        fs::write(dir.path().join(name), content(github, name, branch)).expect("a file can be written");
    }
    let tests = Command::new("python3").args(["-m", "unittest", "-q"]).current_dir(dir.path()).output().expect("python3 runs");
    tests.status.success()
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
