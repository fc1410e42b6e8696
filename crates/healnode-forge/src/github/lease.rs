//! The lease on GitHub: which node may create issues in the repository just now.
//!
//! Who may take it when is decided in `healnode-core`; here is how a record changes hands so that of several rivals one wins. Two registers
//! can do that: a git ref (`git_ref.rs`), or, where the token may not write contents, labels (`labels.rs`). Nodes with different tokens
//! must not use different registers, so a label without a number says that labels are in use, and whoever holds the ref looks for it.

mod git_ref;
mod keeper;
mod labels;

use std::time::Duration;

use healnode_core::{ForgeReply, Lease, LeaseRecord, LeaseStep, UnixMillis, lease_step};

use super::GitHub;
use super::clock::Moment;
use super::exchange::Failure;

pub(super) use self::keeper::Keeper;
pub use self::keeper::LeaseKind;
use self::keeper::{Held, Slot};

/// How often the register is read anew when somebody else was faster, before that is taken for an answer.
const ROUNDS_MAX: usize = 3;

/// How soon to come back when others were faster each time.
const CROWDED_WAIT: Duration = Duration::from_secs(5);

/// What a register shows.
#[derive(Debug)]
struct Reading {
    slot: Slot,
    /// Nothing when the slot is empty, or holds what was not written by healnode.
    record: Option<LeaseRecord>,
}

/// What became of putting a record in the place of another.
#[derive(Debug)]
enum Written {
    /// It is there.
    Won(Slot),
    /// It is not, for somebody else was faster.
    Lost,
}

/// What one round came to.
enum Round {
    Over(ForgeReply),
    /// Somebody else was faster.
    Again,
    /// This register cannot be used, for a reason in healnode's own words.
    Unusable(&'static str),
}

/// Why an attempt ended early.
enum Hindrance {
    Failed(Failure),
    Unusable(&'static str),
}

impl From<Failure> for Hindrance {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl GitHub {
    /// Takes the lease or makes sure that enough is left of it.
    pub(super) async fn acquire(&mut self) -> Result<ForgeReply, Failure> {
        if self.lease.has_time_to_spare(self.clock.at_most()) {
            return Ok(self.leased());
        }
        loop {
            let kind = self.lease.kind();
            if kind == LeaseKind::None {
                return Ok(ForgeReply::Leased(Lease { exclusive: false, doubt: None, date: self.date() }));
            }
            let refused = match self.acquire_by(kind).await {
                Ok(Round::Over(reply)) => return Ok(reply),
                Ok(Round::Again) => return Ok(ForgeReply::Held { retry_after: CROWDED_WAIT }),
                Ok(Round::Unusable(why)) | Err(Hindrance::Unusable(why)) => why,
                Err(Hindrance::Failed(failure)) if failure.declines_feature() => match kind {
                    LeaseKind::Ref => "this token may not write contents there",
                    LeaseKind::Label | LeaseKind::None => "this token may not make labels there",
                },
                Err(Hindrance::Failed(failure)) => return Err(failure),
            };
            self.lease.fall_back(refused);
        }
    }

    /// Gives the lease back. One that was lost meanwhile needs no giving back.
    pub(super) async fn release(&mut self, unclear: bool) -> Result<ForgeReply, Failure> {
        let now = self.clock.at_most().unwrap_or_else(super::exchange::unix_seconds);
        let unclear = self.lease.note_unclear(unclear, now);
        let Some(held) = self.lease.let_go() else { return Ok(ForgeReply::Done) };
        let record = self.lease.complete(held.record.given_back(unclear, now));
        let written = match held.slot {
            Slot::Label { generation } => self.rewrite_label(generation, &record).await,
            Slot::Empty | Slot::Commit { .. } => self.write_ref(&held.slot, &record).await,
        };
        match written {
            Ok(Written::Won(slot)) => self.lease.gave_back(&held, slot, record, self.clock.at_most()),
            Ok(Written::Lost) | Err(Hindrance::Unusable(_)) => {}
            Err(Hindrance::Failed(failure)) if failure.declines_feature() => {}
            Err(Hindrance::Failed(failure)) => return Err(failure),
        }
        self.tidy_labels().await;
        Ok(ForgeReply::Done)
    }

    async fn acquire_by(&mut self, kind: LeaseKind) -> Result<Round, Hindrance> {
        if kind == LeaseKind::Ref && !self.lease.is_tried() && self.labels_are_in_use().await? {
            return Ok(Round::Unusable(LABELS_IN_USE));
        }
        if let Some(round) = self.renew().await? {
            return Ok(round);
        }
        for _round in 0..ROUNDS_MAX {
            match self.round(kind).await? {
                Round::Again => {}
                over @ (Round::Over(_) | Round::Unusable(_)) => return Ok(over),
            }
        }
        Ok(Round::Again)
    }

