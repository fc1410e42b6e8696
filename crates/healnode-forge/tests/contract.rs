//! What every forge keeps to, whichever kind it is: one suite, over the outbox and over GitHub as the emulator has it.

#[path = "../../../tests/github/emulator.rs"]
mod emulator;

use std::time::{Duration, SystemTime};

use emulator::Emulator;
use healnode_core::{
    CloseReason, ForgeCall, ForgeHealth, ForgeReply, FoundIssue, IssueDraft, IssueNumber, IssueRef, Lease, Marker, RefusalKind, Stated,
    UnixMillis,
};
use healnode_forge::{AppKey, Credential, Forge, GitHub, GitHubConfig, LeaseKind, Outbox, OutboxConfig, Pace, Timeouts};
use serde_json::{Value, json};

/// What the suite needs of a forge besides its calls: another node at the same forge, and a person.
trait Bench {
    fn forge(&self) -> Forge;
    /// Returns an issue's title, body, state and labels.
    fn read(&self, issue: &IssueRef) -> Issue;
    /// Returns the comments below an issue, oldest first.
    fn comments(&self, issue: &IssueRef) -> Vec<String>;
    /// A person writes below an issue's text.
    fn append(&self, issue: &IssueRef, text: &str);
    /// A person does something with an issue.
    fn treat(&self, issue: &IssueRef, deed: Deed);
}

/// The label by which a person approves of a fix.
const APPROVAL_LABEL: &str = "fix-it";

/// What a person does with an issue.
#[derive(Clone, Copy)]
enum Deed {
    Mute,
    Approve,
    Lock,
    CloseAsNotPlanned,
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
    // This app may not write contents, so its lease is by labels, which count once the first of them is old enough.
    repository.ask("POST", "/labels", &json!({ "name": "healnode-lease", "description": "since 1: ..." }), 201);
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
    a_count_is_never_lowered(bench, &created).await;
    an_update_adds_labels_and_takes_none_away(bench).await;
    an_issue_is_closed_and_reopened_with_one_comment_each(bench, &created).await;
    an_issue_is_marked_quiet_and_freed_of_it(bench, &created).await;
    a_duplicate_is_closed_and_stays_findable(bench, &created).await;
    what_people_did_with_an_issue_is_told(bench).await;
    what_is_not_there_is_refused_for_good(bench).await;
}

async fn another_node_finds_it_with_the_same_number(bench: &dyn Bench, created: &IssueRef) {
    let mut other = bench.forge();
    let found = look(&mut other, &[1, 9]).await;
    assert_eq!((found.len(), &found[0].issue, found[0].markers.as_slice()), (1, created, [marker(1)].as_slice()));
    assert_eq!(look(&mut other, &[9]).await, []);
    assert_eq!(survey(&mut other).await, found);
}

