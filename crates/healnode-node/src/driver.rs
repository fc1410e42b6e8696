//! The one loop that owns the core.
//!
//! Inputs are applied one by one; their effects are carried out in order, records first: everything that a batch of inputs wants kept is
//! durable before anything that it wants sent leaves. While the disk refuses, the loop does nothing but answer questions, turn reports away
//! and try again, so nothing leaves that a restart would not know of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use healnode_core::{
    Admission, CallId, Effect, Event, Fingerprint, FixJob, ForgeCall, ForgeReply, Input, Millis, Node, NodeId, Outcome, Record, Refusal,
    RefusalKind, Report, RollbackFacts, RollbackOutcome, SyncResponse,
};
use healnode_mesh::{MeshAnswer, MeshCommand, MeshDropReason, MeshEvent, MeshResponse};
use healnode_store::Store;
use healnode_store::limits::STEP_RECORDS_MAX;
use healnode_wire::Request;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tracing::{debug, error, info, warn};

use crate::clock::{Clock, wall};
use crate::door::{Capture, Inside, Look, NotKept, Question};
use crate::facts::Facts;
use crate::fixing::Fixing;
use crate::forging::Forged;
use crate::{event_log, fixing};

/// Effects of a batch beyond which no further input joins it. A report has at most ten, so its records always fit into the one append that
/// is atomic: it is counted and its event id remembered, or neither.
const BATCH_EFFECTS_MAX: usize = STEP_RECORDS_MAX - 16;

/// How long to wait before a write that failed is tried again.
const WRITE_RETRY: Duration = Duration::from_secs(1);

/// How soon a call is tried again that found the queue to the forge full.
const FORGE_BUSY_WAIT: Duration = Duration::from_secs(5);

/// How often learned addresses of peers are written.
const KEEP_PEERS_EVERY: Duration = Duration::from_secs(1);

/// Peers whose addresses are remembered, as many as the store keeps.
const PEERS_REMEMBERED_MAX: usize = 256;

/// Everything that a driver works with.
pub(crate) struct Edges {
    pub(crate) clock: Clock,
    /// How samples are redacted again when they are read.
    pub(crate) admission: Arc<Admission>,
    pub(crate) store: Arc<Store>,
    pub(crate) door: Inside,
    pub(crate) mesh: mpsc::Sender<MeshCommand>,
    pub(crate) mesh_events: mpsc::Receiver<MeshEvent>,
    pub(crate) forge: mpsc::Sender<(CallId, ForgeCall)>,
    pub(crate) forged: mpsc::Receiver<Forged>,
    pub(crate) rollback: mpsc::Sender<(CallId, Box<RollbackFacts>)>,
    pub(crate) rolled_back: mpsc::Receiver<(CallId, RollbackOutcome)>,
    pub(crate) fixer: mpsc::Sender<(CallId, Box<FixJob>)>,
    pub(crate) fixing: mpsc::Receiver<Fixing>,
    pub(crate) events: broadcast::Sender<Event>,
}

/// The loop's state.
pub(crate) struct Driver {
    node: Node,
    edges: Edges,
    facts: Facts,
    captures: BTreeMap<CallId, oneshot::Sender<Result<Outcome, NotKept>>>,
    tellers: Vec<oneshot::Sender<()>>,
    asks: BTreeMap<u64, Ask>,
    /// Inputs that arose while effects were carried out.
    own_inputs: Vec<Input>,
    numbers: u64,
    wake_at: Option<Millis>,
    peers_changed: bool,
}

/// What a question to a peer was about.
enum Ask {
    Pull { to: NodeId },
    Sample { id: CallId, fingerprint: Fingerprint, others: Vec<NodeId> },
}

enum Wake {
    Mesh(MeshEvent),
    Forged(Forged),
    RolledBack(CallId, RollbackOutcome),
    Fixing(Fixing),
    Capture(Capture),
    Question(Question),
    Timer,
    KeepPeers,
    Stop,
}

