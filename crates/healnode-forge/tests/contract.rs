//! What every forge keeps to, whichever kind it is: one suite, over the outbox and over GitHub as the emulator has it.

#[path = "../../../tests/github/emulator.rs"]
mod emulator;

use std::time::Duration;

use emulator::Emulator;
use healnode_core::{ForgeCall, ForgeHealth, ForgeReply, FoundIssue, IssueDraft, IssueNumber, IssueRef, Marker, RefusalKind};
use healnode_forge::{AppKey, Credential, Forge, GitHub, GitHubConfig, Outbox, OutboxConfig, Pace, Timeouts};
use serde_json::{Value, json};

/// What the suite needs of a forge besides its calls: another node at the same forge, and a person.
trait Bench {
    fn forge(&self) -> Forge;
    /// Returns an issue's title, body, state and labels.
    fn read(&self, issue: &IssueRef) -> Issue;
    /// A person writes below an issue's text.
    fn append(&self, issue: &IssueRef, text: &str);
}

#[derive(Debug)]
struct Issue {
    title: String,
    body: String,
    open: bool,
    labels: Vec<String>,
}

#[tokio::test]
async fn the_outbox_keeps_the_contract() {
    keeps_the_contract(&Folder::new()).await;
}

#[tokio::test]
async fn github_keeps_the_contract_with_a_personal_token() {
    let Some(emulator) = Emulator::start() else { return };
    let credential = Credential::Token(emulator.token().parse().unwrap());
    let repository = Repository { emulator, credential };
    keeps_the_contract(&repository).await;
    repository.emulator.check_requests();
}

#[tokio::test]
async fn github_keeps_the_contract_with_the_installation_of_an_app() {
    let Some(emulator) = Emulator::start() else { return };
    let app = emulator.app();
    let credential = Credential::App { id: app.id, installation: app.installation, key_pem: AppKey::new(app.key_pem.clone()) };
    let repository = Repository { emulator, credential };
    keeps_the_contract(&repository).await;
    for issue in repository.emulator.issues() {
        assert_eq!(issue["user"]["login"], app.login.as_str());
    }
    repository.emulator.check_requests();

    let elsewhere = Credential::App { id: app.id, installation: app.installation + 1, key_pem: AppKey::new(app.key_pem) };
    let uninstalled = Repository { credential: elsewhere, ..repository };
    assert!(matches!(uninstalled.forge().check().await, ForgeHealth::Blocked { why } if why.contains("forge.app")));
}

async fn keeps_the_contract(bench: &dyn Bench) {
    let mut forge = bench.forge();
    assert_eq!(forge.check().await, ForgeHealth::Ready);
    assert_eq!(look(&mut forge, &[1]).await, []);

    let created = create(&mut forge, &[1]).await;
    assert!(created.open && !created.url.is_empty());
    let written = bench.read(&created);
    assert_eq!(written.title, draft(&[1]).title);
    assert_eq!(written.body.trim_end(), draft(&[1]).body.trim_end());
    assert_eq!(written.labels, ["auto-generated", "bug"]);

    another_node_finds_it_with_the_same_number(bench, &created).await;
    an_issue_about_several_errors_is_found_by_each(bench).await;
    an_update_keeps_what_people_wrote(bench, &created).await;
    a_duplicate_is_closed_and_stays_findable(bench, &created).await;
    what_is_not_there_is_refused_for_good(bench).await;
}

async fn another_node_finds_it_with_the_same_number(bench: &dyn Bench, created: &IssueRef) {
    let mut other = bench.forge();
    let expected = [FoundIssue { issue: created.clone(), markers: vec![marker(1)] }];
    assert_eq!(look(&mut other, &[1, 9]).await, expected);
    assert_eq!(look(&mut other, &[9]).await, []);
    assert_eq!(survey(&mut other).await, expected);
}

async fn an_issue_about_several_errors_is_found_by_each(bench: &dyn Bench) {
    let mut forge = bench.forge();
    let several = create(&mut forge, &[5, 6, 7]).await;
    for member in [5, 6, 7] {
        let found = look(&mut forge, &[member]).await;
        assert_eq!(found, [FoundIssue { issue: several.clone(), markers: vec![marker(5), marker(6), marker(7)] }]);
    }
}

async fn an_update_keeps_what_people_wrote(bench: &dyn Bench, issue: &IssueRef) {
    bench.append(issue, "Alice: this is the disk on host 3.\n");
    let mut newer = draft(&[1]);
    newer.title = "Another title".to_owned();
    newer.body = newer.body.replace("Occurrences: 3", "Occurrences: 20");
    let update = ForgeCall::Update { number: issue.number, draft: newer };
    assert_eq!(bench.forge().call(update).await, ForgeReply::Done);

    let read = bench.read(issue);
    assert_eq!(read.title, draft(&[1]).title);
    assert!(read.body.contains("Occurrences: 20") && !read.body.contains("Occurrences: 3"), "{}", read.body);
    assert!(read.body.contains("Alice: this is the disk on host 3."), "{}", read.body);
    assert_eq!(Marker::read_all(&read.body), [marker(1)]);
}

