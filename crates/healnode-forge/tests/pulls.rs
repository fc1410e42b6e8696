//! What every forge keeps to about pull requests, whichever kind it is: one suite, over the outbox and over GitHub as the emulator has it.
//!
//! Where the emulator is more lenient than GitHub (it takes a second pull request from one branch), `pull_faults.rs` goes by GitHub's rules.

#[path = "../../../tests/github/emulator.rs"]
mod emulator;

use std::time::Duration;

use emulator::Emulator;
use healnode_core::{
    BranchHead, FileChange, ForgeCall, ForgeReply, FoundPull, IssueDraft, IssueNumber, Marker, Publication, PullCall, PullDraft, PullReply,
    PullRequest, PullState, RefusalKind, UnixMillis,
};
use healnode_forge::{AppKey, Credential, Forge, GitHub, GitHubConfig, LeaseKind, Outbox, OutboxConfig, Pace, Timeouts};
use serde_json::{Value, json};

/// What the suite needs of a forge besides its calls: another node at the same forge, and a person.
trait Bench {
    fn forge(&self) -> Forge;
    fn read(&self, pull: &PullRequest) -> Seen;
    /// Returns the comments below an issue or a pull request, oldest first.
    fn comments(&self, number: IssueNumber) -> Vec<String>;
    /// A person does something with a pull request.
    fn treat(&self, pull: &PullRequest, deed: Deed);
}

