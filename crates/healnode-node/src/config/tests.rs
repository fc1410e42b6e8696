//! What an operator can write, and what is said about it when it is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use healnode_report::Severity;
use tempfile::TempDir;

use super::*;

#[test]
fn without_any_source_the_defaults_hold() {
    let config = load(&[]).unwrap();
    assert_eq!(config.data_dir, Path::new("/home/me/.local/state/healnode"));
    assert_eq!(config.status.socket, Path::new("/home/me/.local/state/healnode/healnode.sock"));
    assert_eq!(config.forge.outbox, Path::new("/home/me/.local/state/healnode/outbox"));
    assert_eq!(config.forge.kind, ForgeKind::Outbox);
    assert_eq!(config.forge.repo, None);
    assert_eq!(config.forge.app, None);
    assert_eq!((config.forge.auto_issue, config.forge.auto_pr, config.forge.auto_heal), (false, false, false));
    assert_eq!(config.mesh.listen.len(), 1);
    assert_eq!(config.mesh.swarm_key, None);
    assert_eq!(config.status.http, None);
}

#[test]
fn the_default_file_read_as_a_file_gives_the_defaults() {
    let folder = Folder::with_file(DEFAULT_TOML);
    let from_file = Config::load(&folder.sources(&[])).unwrap();
    let shown = |config: &Config| format!("{:?}", Config { settings: Settings::of_defaults(""), ..config.clone() });
    assert_eq!(shown(&from_file), shown(&load(&[]).unwrap()));
}

#[test]
fn the_core_decides_by_the_same_defaults() {
    assert_eq!(load(&[]).unwrap().policy(), Policy::default());
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
    let folder = Folder::with_file("data_dir = '/file'\napp = 'file'\n[bundle]\nstorm = 5\nmin_occurrences = 6");
    let mut sources =
        folder.sources(&[("HEALNODE_DATA_DIR", "/environment"), ("HEALNODE_APP", "environment"), ("HEALNODE_BUNDLE_STORM", "7")]);
    sources.flags.data_dir = Some("/flag".into());
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.data_dir, Path::new("/flag"));
    assert_eq!((config.app.as_str(), config.name.as_str()), ("environment", ""));
    assert_eq!((config.bundle.storm, config.bundle.min_occurrences), (7, 6));
    assert_eq!(config.bundle.interval, Duration::from_secs(900));
}

#[test]
fn the_lines_of_a_log_are_a_number_from_a_flag_as_from_the_other_sources() {
    let folder = Folder::with_file("[capture]\nlog_context_lines = 7");
    let lines = |sources: &Sources| Config::load(sources).unwrap().admission().log_lines_max;
    let mut sources = folder.sources(&[]);
    assert_eq!((lines(&sources), load(&[]).unwrap().admission().log_lines_max), (7, 50));
    sources.flags.log_lines = Some(0);
    assert_eq!(lines(&sources), 0);
    sources.flags.log_lines = Some(51);
    check_error(Config::load(&sources), "flag --log-lines: capture.log_context_lines = 51", "from 0 to 50");
}

#[test]
fn what_is_shown_says_where_each_setting_comes_from_and_reads_back() {
    let folder = Folder::with_file("[bundle]\nstorm = 5\n");
    let mut sources = folder.sources(&[("IPFS_REPO", "acme/shop"), ("HEALNODE_MESH_LISTEN", "/ip4/127.0.0.1/tcp/0, /ip6/::1/tcp/0")]);
    sources.flags.socket = Some("/run/h.sock".into());
    let toml = Config::load(&sources).unwrap().to_toml();
    let says =
        |line: &str, origin: &str| assert!(toml.lines().any(|l| l.starts_with(line) && l.ends_with(origin)), "{line} # {origin}\n{toml}");
    says("storm = 5 ", "# healnode.toml:2");
    says("repo = \"acme/shop\" ", "# environment IPFS_REPO");
    says("socket = \"/run/h.sock\" ", "# flag --socket");
    says("data_dir = \"/home/me/.local/state/healnode\" ", "# default");
    says("listen = [\"/ip4/127.0.0.1/tcp/0\", \"/ip6/::1/tcp/0\"]", "# environment HEALNODE_MESH_LISTEN");
    assert_eq!(toml.lines().filter(|line| line.starts_with('[')).count(), 14, "{toml}");

    let again = Folder::with_file(&toml);
    assert_eq!(Config::load(&again.sources(&[])).unwrap().bundle.storm, 5);
}

