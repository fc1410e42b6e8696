//! Which files no fix may change, by their names.
//!
//! Names are compared without case, since some disks do; anything that could be read as git's own folder is one.

use serde_json::Value;

/// What no file is called that belongs to a fix.
const NAMES: &[(&str, &[&str])] = &[
    ("git's own folder", &[".git", "git~1"]),
    (
        "configuration of CI",
        &[
            ".github",
            ".gitlab",
            ".gitlab-ci.yml",
            ".circleci",
            "jenkinsfile",
            "azure-pipelines.yml",
            "azure-pipelines.yaml",
            ".azure-pipelines",
            ".travis.yml",
            ".buildkite",
            "bitbucket-pipelines.yml",
            ".drone.yml",
            ".appveyor.yml",
            "appveyor.yml",
            ".woodpecker",
            ".woodpecker.yml",
            ".cirrus.yml",
            ".semaphore",
            ".teamcity",
            ".forgejo",
            ".gitea",
            "cloudbuild.yaml",
            "codefresh.yml",
            "renovate.json",
            ".renovaterc",
        ],
    ),
    ("configuration of git", &[".gitmodules", ".gitattributes", ".gitconfig", ".mailmap", ".lfsconfig"]),
    ("owners of code", &["codeowners"]),
    (
        "a lock file",
        &[
            "cargo.lock",
            "package-lock.json",
            "npm-shrinkwrap.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "bun.lock",
            "bun.lockb",
            "poetry.lock",
            "pipfile.lock",
            "gemfile.lock",
            "go.sum",
            "composer.lock",
            "uv.lock",
            "pdm.lock",
            "mix.lock",
            "pubspec.lock",
            "packages.lock.json",
            "flake.lock",
            "gradle.lockfile",
            "deno.lock",
        ],
    ),
    (
        "a hook",
        &[
            ".husky",
            ".githooks",
            ".pre-commit-config.yaml",
            ".pre-commit-hooks.yaml",
            "lefthook.yml",
            "lefthook.yaml",
            ".lefthook.yml",
            ".overcommit.yml",
        ],
    ),
    (
        "configuration of agents and editors",
        &[
            "agents.md",
            "agent.md",
            "claude.md",
            "gemini.md",
            ".claude",
            ".cursor",
            ".cursorrules",
            ".copilot",
            "copilot-instructions.md",
            ".mcp.json",
            "mcp.json",
            ".aider.conf.yml",
            ".windsurfrules",
            ".windsurf",
            ".clinerules",
            ".codex",
            ".gemini",
            ".continue",
            ".vscode",
            ".idea",
            ".devcontainer",
            ".devcontainer.json",
            ".zed",
            ".vim",
            ".nvim",
            ".envrc",
            ".editorconfig-checker.json",
            ".gitpod.yml",
            ".opencode",
        ],
    ),
    (
        "settings of package managers",
        &[".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", "pip.conf", ".netrc", ".cargo", ".bundle", ".pnpmfile.cjs", "nuget.config"],
    ),
    ("a key", &["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".htpasswd", "credentials.json", ".ssh", ".gnupg", ".aws"]),
];

/// Ends of names of keys and certificates.
const KEY_ENDS: &[&str] = &[".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".asc", ".gpg"];

/// Ends of names of leftovers and notes.
const LITTER_ENDS: &[&str] = &[".md", ".orig", ".rej", ".bak", ".log", ".tmp", ".swp", "~"];

/// Why a path may not be changed, as a noun, or nothing.
pub(super) fn refused(path: &str) -> Option<&'static str> {
    let parts: Vec<String> = path.split('/').map(folded).collect();
    let is_odd = |part: &String| {
        part.is_empty() || part == "." || part == ".." || part.contains(['\\', ':', '\u{fffd}']) || part.ends_with([' ', '.'])
    };
    if path.chars().any(is_unseen) || parts.iter().any(is_odd) {
        return Some("a file with such a name");
    }
    let named = NAMES.iter().find(|(_, names)| parts.iter().any(|part| names.contains(&part.as_str())));
    if let Some((kind, _)) = named {
        return Some(kind);
    }
    let name = parts.last()?;
    if name == ".env" || name.starts_with(".env.") || name.ends_with(".env") {
        return Some("an environment file");
    }
    KEY_ENDS.iter().any(|end| name.ends_with(end)).then_some("a key")
}

/// Whether a file that is added is no part of a fix. Documentation has a place of its own.
pub(super) fn is_litter(path: &str) -> bool {
    let path = folded(path);
    LITTER_ENDS.iter().any(|end| path.ends_with(end)) && !path.starts_with("docs/")
}

/// Refuses a package description whose scripts change: installing it would run them.
pub(super) fn refuse_scripts(path: &str, before: &str, after: &str) -> Result<(), String> {
    if path.rsplit('/').next() != Some("package.json") {
        return Ok(());
    }
    let scripts = |text: &str| serde_json::from_str::<Value>(text).ok().map(|package| package["scripts"].clone());
    let (before, after) = (if before.is_empty() { Some(Value::Null) } else { scripts(before) }, scripts(after));
    if after.is_some() && before == after { Ok(()) } else { Err("`package.json`: its scripts may not be changed".to_owned()) }
}

fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Whether a character cannot be seen, or turns the direction of what follows.
fn is_unseen(character: char) -> bool {
    let unseen = ['\u{ad}', '\u{feff}', '\u{61c}'];
    character.is_control()
        || unseen.contains(&character)
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}
