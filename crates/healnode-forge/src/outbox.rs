//! Issues and pull requests as readable Markdown files in a folder: the forge that needs no account and no network.
//!
//! Several nodes on one machine may share a folder: a lock file lets one of them at a time look, number and write, and the create itself
//! looks once more under that lock, so no interleaving makes a second issue. People may edit, close and add files; what they wrote stays,
//! and a file that can't be read as an issue is passed over and never written to. How a file looks is decided in `outbox/page.rs`.

mod commit;
mod folder;
mod page;
mod pull;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use healnode_core::{
    CloseReason, Closing, ForgeCall, ForgeHealth, ForgeReply, FoundIssue, IssueDraft, IssueNumber, Lease, Marker, QUIET_LABEL, Refusal,
    RefusalKind, UnixMillis,
};

use self::folder::{Folder, Locked, unix_millis};
use self::page::Page;
use crate::forge::changed_body;

/// How long another process may hold the folder's lock before a call is given up. A call holds it for milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// What is needed to file into a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutboxConfig {
    /// The folder. Made when it is missing.
    pub dir: PathBuf,
    /// This node's id, written into the issues that it files.
    pub bot: String,
    /// Label by which a person approves of a fix; empty for none.
    pub approval_label: String,
}

/// A folder of issues.
#[derive(Clone, Debug)]
pub struct Outbox {
    folder: Folder,
    bot: String,
    approval_label: String,
}

impl Outbox {
    /// Names the folder, without touching it yet. A relative path is made absolute, for it becomes part of addresses.
    ///
    /// # Errors
    /// When the path is empty, or is relative and the current directory is not known.
    pub fn new(config: OutboxConfig) -> io::Result<Self> {
        Ok(Self { folder: Folder::new(std::path::absolute(config.dir)?), bot: config.bot, approval_label: config.approval_label })
    }

    /// Returns the folder.
    pub fn dir(&self) -> &Path {
        self.folder.dir()
    }

    /// Carries out one call; see [`Forge::call`](crate::Forge::call). Runs to its end even when the future is dropped.
    pub async fn call(&mut self, call: ForgeCall) -> ForgeReply {
        let outbox = self.clone();
        let work = tokio::task::spawn_blocking(move || outbox.carry_out(call));
        work.await.unwrap_or_else(|_panicked| ForgeReply::Unclear {
            why: "Writing the issue failed half-way; it is looked for again.".to_owned(),
        })
    }

    /// Finds out whether the folder can be written to; see [`Forge::check`](crate::Forge::check).
    pub async fn check(&mut self) -> ForgeHealth {
        let folder = self.folder.clone();
        let work = tokio::task::spawn_blocking(move || folder.lock(LOCK_PATIENCE).and_then(|locked| locked.try_writing()));
        match work.await {
            Ok(Ok(())) => ForgeHealth::Ready,
            Ok(Err(error)) => ForgeHealth::Blocked { why: self.sentence(&error) },
            Err(_panicked) => ForgeHealth::Blocked { why: "Looking at the outbox failed; see the log.".to_owned() },
        }
    }

    fn carry_out(&self, call: ForgeCall) -> ForgeReply {
        let locked = match self.folder.lock(LOCK_PATIENCE) {
            Ok(locked) => locked,
            Err(error) => return self.refusal(&error),
        };
        let outcome = match call {
            ForgeCall::Look { markers } => self.find(&locked, |found| shares_one(&found.markers, &markers)).map(ForgeReply::Found),
            ForgeCall::Survey => self.find(&locked, |_any| true).map(ForgeReply::Found),
            // Each create looks once more under this lock, and is known to have happened or not, so there is nothing to lease.
            ForgeCall::Acquire => Ok(ForgeReply::Leased(Lease { exclusive: true, doubt: None, date: Some(now()) })),
            ForgeCall::Release { .. } => Ok(ForgeReply::Done),
            ForgeCall::Inspect { number } => self.inspect(&locked, number),
            ForgeCall::Create(draft) => self.create(&locked, &draft),
            ForgeCall::Update { number, draft } => self.update(&locked, number, &draft),
            ForgeCall::Comment { number, text } => self.change(&locked, number, |page| self.comment(page, &text)),
            ForgeCall::Reopen { number, comment } => self.change(&locked, number, |page| self.reopen(page, &comment)),
            ForgeCall::Close { number, comment } => self.change(&locked, number, |page| self.close(page, &comment)),
            ForgeCall::MarkQuiet { number, quiet } => self.change(&locked, number, |page| {
                if page.has_label(QUIET_LABEL) != quiet {
                    page.set_label(QUIET_LABEL, quiet);
                }
                Ok(())
            }),
            ForgeCall::CloseDuplicate { number, of } => self.close_duplicate(&locked, number, of),
            ForgeCall::Pull(call) => self.pull(&locked, call),
        };
        outcome.unwrap_or_else(|error| self.refusal(&error))
    }

