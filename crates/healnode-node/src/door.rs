//! The way into the driver for everything on this machine: reports, and questions about the state.

use std::sync::Arc;

use healnode_core::{Admission, Command, Fingerprint, Node, Now, Outcome, RawError, Report};
use healnode_report::Admitted;
use tokio::sync::{mpsc, oneshot};

use crate::clock::wall;
use crate::facts::Facts;
use crate::sessions::{Sessions, Teller};

/// Reports that may wait for the driver. More wait at the door, which slows the sender down; nothing is dropped.
const REPORTS_WAITING_MAX: usize = 1_024;

/// Questions that may wait. More wait at the door.
const QUESTIONS_WAITING_MAX: usize = 64;

/// A report that wants to be counted, or an error that is left out.
pub(crate) struct Capture {
    /// The report, or why the error is left out.
    pub(crate) report: Result<Box<Report>, &'static str>,
    /// Fields of it that nobody knows.
    pub(crate) unknown_fields: u32,
    pub(crate) reply: oneshot::Sender<Result<Outcome, NotKept>>,
}

/// An error that was taken in.
pub(crate) struct Taken {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) clipped: bool,
    pub(crate) outcome: Outcome,
    /// The number of the rule that left it out, from 1.
    pub(crate) ignored_by: Option<usize>,
}

/// Why a report was not taken in. It may be sent again; under the same event id it counts once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotKept {
    /// It could not be written.
    #[error("{0}")]
    Disk(String),
    /// The program failed on it.
    #[error("the report could not be read")]
    Unreadable,
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

/// A look at the state; it answers by a channel of its own.
pub(crate) type Look = Box<dyn FnOnce(&Node, Now, &Facts) + Send>;

/// Something that is answered from the state, between two inputs.
pub(crate) enum Question {
    /// Look.
    Ask(Look),
    /// Give the kept report of an error, if this node has one.
    Sample(Fingerprint, oneshot::Sender<Option<Report>>),
    /// Tell the node something.
    Tell(Command, oneshot::Sender<()>),
}

/// The sending half.
#[derive(Clone)]
pub(crate) struct Door {
    admission: Arc<Admission>,
    /// The app of errors that name none; empty for none.
    app: Arc<str>,
    sessions: Arc<Sessions>,
    captures: mpsc::Sender<Capture>,
    questions: mpsc::Sender<Question>,
}

/// The driver's half.
pub(crate) struct Inside {
    pub(crate) captures: mpsc::Receiver<Capture>,
    pub(crate) questions: mpsc::Receiver<Question>,
}

/// The node is stopping, so nobody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node is stopping")]
pub(crate) struct Stopping;

impl Door {
    pub(crate) fn new(admission: Arc<Admission>, app: String) -> (Self, Inside) {
        let (captures, captured) = mpsc::channel(REPORTS_WAITING_MAX);
        let (questions, asked) = mpsc::channel(QUESTIONS_WAITING_MAX);
        (
            Self { admission, app: app.into(), sessions: Arc::default(), captures, questions },
            Inside { captures: captured, questions: asked },
        )
    }

    /// Admits an error, hands it over, and waits until it is durable. Cancelling leaves open whether it counts. One that names no app is of the
    /// node's own. An error of a session that the session's other teller told of is left out.
    pub(crate) async fn take_in(&self, mut raw: RawError, session: Option<(String, Teller)>) -> Result<Taken, NotKept> {
        if raw.app.is_none() && !self.app.is_empty() {
            raw.app = Some(self.app.to_string());
        }
        let (admission, unknown_fields) = (self.admission.clone(), raw.unknown_fields);
        let admitted = tokio::task::spawn_blocking(move || admission.admit(raw, wall())).await;
        let (report, fingerprint, clipped, ignored_by) = match admitted.map_err(|_| NotKept::Unreadable)? {
            Admitted::Ignored { fingerprint, rule } => (Err("ignored"), fingerprint, false, Some(rule)),
            Admitted::Report(report) => {
                let (fingerprint, clipped) = (report.fingerprint(), report.clipped());
                let is_told = session.is_some_and(|(session, teller)| self.sessions.is_told(&session, teller, fingerprint));
                (if is_told { Err("told_twice") } else { Ok(report) }, fingerprint, clipped, None)
            }
        };
        let (reply, answer) = oneshot::channel();
        self.captures.send(Capture { report, unknown_fields, reply }).await.map_err(|_| NotKept::Stopping)?;
        let outcome = answer.await.unwrap_or(Err(NotKept::Stopping))?;
        Ok(Taken { fingerprint, clipped, outcome, ignored_by })
    }

    /// Asks for the kept report of an error.
    pub(crate) async fn sample(&self, fingerprint: Fingerprint) -> Result<Option<Report>, Stopping> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question::Sample(fingerprint, reply)).await.map_err(|_| Stopping)?;
        answer.await.map_err(|_| Stopping)
    }

    /// Asks for something that is computed from the state.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Node, Now, &Facts) -> T + Send + 'static,
    ) -> Result<T, Stopping> {
        let (reply, answer) = oneshot::channel();
        let ask = move |node: &Node, now: Now, facts: &Facts| drop(reply.send(question(node, now, facts)));
        self.questions.send(Question::Ask(Box::new(ask))).await.map_err(|_| Stopping)?;
        answer.await.map_err(|_| Stopping)
    }

    /// Passes on an operator's word, and waits until it is durable.
    pub(crate) async fn tell(&self, command: Command) -> Result<(), Stopping> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question::Tell(command, reply)).await.map_err(|_| Stopping)?;
        answer.await.map_err(|_| Stopping)
    }
}
