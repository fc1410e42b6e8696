//! Branches and pull requests of the misbehaving GitHub, by GitHub's own rules where the emulator is lenient.
//!
//! A second open pull request from one branch is refused, a branch is made once and moved by a fast-forward only, and the same commit with
//! the same dates has the same name.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{BOT, Request, State, answer_text, not_found};

/// The only commit of the default branch, and its tree.
pub(crate) const ROOT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const ROOT_TREE: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// The number of the first pull request; issues have lower ones.
pub(crate) const FIRST_PULL: u64 = 101;

/// What there is besides issues.
#[derive(Default)]
pub(crate) struct Branches {
    /// Where each branch is, but for the default one.
    pub(crate) heads: BTreeMap<String, String>,
    /// What was asked to be made, by name.
    pub(crate) objects: BTreeMap<String, Value>,
    pub(crate) pulls: Vec<Value>,
    /// Whether the repository has a coding agent to hand issues to.
    pub(crate) has_agent: bool,
}

impl State {
    /// Answers a request about a branch or an object; nothing when it is about the lease.
    pub(super) fn branch(&mut self, request: &Request, path: &[&str]) -> Option<String> {
        let text = |field: &str| request.body[field].as_str().unwrap_or_default().to_owned();
        let refused = |message: &str| answer_text(422, &[], &json!({ "message": message }).to_string());
        let shown = |branch: &str, sha: &str| json!({ "ref": format!("refs/heads/{branch}"), "object": { "sha": sha } }).to_string();
        let answer = match (request.method.as_str(), path) {
            ("GET", ["ref", "heads", "main"]) => answer_text(200, &[], &shown("main", ROOT)),
            ("GET", ["matching-refs", "heads", rest @ ..]) => {
                let prefix = rest.join("/");
                let heads = self.branches.heads.keys().filter(|branch| branch.starts_with(&prefix));
                let refs: Vec<Value> = heads.map(|branch| json!({ "ref": format!("refs/heads/{branch}") })).collect();
                answer_text(200, &[], &json!(refs).to_string())
            }
            ("DELETE", ["refs", "heads", rest @ ..]) => match self.branches.heads.remove(&rest.join("/")) {
                Some(_) => answer_text(204, &[], ""),
                None => refused("Reference does not exist"),
            },
            ("GET", ["ref", "heads", rest @ ..]) => {
                let branch = rest.join("/");
                self.branches.heads.get(&branch).map_or_else(not_found, |sha| answer_text(200, &[], &shown(&branch, sha)))
            }
            ("GET", ["commits", ROOT]) => {
                let root = json!({ "sha": ROOT, "message": "Begin", "tree": { "sha": ROOT_TREE }, "parents": [] });
                answer_text(200, &[], &root.to_string())
            }
            ("POST", ["blobs"]) => self.object(request, 'c'),
            ("POST", ["trees"]) if request.body["base_tree"].is_string() => self.object(request, 'd'),
            ("POST", ["commits"]) if request.body["author"].is_object() => {
                let known = self.commits.iter().find(|(_, commit)| **commit == request.body).map(|(sha, _)| sha.clone());
                answer_text(201, &[], &json!({ "sha": known? }).to_string())
            }
            ("POST", ["refs"]) if text("ref").starts_with("refs/heads/") => {
                let branch = text("ref").replacen("refs/heads/", "", 1);
                if self.branches.heads.contains_key(&branch) {
                    return Some(refused("Reference already exists"));
                }
                self.branches.heads.insert(branch.clone(), text("sha"));
                answer_text(201, &[], &shown(&branch, &text("sha")))
            }
            ("PATCH", ["refs", "heads", rest @ ..]) => {
                let branch = rest.join("/");
                let Some(tip) = self.branches.heads.get(&branch).cloned() else { return Some(refused("Reference does not exist")) };
                let sha = text("sha");
                let follows = self.commits.get(&sha).is_some_and(|commit| commit["parents"][0] == tip.as_str());
                if !(follows || sha == tip) || request.body["force"] != false {
                    return Some(refused("Update is not a fast forward"));
                }
                self.branches.heads.insert(branch.clone(), sha.clone());
                answer_text(200, &[], &shown(&branch, &sha))
            }
            _ => return None,
        };
        Some(answer)
    }

    fn object(&mut self, request: &Request, kind: char) -> String {
        let known = self.branches.objects.iter().find(|(_, object)| **object == request.body).map(|(sha, _)| sha.clone());
        let sha = known.unwrap_or_else(|| format!("{kind}{:039x}", self.branches.objects.len() + 1));
        self.branches.objects.insert(sha.clone(), request.body.clone());
        answer_text(201, &[], &json!({ "sha": sha }).to_string())
    }

