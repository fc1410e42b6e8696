//! Reads the kept inputs of a fuzz target. What must hold for them is beside the target.

use std::fs;
use std::path::Path;

/// Gives every input of a target to a check, and its name to whoever reads a failure. `crate_dir` is the folder of the crate that is fuzzed.
///
/// Fails when there are fewer than `count_min`, as when the corpus is elsewhere.
pub(crate) fn replay(crate_dir: &str, target: &str, count_min: usize, check: impl Fn(&[u8])) {
    let folder = Path::new(crate_dir).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is there") {
        let path = entry.expect("a file").path();
        eprintln!("{}", path.display());
        check(&fs::read(&path).expect("it can be read"));
        count += 1;
    }
    assert!(count >= count_min, "the corpus of {target} has {count} inputs");
}
