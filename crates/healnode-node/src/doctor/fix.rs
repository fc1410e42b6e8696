//! Whether a fix could be looked for: by whom, on which code, judged by which tests, and behind which walls.

use std::path::PathBuf;

use healnode_fixer::{CopilotError, CopilotProbe, WallsReport};
use healnode_forge::CredentialKind;

use super::github::sentence;
use super::secret::{self, quoted};
use super::{Area, Finding};
use crate::config::ForgeKind;

/// What is known of the fixer.
pub(super) struct Facts {
    /// Whether fixes are to be looked for, or only may be one day.
    pub(super) auto_heal: bool,
    /// The files with its keys.
    pub(super) secrets: Vec<secret::Facts>,
    pub(super) fixer: Fixer,
    /// What a fixer on this machine needs besides; nothing for one that runs elsewhere.
    pub(super) local: Option<Local>,
}

/// Who looks for fixes.
pub(super) enum Fixer {
    /// The Copilot CLI.
    Copilot(Result<CopilotProbe, CopilotTrouble>),
    /// A model without tools, and where it is; or why it cannot be asked.
    OpenAi(Result<String, String>),
    /// A program of the operator's.
    Command(Program),
    /// The coding agent of the forge, of this kind.
    Cloud(ForgeKind),
}

/// Why the Copilot CLI cannot be used.
pub(super) enum CopilotTrouble {
    /// Nobody would answer it, for this reason.
    NotSetUp(String),
    /// It is not there, or does not run.
    Program(CopilotError),
}

/// What a fixer on this machine needs.
pub(super) struct Local {
    /// Where the code can be fetched, or why it cannot; nothing without git.
    pub(super) repository: Option<Result<String, String>>,
    pub(super) walls: WallsReport,
    /// The setting `fix.require_walls`.
    pub(super) require_walls: bool,
    /// The program that tests; nothing when none is set.
    pub(super) test: Option<Program>,
    /// The program that shows the error; nothing when none is set.
    pub(super) reproduce: Option<Program>,
}

/// A program that is to be started in the copy of the code.
pub(super) struct Program {
    /// As it was set.
    pub(super) name: String,
    pub(super) place: Place,
}

/// Where a program is.
pub(super) enum Place {
    /// There.
    Found(PathBuf),
    /// In the repository, if at all: its path is relative.
    Copy,
    /// It was not found.
    Nowhere,
    /// There, and this user may not execute it.
    NotExecutable(PathBuf),
    /// There, and nothing behind the walls can read it.
    BehindWalls(PathBuf),
}

impl Facts {
    /// Something is wrong: an error if it keeps this node from looking for fixes as it is told to.
    fn wrong(&self, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        if self.auto_heal { Finding::error(Area::Fix, what, mend) } else { Finding::warning(Area::Fix, what, mend) }
    }
}

/// Judges the fixer. `credential` is what opens the forge, where that is known.
pub(super) fn judge(facts: &Facts, credential: Option<CredentialKind>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = facts.secrets.iter().filter_map(|file| secret::judge(Area::Fix, file)).collect();
    let is_key_missing = facts.secrets.iter().any(|file| file.mode.is_err());
    findings.extend(match &facts.fixer {
        // That the key cannot be read was said.
        Fixer::Copilot(Err(CopilotTrouble::NotSetUp(_))) | Fixer::OpenAi(Err(_)) if is_key_missing => None,
        Fixer::Copilot(copilot) => Some(judge_copilot(facts, copilot)),
        Fixer::OpenAi(model) => Some(judge_model(facts, model)),
        Fixer::Command(program) => Some(judge_program(facts, program, "fix.command", "looks for fixes")),
        Fixer::Cloud(kind) => judge_cloud(facts, *kind, credential),
    });
    if let Some(local) = &facts.local {
        findings.push(judge_repository(facts, local));
        findings.push(judge_walls(facts, local));
        findings.push(match &local.test {
            Some(program) => judge_program(facts, program, "fix.test", "tests the code before and after a fix"),
            None => untested(local.reproduce.is_some()),
        });
        let reproduce = local.reproduce.as_ref();
        findings.extend(reproduce.map(|program| judge_program(facts, program, "fix.reproduce", "shows whether the error is there")));
    }
    findings
}