async fn a_duplicate_is_closed_and_stays_findable(bench: &dyn Bench, kept: &IssueRef) {
    let mut forge = bench.forge();
    let duplicate = create(&mut forge, &[2]).await;
    let close = ForgeCall::CloseDuplicate { number: duplicate.number, of: kept.number };
    assert_eq!(forge.call(close.clone()).await, ForgeReply::Done);
    assert_eq!(forge.call(close).await, ForgeReply::Done);
    assert!(!bench.read(&duplicate).open);
    assert!(bench.read(kept).open);
    let found = look(&mut forge, &[2]).await;
    assert_eq!((found[0].issue.number, found[0].issue.open), (duplicate.number, false));
}

async fn what_is_not_there_is_refused_for_good(bench: &dyn Bench) {
    let mut forge = bench.forge();
    let nowhere = IssueNumber(4_711);
    let calls = [
        ForgeCall::Update { number: nowhere, draft: draft(&[1]) },
        ForgeCall::CloseDuplicate { number: nowhere, of: IssueNumber(1) },
        ForgeCall::CloseDuplicate { number: IssueNumber(1), of: nowhere },
    ];
    for call in calls {
        let reply = forge.call(call).await;
        assert!(matches!(&reply, ForgeReply::Refused(refusal) if refusal.kind == RefusalKind::Invalid), "{reply:?}");
    }
}

#[tokio::test]
async fn eight_nodes_that_create_the_same_at_once_make_one_issue_in_the_outbox() {
    let folder = Folder::new();
    let created = create_at_once(&folder, |_node| vec![1]).await;
    assert!(created.iter().all(|reply| *reply == created[0] && matches!(reply, ForgeReply::Created(_))), "{created:?}");
    assert_eq!(survey(&mut folder.forge()).await.len(), 1);
}

#[tokio::test]
async fn eight_nodes_that_create_different_ones_at_once_get_eight_numbers_in_the_outbox() {
    let folder = Folder::new();
    let created = create_at_once(&folder, |node| vec![node]).await;
    let mut numbers: Vec<u64> = created.iter().map(|reply| created_issue(reply.clone()).number.0).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn the_outbox_does_not_file_what_is_partly_filed_already_but_asks_to_look() {
    let folder = Folder::new();
    let mut forge = folder.forge();
    let first = create(&mut forge, &[1]).await;
    let reply = forge.call(ForgeCall::Create(draft(&[1, 2]))).await;
    assert!(matches!(&reply, ForgeReply::Unclear { why } if why.contains("#1")), "{reply:?}");

    folder.edit(&first, |text| text.replace("state: open", "state: closed"));
    assert_eq!(create(&mut forge, &[1, 2]).await.number, IssueNumber(2));
}

#[tokio::test]
async fn a_file_that_a_person_made_unreadable_is_passed_over_and_never_written_to() {
    let folder = Folder::new();
    let mut forge = folder.forge();
    let issue = create(&mut forge, &[1]).await;
    folder.edit(&issue, |_text| "hello".to_owned());
    std::fs::write(folder.dir.path().join("0009-binary.md"), [0xff, 0xfe]).unwrap();

    assert_eq!(survey(&mut forge).await, []);
    let reply = forge.call(ForgeCall::Update { number: issue.number, draft: draft(&[1]) }).await;
    assert!(matches!(&reply, ForgeReply::Refused(refusal) if refusal.kind == RefusalKind::Invalid), "{reply:?}");
    assert_eq!(std::fs::read_to_string(folder.path(&issue)).unwrap(), "hello");
    assert_eq!(create(&mut forge, &[1]).await.number, IssueNumber(10));
}

#[tokio::test]
async fn an_outbox_that_cannot_be_written_says_how_to_mend_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let mut forge = outbox(file.join("below"));
    let ForgeHealth::Blocked { why } = forge.check().await else { panic!("a file is no folder") };
    assert!(why.contains("a file") && why.ends_with('.'), "{why}");
    let reply = forge.call(ForgeCall::Create(draft(&[1]))).await;
    assert!(matches!(&reply, ForgeReply::Refused(refusal) if refusal.kind == RefusalKind::Denied), "{reply:?}");
}

async fn create_at_once(folder: &Folder, markers: impl Fn(u8) -> Vec<u8>) -> Vec<ForgeReply> {
    let mut nodes = tokio::task::JoinSet::new();
    for node in 1..=8 {
        let mut forge = folder.forge();
        let call = ForgeCall::Create(draft(&markers(node)));
        nodes.spawn(async move { forge.call(call).await });
    }
    nodes.join_all().await
}