#[test]
fn every_setting_has_a_variable_of_its_own() {
    let names: Vec<String> = Settings::of_defaults(DEFAULT_TOML).variables();
    let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    assert!(names.iter().any(|name| name == "HEALNODE_BUNDLE_MIN_OCCURRENCES"));
}

#[test]
fn every_setting_is_explained_where_its_default_stands() {
    let mut has_comment = false;
    for line in DEFAULT_TOML.lines() {
        assert!(has_comment || !line.contains(" = "), "{line} has no comment");
        has_comment = line.starts_with('#');
    }
}

#[test]
fn the_switches_are_read_in_every_spelling_of_the_contract() {
    for (text, expected) in [
        ("true", true),
        (" TRUE ", true),
        ("1", true),
        ("Yes", true),
        ("on", true),
        ("false", false),
        ("0", false),
        ("NO", false),
        ("Off\n", false),
    ] {
        assert_eq!(load(&[("HEALNODE_AUTO_ISSUE", text)]).unwrap().forge.auto_issue, expected, "{text:?}");
    }
    for text in ["", "enabled", "y", "2"] {
        check(
            &[("HEALNODE_AUTO_ISSUE", text)],
            "environment HEALNODE_AUTO_ISSUE: forge.auto_issue = ",
            "allowed are true, 1, yes, on, false, 0, no, off",
        );
    }
}

#[test]
fn the_full_name_of_a_variable_beats_its_short_forms() {
    let auto_issue = |variables: &[(&str, &str)]| load(variables).unwrap().forge.auto_issue;
    assert!(auto_issue(&[("IPFS_AUTO_ISSUE", "yes")]));
    assert!(!auto_issue(&[("IPFS_AUTO_ISSUE", "yes"), ("HEALNODE_AUTO_ISSUE", "no")]));
    assert!(auto_issue(&[("IPFS_AUTO_ISSUE", "no"), ("HEALNODE_AUTO_ISSUE", "no"), ("HEALNODE_FORGE_AUTO_ISSUE", "yes")]));
}

#[test]
fn variables_that_are_no_settings_are_left_alone() {
    let others = [
        ("HEALNODE_GITHUB_TOKEN", "x"),
        ("HEALNODE_LOG", "debug"),
        ("HEALNODE_TESTS_BLESS", "1"),
        ("HEALNODE_PORT", "tcp://10.0.0.1:4801"),
        ("HEALNODE_SERVICE_HOST", "10.0.0.1"),
        ("IPFS_PATH", "/ipfs"),
    ];
    assert!(load(&others).is_ok());
}

#[test]
fn a_rollback_is_asked_for_only_with_a_command_and_run_only_when_confirmed() {
    let off = load(&[("HEALNODE_ROLLBACK_CONFIRM", "yes")]).unwrap();
    assert_eq!(off.policy().rollback, None);
    let dry = load(&[("HEALNODE_ROLLBACK_COMMAND", "/usr/local/bin/rollback, --now"), ("HEALNODE_ROLLBACK_WINDOW", "1h")]).unwrap();
    assert_eq!((dry.rollback.command.len(), dry.rollback.confirm), (2, false));
    assert_eq!(dry.policy().rollback.map(|policy| (policy.window, policy.min_occurrences)), Some((Duration::from_secs(3_600), 3)));
    assert!(load(&[("HEALNODE_ROLLBACK_COMMAND", "rollback")]).is_ok());
    check(&[("HEALNODE_ROLLBACK_COMMAND", "bin/rollback")], "rollback.command", "a whole path");
    check(&[("HEALNODE_ROLLBACK_MIN_OCCURRENCES", "0")], "rollback.min_occurrences", "1");
}