/// What a person does with a pull request.
#[derive(Clone, Copy)]
enum Deed {
    Append(&'static str),
    Close,
    Merge,
}

/// What people see of a pull request.
#[derive(Debug)]
struct Seen {
    title: String,
    body: String,
    labels: Vec<String>,
}

#[tokio::test]
async fn the_outbox_keeps_the_contract() {
    let folder = Folder::new();
    keeps_the_contract(&folder).await;
    let stream = std::fs::read(folder.dir.path().join("pulls/0002.fast-import")).unwrap();
    let text = String::from_utf8_lossy(&stream);
    assert!(
        text.starts_with("commit refs/heads/auto-fix/issue-1-valueerror\n")
            && text.contains("\nM 100644 inline \"src/app.py\"\ndata 6\nfixed\n"),
        "{text}"
    );
}

#[tokio::test]
async fn github_keeps_the_contract() {
    let Some(emulator) = Emulator::start() else { return };
    let credential = Credential::Token(emulator.token().parse().unwrap());
    let repository = Repository { emulator, credential };
    keeps_the_contract(&repository).await;
    let branch = "auto-fix/issue-1-valueerror";
    let content = |path: &str, expected: u16| repository.ask("GET", &format!("/contents/{path}?ref={branch}"), &Value::Null, expected);
    assert_eq!(content("src/app.py", 200)["content"].as_str().unwrap().trim(), "Zml4ZWQK");
    assert_eq!(content("logo.bin", 200)["content"].as_str().unwrap().trim(), "/wA=");
    content("README.md", 404);
    let pulls = repository.ask("GET", "/pulls?state=all", &Value::Null, 200);
    // A person has taken the draft off what was merged.
    for pull in pulls.as_array().unwrap().iter().filter(|pull| pull["merged_at"].is_null()) {
        assert_eq!((&pull["draft"], &pull["base"]["ref"], &pull["user"]["login"]), (&json!(true), &json!("main"), &json!("healer")));
    }
    repository.emulator.check_requests();
}

#[tokio::test]
async fn an_app_that_may_only_write_issues_files_them_all_the_same() {
    let Some(emulator) = Emulator::start() else { return };
    let app = emulator.app();
    let credential = Credential::App { id: app.id, installation: app.installation, key_pem: AppKey::new(app.key_pem) };
    let repository = Repository { emulator, credential };
    repository.ask("POST", "/labels", &json!({ "name": "healnode-lease", "description": "since 1: ..." }), 201);
    let mut forge = repository.forge();
    let issue = file(&mut forge).await;
    assert!(matches!(forge.call(ForgeCall::Acquire).await, ForgeReply::Leased(_)));
    let (kind, why) = refusal(forge.call(open(issue, 1)).await);
    assert!(kind == RefusalKind::Invalid && why.contains("Contents: read and write"), "{why}");
    assert!(matches!(forge.call(ForgeCall::Pull(PullCall::Assign { number: issue, instructions: String::new() })).await,
        ForgeReply::Refused(refusal) if refusal.kind == RefusalKind::Invalid && refusal.message.contains("a GitHub App")));
    assert!(matches!(forge.call(ForgeCall::Create(issue_draft(2))).await, ForgeReply::Created(_)));
}

async fn keeps_the_contract(bench: &dyn Bench) {
    let mut forge = bench.forge();
    forge.check().await;
    let issue = file(&mut forge).await;
    assert_eq!(look_at(&mut forge, issue).await, (Vec::new(), None));

    let (pull, head) = opened(under_lease(&mut forge, open(issue, 1)).await);
    assert_eq!(pull.state, PullState::Open);
    assert!(pull.number > issue && !pull.url.is_empty());
    let seen = bench.read(&pull);
    assert_eq!((seen.title.as_str(), seen.body.trim_end()), ("Fix ValueError", draft(issue, 1).body.trim_end()));
    assert_eq!(seen.labels, ["auto-generated", "needs-review"]);

    another_node_finds_it_and_opens_no_second(bench, issue, &pull, &head).await;
    a_fix_goes_on_top_once(bench, issue, &pull, &head).await;
    a_comment_is_written_once(bench, issue, &pull).await;
    what_a_person_closed_is_not_made_again(bench, issue, &pull).await;
    what_a_person_merged_is_told(bench).await;
    what_is_not_healnodes_is_refused(bench, issue).await;
}

async fn another_node_finds_it_and_opens_no_second(bench: &dyn Bench, issue: IssueNumber, pull: &PullRequest, head: &str) {
    let mut other = bench.forge();
    let (pulls, branch) = look_at(&mut other, issue).await;
    let expected = FoundPull { pull: pull.clone(), branch: draft(issue, 1).branch, head: head.to_owned(), ours: true };
    assert_eq!(pulls, [expected]);
    assert_eq!(branch, Some(BranchHead { commit: head.to_owned(), ours: true }));
    assert_eq!(survey(&mut other).await, pulls);
    assert_eq!(opened(under_lease(&mut other, open(issue, 2)).await), (pull.clone(), head.to_owned()));
    assert_eq!(survey(&mut other).await.len(), 1);
}

async fn a_fix_goes_on_top_once(bench: &dyn Bench, issue: IssueNumber, pull: &PullRequest, head: &str) {
    bench.treat(pull, Deed::Append("Alice: I will look on Monday.\n"));
    let (mut first, mut second) = (bench.forge(), bench.forge());
    let mine = publication(issue, pull, head, 1);
    let fixed = published(first.call(mine.clone()).await);
    assert_ne!(fixed, head);
    assert_eq!(published(first.call(mine).await), fixed);
    let (kind, why) = refusal(second.call(publication(issue, pull, head, 2)).await);
    assert!(kind == RefusalKind::Overtaken && why.ends_with('.'), "{why}");
    assert_eq!(look_at(&mut second, issue).await.1, Some(BranchHead { commit: fixed.clone(), ours: true }));

    let body = bench.read(pull).body;
    assert!(body.contains("Fixed by 1") && !body.contains("To be fixed") && !body.contains("Fixed by 2"), "{body}");
    assert!(body.contains("Alice: I will look on Monday."), "{body}");
    assert_eq!(bench.read(pull).labels, ["auto-generated", "needs-review"]);

    let further = published(second.call(publication(issue, pull, &fixed, 3)).await);
    assert!(further != fixed && bench.read(pull).body.contains("Fixed by 3"));
}

async fn a_comment_is_written_once(bench: &dyn Bench, issue: IssueNumber, pull: &PullRequest) {
    let note =
        |number, key: &str| ForgeCall::Pull(PullCall::CommentOnce { number, key: key.to_owned(), text: "No fix was found.".to_owned() });
    for number in [issue, pull.number] {
        for key in ["fix-failed", "fix-failed", "fix-failed-2", "fix-failed"] {
            assert_eq!(bench.forge().call(note(number, key)).await, ForgeReply::Done);
        }
        let comments = bench.comments(number);
        assert_eq!(comments.len(), 2, "{comments:?}");
        assert!(comments[0].starts_with("<!-- healnode-note-fix-failed v1 -->\nNo fix was found."), "{comments:?}");
    }
    assert_eq!(refusal(bench.forge().call(note(issue, "a -->")).await).0, RefusalKind::Invalid);
    assert_eq!(refusal(bench.forge().call(note(IssueNumber(4_711), "fix-failed")).await).0, RefusalKind::Invalid);
}

async fn what_a_person_closed_is_not_made_again(bench: &dyn Bench, issue: IssueNumber, pull: &PullRequest) {
    let mut forge = bench.forge();
    bench.treat(pull, Deed::Close);
    let (pulls, branch) = look_at(&mut forge, issue).await;
    assert_eq!(pulls[0].pull.state, PullState::Closed);
    let (again, _) = opened(under_lease(&mut forge, open(issue, 3)).await);
    assert_eq!((again.number, again.state), (pull.number, PullState::Closed));
    let head = branch.expect("the branch is left").commit;
    assert_eq!(refusal(forge.call(publication(issue, pull, &head, 4)).await).0, RefusalKind::Overtaken);
    assert_eq!(survey(&mut forge).await.len(), 1);
}

async fn what_a_person_merged_is_told(bench: &dyn Bench) {
    let mut forge = bench.forge();
    let issue = file(&mut forge).await;
    let (pull, _) = opened(under_lease(&mut forge, open(issue, 1)).await);
    bench.treat(&pull, Deed::Merge);
    let (pulls, _) = look_at(&mut forge, issue).await;
    assert!(matches!(pulls[0].pull.state, PullState::Merged { at } if at > UnixMillis(1_700_000_000_000)), "{pulls:?}");
    let states: Vec<PullState> = survey(&mut forge).await.iter().map(|found| found.pull.state).collect();
    assert!(matches!(states[..], [PullState::Closed, PullState::Merged { .. }]), "{states:?}");
}

async fn what_is_not_healnodes_is_refused(bench: &dyn Bench, issue: IssueNumber) {
    let mut forge = bench.forge();
    let to_main = PullDraft { branch: "main".to_owned(), ..draft(issue, 1) };
    let unsigned = PullDraft { branch: "auto-fix/issue-99-x".to_owned(), message: "Begin".to_owned(), ..draft(issue, 1) };
    for draft in [to_main, unsigned] {
        let refused = under_lease(&mut forge, ForgeCall::Pull(PullCall::Open(draft))).await;
        assert_eq!(refusal(refused).0, RefusalKind::Invalid);
    }
    let nowhere = PullRequest { number: IssueNumber(4_711), url: String::new(), state: PullState::Open };
    assert_eq!(refusal(forge.call(publication(issue, &nowhere, &"a".repeat(40), 1)).await).0, RefusalKind::Invalid);
}

#[tokio::test]
async fn rivals_in_the_outbox_make_one_branch_and_one_pull_request_and_publish_one_fix() {
    rivals_make_one(&Folder::new()).await;
}

#[tokio::test]
async fn rivals_on_github_make_one_branch_and_one_pull_request_and_publish_one_fix() {
    let Some(emulator) = Emulator::start() else { return };
    let credential = Credential::Token(emulator.token().parse().unwrap());
    rivals_make_one(&Repository { emulator, credential }).await;
}

async fn rivals_make_one(bench: &dyn Bench) {
    let mut forge = bench.forge();
    forge.check().await;
    let issue = file(&mut forge).await;
    let mut nodes = tokio::task::JoinSet::new();
    for node in 1..=4 {
        let mut forge = bench.forge();
        nodes.spawn(async move { opened(under_lease(&mut forge, open(issue, node)).await) });
    }
    let all = nodes.join_all().await;
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
    assert_eq!(survey(&mut forge).await.len(), 1);

    let (pull, head) = all[0].clone();
    let mut nodes = tokio::task::JoinSet::new();
    for node in 1..=4 {
        let mut forge = bench.forge();
        let call = publication(issue, &pull, &head, node);
        nodes.spawn(async move { forge.call(call).await });
    }
    let replies = nodes.join_all().await;
    let heads: Vec<&String> = replies
        .iter()
        .filter_map(|reply| if let ForgeReply::Pull(PullReply::Published { head }) = reply { Some(head) } else { None })
        .collect();
    assert_eq!(heads.len(), 1, "{replies:?}");
    assert_eq!(look_at(&mut forge, issue).await.1.map(|head| head.commit).as_ref(), Some(heads[0]));
    for reply in replies.iter().filter(|reply| matches!(reply, ForgeReply::Refused(_))) {
        assert_eq!(refusal(reply.clone()).0, RefusalKind::Overtaken);
    }
}

/// Carries out a call while no other node may create.
async fn under_lease(forge: &mut Forge, call: ForgeCall) -> ForgeReply {
    while !matches!(forge.call(ForgeCall::Acquire).await, ForgeReply::Leased(_)) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let reply = forge.call(call).await;
    assert_eq!(forge.call(ForgeCall::Release { unclear: false }).await, ForgeReply::Done);
    reply
}

async fn file(forge: &mut Forge) -> IssueNumber {
    let reply = under_lease(forge, ForgeCall::Create(issue_draft(rand_marker()))).await;
    let ForgeReply::Created(issue) = reply else { panic!("{reply:?}") };
    issue.number
}

/// Each issue is about another error.
fn rand_marker() -> u8 {
    static COUNT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(10);
    COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn issue_draft(marker: u8) -> IssueDraft {
    let marker = Marker::read_all(&format!("<!-- healnode-sig-{marker:032x} v1 -->"))[0];
    let body = format!("{}<!-- healnode:begin -->\nValueError\n<!-- healnode:end -->\n", marker.line(1, false));
    IssueDraft { title: "ValueError".to_owned(), body, labels: Vec::new() }
}

fn draft(issue: IssueNumber, node: u8) -> PullDraft {
    PullDraft {
        issue,
        branch: healnode_core::branch(issue, "ValueError"),
        message: format!("Begin a fix\n\nHealnode-Signature: {node}\n"),
        title: "Fix ValueError".to_owned(),
        body: format!("<!-- healnode:begin -->\nCloses {issue}. To be fixed.\n<!-- healnode:end -->\n"),
        labels: vec!["auto-generated".to_owned(), "needs-review".to_owned()],
    }
}

fn open(issue: IssueNumber, node: u8) -> ForgeCall {
    ForgeCall::Pull(PullCall::Open(draft(issue, node)))
}

fn look(issue: IssueNumber) -> ForgeCall {
    ForgeCall::Pull(PullCall::Look { branch: draft(issue, 1).branch })
}

fn publication(issue: IssueNumber, pull: &PullRequest, expected: &str, node: u8) -> ForgeCall {
    let change =
        |path: &str, content: Option<&[u8]>| FileChange { path: path.to_owned(), content: content.map(<[u8]>::to_vec), executable: false };
    let mut changes = vec![change("src/app.py", Some(b"fixed\n")), change("logo.bin", Some(&[0xff, 0]))];
    // A file can be taken away once.
    if node < 3 {
        changes.push(change("README.md", None));
    }
    ForgeCall::Pull(PullCall::Publish(Publication {
        number: pull.number,
        branch: draft(issue, 1).branch,
        expected: expected.to_owned(),
        base: "b".repeat(40),
        changes,
        message: format!("Fix it\n\nHealnode-Signature: {node}\n"),
        at: UnixMillis(1_790_000_000_123),
        body: format!("<!-- healnode:begin -->\nFixed by {node}\n<!-- healnode:end -->\n"),
    }))
}

fn opened(reply: ForgeReply) -> (PullRequest, String) {
    let ForgeReply::Pull(PullReply::Opened { pull, head }) = reply else { panic!("{reply:?}") };
    (pull, head)
}

fn published(reply: ForgeReply) -> String {
    let ForgeReply::Pull(PullReply::Published { head }) = reply else { panic!("{reply:?}") };
    head
}

fn refusal(reply: ForgeReply) -> (RefusalKind, String) {
    let ForgeReply::Refused(refusal) = reply else { panic!("{reply:?}") };
    (refusal.kind, refusal.message)
}

async fn look_at(forge: &mut Forge, issue: IssueNumber) -> (Vec<FoundPull>, Option<BranchHead>) {
    let reply = forge.call(look(issue)).await;
    let ForgeReply::Pull(PullReply::Found { pulls, branch }) = reply else { panic!("{reply:?}") };
    (pulls, branch)
}

async fn survey(forge: &mut Forge) -> Vec<FoundPull> {
    let reply = forge.call(ForgeCall::Pull(PullCall::Survey)).await;
    let ForgeReply::Pull(PullReply::Found { pulls, branch: None }) = reply else { panic!("{reply:?}") };
    pulls
}

/// A folder on this machine.
struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, number: IssueNumber) -> std::path::PathBuf {
        let name = format!("{:04}-", number.0);
        let dirs = [self.dir.path().to_owned(), self.dir.path().join("pulls")];
        let mut files = dirs.iter().flat_map(|dir| std::fs::read_dir(dir).into_iter().flatten()).map(|item| item.expect("a file").path());
        files.find(|path| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&name))).expect("it is a file")
    }

    fn edit(&self, number: IssueNumber, change: impl FnOnce(String) -> String) {
        let path = self.path(number);
        let text = std::fs::read_to_string(&path).expect("it is a file");
        std::fs::write(&path, change(text)).expect("a person may write to it");
    }
}

