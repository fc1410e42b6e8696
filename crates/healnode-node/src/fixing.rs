//! The task that owns the fixer: one job after the other, in the order in which the core asked for them.
//!
//! The fixer is set up anew for each job, so a token or a key that a person has put right is picked up without a restart. Dropping the task
//! ends everything that a job has started.

use healnode_core::{CallId, FixEnding, FixFailure, FixJob, FixOutcome, FixStage, StageRecord};
use healnode_fixer::Fixer;
use tokio::sync::{mpsc, watch};

use crate::fixer_setup::FixerSetup;

/// Stages that wait to be told. More hold the job up.
const STAGES_WAITING_MAX: usize = 64;

/// What the fixer has to say.
pub(crate) enum Fixing {
    /// A stage ended.
    Stage { id: CallId, record: StageRecord },
    /// A job ended.
    Ended { id: CallId, outcome: Box<FixOutcome> },
}

/// Runs until `jobs` closes.
pub(crate) async fn run(setup: FixerSetup, mut jobs: mpsc::Receiver<(CallId, Box<FixJob>)>, said: mpsc::Sender<Fixing>) {
    setup.clean_up();
    while let Some((id, job)) = jobs.recv().await {
        let outcome = match setup.open().await {
            Ok(fixer) => carry_out(&fixer, id, *job, &said).await,
            Err(why) => failed(why),
        };
        if said.send(Fixing::Ended { id, outcome: Box::new(outcome) }).await.is_err() {
            return;
        }
    }
}

async fn carry_out(fixer: &Fixer, id: CallId, job: FixJob, said: &mpsc::Sender<Fixing>) -> FixOutcome {
    let (stages, mut ended) = mpsc::channel(STAGES_WAITING_MAX);
    let pass_on = async {
        while let Some(record) = ended.recv().await {
            if said.send(Fixing::Stage { id, record }).await.is_err() {
                return;
            }
        }
    };
    // Nobody cancels but by dropping this.
    let (_never, cancelled) = watch::channel(false);
    let (outcome, ()) = tokio::join!(fixer.run(job, stages, cancelled), pass_on);
    outcome
}

/// Returns the outcome of a job that was not begun.
pub(crate) fn failed(why: String) -> FixOutcome {
    let failure = FixFailure { stage: FixStage::Checkout, why, answer: None, passing: true };
    FixOutcome { guidance: None, ending: FixEnding::Failed(failure) }
}