async fn an_issue_about_several_errors_is_found_by_each(bench: &dyn Bench) {
    let mut forge = bench.forge();
    let several = create(&mut forge, &[5, 6, 7]).await;
    for member in [5, 6, 7] {
        let found = look(&mut forge, &[member]).await;
        assert_eq!((found.len(), &found[0].issue), (1, &several));
        assert_eq!(found[0].markers, [marker(5), marker(6), marker(7)]);
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

    let third = create(&mut forge, &[2]).await;
    let close = ForgeCall::CloseDuplicate { number: third.number, of: duplicate.number };
    assert_eq!(forge.call(close).await, ForgeReply::Done);
    assert!(!bench.read(&third).open);
}

async fn a_count_is_never_lowered(bench: &dyn Bench, issue: &IssueRef) {
    let counted = |occurrences: u64| {
        let mut newer = draft(&[1]);
        newer.body = newer
            .body
            .replace("count 3", &format!("count {occurrences}"))
            .replace("Occurrences: 3", &format!("Occurrences: {occurrences}"));
        ForgeCall::Update { number: issue.number, draft: newer }
    };
    let mut forge = bench.forge();
    for (sent, shown) in [(50, 50), (49, 50), (51, 51)] {
        assert_eq!(forge.call(counted(sent)).await, ForgeReply::Done);
        assert!(bench.read(issue).body.contains(&format!("Occurrences: {shown}")), "{sent}");
        let stated = Some(Stated { occurrences: shown, told: 3, ..Stated::default() });
        assert_eq!(inspect(&mut forge, issue).await.stated, stated);
        assert_eq!(look(&mut forge, &[1]).await[0].stated, stated);
    }
}

async fn an_update_adds_labels_and_takes_none_away(bench: &dyn Bench) {
    let mut forge = bench.forge();
    let issue = create(&mut forge, &[4]).await;
    bench.treat(&issue, Deed::Mute);
    let mut worse = draft(&[4]);
    worse.labels.push("priority".to_owned());
    for newer in [worse.clone(), worse, draft(&[4])] {
        assert_eq!(forge.call(ForgeCall::Update { number: issue.number, draft: newer }).await, ForgeReply::Done);
        let mut labels = bench.read(&issue).labels;
        labels.sort();
        assert_eq!(labels, ["auto-generated", "bug", "healnode:mute", "priority"]);
    }
}

async fn an_issue_is_closed_and_reopened_with_one_comment_each(bench: &dyn Bench, issue: &IssueRef) {
    let mut forge = bench.forge();
    let fresh = inspect(&mut forge, issue).await;
    assert_eq!((&fresh.issue, fresh.markers.as_slice(), fresh.closing), (issue, [marker(1)].as_slice(), None));
    assert!(is_recent(fresh.created_at), "{}", fresh.created_at);
    assert!(!fresh.locked && !fresh.muted && !fresh.quiet);

    let close = ForgeCall::Close { number: issue.number, comment: "Quiet for 14 days.".to_owned() };
    let reopen = ForgeCall::Reopen { number: issue.number, comment: "It came back.".to_owned() };
    for call in [&reopen, &close, &close] {
        assert_eq!(forge.call(call.clone()).await, ForgeReply::Done);
    }
    let closing = inspect(&mut forge, issue).await.closing.expect("it is closed");
    assert_eq!(closing.reason, CloseReason::Completed);
    assert!(is_recent(closing.at), "{}", closing.at);

    for call in [&reopen, &reopen] {
        assert_eq!(forge.call(call.clone()).await, ForgeReply::Done);
    }
    assert_eq!(inspect(&mut forge, issue).await.closing, None);
    let comment = ForgeCall::Comment { number: issue.number, text: "Ten times as many.".to_owned() };
    assert_eq!(forge.call(comment).await, ForgeReply::Done);
    assert_eq!(bench.comments(issue), ["Quiet for 14 days.", "It came back.", "Ten times as many."]);
    assert!(bench.read(issue).body.contains("Alice: this is the disk on host 3."));
}

async fn an_issue_is_marked_quiet_and_freed_of_it(bench: &dyn Bench, issue: &IssueRef) {
    let mut forge = bench.forge();
    let before = bench.read(issue).labels;
    for quiet in [true, true, false, false] {
        assert_eq!(forge.call(ForgeCall::MarkQuiet { number: issue.number, quiet }).await, ForgeReply::Done);
        assert_eq!(inspect(&mut forge, issue).await.quiet, quiet);
    }
    assert_eq!(bench.read(issue).labels, before);
}

async fn what_people_did_with_an_issue_is_told(bench: &dyn Bench) {
    let mut forge = bench.forge();
    let issue = create(&mut forge, &[3]).await;
    assert!(!inspect(&mut forge, &issue).await.approved);
    bench.treat(&issue, Deed::Approve);
    let found = inspect(&mut forge, &issue).await;
    assert!(found.approved && !found.muted && found.issue.open);
    assert_eq!(look(&mut forge, &[3]).await, [found]);
    bench.treat(&issue, Deed::Mute);
    bench.treat(&issue, Deed::CloseAsNotPlanned);
    let found = inspect(&mut forge, &issue).await;
    assert!(found.muted && !found.issue.open);
    assert_eq!(found.closing.map(|closing| closing.reason), Some(CloseReason::NotPlanned));
    assert_eq!(look(&mut forge, &[3]).await, [found]);

    bench.treat(&issue, Deed::Lock);
    assert!(inspect(&mut forge, &issue).await.locked);
    let calls = [
        ForgeCall::Reopen { number: issue.number, comment: "It came back.".to_owned() },
        ForgeCall::Comment { number: issue.number, text: "Ten times as many.".to_owned() },
    ];
    for call in calls {
        assert_refused_for_good(&forge.call(call).await);
    }
    assert!(!bench.read(&issue).open);
    assert_eq!(bench.comments(&issue), [""; 0]);
}

fn is_recent(at: UnixMillis) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_millis() as u64;
    (now - 600_000..=now + 600_000).contains(&at.0)
}

fn assert_refused_for_good(reply: &ForgeReply) {
    assert!(matches!(reply, ForgeReply::Refused(refusal) if refusal.kind == RefusalKind::Invalid), "{reply:?}");
}