impl Bench for Folder {
    fn forge(&self) -> Forge {
        let config = OutboxConfig { dir: self.dir.path().to_owned(), bot: "12D3KooWnode".to_owned(), approval_label: String::new() };
        Forge::Outbox(Outbox::new(config).expect("a path"))
    }

    fn read(&self, pull: &PullRequest) -> Seen {
        let path = pull.url.strip_prefix("file://").expect("the address of a file");
        let text = std::fs::read_to_string(path).expect("it is a file");
        let (head, body) = text.strip_prefix("---\n").expect("a head").split_once("\n---\n").expect("an end of the head");
        let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).expect("a line of the head");
        let labels = value("labels").split(", ").map(str::to_owned).collect();
        Seen { title: value("title").to_owned(), body: body.to_owned(), labels }
    }

    fn comments(&self, number: IssueNumber) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(number)).expect("it is a file");
        let comments = text.split("\n---\n\nComment by `12D3KooWnode` at ").skip(1);
        comments.map(|comment| comment.split_once(":\n\n").expect("a time").1.trim_end().to_owned()).collect()
    }

    fn treat(&self, pull: &PullRequest, deed: Deed) {
        self.edit(pull.number, |text| match deed {
            Deed::Append(more) => text + more,
            Deed::Close => text.replacen("state: open", "state: closed", 1),
            Deed::Merge => text.replacen("state: open", "state: Merged", 1),
        });
    }
}