#[test]
fn a_misspelt_name_is_a_fault_that_names_the_right_one() {
    check(&[("HEALNODE_BUNDLE_INTERVALL", "1m")], "environment HEALNODE_BUNDLE_INTERVALL: ", "did you mean HEALNODE_BUNDLE_INTERVAL?");
    check(&[("HEALNODE_MESH_COLOUR", "red")], "environment HEALNODE_MESH_COLOUR: ", "`healnode config --default` lists all");
    check_file(
        "[bundle]\ninterval = '1m'\nmin_occurences = 3",
        "healnode.toml:3: bundle.min_occurences: ",
        "did you mean bundle.min_occurrences?",
    );
    check_file("[bundel]\nstorm = 3", "healnode.toml:2: bundel.storm: ", "did you mean bundle.storm?");
    check_file("auto_issue = true", "healnode.toml:1: auto_issue: ", "did you mean forge.auto_issue?");
    check_file("[bundel]", "healnode.toml:1: bundel: ", "no such setting");
    check_file("bundle = 3", "healnode.toml:1: bundle: ", "a section");
    check_file("[[forge]]\nkind = 'github'", "healnode.toml:1: forge: ", "a section");
}

#[test]
fn a_value_of_the_wrong_kind_or_out_of_range_is_a_fault_that_says_what_is_allowed() {
    let cases = [
        ("app = 3", "app = 3", "a name"),
        ("name = 3", "name = 3", "a name"),
        ("[app]\nname = 'x'", "app = ", "a name"),
        ("[bundle]\ninterval = 15", "bundle.interval = 15", "from 1s to 1d, a number with ms, s, m, h or d"),
        ("[bundle]\ninterval = '999ms'", "bundle.interval = \"999ms\"", "from 1s to 1d"),
        ("[bundle]\ninterval = '25h'", "bundle.interval = \"25h\"", "from 1s to 1d"),
        ("[bundle]\ninterval = '15 minutes'", "bundle.interval = \"15 minutes\"", "a number with ms, s, m, h or d"),
        ("[bundle]\nmin_occurrences = 0", "bundle.min_occurrences = 0", "from 1 to"),
        ("[bundle]\nmin_occurrences = -1", "bundle.min_occurrences = -1", "from 1 to"),
        ("[bundle]\nmin_occurrences = 2.5", "bundle.min_occurrences = 2.5", "a whole number"),
        ("[bundle]\nmin_occurrences = 99999999999999999999", "bundle.min_occurrences = 9999", "a whole number"),
        ("[bundle]\nstorm = 1", "bundle.storm = 1", "from 2"),
        ("[capture]\nlog_context_lines = 51", "capture.log_context_lines = 51", "from 0 to 50"),
        ("[forge]\nkind = 'gitlab'", "forge.kind = \"gitlab\"", "\"outbox\" or \"github\""),
        ("[forge]\nlease = ''", "forge.lease = \"\"", "\"ref\", \"label\" or \"none\""),
        ("[forge]\nrepo = 'https://github.com/acme/shop'", "forge.repo = ", "\"owner/name\""),
        ("[forge]\nauto_issue = 'true'", "forge.auto_issue = \"true\"", "without quotes"),
        ("[forge]\nlabels = 'bug'", "forge.labels = \"bug\"", "a list such as"),
        ("[forge]\nlabels = ['bug', 3]", "forge.labels = ['bug', 3]", "a list such as"),
        ("[forge]\nlabels = ['bug', '']", "forge.labels = \"\"", "a label of 1 to 50"),
        ("[forge]\napi_url = 'http://github.example/api/v3'", "forge.api_url = ", "https://"),
        ("[forge]\napi_url = 'api.github.com'", "forge.api_url = ", "https://"),
        ("[forge]\napi_url = 'https://me:pw@github.example'", "forge.api_url = ", "without user, password"),
        ("[mesh]\nlisten = ['0.0.0.0:4801']", "mesh.listen = \"0.0.0.0:4801\"", "multiaddrs"),
        ("[mesh]\nlisten = ['/ip4/0.0.0.0/udp/4801/quic-v1']\nswarm_key = '/k'", "mesh.listen = ", "a swarm key cannot protect QUIC"),
        ("[mesh]\nallow = ['Qmabc']", "mesh.allow = \"Qmabc\"", "12D3KooW"),
        ("[mesh]\npresence_interval = '30s'", "mesh.presence_timeout = \"40s\"", "twice mesh.presence_interval, which is 30s"),
        ("[ingest]\nhttp = '8969'", "ingest.http = \"8969\"", "127.0.0.1:8969"),
        ("[ingest]\ncors = 'shop.example'", "ingest.cors = \"shop.example\"", "https://shop.example"),
        ("[ingest]\ncors = 'https://shop.example/'", "ingest.cors = \"https://shop.example/\"", "an origin such as"),
        ("[status]\nhttp = '0.0.0.0:9469'", "status.http = \"0.0.0.0:9469\"", "of loopback"),
        ("[status]\nhttp = '192.0.2.7:9469'", "status.http = ", "of loopback"),
        ("[status]\nhttp = 'localhost:9469'", "status.http = ", "127.0.0.1:9469"),
        ("data_dir = ''", "data_dir = \"\"", "a path"),
        ("data_dir = '~other/x'", "data_dir = \"~other/x\"", "the whole path"),
        ("data_dir = 2026-01-01", "data_dir = 2026-01-01", "a path"),
    ];
    for (file, value, allowed) in cases {
        check_file(file, value, allowed);
    }
}