fn judge_copilot(facts: &Facts, copilot: &Result<CopilotProbe, CopilotTrouble>) -> Finding {
    match copilot {
        Ok(CopilotProbe { binary, version, account }) => Finding::ok(
            Area::Fix,
            format!("The Copilot CLI {version}, {}, looks for fixes; its model calls are answered by {account}.", binary.display()),
        ),
        Err(CopilotTrouble::NotSetUp(why)) => facts.wrong(
            sentence(why),
            "Put a token that may do nothing but \"Copilot Requests\" into a file of mode 600 that fix.copilot.token_file names, or set fix.provider; or choose another fixer (fix.fixer).",
        ),
        Err(CopilotTrouble::Program(error)) => {
            let (what, mend) = copilot_program(error);
            facts.wrong(what, mend)
        }
    }
}

fn copilot_program(error: &CopilotError) -> (String, String) {
    match error {
        CopilotError::Missing => (
            "There is no Copilot CLI on the PATH, so no fix can be looked for.".to_owned(),
            "Install it (npm install -g @github/copilot), or name it by fix.copilot.binary or HEALNODE_COPILOT_BIN; or choose another fixer (fix.fixer).".to_owned(),
        ),
        CopilotError::NotThere(path) => (
            format!("There is no Copilot CLI at {}, so no fix can be looked for.", path.display()),
            "Correct fix.copilot.binary or HEALNODE_COPILOT_BIN, or leave both empty to take the one on the PATH.".to_owned(),
        ),
        CopilotError::Cache(..) => {
            (sentence(&error.to_string()), "Set TMPDIR to a folder with 235 MB to spare, and run doctor again.".to_owned())
        }
        CopilotError::Start(path, _) => {
            (sentence(&error.to_string()), format!("See whether it runs by hand, as the user that runs the node: {} --version.", quoted(path)))
        }
        CopilotError::NoVersion(path) => (
            format!("{} does not say the version of a Copilot CLI.", path.display()),
            format!(
                "See whether it runs by hand: {} --version. It unpacks itself, which takes 235 MB: for doctor in TMPDIR, for a node in data_dir.",
                quoted(path)
            ),
        ),
    }
}

fn judge_model(facts: &Facts, model: &Result<String, String>) -> Finding {
    match model {
        Ok(model) => Finding::ok(Area::Fix, format!("The model {model} is asked for fixes; whether it answers was not tried.")),
        Err(why) => facts.wrong(sentence(why), "Correct fix.provider.url and the file that fix.provider.key_file names."),
    }
}

fn judge_program(facts: &Facts, program: &Program, key: &str, task: &str) -> Finding {
    let name = &program.name;
    match &program.place {
        Place::Found(path) => Finding::ok(Area::Fix, format!("{} {task} ({key}).", path.display())),
        Place::Copy => Finding::ok(Area::Fix, format!("{name} {task} ({key}); it is looked for in the copy of the code.")),
        Place::Nowhere => facts.wrong(
            format!("{name}, the program of {key}, is not to be found."),
            format!("Install it on this machine, or put its whole path into {key}; the node looks for it on its own PATH."),
        ),
        Place::NotExecutable(path) => facts.wrong(
            format!("{}, the program of {key}, may not be executed by this user.", path.display()),
            format!("Run: chmod a+rx {}. Run doctor as the user that runs the node.", quoted(path)),
        ),
        Place::BehindWalls(path) => facts.wrong(
            format!("{}, the program of {key}, cannot be read behind the walls around fixer and tests.", path.display()),
            "Put it into a folder on the PATH or below /usr, or add its folder to fix.readable; never one with secrets.",
        ),
    }
}

fn judge_cloud(facts: &Facts, kind: ForgeKind, credential: Option<CredentialKind>) -> Option<Finding> {
    if kind == ForgeKind::Outbox {
        let what = "Issues in a folder cannot be handed to GitHub's coding agent (fix.fixer = \"copilot-cloud\").";
        return Some(facts.wrong(what, "Set forge.kind = \"github\" and forge.repo, or choose another fixer (fix.fixer)."));
    }
    Some(match credential? {
        kind @ (CredentialKind::App | CredentialKind::Installation) => facts.wrong(
            format!("GitHub's coding agent takes issues from a user's token only, and the credential is {kind}."),
            "Give the node a personal token of an account that may use the agent, or choose another fixer (fix.fixer).",
        ),
        kind @ (CredentialKind::Classic
        | CredentialKind::FineGrained
        | CredentialKind::OAuth
        | CredentialKind::UserOfApp
        | CredentialKind::Other) => Finding::ok(
            Area::Fix,
            format!("Issues are handed to GitHub's coding agent, by {kind}; whether the agent is enabled there, only the first one tells."),
        ),
    })
}