    /// Puts off the end of the lease that this node knows to hold. Nothing when it has to be read first, or somebody else has it by now.
    async fn renew(&mut self) -> Result<Option<Round>, Hindrance> {
        let Some(held) = self.lease.let_go() else { return Ok(None) };
        if !self.clock.is_sharp() {
            return Ok(None);
        }
        let renewed = held.record.renewed(self.forge_time()?);
        match self.take(&held.slot, renewed).await? {
            Round::Again => Ok(None),
            over @ (Round::Over(_) | Round::Unusable(_)) => Ok(Some(over)),
        }
    }

    async fn round(&mut self, kind: LeaseKind) -> Result<Round, Hindrance> {
        let reading = match kind {
            LeaseKind::Ref => self.read_ref().await?,
            LeaseKind::Label | LeaseKind::None => {
                let list = self.list_lease_labels().await?;
                if let Some(wait) = self.sentinel_wait(&list).await? {
                    return Ok(Round::Over(ForgeReply::Held { retry_after: wait }));
                }
                list.into_reading()
            }
        };
        let now = self.forge_time()?;
        let record = self.lease.record_of(&reading, now);
        match lease_step(record.as_ref(), self.lease.nonce(), now) {
            LeaseStep::Wait(wait) => Ok(Round::Over(ForgeReply::Held { retry_after: wait })),
            LeaseStep::Take(record) => self.take(&reading.slot, record).await,
            // An answer was lost, or this process has set the forge up anew.
            LeaseStep::Ours => match record {
                Some(record) => self.take(&reading.slot, record.renewed(now)).await,
                None => Ok(Round::Again),
            },
        }
    }

    async fn take(&mut self, slot: &Slot, record: LeaseRecord) -> Result<Round, Hindrance> {
        let record = self.lease.complete(record);
        let since = Moment::now();
        let granted = Held::granted(&record, self.clock.at_most());
        let written = match slot {
            Slot::Label { .. } => self.write_label(slot, &record).await?,
            Slot::Empty if self.lease.kind() == LeaseKind::Label => self.write_label(slot, &record).await?,
            Slot::Empty | Slot::Commit { .. } => self.write_ref(slot, &record).await?,
        };
        let Written::Won(slot) = written else { return Ok(Round::Again) };
        let held = Held { slot, record, granted, since };
        match held.slot {
            Slot::Label { generation } => {
                let list = self.list_lease_labels().await?;
                if list.highest() != Some(generation) {
                    return Ok(Round::Again);
                }
                if let Some(wait) = self.sentinel_wait(&list).await? {
                    return Ok(Round::Over(ForgeReply::Held { retry_after: wait }));
                }
            }
            Slot::Empty | Slot::Commit { .. } => {
                if self.labels_are_in_use().await? {
                    let given_back = held.record.given_back(false, self.forge_time()?);
                    // If this fails the lease runs out by itself, and nobody else takes it here.
                    let _nothing_to_do = self.write_ref(&held.slot, &given_back).await;
                    return Ok(Round::Unusable(LABELS_IN_USE));
                }
            }
        }
        self.lease.hold(held);
        Ok(Round::Over(self.leased()))
    }

    fn leased(&self) -> ForgeReply {
        let doubt = self.clock.at_least().and_then(|now| self.lease.doubt_age(now));
        ForgeReply::Leased(Lease { exclusive: true, doubt, date: self.date() })
    }

    fn date(&self) -> Option<UnixMillis> {
        self.clock.at_least().map(|seconds| UnixMillis(seconds.saturating_mul(1_000)))
    }

    /// Returns the earliest that it can be at GitHub, in Unix seconds.
    fn forge_time(&self) -> Result<u64, Hindrance> {
        self.clock
            .at_least()
            .ok_or(Hindrance::Unusable("GitHub's answers arrive without their Date, which a proxy in between must not remove"))
    }
}

/// Why a node that could use the ref does not.
const LABELS_IN_USE: &str = "the label healnode-lease says that labels are in use";

/// Turns a lost answer to a write that decides nothing into a plain "try again".
fn undecided(failure: Failure) -> Failure {
    failure.unreachable_if_unclear("GitHub gave no whole answer, so the lease was not taken and nothing is created yet; it is tried again.")
}
