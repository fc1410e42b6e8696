//! What a fix may change: decided on the difference alone, whoever made it and whatever is said about it.
//!
//! Refused is what would run on other machines or take power there, what hides from a reader, and what is too large to be read. What a
//! reviewer should look at twice is remarked. Pure: works on paths, modes and contents.

mod lines;
mod paths;
mod remarks;

use healnode_core::FileChange;
use healnode_report::Redactor;

use lines::{LineChange, line_change};

/// A changed file. Without a side before it is added, without one after it is deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Change {
    /// The file, from the root of the repository.
    pub(crate) path: String,
    /// Before.
    pub(crate) before: Option<Side>,
    /// After.
    pub(crate) after: Option<Side>,
}

/// One side of a changed file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Side {
    /// Its mode as git writes it, as in `100644`.
    pub(crate) mode: String,
    /// Its content; nothing when it is too large, or no regular file.
    pub(crate) content: Option<Vec<u8>>,
}

/// How large a fix may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bounds {
    /// Changed files.
    pub(crate) files_max: usize,
    /// Added and removed lines, together.
    pub(crate) lines_max: usize,
}

/// A fix that may be proposed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Accepted {
    /// What changes.
    pub(crate) files: Vec<FileChange>,
    /// What a reviewer should look at twice.
    pub(crate) remarks: Vec<String>,
}

/// Judges a difference. A refusal is one sentence without content of the files.
pub(crate) fn judge(changes: &[Change], bounds: Bounds, redactor: &Redactor) -> Result<Accepted, String> {
    if changes.len() > bounds.files_max {
        return Err(format!("it changes {} files, and {} may be changed", changes.len(), bounds.files_max));
    }
    let (mut files, mut remarks, mut lines) = (Vec::new(), Vec::new(), 0);
    for change in changes {
        refuse_by_path(change)?;
        let (before, after) = texts(change)?;
        paths::refuse_scripts(&change.path, &before, &after)?;
        let changed = line_change(&before, &after);
        lines += changed.added.len() + changed.removed.len();
        if lines > bounds.lines_max {
            return Err(format!("it changes more than {} lines", bounds.lines_max));
        }
        refuse_secrets(&change.path, &changed, redactor)?;
        remarks.extend(remarks::remarks(&change.path, &changed));
        files.push(file_change(change));
    }
    remarks.sort();
    remarks.dedup();
    Ok(Accepted { files, remarks })
}

fn refuse_by_path(change: &Change) -> Result<(), String> {
    let shown = shown(&change.path);
    if let Some(kind) = paths::refused(&change.path) {
        return Err(format!("{shown}: {kind} may not be changed"));
    }
    if change.before.is_none() && paths::is_litter(&change.path) {
        return Err(format!("{shown}: notes and leftovers are no part of a fix"));
    }
    if change.after.is_none() && remarks::is_test(&change.path) {
        return Err(format!("{shown}: a test file may not be deleted"));
    }
    Ok(())
}

/// Both contents as text. Nothing but regular files of readable size that stay as executable as they were passes.
fn texts(change: &Change) -> Result<(String, String), String> {
    let shown = shown(&change.path);
    for side in change.before.iter().chain(&change.after) {
        match side.mode.as_str() {
            "100644" | "100755" => {}
            "120000" => return Err(format!("{shown}: symbolic links may not be changed")),
            "160000" => return Err(format!("{shown}: submodules may not be changed")),
            _ => return Err(format!("{shown}: it is no regular file")),
        }
    }
    let mode = |side: &Option<Side>| side.as_ref().map_or("100644".to_owned(), |side| side.mode.clone());
    if change.after.is_some() && mode(&change.before) != mode(&change.after) {
        return Err(format!("{shown}: the executable bit may not be changed"));
    }
    let text = |side: &Option<Side>| match side {
        None => Ok(String::new()),
        Some(Side { content: None, .. }) => Err(format!("{shown}: it is too large")),
        Some(Side { content: Some(content), .. }) if content.contains(&0) => Err(format!("{shown}: it is binary")),
        Some(Side { content: Some(content), .. }) => String::from_utf8(content.clone()).map_err(|_| format!("{shown}: it is binary")),
    };
    Ok((text(&change.before)?, text(&change.after)?))
}