fn judge_repository(facts: &Facts, local: &Local) -> Finding {
    match &local.repository {
        None => facts.wrong(
            "git is not on the PATH, so no code can be fetched.",
            "Install git on this machine, or add its folder to the PATH that the node is started with.",
        ),
        Some(Ok(address)) => Finding::ok(Area::Fix, format!("The code can be fetched from {address}.")),
        Some(Err(why)) => facts.wrong(
            sentence(why),
            "Set fix.repository to where this machine's user can fetch the code without being asked for a password. Only a token of forge is shown to git, never an app's key, and only for the repository of forge.repo.",
        ),
    }
}

fn judge_walls(facts: &Facts, local: &Local) -> Finding {
    const KERNEL: &str = "Use Linux 6.12 or later with Landlock and seccomp turned on, in containers too";
    if local.walls.is_whole() {
        return Finding::ok(Area::Fix, sentence(&local.walls.to_string()));
    }
    let what = sentence(&local.walls.to_string());
    if local.require_walls {
        let mend = format!("{KERNEL}; or set fix.require_walls = false where nothing else is at stake on the machine.");
        return facts.wrong(format!("{what} So none is started."), mend);
    }
    Finding::warning(
        Area::Fix,
        format!("{what} They are started all the same (fix.require_walls = false)."),
        format!("{KERNEL}; until then, let this node look for fixes only where nothing else is at stake on the machine."),
    )
}