async fn create(forge: &mut Forge, markers: &[u8]) -> IssueRef {
    created_issue(forge.call(ForgeCall::Create(draft(markers))).await)
}

fn created_issue(reply: ForgeReply) -> IssueRef {
    let ForgeReply::Created(issue) = reply else { panic!("{reply:?}") };
    issue
}

async fn look(forge: &mut Forge, markers: &[u8]) -> Vec<FoundIssue> {
    found(forge.call(ForgeCall::Look { markers: markers.iter().copied().map(marker).collect() }).await)
}

async fn survey(forge: &mut Forge) -> Vec<FoundIssue> {
    found(forge.call(ForgeCall::Survey).await)
}

fn found(reply: ForgeReply) -> Vec<FoundIssue> {
    let ForgeReply::Found(found) = reply else { panic!("{reply:?}") };
    found
}

fn marker(number: u8) -> Marker {
    Marker::read_all(&format!("<!-- healnode-sig-{number:032x} v1 -->"))[0]
}

fn draft(markers: &[u8]) -> IssueDraft {
    let markers: String = markers.iter().map(|number| format!("{}\n", marker(*number))).collect();
    IssueDraft {
        title: "[Auto-Generated Error] ValueError: bad input".to_owned(),
        body: format!("{markers}<!-- healnode:begin -->\nOccurrences: 3\n```text\n---\n```\n<!-- healnode:end -->\n"),
        labels: vec!["auto-generated".to_owned(), "bug".to_owned()],
    }
}

/// A folder on this machine.
struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, issue: &IssueRef) -> String {
        let path = issue.url.strip_prefix("file://").expect("the address of a file");
        assert!(path.starts_with(&*self.dir.path().to_string_lossy()));
        path.to_owned()
    }

    fn edit(&self, issue: &IssueRef, change: impl FnOnce(String) -> String) {
        let path = self.path(issue);
        let text = std::fs::read_to_string(&path).expect("the issue is a file");
        std::fs::write(&path, change(text)).expect("a person may write to it");
    }
}

fn outbox(dir: std::path::PathBuf) -> Forge {
    Forge::Outbox(Outbox::new(OutboxConfig { dir, bot: "12D3KooWnode".to_owned() }).expect("a path"))
}

impl Bench for Folder {
    fn forge(&self) -> Forge {
        outbox(self.dir.path().to_owned())
    }

    fn read(&self, issue: &IssueRef) -> Issue {
        let text = std::fs::read_to_string(self.path(issue)).expect("the issue is a file");
        let (head, body) = text.strip_prefix("---\n").expect("a head").split_once("\n---\n").expect("an end of the head");
        let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).expect("a line of the head");
        Issue {
            title: value("title").to_owned(),
            body: body.to_owned(),
            open: value("state") == "open",
            labels: value("labels").split(", ").map(str::to_owned).collect(),
        }
    }

    fn append(&self, issue: &IssueRef, text: &str) {
        self.edit(issue, |existing| existing + text);
    }
}

/// A repository in the emulator.
struct Repository {
    emulator: Emulator,
    credential: Credential,
}

impl Bench for Repository {
    fn forge(&self) -> Forge {
        let config = GitHubConfig {
            repo: self.emulator.repo().parse().expect("a repository"),
            api_url: self.emulator.url().to_owned(),
            credential: self.credential.clone(),
            node_id: "12D3KooWnode".to_owned(),
            labels: vec!["auto-generated".to_owned(), "bug".to_owned(), "priority".to_owned()],
            pace: Pace {
                between_writes: Duration::ZERO,
                between_creates: Duration::ZERO,
                creates_per_hour: 100,
                between_tries: Duration::from_millis(1),
            },
            timeouts: Timeouts::default(),
        };
        Forge::GitHub(Box::new(GitHub::new(config).expect("a usable configuration")))
    }

    fn read(&self, issue: &IssueRef) -> Issue {
        let answer = self.emulator.issue(issue.number.0);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let mut labels: Vec<String> = answer["labels"].as_array().expect("labels").iter().map(|label| text(&label["name"])).collect();
        labels.sort();
        Issue { title: text(&answer["title"]), body: text(&answer["body"]), open: answer["state"] == "open", labels }
    }

    fn append(&self, issue: &IssueRef, text: &str) {
        let body = format!("{}{text}", self.read(issue).body).replace('\n', "\r\n");
        let path = format!("/repos/{}/issues/{}", self.emulator.repo(), issue.number.0);
        let (status, answer) = self.emulator.request("PATCH", &path, self.emulator.person_token(), Some(&json!({ "body": body })));
        assert_eq!(status, 200, "{answer}");
    }
}
