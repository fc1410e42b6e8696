//! The rules of the repository that a compiler does not check: which crate may use which, and what lies where.
//!
//! Each rule is a constant here, so that whoever changes it sees it in the difference.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each crate may depend on, of ours. Arrows point inward: node, then the edges, then wire, then core, then report; no edge knows another.
const ALLOWED: &[(&str, &[&str])] = &[
    ("healnode-report", &[]),
    ("healnode-capture", &["healnode-report"]),
    ("healnode-core", &["healnode-report"]),
    ("healnode-wire", &["healnode-core", "healnode-report"]),
    ("healnode-store", &["healnode-core", "healnode-report", "healnode-wire"]),
    ("healnode-mesh", &["healnode-core", "healnode-report", "healnode-wire"]),
    ("healnode-forge", &["healnode-core", "healnode-report"]),
    ("healnode-fixer", &["healnode-core", "healnode-report"]),
    (
        "healnode-node",
        &[
            "healnode-capture",
            "healnode-core",
            "healnode-fixer",
            "healnode-forge",
            "healnode-mesh",
            "healnode-report",
            "healnode-store",
            "healnode-wire",
        ],
    ),
    ("healnode-sim", &["healnode-core", "healnode-report", "healnode-wire"]),
    ("healnode-model", &["healnode-core"]),
    ("healnode-client", &["healnode-report"]),
    ("healnode", &["healnode-node"]),
];

/// Crates of others that stay behind one of ours, so that each can be replaced there.
const BEHIND_ONE: &[(&str, &str)] =
    &[("serde_cbor", "healnode-wire"), ("sled", "healnode-store"), ("libp2p", "healnode-mesh"), ("octocrab", "healnode-forge")];

/// Folders that hold nothing of ours.
const FOREIGN_FOLDERS: &[&str] = &["target", "node_modules"];

/// Markdown files that may lie at the root.
const ROOT_MARKDOWN: &[&str] = &["README.md", "CHANGELOG.md"];

#[test]
fn the_crate_graph_is_the_one_in_the_table() {
    for (package, dependency) in dependencies() {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package) else {
            panic!("{package} is a new crate: add it to ALLOWED in tests/tidy.rs, with what it may depend on");
        };
        let is_ours = dependency.starts_with("healnode");
        assert!(
            !is_ours || allowed.contains(&&*dependency),
            "{package} may not depend on {dependency}; ALLOWED in tests/tidy.rs says what it may"
        );
    }
}

#[test]
fn what_may_have_to_be_replaced_stays_behind_one_crate() {
    let dependencies = dependencies();
    for (dependency, home) in BEHIND_ONE {
        let users: Vec<&str> = dependencies.iter().filter(|(_, name)| name == dependency).map(|(package, _)| package.as_str()).collect();
        assert_eq!(users, [*home], "only {home} may depend on {dependency}");
    }
}

#[test]
fn every_module_opens_with_a_header() {
    let files = files_where(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(files.iter().any(|path| path.ends_with("tests/tidy.rs")));
    for path in files {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        assert!(
            text.starts_with("//! "),
            "{} does not open with `//! `: what it decides, what it never does, where the other half is",
            path.display()
        );
    }
}

#[test]
fn no_markdown_lies_about() {
    let stray = files_where(is_stray_markdown);
    assert!(stray.is_empty(), "text belongs into README.md, CHANGELOG.md, docs/ or a commit message: {stray:?}");
}

#[test]
fn markdown_is_stray_outside_of_its_places() {
    for path in ["SUMMARY.md", "crates/healnode-core/README.md", "tests/github/notes.md", "bin/X.MD", "docs.md"] {
        assert!(is_stray_markdown(Path::new(path)), "{path}");
    }
    for path in ["README.md", "CHANGELOG.md", "docs/ALGORITHM.md", "docs/images/README.md", "tests/data/cli-help.txt"] {
        assert!(!is_stray_markdown(Path::new(path)), "{path}");
    }
}

fn is_stray_markdown(path: &Path) -> bool {
    let is_markdown =
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md") || extension.eq_ignore_ascii_case("markdown"));
    let has_place = path.starts_with("docs") || ROOT_MARKDOWN.iter().any(|name| path == Path::new(name));
    is_markdown && !has_place
}

/// Returns every dependency as (crate of ours, what it depends on), apart from those of tests.
fn dependencies() -> Vec<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut dependencies = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        for dependency in package["dependencies"].as_array().unwrap().iter().filter(|dependency| dependency["kind"] != "dev") {
            dependencies.push((text(&package["name"]), text(&dependency["name"])));
        }
    }
    assert!(!dependencies.is_empty());
    dependencies
}

/// Returns the files of the repository that `wanted` picks, by their path from its root.
fn files_where(wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::new()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.file_type().unwrap().is_dir();
            if is_folder && !name.starts_with('.') && !FOREIGN_FOLDERS.contains(&&*name) {
                folders.push(path);
            } else if !is_folder && wanted(&path) {
                files.push(path);
            }
        }
    }
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