fn untested(reproduces: bool) -> Finding {
    let what = if reproduces {
        "fix.test is empty, so nothing shows whether a fix breaks something else."
    } else {
        "fix.test is empty, so nothing can be verified: a fix is proposed on the fixer's word alone."
    };
    Finding::warning(
        Area::Fix,
        what,
        "Set fix.test to the quick tests that need no network, such as [\"python3\", \"-m\", \"unittest\", \"-q\"].",
    )
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::Level::{Error, Ok as Fine, Warning};
    use super::super::finding::check;
    use super::*;

    const WHOLE: WallsReport = WallsReport { files: true, ports: true, signals: true, calls: true };

    fn program(name: &str, place: Place) -> Program {
        Program { name: name.to_owned(), place }
    }

    fn found(path: &str) -> Program {
        program(path, Place::Found(PathBuf::from(path)))
    }

    fn local() -> Local {
        let repository = Some(Ok("https://github.com/acme/shop.git".to_owned()));
        Local { repository, walls: WHOLE, require_walls: true, test: Some(found("/usr/bin/python3")), reproduce: None }
    }

    fn facts(fixer: Fixer, local: Option<Local>) -> Facts {
        Facts { auto_heal: true, secrets: Vec::new(), fixer, local }
    }

    /// Checks what is said of a fixer alone, where fixes are looked for and where they only may be.
    fn check_fixer(fixer: impl Fn() -> Fixer, credential: Option<CredentialKind>, part: &str) {
        check(&judge(&facts(fixer(), None), credential), &[(Error, part)]);
        check(&judge(&Facts { auto_heal: false, ..facts(fixer(), None) }, credential), &[(Warning, part)]);
    }

    #[test]
    fn a_fixer_with_all_it_needs_is_told_with_code_walls_and_tests() {
        let judged = judge(&facts(Fixer::Command(found("/usr/bin/fixer")), Some(local())), None);
        let expected = [
            (Fine, "/usr/bin/fixer looks for fixes"),
            (Fine, "https://github.com/acme/shop.git"),
            (Fine, "Fixer and tests run behind walls."),
            (Fine, "/usr/bin/python3 tests the code"),
        ];
        check(&judged, &expected);
    }

    #[test]
    fn the_copilot_cli_is_there_runs_and_is_answered() {
        let probe = || CopilotProbe {
            binary: PathBuf::from("/usr/bin/copilot"),
            version: "1.0.102".to_owned(),
            account: "GitHub, by a token".to_owned(),
        };
        check(
            &judge(&facts(Fixer::Copilot(Ok(probe())), None), None),
            &[(Fine, "The Copilot CLI 1.0.102, /usr/bin/copilot, looks for fixes; its model calls are answered by GitHub, by a token.")],
        );
        let fails = |trouble: fn() -> CopilotError, part: &str| {
            check_fixer(|| Fixer::Copilot(Err(CopilotTrouble::Program(trouble()))), None, part);
        };
        fails(|| CopilotError::Missing, "npm install -g @github/copilot");
        fails(|| CopilotError::NotThere(PathBuf::from("/x")), "Correct fix.copilot.binary");
        fails(|| CopilotError::Cache(PathBuf::from("/x"), io::ErrorKind::StorageFull.into()), "TMPDIR");
        fails(|| CopilotError::Start(PathBuf::from("/x"), io::ErrorKind::PermissionDenied.into()), "/x --version");
        fails(|| CopilotError::NoVersion(PathBuf::from("/x")), "235 MB");
        check_fixer(|| Fixer::Copilot(Err(CopilotTrouble::NotSetUp("nobody answers it".to_owned()))), None, "fix.copilot.token_file");
    }

    #[test]
    fn a_key_that_cannot_be_read_is_told_once() {
        let secret = |mode: Result<u32, String>| secret::Facts { key: "fix.provider.key_file", path: PathBuf::from("/k"), mode };
        let judged = |mode, model| judge(&Facts { secrets: vec![secret(mode)], ..facts(Fixer::OpenAi(model), None) }, None);
        check(&judged(Err("not found".to_owned()), Err("it cannot be read".to_owned())), &[(Error, "/k, which fix.provider.key_file")]);
        check(&judged(Ok(0o600), Err("not a key".to_owned())), &[(Error, "Not a key.")]);
        check(&judged(Ok(0o644), Ok("m at h".to_owned())), &[(Warning, "chmod 600 /k"), (Fine, "The model m at h is asked")]);
    }

    #[test]
    fn a_program_can_be_found_executed_and_read() {
        let judged = |place: fn() -> Place, part: &str| check_fixer(|| Fixer::Command(program("fixer", place())), None, part);
        judged(|| Place::Nowhere, "fixer, the program of fix.command, is not to be found");
        judged(|| Place::NotExecutable(PathBuf::from("/x/fixer")), "chmod a+rx /x/fixer");
        judged(|| Place::BehindWalls(PathBuf::from("/x/fixer")), "fix.readable");
        let here = Fixer::Command(program("./fix.sh", Place::Copy));
        check(&judge(&facts(here, None), None), &[(Fine, "./fix.sh looks for fixes (fix.command); it is looked for in the copy")]);
    }

    #[test]
    fn the_coding_agent_takes_a_users_token_and_no_other() {
        let agent = || Fixer::Cloud(ForgeKind::Github);
        for kind in [CredentialKind::App, CredentialKind::Installation] {
            check_fixer(agent, Some(kind), "from a user's token only");
        }
        check(&judge(&facts(agent(), None), Some(CredentialKind::FineGrained)), &[(Fine, "by a fine-grained personal token")]);
        check(&judge(&facts(agent(), None), None), &[]);
        check_fixer(|| Fixer::Cloud(ForgeKind::Outbox), None, "Issues in a folder cannot be handed");
    }

    #[test]
    fn code_walls_and_tests_are_missed_when_they_lack() {
        let judged = |local| judge(&facts(Fixer::Command(found("/f")), Some(local)), None).split_off(1);
        let row = |at: usize, local| vec![judged(local).remove(at)];
        check(&row(0, Local { repository: None, ..local() }), &[(Error, "git is not on the PATH")]);
        let refused = Some(Err("the repository cannot be fetched: git ls-remote ended with 128: /x".to_owned()));
        check(&row(0, Local { repository: refused, ..local() }), &[(Error, "Set fix.repository")]);
        let open = WallsReport { ports: false, ..WHOLE };
        check(&row(1, Local { walls: open, ..local() }), &[(Error, "TCP ports. So none is started. Use Linux 6.12")]);
        check(&row(1, Local { walls: open, require_walls: false, ..local() }), &[(Warning, "started all the same")]);
        check(&row(2, Local { test: None, ..local() }), &[(Warning, "nothing can be verified")]);
        let reproduce = || Some(program("./reproduce.sh", Place::Copy));
        let expected = [(Warning, "breaks something else"), (Fine, "./reproduce.sh shows whether")];
        check(&judged(Local { test: None, reproduce: reproduce(), ..local() })[2..], &expected);
        check(&row(2, Local { test: Some(program("pytest", Place::Nowhere)), ..local() }), &[(Error, "pytest, the program of fix.test")]);
    }
}