impl Driver {
    /// Takes over a node and its edges, with the addresses of peers that are remembered from before.
    pub(crate) fn new(node: Node, edges: Edges, known_peers: Vec<(NodeId, Vec<String>)>) -> Self {
        let facts = Facts { addresses: known_peers.into_iter().collect(), ..Facts::default() };
        Self {
            node,
            edges,
            facts,
            captures: BTreeMap::new(),
            tellers: Vec::new(),
            asks: BTreeMap::new(),
            own_inputs: vec![Input::Tick],
            numbers: 0,
            wake_at: None,
            peers_changed: false,
        }
    }

    /// Runs until `stop` is told, or an edge it cannot do without is gone. Everything acknowledged is durable then.
    pub(crate) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let mut keep_peers = tokio::time::interval(KEEP_PEERS_EVERY);
        keep_peers.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let mut effects = Vec::new();
            self.apply_own(&mut effects);
            if effects.is_empty() {
                let wake = self.sleep(&mut stop, &mut keep_peers).await;
                if !self.take(wake, &mut effects).await {
                    return;
                }
                self.take_more(&mut effects).await;
            }
            if !self.commit(effects, &mut stop).await {
                return;
            }
        }
    }

    fn apply_own(&mut self, effects: &mut Vec<Effect>) {
        for input in std::mem::take(&mut self.own_inputs) {
            self.apply(input, effects);
        }
    }

    fn apply(&mut self, input: Input, effects: &mut Vec<Effect>) {
        self.node.handle(self.edges.clock.now(), input, effects);
    }

    async fn sleep(&mut self, stop: &mut oneshot::Receiver<()>, keep_peers: &mut tokio::time::Interval) -> Wake {
        let at = self.edges.clock.instant(self.wake_at.unwrap_or(Millis(u64::MAX / 2)));
        tokio::select! {
            biased;
            _ = stop => Wake::Stop,
            Some(forged) = self.edges.forged.recv() => Wake::Forged(forged),
            Some((id, outcome)) = self.edges.rolled_back.recv() => Wake::RolledBack(id, outcome),
            Some(fixing) = self.edges.fixing.recv() => Wake::Fixing(fixing),
            () = tokio::time::sleep_until(at), if self.wake_at.is_some() => Wake::Timer,
            Some(question) = self.edges.door.questions.recv() => Wake::Question(question),
            event = self.edges.mesh_events.recv() => event.map_or(Wake::Stop, Wake::Mesh),
            Some(capture) = self.edges.door.captures.recv() => Wake::Capture(capture),
            _ = keep_peers.tick() => Wake::KeepPeers,
        }
    }

    /// Takes one wake-up in. Returns whether to go on.
    async fn take(&mut self, wake: Wake, effects: &mut Vec<Effect>) -> bool {
        match wake {
            Wake::Stop => return false,
            Wake::Timer => {
                self.wake_at = None;
                self.apply(Input::Tick, effects);
            }
            Wake::Capture(capture) => self.take_capture(capture, effects),
            Wake::Question(question) => self.take_question(question, effects).await,
            Wake::Mesh(event) => self.take_mesh_event(event, effects).await,
            Wake::Forged(Forged::Reply { id, reply }) => self.apply(Input::Forge { id, reply }, effects),
            Wake::Forged(Forged::Health(health)) => self.apply(Input::ForgeHealth(health), effects),
            Wake::Forged(Forged::Lease(lease)) => self.facts.lease = Some(lease),
            Wake::RolledBack(id, outcome) => self.apply(Input::RolledBack { id, outcome }, effects),
            Wake::Fixing(Fixing::Stage { id, record }) => self.apply(Input::FixStage { id, record }, effects),
            Wake::Fixing(Fixing::Ended { id, outcome }) => self.apply(Input::Fixed { id, outcome }, effects),
            Wake::KeepPeers => self.keep_peers().await,
        }
        true
    }

    /// Takes in what else is there already, so that many inputs share one write.
    async fn take_more(&mut self, effects: &mut Vec<Effect>) {
        while effects.len() < BATCH_EFFECTS_MAX {
            if let Ok(capture) = self.edges.door.captures.try_recv() {
                self.take_capture(capture, effects);
            } else if let Ok(event) = self.edges.mesh_events.try_recv() {
                self.take_mesh_event(event, effects).await;
            } else {
                return;
            }
        }
    }

    fn take_capture(&mut self, capture: Capture, effects: &mut Vec<Effect>) {
        let id = CallId(self.new_number());
        self.captures.insert(id, capture.reply);
        if capture.unknown_fields > 0 {
            *self.facts.dropped.entry("unknown_field").or_default() += u64::from(capture.unknown_fields);
        }
        match capture.report {
            Ok(report) => self.apply(Input::Captured { id, report }, effects),
            Err(reason) => {
                *self.facts.dropped.entry(reason).or_default() += 1;
                effects.push(Effect::Acknowledge { id, outcome: Outcome::Counted });
            }
        }
    }

    async fn take_question(&mut self, question: Question, effects: &mut Vec<Effect>) {
        match question {
            Question::Ask(ask) => self.answer(ask),
            Question::Sample(fingerprint, reply) => drop(reply.send(self.own_sample(fingerprint).await)),
            Question::Tell(command, reply) => {
                self.apply(Input::Operator(command), effects);
                self.tellers.push(reply);
            }
        }
    }

    fn answer(&mut self, ask: Look) {
        self.facts.uptime = self.edges.clock.uptime();
        ask(&self.node, self.edges.clock.now(), &self.facts);
    }

    async fn take_mesh_event(&mut self, event: MeshEvent, effects: &mut Vec<Effect>) {
        match event {
            MeshEvent::Listening(addresses) => {
                info!(?addresses, "listening");
                self.facts.listening = addresses;
            }
            MeshEvent::PeerUp(peer) => {
                info!(%peer, "peer connected");
                self.apply(Input::PeerUp(peer), effects);
            }
            MeshEvent::PeerDown(peer) => {
                info!(%peer, "peer disconnected");
                self.facts.faults.remove(&peer);
                self.apply(Input::PeerDown(peer), effects);
            }
            MeshEvent::PeerAddresses { node, addresses } => self.remember_addresses(node, addresses),
            MeshEvent::PeerFaults { node, faults: 0 } => drop(self.facts.faults.remove(&node)),
            MeshEvent::PeerFaults { node, faults } => {
                if self.node.is_connected(node) && self.facts.faults.insert(node, faults).is_none() {
                    warn!(peer = %node, "a peer sends what it should not; see `healnode peers`");
                }
            }
            MeshEvent::Run(run) => self.apply(Input::Gossip(run), effects),
            MeshEvent::Asked { id, request: Request::Pull(request), .. } => self.apply(Input::Asked { id: CallId(id), request }, effects),
            MeshEvent::Asked { id, request: Request::Sample(fingerprint), .. } => {
                let sample = self.own_sample(fingerprint).await.map(Box::new);
                self.tell_mesh(MeshCommand::Answer { id, response: MeshResponse::Sample(sample) });
            }
            MeshEvent::Answered { id, answer, .. } => self.take_answer(id, answer),
            // A lone node publishes to nobody, and loses nothing by it.
            MeshEvent::Dropped { reason: MeshDropReason::NoPeers, .. } => {}
            MeshEvent::Dropped { reason, count } => *self.facts.dropped.entry(reason.code()).or_default() += count,
        }
    }

    fn remember_addresses(&mut self, node: NodeId, addresses: Vec<String>) {
        let known = &mut self.facts.addresses;
        if known.len() >= PEERS_REMEMBERED_MAX && !known.contains_key(&node) {
            let forgotten = known.keys().find(|peer| !self.node.is_connected(**peer)).copied();
            let Some(forgotten) = forgotten else { return };
            known.remove(&forgotten);
        }
        self.peers_changed |= known.insert(node, addresses.clone()) != Some(addresses);
    }

    async fn keep_peers(&mut self) {
        if !std::mem::take(&mut self.peers_changed) {
            return;
        }
        let peers: Vec<(NodeId, Vec<String>)> = self.facts.addresses.iter().map(|(node, addresses)| (*node, addresses.clone())).collect();
        let store = self.edges.store.clone();
        if let Err(problem) = off_loop(move || store.keep_peers(&peers)).await {
            debug!(%problem, "addresses of peers were not kept");
            self.peers_changed = true;
        }
    }

    /// Makes a batch's records durable, then carries out the rest. Returns whether to go on.
    async fn commit(&mut self, effects: Vec<Effect>, stop: &mut oneshot::Receiver<()>) -> bool {
        let mut records = Vec::new();
        let mut rest = Vec::with_capacity(effects.len());
        for effect in effects {
            if let Effect::Store(record) = effect { records.push(record) } else { rest.push(effect) }
        }
        if !records.is_empty() && !self.write(Arc::new(records), &rest, stop).await {
            return false;
        }
        for effect in rest {
            self.carry_out(effect).await;
        }
        for teller in std::mem::take(&mut self.tellers) {
            if teller.send(()).is_err() {
                debug!("the sender of a command did not wait for its answer");
            }
        }
        true
    }

    async fn write(&mut self, records: Arc<Vec<Record>>, rest: &[Effect], stop: &mut oneshot::Receiver<()>) -> bool {
        loop {
            let (store, batch) = (self.edges.store.clone(), records.clone());
            let Err(problem) = off_loop(move || store.append(&batch)).await else {
                if !self.facts.disk_problem.is_empty() {
                    info!("the disk takes writes again");
                    self.facts.disk_problem.clear();
                }
                return true;
            };
            if self.facts.disk_problem.is_empty() {
                error!(%problem, "nothing can be written; reports are turned away until it can");
            }
            self.facts.disk_problem = problem.to_string();
            self.turn_away(rest);
            if !self.wait_for_disk(stop).await {
                return false;
            }
        }
    }

    /// Tells the senders of reports that wait in this batch that these are not safe yet.
    fn turn_away(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Acknowledge { id, .. } = effect
                && let Some(reply) = self.captures.remove(id)
            {
                drop(reply.send(Err(NotKept::Disk(self.facts.disk_problem.clone()))));
            }
        }
    }

    async fn wait_for_disk(&mut self, stop: &mut oneshot::Receiver<()>) -> bool {
        let retry = tokio::time::sleep(WRITE_RETRY);
        tokio::pin!(retry);
        loop {
            tokio::select! {
                biased;
                _ = &mut *stop => return false,
                () = &mut retry => return true,
                Some(question) = self.edges.door.questions.recv() => match question {
                    Question::Ask(ask) => self.answer(ask),
                    Question::Sample(fingerprint, reply) => drop(reply.send(self.own_sample(fingerprint).await)),
                    Question::Tell(_, reply) => drop(reply),
                },
                Some(capture) = self.edges.door.captures.recv() => {
                    drop(capture.reply.send(Err(NotKept::Disk(self.facts.disk_problem.clone()))));
                }
            }
        }
    }

    async fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Store(_) => {}
            Effect::Publish(run) => self.tell_mesh(MeshCommand::Publish(run)),
            Effect::Ask { to, request } => {
                let ask = Ask::Pull { to };
                self.ask(to, Request::Pull(request), ask);
            }
            Effect::Answer { id, response } => self.tell_mesh(MeshCommand::Answer { id: id.0, response: MeshResponse::Pull(response) }),
            Effect::Acknowledge { id, outcome } => {
                self.facts.acknowledged += u64::from(outcome == Outcome::Counted);
                if let Some(reply) = self.captures.remove(&id) {
                    drop(reply.send(Ok(outcome)));
                }
            }
            Effect::Forge { id, call } => self.call_forge(id, call),
            Effect::Rollback { id, facts } => self.roll_back(id, facts),
            Effect::FetchSample { id, fingerprint, holders } => self.fetch_sample(id, fingerprint, holders).await,
            Effect::Fix { id, job } => self.ask_fixer(id, job),
            Effect::WakeAt { at, .. } => self.wake_at = Some(at),
            Effect::Note(event) => event_log::emit(event, &self.edges.events),
        }
    }

    /// Passes a command on. A mesh that is too busy loses it, and it is counted; anti-entropy repairs what that loses.
    fn tell_mesh(&mut self, command: MeshCommand) {
        if self.edges.mesh.try_send(command).is_err() {
            *self.facts.dropped.entry("mesh_busy").or_default() += 1;
        }
    }

    fn call_forge(&mut self, id: CallId, call: ForgeCall) {
        let Err(problem) = self.edges.forge.try_send((id, call)) else { return };
        let (kind, message) = match problem {
            TrySendError::Full(_) => (RefusalKind::Limited { retry_after: FORGE_BUSY_WAIT }, "The forge is busy; this is tried again."),
            TrySendError::Closed(_) => (RefusalKind::Unreachable, "The task that speaks to the forge is gone; restart the node."),
        };
        let reply = ForgeReply::Refused(Refusal { kind, message: message.to_owned() });
        self.own_inputs.push(Input::Forge { id, reply });
    }

    fn roll_back(&mut self, id: CallId, facts: Box<RollbackFacts>) {
        if self.edges.rollback.try_send((id, facts)).is_err() {
            let outcome = RollbackOutcome::NotStarted { why: "too many rollbacks wait".to_owned() };
            self.own_inputs.push(Input::RolledBack { id, outcome });
        }
    }

    fn ask_fixer(&mut self, id: CallId, job: Box<FixJob>) {
        if self.edges.fixer.try_send((id, job)).is_err() {
            let outcome = fixing::failed("the fixer has more to do than it may".to_owned());
            self.own_inputs.push(Input::Fixed { id, outcome: Box::new(outcome) });
        }
    }

    fn ask(&mut self, to: NodeId, request: Request, ask: Ask) {
        let id = self.new_number();
        self.asks.insert(id, ask);
        if self.edges.mesh.try_send(MeshCommand::Ask { id, to, request }).is_err() {
            self.take_answer(id, None);
        }
    }

    async fn fetch_sample(&mut self, id: CallId, fingerprint: Fingerprint, holders: Vec<NodeId>) {
        match self.own_sample(fingerprint).await {
            Some(report) => self.own_inputs.push(Input::Sample { id, report: Some(Box::new(report)) }),
            None => self.ask_holder(id, fingerprint, holders),
        }
    }

    fn ask_holder(&mut self, id: CallId, fingerprint: Fingerprint, mut others: Vec<NodeId>) {
        if others.is_empty() {
            return self.own_inputs.push(Input::Sample { id, report: None });
        }
        let to = others.remove(0);
        self.ask(to, Request::Sample(fingerprint), Ask::Sample { id, fingerprint, others });
    }

    async fn own_sample(&self, fingerprint: Fingerprint) -> Option<Report> {
        let (store, admission) = (self.edges.store.clone(), self.edges.admission.clone());
        match off_loop(move || Ok(store.sample(fingerprint)?.map(|raw| admission.readmit(raw, wall())))).await {
            Ok(report) => report,
            Err(problem) => {
                let problem: healnode_store::ReadError = problem;
                warn!(%problem, "a sample could not be read");
                None
            }
        }
    }

    fn take_answer(&mut self, id: u64, answer: Option<MeshAnswer>) {
        let Some(ask) = self.asks.remove(&id) else { return };
        match ask {
            Ask::Pull { to } => {
                let response = answer.and_then(pull_response);
                self.own_inputs.push(Input::Answered { from: to, response });
            }
            Ask::Sample { id, fingerprint, others } => match answer {
                Some(MeshAnswer::Sample(Some(raw))) => {
                    let report = self.edges.admission.readmit(*raw, wall());
                    self.own_inputs.push(Input::Sample { id, report: Some(Box::new(report)) });
                }
                Some(MeshAnswer::Sample(None) | MeshAnswer::Pull(_)) | None => self.ask_holder(id, fingerprint, others),
            },
        }
    }

    fn new_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

fn pull_response(answer: MeshAnswer) -> Option<SyncResponse> {
    match answer {
        MeshAnswer::Pull(response) => Some(response),
        MeshAnswer::Sample(_) => None,
    }
}

/// Runs blocking work on a thread of its own. A panic in it goes on in the caller: it is a bug, and the supervisor must hear of it.
async fn off_loop<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