#[test]
fn text_that_is_no_toml_is_a_fault_with_its_line() {
    check_file("app = 'x'\n[bundle\nstorm = 3", "healnode.toml:2: not TOML", "");
    check_file("app = 'x'\napp = 'y'", "healnode.toml:2: not TOML", "duplicate key");
}

#[test]
fn all_faults_come_at_once_in_the_order_of_the_sources() {
    let folder = Folder::with_file("colour = 1\n[bundle]\nstorm = 'many'");
    let faults = Config::load(&folder.sources(&[("HEALNODE_X", "1"), ("HEALNODE_MESH_MDNS", "maybe")])).unwrap_err().faults;
    let shown: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert_eq!(shown.len(), 4, "{shown:#?}");
    for (line, start) in shown.iter().zip([
        "healnode.toml:1: colour",
        "environment HEALNODE_X: ",
        "environment HEALNODE_MESH_MDNS: mesh.mdns",
        "healnode.toml:3: bundle.storm",
    ]) {
        assert!(line.starts_with(start), "{line}");
    }
}

#[test]
fn a_switch_without_the_one_it_needs_is_a_fault() {
    check(&[("HEALNODE_AUTO_PR", "1")], "forge.auto_pr = true", "needs forge.auto_issue = true");
    check(&[("HEALNODE_AUTO_ISSUE", "1"), ("HEALNODE_AUTO_HEAL", "1")], "forge.auto_heal = true", "needs forge.auto_pr = true");
    check(&[("HEALNODE_AUTO_PR", "1"), ("HEALNODE_AUTO_ISSUE", "maybe")], "forge.auto_issue = ", "allowed are");
    check(
        &[("HEALNODE_AUTO_PR", "1"), ("HEALNODE_AUTO_ISSU", "1")],
        "environment HEALNODE_AUTO_ISSU: ",
        "did you mean HEALNODE_AUTO_ISSUE?",
    );
}

#[test]
fn filing_on_github_needs_a_repository_and_none_is_assumed() {
    let github = ("HEALNODE_FORGE_KIND", "github");
    check(&[github, ("HEALNODE_AUTO_ISSUE", "1")], "forge.repo = \"\"", "HEALNODE_REPO=owner/name");
    assert!(load(&[github]).is_ok());
    assert!(load(&[("HEALNODE_AUTO_ISSUE", "1")]).is_ok());
    let config = load(&[github, ("HEALNODE_AUTO_ISSUE", "1"), ("HEALNODE_REPO", "acme/shop")]).unwrap();
    assert_eq!(config.forge.repo.unwrap().to_string(), "acme/shop");
}