async fn what_is_not_there_is_refused_for_good(bench: &dyn Bench) {
    let mut forge = bench.forge();
    let nowhere = IssueNumber(4_711);
    let calls = [
        ForgeCall::Update { number: nowhere, draft: draft(&[1]) },
        ForgeCall::CloseDuplicate { number: nowhere, of: IssueNumber(1) },
        ForgeCall::CloseDuplicate { number: IssueNumber(1), of: nowhere },
        ForgeCall::Comment { number: nowhere, text: "x".to_owned() },
        ForgeCall::Reopen { number: nowhere, comment: "x".to_owned() },
        ForgeCall::Close { number: nowhere, comment: "x".to_owned() },
        ForgeCall::MarkQuiet { number: nowhere, quiet: true },
    ];
    for call in calls {
        assert_refused_for_good(&forge.call(call).await);
    }
    assert_eq!(forge.call(ForgeCall::Inspect { number: nowhere }).await, ForgeReply::Gone { moved_to: None });
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
    let calls = [
        ForgeCall::Update { number: issue.number, draft: draft(&[1]) },
        ForgeCall::Inspect { number: issue.number },
        ForgeCall::Close { number: issue.number, comment: "x".to_owned() },
    ];
    for call in calls {
        assert_refused_for_good(&forge.call(call).await);
    }
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
    let leased = forge.call(ForgeCall::Acquire).await;
    assert!(matches!(leased, ForgeReply::Leased(Lease { exclusive: true, doubt: None, .. })));
    let created = created_issue(forge.call(ForgeCall::Create(draft(markers))).await);
    assert_eq!(forge.call(ForgeCall::Release { unclear: false }).await, ForgeReply::Done);
    created
}

fn created_issue(reply: ForgeReply) -> IssueRef {
    let ForgeReply::Created(issue) = reply else { panic!("{reply:?}") };
    issue
}

async fn look(forge: &mut Forge, markers: &[u8]) -> Vec<FoundIssue> {
    found(forge.call(ForgeCall::Look { markers: markers.iter().copied().map(marker).collect() }).await)
}

async fn inspect(forge: &mut Forge, issue: &IssueRef) -> FoundIssue {
    let reply = forge.call(ForgeCall::Inspect { number: issue.number }).await;
    let ForgeReply::Issue(found) = reply else { panic!("{reply:?}") };
    *found
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
    let markers: String = markers.iter().map(|number| marker(*number).line(1, false)).collect();
    IssueDraft {
        title: "[Auto-Generated Error] ValueError: bad input".to_owned(),
        body: format!(
            "{markers}<!-- healnode:begin -->\n<!-- healnode-count 3 told 3 v1 -->\nOccurrences: 3\n```text\n---\n```\n<!-- healnode:end -->\n"
        ),
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
    Forge::Outbox(
        Outbox::new(OutboxConfig { dir, bot: "12D3KooWnode".to_owned(), approval_label: APPROVAL_LABEL.to_owned() }).expect("a path"),
    )
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

    fn comments(&self, issue: &IssueRef) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(issue)).expect("the issue is a file");
        text.split("\n---\n\nComment by `12D3KooWnode` at ")
            .skip(1)
            .map(|comment| comment.split_once(":\n\n").expect("a time").1.trim_end().to_owned())
            .collect()
    }

    fn append(&self, issue: &IssueRef, text: &str) {
        self.edit(issue, |existing| existing + text);
    }

    fn treat(&self, issue: &IssueRef, deed: Deed) {
        self.edit(issue, |text| match deed {
            Deed::Mute => text.replacen("labels: ", "labels: healnode:mute, ", 1),
            Deed::Approve => text.replacen("labels: ", "labels: Fix-It, ", 1),
            Deed::Lock => text.replacen("---\n", "---\nlocked: yes\n", 1),
            Deed::CloseAsNotPlanned => text.replacen("state: open", "state: closed\nreason: not planned", 1),
        });
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
            approval_label: APPROVAL_LABEL.to_owned(),
            lease: LeaseKind::Ref,
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
        self.ask("PATCH", &format!("/issues/{}", issue.number.0), &json!({ "body": body }), 200);
    }

    fn comments(&self, issue: &IssueRef) -> Vec<String> {
        let comments = self.ask("GET", &format!("/issues/{}/comments", issue.number.0), &Value::Null, 200);
        let text = |comment: &Value| comment["body"].as_str().expect("a text").to_owned();
        comments.as_array().expect("a list").iter().map(text).collect()
    }

    fn treat(&self, issue: &IssueRef, deed: Deed) {
        let route = format!("/issues/{}", issue.number.0);
        match deed {
            Deed::Mute => self.ask("POST", &format!("{route}/labels"), &json!({ "labels": ["healnode:mute"] }), 200),
            Deed::Approve => self.ask("POST", &format!("{route}/labels"), &json!({ "labels": [APPROVAL_LABEL] }), 200),
            Deed::Lock => self.ask("PUT", &format!("{route}/lock"), &json!({ "lock_reason": "resolved" }), 204),
            Deed::CloseAsNotPlanned => self.ask("PATCH", &route, &json!({ "state": "closed", "state_reason": "not_planned" }), 200),
        };
    }
}

impl Repository {
    /// Does something as a person, below the repository.
    fn ask(&self, method: &str, route: &str, body: &Value, expected: u16) -> Value {
        let path = format!("/repos/{}{route}", self.emulator.repo());
        let (status, answer) = self.emulator.request(method, &path, self.emulator.person_token(), (!body.is_null()).then_some(body));
        assert_eq!(status, expected, "{method} {route}: {answer}");
        answer
    }
}
