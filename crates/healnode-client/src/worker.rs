//! The background thread: redacts what was captured and hands it over, one after the other.
//!
//! To the node if one answers, else to the spool. It reads nothing of the application but its command line and its working directory.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use healnode_report::Report;

use crate::busy::Busy;
use crate::capture::{Capture, Origin};
use crate::contain::contain;
use crate::limits::SILENT_NODE_PAUSE;
use crate::places::Places;
use crate::post::{self, Answer};
use crate::queue::{Fate, Queue};
use crate::spool;

/// Hands reports over.
pub(crate) struct Worker {
    pub(crate) queue: Arc<Queue>,
    pub(crate) origin: Origin,
    pub(crate) places: Places,
    /// When a node that did not answer is asked again.
    pub(crate) ask_again_at: Option<Instant>,
}

impl Worker {
    /// Starts the thread. It ends when the queue is closed and empty.
    pub(crate) fn start(self) -> std::io::Result<()> {
        thread::Builder::new().name("healnode-client".to_owned()).spawn(|| self.run()).map(drop)
    }

    fn run(mut self) {
        let _inside = Busy::enter();
        while let Some(capture) = self.queue.take() {
            let fate = contain(|| self.deliver(capture)).unwrap_or(Fate::Dropped);
            self.queue.done(fate);
        }
    }

    fn deliver(&mut self, capture: Capture) -> Fate {
        let report = self.origin.report(capture);
        match self.ask(&report) {
            Answer::Taken => return Fate::Delivered,
            Answer::Refused => return Fate::Refused,
            Answer::Silent => self.ask_again_at = Some(Instant::now() + SILENT_NODE_PAUSE),
            Answer::NotNow | Answer::NoNode => {}
        }
        let put = self.places.data_dir.as_ref().is_some_and(|data_dir| spool::put(data_dir, &report).is_ok());
        if put { Fate::Spooled } else { Fate::Dropped }
    }

    fn ask(&mut self, report: &Report) -> Answer {
        let is_left_alone = self.ask_again_at.is_some_and(|at| Instant::now() < at);
        match &self.places.socket {
            Some(socket) if !is_left_alone => post::report(socket, report, self.queue.answer_wait()),
            Some(_) | None => Answer::NoNode,
        }
    }
}