#[test]
fn a_repository_means_github_unless_somebody_chose_the_outbox() {
    let kind = |variables: &[(&str, &str)]| load(variables).unwrap().forge.kind;
    assert_eq!(kind(&[("IPFS_AUTO_ISSUE", "true"), ("IPFS_REPO", "o/r")]), ForgeKind::Github);
    assert_eq!(kind(&[("HEALNODE_REPO", "o/r")]), ForgeKind::Github);
    assert_eq!(kind(&[("HEALNODE_AUTO_ISSUE", "true")]), ForgeKind::Outbox);
    assert_eq!(kind(&[("HEALNODE_REPO", "o/r"), ("HEALNODE_FORGE_KIND", "outbox")]), ForgeKind::Outbox);
    let chosen = [("IPFS_AUTO_ISSUE", "1"), ("IPFS_REPO", "o/r"), ("HEALNODE_FORGE_KIND", "outbox")];
    check(&chosen, "forge.kind = \"outbox\"", "issues would go to the outbox");
    check_file("[forge]\nkind = 'outbox'\nrepo = 'o/r'\nauto_issue = true", "healnode.toml:2: forge.kind", "unset forge.repo");

    let shown = load(&[("IPFS_REPO", "o/r")]).unwrap().to_toml();
    let line = shown.lines().find(|line| line.starts_with("kind = ")).unwrap();
    assert!(line.starts_with("kind = \"github\" ") && line.ends_with("# environment IPFS_REPO"), "{line}");
}

#[test]
fn a_repository_that_is_none_is_the_only_fault_of_its_kind() {
    check(&[("IPFS_AUTO_ISSUE", "true"), ("IPFS_REPO", "https://github.com/o/r")], "forge.repo = ", "\"owner/name\"");
}

#[test]
fn the_switches_that_a_variable_sets_are_told_with_its_name() {
    let folder = Folder::with_file("[forge]\nauto_heal = false");
    let config = Config::load(&folder.sources(&[("IPFS_AUTO_ISSUE", " True "), ("HEALNODE_AUTO_PR", "off")])).unwrap();
    assert_eq!(config.switches_of_environment(), [("IPFS_AUTO_ISSUE", "issue", true), ("HEALNODE_AUTO_PR", "pr", false)]);
}

#[test]
fn a_github_app_is_whole_or_absent() {
    let whole = "[forge.app]\nid = 1\ninstallation = 2\nkey_file = '/etc/app.pem'";
    let config = Config::load(&Folder::with_file(whole).sources(&[])).unwrap();
    assert_eq!(config.forge.app, Some(ForgeApp { id: 1, installation: 2, key_file: "/etc/app.pem".into() }));
    check_file("[forge]\napp = { id = 1, installation = 2 }", "forge.app.key_file = \"\"", "needs id, installation and key_file");
    check_file("[forge]\ntoken_file = '/t'\napp = { id = 1, installation = 2, key_file = '/k' }", "forge.token_file", "not both");
}

#[test]
fn plain_http_is_for_this_machine_only() {
    for url in ["http://localhost:4000", "http://127.0.0.1:4000", "http://[::1]:4000/api/v3", "https://github.example/api/v3"] {
        assert!(load(&[("HEALNODE_FORGE_API_URL", url)]).is_ok(), "{url}");
    }
}

#[test]
fn a_path_starts_at_home_at_data_dir_or_where_it_was_written() {
    let folder = Folder::with_file("data_dir = 'state'\n[mesh]\nswarm_key = '~/swarm.key'\n[forge]\ntoken_file = '<data_dir>/token'");
    let mut sources = folder.sources(&[]);
    sources.flags.socket = Some("h.sock".into());
    sources.working_dir = "/srv/here".into();
    sources.file = Some(folder.file());
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.data_dir, folder.0.path().join("state"));
    assert_eq!(config.mesh.swarm_key.as_deref(), Some(Path::new("/home/me/swarm.key")));
    assert_eq!(config.forge.token_file, Some(folder.0.path().join("state/token")));
    assert_eq!(config.status.socket, Path::new("/srv/here/h.sock"));
}

