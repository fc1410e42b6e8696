//! What a reviewer should look at twice in a fix: weakened tests, and lines that reach out of the program.
//!
//! By words, so it errs on the side of remarking. It refuses nothing.

use super::lines::LineChange;
use super::shown;

/// Words in a line that skips a test.
const SKIPS: &[&str] = &[
    "#[ignore",
    "unittest.skip",
    "pytest.mark.skip",
    "pytest.skip(",
    "mark.xfail",
    "skipTest(",
    "xit(",
    "xdescribe(",
    "it.skip(",
    "test.skip(",
    "describe.skip(",
    "t.Skip(",
    "@Disabled",
    "@Ignore",
    ".only(",
];

/// Words in a line that begins a test.
const TESTS: &[&str] =
    &["def test_", "#[test]", "#[tokio::test]", "func Test", "@Test", "it(\"", "it('", "test(\"", "test('", "[Fact]", "[Test]"];

/// Words in a line that opens the network.
const NETWORK: &[&str] = &[
    "requests.",
    "urllib",
    "http.client",
    "socket.",
    "socket(",
    "fetch(",
    "axios",
    "XMLHttpRequest",
    "net/http",
    "net.Dial",
    "TcpStream",
    "UdpSocket",
    "reqwest",
    "ureq::",
    "HttpClient",
    "WebClient",
    "Net::HTTP",
    "curl_",
    "http://",
    "https://",
];

/// Words in a line that runs a command.
const COMMANDS: &[&str] = &[
    "subprocess",
    "os.system",
    "os.popen",
    "os.exec",
    "child_process",
    "exec.Command",
    "process::Command",
    "Command::new",
    "Runtime.getRuntime",
    "ProcessBuilder",
    "Process.Start",
    "shell_exec",
    "passthru(",
    "system(",
    "popen(",
];

/// Words in a line that runs text as code, or data as objects.
const CODE: &[&str] = &[
    "eval(",
    "exec(",
    "new Function(",
    "__import__(",
    "importlib",
    "pickle.load",
    "marshal.load",
    "yaml.load(",
    "unserialize(",
    "instance_eval",
    "vm.runIn",
    "dlopen(",
    "unsafe {",
    "unsafe{",
];

/// Files that run when a program is built, installed or tested.
const BUILT: &[&str] = &[
    "setup.py",
    "build.rs",
    "conftest.py",
    "makefile",
    "dockerfile",
    "pyproject.toml",
    "setup.cfg",
    "cargo.toml",
    "package.json",
    "go.mod",
    "build.gradle",
    "build.gradle.kts",
    "pom.xml",
    "rakefile",
    "gemfile",
    "cmakelists.txt",
    "tox.ini",
    "noxfile.py",
    "gulpfile.js",
    "sitecustomize.py",
];

pub(super) fn remarks(path: &str, changed: &LineChange<'_>) -> Vec<String> {
    let has = |lines: &[&str], words: &[&str]| lines.iter().any(|line| words.iter().any(|word| line.contains(word)));
    let tests = |lines: &[&str]| lines.iter().filter(|line| TESTS.iter().any(|word| line.contains(word))).count();
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let mut found: Vec<String> = Vec::new();
    if is_test(path) && !changed.removed.is_empty() {
        found.push(format!("removes {} lines of tests", changed.removed.len()));
    }
    let said = [
        (tests(&changed.removed) > tests(&changed.added) || removes_a_named_test(changed), "removes a test"),
        (has(&changed.added, SKIPS), "skips a test"),
        (has(&changed.added, NETWORK), "an added line names the network"),
        (has(&changed.added, COMMANDS), "an added line may run a command"),
        (has(&changed.added, CODE), "an added line may run text as code"),
        (BUILT.contains(&name.as_str()), "it runs or is read when the program is built, installed or tested"),
    ];
    found.extend(said.into_iter().filter(|(is_so, _)| *is_so).map(|(_, what)| what.to_owned()));
    found.into_iter().map(|what| format!("{}: {what}", shown(path))).collect()
}

/// Whether a line that begins a test is gone. One that only moved is not.
fn removes_a_named_test(changed: &LineChange<'_>) -> bool {
    let is_test = |line: &&&str| TESTS.iter().any(|word| line.contains(word));
    changed.removed.iter().filter(is_test).any(|line| !changed.added.iter().any(|added| added.trim() == line.trim()))
}

/// Whether a file holds tests, by its path.
pub(super) fn is_test(path: &str) -> bool {
    let path = path.to_lowercase();
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let is_named = stem.starts_with("test_")
        || ["_test", "_tests", "_spec"].iter().any(|end| stem.ends_with(end))
        || stem == "test"
        || stem == "tests";
    is_named
        || name.contains(".test.")
        || name.contains(".spec.")
        || parts.any(|folder| matches!(folder, "test" | "tests" | "spec" | "specs" | "__tests__"))
}
