//! Fingerprints that must not move while the algorithm keeps its name, from `data/golden.txt`.
//!
//! A line is type, message, stack and fingerprint, parted by tabs, with `\n` and `\t` inside them written out. When output has to move, the
//! algorithm gets a new id, and the file is written anew from what this test prints.

use healnode_report::{Algorithms, fingerprint};

#[test]
fn no_fingerprint_moves_under_the_same_algorithm() {
    let mut lines = include_str!("data/golden.txt").lines();
    assert_eq!(lines.next(), Some(format!("hn{}", Algorithms::BUILT_IN.current.version).as_str()), "the file belongs to another algorithm");
    let mut moved = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split('\t').collect();
        let [error_type, message, stack, expected] = fields[..] else {
            panic!("four fields a line: {line}");
        };
        let unescape = |text: &str| text.replace("\\n", "\n").replace("\\t", "\t");
        let stack = Some(unescape(stack)).filter(|stack| !stack.is_empty());
        let found = fingerprint(error_type, &unescape(message), stack.as_deref()).fingerprint.to_string();
        if found != expected {
            moved.push(format!("{}\t{found}", fields[..3].join("\t")));
        }
    }
    assert!(moved.is_empty(), "moved:\n{}", moved.join("\n"));
}