#[test]
fn without_a_home_the_default_directory_is_a_fault_and_a_given_one_is_not() {
    let sources = |variables: &[(&str, &str)]| Sources {
        environment: variables.iter().copied().collect(),
        working_dir: Folder::empty().0.path().into(),
        ..Sources::default()
    };
    let error = Config::load(&sources(&[])).unwrap_err().to_string();
    assert!(error.starts_with("default: data_dir = \"~/.local/state/healnode\": there is no HOME"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(Config::load(&sources(&[("HEALNODE_DATA_DIR", "/var/lib/healnode")])).is_ok());
}

#[test]
fn metrics_are_told_on_loopback_of_either_family() {
    for address in ["127.0.0.1:9469", "127.8.8.8:0", "[::1]:9469"] {
        assert_eq!(load(&[("HEALNODE_STATUS_HTTP", address)]).unwrap().status.http, Some(address.parse().unwrap()));
    }
}

#[test]
fn a_socket_path_that_cannot_be_bound_is_a_fault_that_says_so() {
    let longest = format!("/{}", "s".repeat(SOCKET_BYTES_MAX - 1));
    assert!(load(&[("HEALNODE_STATUS_SOCKET", &longest)]).is_ok());
    check(&[("HEALNODE_STATUS_SOCKET", &format!("{longest}x"))], "status.socket", "can have 107 bytes, this has 108");
    check(&[("HEALNODE_DATA_DIR", &longest)], "default: status.socket", "can have 107 bytes");
}

#[test]
fn the_file_is_the_named_one_or_the_first_of_the_usual_places() {
    let (here, elsewhere) = (Folder::with_file("app = 'here'"), Folder::with_file("app = 'elsewhere'"));
    let xdg = Folder::empty();
    fs::create_dir(xdg.0.path().join("healnode")).unwrap();
    fs::write(xdg.0.path().join("healnode/healnode.toml"), "app = 'user'").unwrap();
    let app = |sources: &Sources| Config::load(sources).unwrap().app;
    let (elsewhere_file, xdg_folder) = (elsewhere.file(), xdg.0.path());
    let variables = [("XDG_CONFIG_HOME", xdg_folder.to_str().unwrap()), ("HEALNODE_CONFIG", elsewhere_file.to_str().unwrap())];

    assert_eq!(app(&Folder::empty().sources(&variables[..1])), "user");
    assert_eq!(app(&here.sources(&variables[..1])), "here");
    assert_eq!(app(&here.sources(&variables)), "elsewhere");
    assert_eq!(app(&Sources { file: Some(here.file()), ..elsewhere.sources(&variables) }), "here");
}

#[test]
fn a_named_file_that_cannot_be_read_is_a_fault() {
    let folder = Folder::empty();
    let sources = Sources { file: Some("missing.toml".into()), ..folder.sources(&[]) };
    let error = Config::load(&sources).unwrap_err().to_string();
    assert!(error.starts_with("flag --config: missing.toml cannot be read: "), "{error}");
    check(&[("HEALNODE_CONFIG", "/nowhere/h.toml")], "environment HEALNODE_CONFIG: /nowhere/h.toml cannot be read", "");
    fs::create_dir(folder.file()).unwrap();
    let error = Config::load(&folder.sources(&[])).unwrap_err().to_string();
    assert!(error.starts_with("healnode.toml: cannot be read: "), "{error}");
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let swarm_key = format!("/key/swarm/psk/1.0.0/\n/base16/\n{}", "a5".repeat(32));
    let (url, file) = (format!("https://{token}@github.com/acme/shop"), format!("[forge]\ntoken = '{token}'"));
    for variables in [
        [("HEALNODE_REPO", &*url)],
        [("HEALNODE_FORGE_TOKEN_FILE", token)],
        [("HEALNODE_MESH_SWARM_KEY", &swarm_key)],
        [("HEALNODE_TOKEN", token)],
    ] {
        check_secret(&load(&variables).unwrap_err());
    }
    check_secret(&Config::load(&Folder::with_file(&file).sources(&[])).unwrap_err());
}

#[test]
fn a_fault_carries_no_control_characters() {
    check(&[("HEALNODE_APP", "a\u{1b}[31mb")], "app = ", "a name");
    check_file("\"a\\u001b[31m\" = 1", "a\\u{1b}[31m", "no such setting");
    let error = load(&[("HEALNODE_APP", "a\u{1b}[31mb\n"), ("HEALNODE_\u{1b}", "")]).unwrap_err();
    let error = error.faults.iter().map(Fault::to_string).collect::<String>();
    assert!(!error.contains(char::is_control), "{error:?}");
}

fn check_secret(error: &ConfigError) {
    let shown = format!("{error}\n{error:?}");
    assert!(!shown.contains("0123456789abcdef") && !shown.contains("a5a5"), "{shown}");
}

/// Checks that one fault, and no other, is found, and what it says.
fn check(variables: &[(&str, &str)], beginning: &str, allowed: &str) {
    check_error(load(variables), beginning, allowed);
}

fn check_file(text: &str, beginning: &str, allowed: &str) {
    check_error(Config::load(&Folder::with_file(text).sources(&[])), beginning, allowed);
}

fn check_error(result: Result<Config, ConfigError>, beginning: &str, allowed: &str) {
    let Err(error) = result else { panic!("no fault; expected {beginning}") };
    let text = error.to_string();
    assert_eq!(error.faults.len(), 1, "{text}");
    assert!(text.contains(beginning) && text.contains(allowed), "{text}\n  expected {beginning} … {allowed}");
}

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(&Folder::empty().sources(variables))
}

/// A working directory.
struct Folder(TempDir);

impl Folder {
    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with_file(text: &str) -> Self {
        let folder = Self::empty();
        fs::write(folder.file(), text).unwrap();
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("healnode.toml")
    }

    fn sources(&self, variables: &[(&str, &str)]) -> Sources {
        let home = [("HOME", "/home/me")];
        Sources {
            environment: home.iter().chain(variables).copied().collect(),
            working_dir: self.0.path().to_owned(),
            ..Sources::default()
        }
    }
}

fn load_file(text: &str) -> Result<Config, ConfigError> {
    Config::load(&Folder::with_file(text).sources(&[]))
}

fn check_table(text: &str, says: &str) {
    let error = load_file(text).expect_err(text).to_string();
    assert!(error.contains(says), "{text}\n{error}");
}

#[test]
fn rules_on_grouping_are_tables_in_a_file_and_show_as_they_are() {
    let text = r#"
[[grouping.rule]]
type = "*TimeoutError"
fingerprint = ["gateway", "{{ type }}"]

[[grouping.rule]]
path = "*/shared/*"
in_app = false

[[grouping.rule]]
type = "*.PaymentError"
severity = "critical"
"#;
    let config = load_file(text).unwrap();
    assert_eq!(config.grouping.rules.len(), 3);
    assert!(config.grouping.rules[0].error_type.as_ref().is_some_and(|glob| glob.fits("ReadTimeoutError")));
    assert_eq!(config.grouping.rules[1].action, Action::InApp(false));
    assert_eq!(config.grouping.rules[2].action, Action::Severity(Severity::Critical));
    assert_eq!(load_file(&config.to_toml()).unwrap().grouping, config.grouping);
}

#[test]
fn a_rule_that_cannot_be_meant_is_refused_with_its_number_and_what_it_lacks() {
    check_table("[[grouping.rule]]\ntype = \"A\"", "grouping.rule: number 1: needs one of fingerprint, ignore = true, in_app and severity");
    check_table("[[grouping.rule]]\ntype = \"A\"\nignore = true\nfingerprint = [\"x\"]", "needs one of");
    check_table("[[grouping.rule]]\nignore = true", "needs type, message or path");
    check_table("[[grouping.rule]]\ntype = \"A\"\nin_app = true", "in_app needs the path");
    check_table("[[grouping.rule]]\ntype = \"A\"\nignore = \"yes\"", "ignore has to be true or false");
    check_table("[[grouping.rule]]\ntypo = \"A\"\ntype = \"A\"\nignore = true", "typo is unknown there");
    check_table("[[grouping.rule]]\ntype = \"A\"\nseverity = \"urgent\"", "severity: expected one of low, medium, high, critical");
    check_table("[[grouping.rule]]\ntype = \"A\"\nseverity = \"high\"\nignore = true", "and not two");
    check_table("[grouping]\nrule = \"A\"", "each under a line [[grouping.rule]]");
}

#[test]
fn patterns_and_allowed_texts_reach_the_redactor_and_a_bad_pattern_is_named() {
    let text = "[redact]\nallow = [\"help@example.com\"]\n[[redact.pattern]]\nname = \"customer\"\nregex = 'CUST-[0-9]{6}'";
    let redactor = load_file(text).unwrap().admission().redactor;
    assert_eq!(redactor.redact("CUST-123456 wrote to help@example.com"), "<x-customer> wrote to help@example.com");
    check_table("[[redact.pattern]]\nname = \"customer\"\nregex = '('", "redact.pattern: pattern customer is no regular expression");
    check_table("[[redact.pattern]]\nname = \"customer\"", "needs a name and a regex");
}

#[test]
fn credentials_of_the_node_go_from_texts_whatever_they_look_like() {
    let redactor = load_file("").unwrap().admission_without(vec!["plain-looking-token".to_owned()]).redactor;
    assert_eq!(redactor.redact("it said plain-looking-token twice"), "it said <secret> twice");
}

#[test]
fn a_fixer_has_what_it_needs() {
    check_file("[fix]\nfixer = 'robot'", "fix.fixer = \"robot\"", "\"copilot\", \"openai\", \"command\" or \"copilot-cloud\"");
    check_file("[fix]\nfixer = 'command'", "fix.command", "set fix.command = [\"/path/to/program\"]");
    check_file("[fix]\nfixer = 'openai'", "fix.provider.url", "such as \"http://127.0.0.1:11434/v1\"");
    check_file("[fix.provider]\nurl = 'http://127.0.0.1:1/v1'", "fix.provider.model", "needs the name of a model");
    check_file("[fix.provider]\nurl = 'http://models.example/v1'", "fix.provider.url", "http:// only for this machine");
    check_file("[fix]\nrepository = 'git@github.com:acme/shop'", "fix.repository", "an https:// address");
    check_file("[fix]\napproval_label = 'Bug'", "fix.approval_label", "healnode puts this label on issues itself");
    check_file("[fix]\napproval_label = 'healnode:quiet'", "fix.approval_label", "that healnode puts on no issue itself");
    check_file("[fix]\nrounds = 0", "fix.rounds = 0", "from 1 to 10");
    check_file("[fix]\nreadable = ['opt']", "fix.readable", "absolute paths");
    let switches = [("HEALNODE_AUTO_ISSUE", "1"), ("HEALNODE_AUTO_PR", "1"), ("HEALNODE_AUTO_HEAL", "1")];
    check(&switches, "fix.repository", "a fix needs the code");

    let whole =
        "[fix]\nfixer = 'openai'\ntest = ['make', 'test']\n[fix.provider]\nurl = 'http://127.0.0.1:1/v1'\nmodel = 'm'\nkey_file = '/k'";
    let fix = Config::load(&Folder::with_file(whole).sources(&[])).unwrap().fix;
    let provider = Provider {
        url: "http://127.0.0.1:1/v1".into(),
        model: "m".into(),
        key_file: Some("/k".into()),
        wire_api: healnode_fixer::WireApi::Completions,
    };
    assert_eq!((fix.fixer, fix.test, fix.provider), (FixerKind::OpenAi, vec!["make".to_owned(), "test".into()], Some(provider)));
}