    /// Creates the issue, or answers with an open one that already says all of it.
    ///
    /// When an open issue has some of the markers but not all, another node has filed part of this in the meantime: nothing is created, and
    /// the answer is unclear, which makes the core look before it goes on.
    fn create(&self, locked: &Locked, draft: &IssueDraft) -> io::Result<ForgeReply> {
        let markers = Marker::read_all(&draft.body);
        let rivals = self.find(locked, |found| found.issue.open && shares_one(&found.markers, &markers))?;
        if let Some(same) = rivals.iter().find(|rival| markers.iter().all(|marker| rival.markers.contains(marker))) {
            return Ok(ForgeReply::Created(same.issue.clone()));
        }
        if let Some(rival) = rivals.first() {
            let why = format!("Issue {} was filed in the meantime and is about part of this; it is looked for again.", rival.issue.number);
            return Ok(ForgeReply::Unclear { why });
        }
        let entry = locked.create(&Page::new(draft, &self.bot, now()), &draft.title)?;
        Ok(ForgeReply::Created(entry.reference()))
    }

    fn find(&self, locked: &Locked, wanted: impl Fn(&FoundIssue) -> bool) -> io::Result<Vec<FoundIssue>> {
        let entries = locked.entries()?;
        Ok(entries.iter().filter_map(|entry| entry.found(&self.approval_label)).filter(wanted).collect())
    }

    fn inspect(&self, locked: &Locked, number: IssueNumber) -> io::Result<ForgeReply> {
        Ok(match locked.read(number)? {
            Some(entry) => ForgeReply::Issue(Box::new(entry.shown(&self.approval_label))),
            None if locked.has(number)? => self.gone(number),
            None => ForgeReply::Gone { moved_to: None },
        })
    }

    fn update(&self, locked: &Locked, number: IssueNumber, draft: &IssueDraft) -> io::Result<ForgeReply> {
        self.change(locked, number, |page| {
            if let Some(body) = changed_body(page.body(), &draft.body) {
                page.set_body(body);
            }
            for label in draft.labels.iter().filter(|label| !page.has_label(label)).collect::<Vec<_>>() {
                page.set_label(label, true);
            }
            Ok(())
        })
    }

    /// Changes one issue, and writes its file only if that changes anything.
    fn change(
        &self,
        locked: &Locked,
        number: IssueNumber,
        change: impl FnOnce(&mut Page) -> Result<(), &'static str>,
    ) -> io::Result<ForgeReply> {
        let Some(mut entry) = locked.read(number)? else { return Ok(self.gone(number)) };
        let before = entry.page.clone();
        if let Err(why) = change(&mut entry.page) {
            let message = format!("Issue {number} is {why}, so it is left alone.");
            return Ok(ForgeReply::Refused(Refusal { kind: RefusalKind::Invalid, message }));
        }
        if entry.page != before {
            locked.replace(&entry)?;
        }
        Ok(ForgeReply::Done)
    }

    fn comment(&self, page: &mut Page, text: &str) -> Result<(), &'static str> {
        if page.is_locked() {
            return Err("locked");
        }
        page.comment(&self.bot, now(), text);
        Ok(())
    }

    fn reopen(&self, page: &mut Page, comment: &str) -> Result<(), &'static str> {
        if page.is_open() {
            return Ok(());
        }
        self.comment(page, comment)?;
        page.reopen();
        Ok(())
    }

    fn close(&self, page: &mut Page, comment: &str) -> Result<(), &'static str> {
        if page.is_open() {
            page.close(Closing { at: now(), reason: CloseReason::Completed });
            if !page.is_locked() {
                page.comment(&self.bot, now(), comment);
            }
        }
        Ok(())
    }

    fn close_duplicate(&self, locked: &Locked, number: IssueNumber, of: IssueNumber) -> io::Result<ForgeReply> {
        if locked.read(of)?.is_none() {
            return Ok(self.gone(of));
        }
        self.change(locked, number, |page| {
            if page.is_open() {
                page.close(Closing { at: now(), reason: CloseReason::Duplicate { of: Some(of) } });
            }
            Ok(())
        })
    }

    fn gone(&self, number: IssueNumber) -> ForgeReply {
        let message = format!("{} has no readable issue {number} any more, so it is left alone.", self.dir().display());
        ForgeReply::Refused(Refusal { kind: RefusalKind::Invalid, message })
    }

    /// Nothing that fails here leaves an issue behind: a file is complete before it gets its name, and getting it is the last step.
    fn refusal(&self, error: &io::Error) -> ForgeReply {
        if error.kind() == io::ErrorKind::FileTooLarge {
            let message = "The issue's file is too long for more; shorten it, or close it and begin another.".to_owned();
            return ForgeReply::Refused(Refusal { kind: RefusalKind::Invalid, message });
        }
        let passes = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::TimedOut);
        let kind = if passes { RefusalKind::Unreachable } else { RefusalKind::Denied };
        ForgeReply::Refused(Refusal { kind, message: self.sentence(error) })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "there are some forty kinds, and most are told alike")]
    fn sentence(&self, error: &io::Error) -> String {
        let dir = self.dir().display();
        match error.kind() {
            io::ErrorKind::WouldBlock => {
                format!("Another program has held the lock in {dir} for {} s; stop it or wait.", LOCK_PATIENCE.as_secs())
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!("The disk of {dir} is full; make room."),
            io::ErrorKind::PermissionDenied => format!("This user may not write to {dir}; change its rights or the folder."),
            io::ErrorKind::ReadOnlyFilesystem => format!("{dir} is on a read-only file system; choose another folder."),
            _ => format!("The outbox {dir} cannot be used ({error}); check that it is a folder this user may write to."),
        }
    }
}

fn now() -> UnixMillis {
    unix_millis(SystemTime::now())
}

fn shares_one(these: &[Marker], those: &[Marker]) -> bool {
    these.iter().any(|marker| those.contains(marker))
}