/// A repository in the emulator.
struct Repository {
    emulator: Emulator,
    credential: Credential,
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

impl Bench for Repository {
    fn forge(&self) -> Forge {
        let config = GitHubConfig {
            repo: self.emulator.repo().parse().expect("a repository"),
            api_url: self.emulator.url().to_owned(),
            credential: self.credential.clone(),
            node_id: "12D3KooWnode".to_owned(),
            labels: Vec::new(),
            approval_label: String::new(),
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

    fn read(&self, pull: &PullRequest) -> Seen {
        let answer = self.ask("GET", &format!("/pulls/{}", pull.number.0), &Value::Null, 200);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let mut labels: Vec<String> = answer["labels"].as_array().expect("labels").iter().map(|label| text(&label["name"])).collect();
        labels.sort();
        Seen { title: text(&answer["title"]), body: text(&answer["body"]), labels }
    }

    fn comments(&self, number: IssueNumber) -> Vec<String> {
        let comments = self.ask("GET", &format!("/issues/{}/comments", number.0), &Value::Null, 200);
        let text = |comment: &Value| comment["body"].as_str().expect("a text").to_owned();
        comments.as_array().expect("a list").iter().map(text).collect()
    }

    fn treat(&self, pull: &PullRequest, deed: Deed) {
        let route = format!("/pulls/{}", pull.number.0);
        match deed {
            Deed::Append(more) => {
                let body = format!("{}{more}", self.read(pull).body).replace('\n', "\r\n");
                self.ask("PATCH", &route, &json!({ "body": body }), 200)
            }
            Deed::Close => self.ask("PATCH", &route, &json!({ "state": "closed" }), 200),
            Deed::Merge => {
                self.ask("PATCH", &route, &json!({ "draft": false }), 200);
                self.ask("PUT", &format!("{route}/merge"), &json!({}), 200)
            }
        };
    }
}