/// Refuses what the redactor would take out of a report, in lines that were added.
fn refuse_secrets(path: &str, changed: &LineChange<'_>, redactor: &Redactor) -> Result<(), String> {
    let is_secret = |line: &&str| redactor.redact(line.trim_end_matches('\r')) != line.trim_end_matches('\r');
    match changed.added.iter().any(is_secret) {
        true => Err(format!("{}: an added line looks like a secret or personal data", shown(path))),
        false => Ok(()),
    }
}

fn file_change(change: &Change) -> FileChange {
    FileChange {
        path: change.path.clone(),
        content: change.after.as_ref().and_then(|side| side.content.clone()),
        executable: change.after.as_ref().is_some_and(|side| side.mode == "100755"),
    }
}

/// A path as it may be shown: short, on one line.
fn shown(path: &str) -> String {
    let clean: String =
        path.chars().map(|character| if character.is_control() || character == '`' { '?' } else { character }).take(120).collect();
    format!("`{clean}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { files_max: 5, lines_max: 120 };

    fn side(mode: &str, content: &str) -> Option<Side> {
        Some(Side { mode: mode.to_owned(), content: Some(content.as_bytes().to_vec()) })
    }

    fn edit(path: &str, before: &str, after: &str) -> Change {
        Change { path: path.to_owned(), before: side("100644", before), after: side("100644", after) }
    }

    fn add(path: &str, after: &str) -> Change {
        Change { path: path.to_owned(), before: None, after: side("100644", after) }
    }

    fn verdict(changes: &[Change]) -> String {
        match judge(changes, BOUNDS, &Redactor::default()) {
            Ok(accepted) => format!("accepted; {}", accepted.remarks.join("; ")),
            Err(why) => why,
        }
    }

    #[test]
    fn a_small_change_of_code_is_accepted() {
        let changes = [edit("shop/inventory.py", "a\nb\nc\n", "a\nB\nc\n"), add("tests/test_inventory.py", "def test_x():\n    pass\n")];
        let accepted = judge(&changes, BOUNDS, &Redactor::default()).unwrap();
        assert_eq!(accepted.remarks, Vec::<String>::new());
        assert_eq!(accepted.files[0].content.as_deref(), Some("a\nB\nc\n".as_bytes()));
        assert!(!accepted.files[0].executable);
    }

    #[test]
    fn what_would_take_power_elsewhere_is_refused() {
        for path in [
            ".github/workflows/ci.yml",
            ".GitHub/x",
            "sub/.github/x",
            ".gitlab-ci.yml",
            ".circleci/config.yml",
            "Jenkinsfile",
            "azure-pipelines.yml",
            ".travis.yml",
            ".buildkite/pipeline.yml",
            ".gitmodules",
            "a/.gitattributes",
            "docs/CODEOWNERS",
            "Cargo.lock",
            "web/package-lock.json",
            "uv.lock",
            "go.sum",
            ".husky/pre-commit",
            ".pre-commit-config.yaml",
            "lefthook.yml",
            "AGENTS.md",
            "sub/CLAUDE.md",
            ".claude/settings.json",
            ".cursorrules",
            ".mcp.json",
            ".vscode/tasks.json",
            ".idea/x",
            ".devcontainer/devcontainer.json",
            ".env",
            ".env.local",
            "keys/server.pem",
            "id_rsa",
            ".git/config",
            "sub/.GIT/hooks/x",
            "a/../b",
            "/etc/passwd",
            "a\nb",
            "a\\b",
            ".npmrc",
            "git~1/config",
        ] {
            assert!(
                verdict(&[edit(path, "a\n", "b\n")]).ends_with("may not be changed"),
                "{path:?}: {}",
                verdict(&[edit(path, "a\n", "b\n")])
            );
        }
        for path in
            ["src/environment.py", ".gitignore", "github/client.py", "src/lock.rs", "agents/main.py", "docs/agents.py", "src/keys.rs"]
        {
            assert!(verdict(&[edit(path, "a\n", "b\n")]).starts_with("accepted"), "{path}");
        }
    }

    #[test]
    fn links_submodules_bits_and_binaries_are_refused() {
        let with = |before: &str, after: &str| Change { path: "a".into(), before: side(before, "x"), after: side(after, "y") };
        for (change, why) in [
            (Change { path: "a".into(), before: None, after: side("120000", "/etc/passwd") }, "symbolic links"),
            (with("100644", "120000"), "symbolic links"),
            (with("160000", "160000"), "submodules"),
            (with("100644", "100755"), "executable bit"),
            (Change { path: "a".into(), before: None, after: side("100755", "x") }, "executable bit"),
            (edit("a", "x", "\u{0}"), "binary"),
            (Change { path: "a".into(), before: None, after: Some(Side { mode: "100644".into(), content: None }) }, "too large"),
        ] {
            assert!(verdict(std::slice::from_ref(&change)).contains(why), "{}", verdict(&[change]));
        }
        assert!(verdict(&[with("100755", "100755")]).starts_with("accepted"));
    }

    #[test]
    fn what_nobody_would_read_is_refused() {
        let files: Vec<Change> = (0..6).map(|index| edit(&format!("{index}.py"), "a\n", "b\n")).collect();
        assert_eq!(verdict(&files), "it changes 6 files, and 5 may be changed");
        assert!(verdict(&files[..5]).starts_with("accepted"));
        let long: String = (0..121).map(|line| format!("line {line}\n")).collect();
        assert_eq!(verdict(&[add("a.py", &long)]), "it changes more than 120 lines");
        assert!(verdict(&[add("a.py", &long[..long.len() - "line 120\n".len()])]).starts_with("accepted"));
    }

    #[test]
    fn secrets_and_litter_are_refused() {
        let token = format!("key = 'ghp_{}'\n", "16C7e42F292c6912E7710c838347Ae178B4a");
        assert!(verdict(&[add("a.py", &token)]).contains("looks like a secret"));
        assert!(!verdict(&[add("a.py", &token)]).contains("ghp_"));
        assert!(verdict(&[edit("a.py", &token, &format!("{token}x = 1\n"))]).starts_with("accepted"), "what was there before stays");
        assert!(verdict(&[add("FIX_SUMMARY.md", "x\n")]).contains("notes"));
        assert!(verdict(&[edit("README.md", "x\n", "y\n")]).starts_with("accepted"));
    }

    #[test]
    fn deleted_test_files_are_refused_and_weakened_tests_remarked() {
        let gone = Change { path: "tests/test_a.py".into(), before: side("100644", "def test_a():\n"), after: None };
        assert!(verdict(&[gone]).contains("may not be deleted"));
        let weaker = edit("tests/test_a.py", "def test_a():\n    assert x\n", "@unittest.skip('x')\ndef test_b():\n");
        assert_eq!(
            verdict(&[weaker]),
            "accepted; `tests/test_a.py`: removes 2 lines of tests; `tests/test_a.py`: removes a test; `tests/test_a.py`: skips a test"
        );
        let ignored = edit("src/a.rs", "#[test]\nfn a() {}\n", "#[test]\n#[ignore]\nfn a() {}\n");
        assert_eq!(verdict(&[ignored]), "accepted; `src/a.rs`: skips a test");
    }

    #[test]
    fn lines_that_open_the_network_or_run_things_are_remarked() {
        for (line, what) in [
            ("requests.get(url)", "network"),
            ("subprocess.run(['ls'])", "command"),
            ("eval(text)", "text as code"),
            ("std::process::Command::new(\"ls\")", "command"),
        ] {
            assert!(verdict(&[add("a.py", &format!("{line}\n"))]).contains(what), "{line}");
        }
        assert!(verdict(&[edit("build.rs", "a\n", "b\n")]).contains("built"));
    }

    #[test]
    fn scripts_of_a_package_may_not_change_and_its_version_may() {
        let before = r#"{"version": "1", "scripts": {"test": "node --test"}}"#;
        assert!(verdict(&[edit("package.json", before, r#"{"version": "1", "scripts": {"postinstall": "sh"}}"#)]).contains("scripts"));
        assert!(verdict(&[edit("package.json", before, &before.replace("\"1\"", "\"2\""))]).starts_with("accepted"));
    }
}
