//! The way into the driver for everything on this machine: reports, and questions about the state.

use healnode_core::{Command, Node, Now, Outcome, Report};
use tokio::sync::{mpsc, oneshot};

use crate::facts::Facts;

/// Reports that may wait for the driver. More wait at the door, which slows the sender down; nothing is dropped.
const REPORTS_WAITING_MAX: usize = 1_024;

/// Questions that may wait. More wait at the door.
const QUESTIONS_WAITING_MAX: usize = 64;

/// A report that wants to be counted.
pub(crate) struct Capture {
    pub(crate) report: Box<Report>,
    /// Fields of it that nobody knows.
    pub(crate) unknown_fields: u32,
    pub(crate) reply: oneshot::Sender<Result<Outcome, NotKept>>,
}

/// Why a report was not taken in. It may be sent again; under the same event id it counts once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotKept {
    /// It could not be written.
    #[error("{0}")]
    Disk(String),
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
    /// Tell the node something.
    Tell(Command, oneshot::Sender<()>),
}

/// The sending half.
#[derive(Clone)]
pub(crate) struct Door {
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
    pub(crate) fn new() -> (Self, Inside) {
        let (captures, captured) = mpsc::channel(REPORTS_WAITING_MAX);
        let (questions, asked) = mpsc::channel(QUESTIONS_WAITING_MAX);
        (Self { captures, questions }, Inside { captures: captured, questions: asked })
    }

    /// Hands a report over and waits until it is durable. Cancelling leaves open whether it counts.
    pub(crate) async fn capture(&self, report: Report, unknown_fields: u32) -> Result<Outcome, NotKept> {
        let (reply, answer) = oneshot::channel();
        let capture = Capture { report: Box::new(report), unknown_fields, reply };
        self.captures.send(capture).await.map_err(|_| NotKept::Stopping)?;
        answer.await.unwrap_or(Err(NotKept::Stopping))
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