    pub(super) fn pull(&mut self, request: &Request, path: &[&str]) -> String {
        match (request.method.as_str(), path) {
            ("GET", []) => self.list_pulls(request),
            ("POST", []) => self.open_pull(&request.body),
            ("GET" | "PATCH", [number]) => {
                let number: u64 = number.parse().unwrap_or(0);
                let Some(pull) = self.branches.pulls.iter_mut().find(|pull| pull["number"] == number) else { return not_found() };
                if let Some(body) = request.body.get("body") {
                    pull["body"] = body.clone();
                }
                answer_text(200, &[], &pull.to_string())
            }
            _ => not_found(),
        }
    }

    fn list_pulls(&self, request: &Request) -> String {
        let head = request.query("head").map(|head| head.replace("%3A", ":").replace("%2F", "/"));
        let base = request.query("base").map(|base| base.replace("%2F", "/"));
        let only_open = request.query("state") == Some("open");
        let wanted = |pull: &&Value| {
            let is_from = head.as_ref().is_none_or(|head| pull["head"]["label"] == head.as_str());
            let is_into = base.as_ref().is_none_or(|base| pull["base"]["ref"] == base.as_str());
            is_from && is_into && (!only_open || pull["state"] == "open")
        };
        let page: usize = request.query("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        let all: Vec<&Value> = self.branches.pulls.iter().rev().filter(wanted).collect();
        let from = (page - 1) * self.page_size;
        let shown = &all[from.min(all.len())..(from + self.page_size).min(all.len())];
        let mut headers = Vec::new();
        if from + self.page_size < all.len() {
            let head = request.query("head").map(|head| format!("head={head}&")).unwrap_or_default();
            headers.push(("link", format!("<http://elsewhere.invalid/repositories/1/pulls?{head}page={}>; rel=\"next\"", page + 1)));
        }
        answer_text(200, &headers, &json!(shown).to_string())
    }

    fn open_pull(&mut self, draft: &Value) -> String {
        let branch = draft["head"].as_str().unwrap_or_default().to_owned();
        let failed = |error: Value| answer_text(422, &[], &json!({ "message": "Validation Failed", "errors": [error] }).to_string());
        let Some(tip) = self.branches.heads.get(&branch) else { return failed(json!({ "field": "head", "code": "invalid" })) };
        if tip == ROOT {
            return failed(json!({ "code": "custom", "message": format!("No commits between main and {branch}") }));
        }
        let from_here = |pull: &Value| pull["head"]["repo"]["id"] == 1 && pull["head"]["ref"] == branch.as_str();
        if self.branches.pulls.iter().any(|pull| pull["state"] == "open" && from_here(pull)) {
            return failed(json!({ "code": "custom", "message": format!("A pull request already exists for acme:{branch}.") }));
        }
        let pull = self.add_pull(&branch, BOT, json!({ "title": draft["title"], "body": draft["body"], "draft": draft["draft"] }));
        answer_text(201, &[], &pull.to_string())
    }

    /// Adds a pull request as if somebody had opened it; `more` overrides its fields.
    pub(crate) fn add_pull(&mut self, branch: &str, login: &str, more: Value) -> Value {
        let number = FIRST_PULL + self.branches.pulls.len() as u64;
        let sha = self.branches.heads.get(branch).cloned().unwrap_or_else(|| ROOT.to_owned());
        let mut pull = json!({
            "id": 9_000_000_000_u64 + number, "number": number, "state": "open", "merged_at": null, "body": "", "labels": [],
            "user": { "login": login }, "html_url": format!("https://github.test/acme/shop/pull/{number}"), "pull_request": { "url": "x" },
            "head": { "ref": branch, "label": format!("acme:{branch}"), "sha": sha, "repo": { "id": 1 } },
            "base": { "ref": "main", "sha": ROOT, "repo": { "id": 1 } },
        });
        for (key, value) in more.as_object().expect("an object") {
            pull[key] = value.clone();
        }
        self.branches.pulls.push(pull.clone());
        pull
    }

    /// Puts a commit on a branch, as if somebody had pushed it. Returns its name.
    pub(crate) fn push(&mut self, branch: &str, message: &str) -> String {
        let sha = format!("{:040x}", self.commits.len() + 1);
        let parent = self.branches.heads.get(branch).cloned().unwrap_or_else(|| ROOT.to_owned());
        self.commits.insert(sha.clone(), json!({ "message": message, "tree": ROOT_TREE, "parents": [parent] }));
        self.branches.heads.insert(branch.to_owned(), sha.clone());
        sha
    }

    /// GitHub takes the request in any case, and does what it can.
    pub(super) fn assign(&mut self, number: &str) -> String {
        let has_agent = self.branches.has_agent;
        let number: u64 = number.parse().unwrap_or(0);
        let Some(issue) = self.issues.iter_mut().find(|issue| issue["number"] == number) else { return not_found() };
        if has_agent {
            issue["assignees"] = json!([{ "login": "Copilot" }]);
        }
        answer_text(201, &[], &issue.to_string())
    }
}
