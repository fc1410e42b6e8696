//! What a peer sent, until its signatures are checked.
//!
//! Two kinds of fault are told apart. A signature is right or wrong on every node alike, so a relay should have noticed, and the whole message
//! is refused. Whether a text is redacted depends on the rules of the program's version, so an honest relay with older rules may pass on what
//! this node must not keep: only that statement is left out. Everything else in the message still counts, else one statement would cut this
//! node off from all that the peer knows.

use healnode_core::{Body, Head, NodeId, Run, Seq, Severity, Signature, Statement, SyncResponse, Tally};

use crate::signing_bytes;

/// Something that a peer sent: within its bounds, but possibly forged. [`verify`](Untrusted::verify) is the only way to what is inside.
#[derive(Clone, PartialEq, Debug)]
pub struct Untrusted<T>(T);

/// Something that a peer sent, and that may be given to the core.
#[derive(Clone, PartialEq, Debug)]
pub struct Verified<T> {
    /// What is left of it. A run reaches as far as nothing was left out.
    pub message: T,
    /// How many statements were left out, because a text in them is not redacted by this node's rules. Count them as out of bounds.
    pub refused: usize,
}

/// A statement was not signed by its origin. The message with it was dropped whole; whoever sent it is broken or hostile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a statement in the name of {origin} that it did not sign")]
pub struct BadSignature {
    /// In whose name the statement was made.
    pub origin: NodeId,
}

impl<T> Untrusted<T> {
    pub(crate) fn new(message: T) -> Self {
        Self(message)
    }
}

impl Untrusted<Run> {
    /// Returns in whose name the run speaks.
    pub fn claimed_origin(&self) -> NodeId {
        self.0.origin
    }

    /// Checks every signature and leaves out every statement whose text is not redacted. `check` is given an origin, the bytes that it should
    /// have signed, and the signature.
    ///
    /// A text that changes when it is redacted here cannot be kept in its changed form: its signature would no longer hold.
    ///
    /// # Errors
    /// When a signature does not hold. Nothing of the run is left then.
    pub fn verify(self, check: impl Fn(&NodeId, &[u8], &Signature) -> bool) -> Result<Verified<Run>, BadSignature> {
        let mut run = self.0;
        let refused = verify_run(&mut run, &check)?;
        Ok(Verified { message: run, refused })
    }
}

impl Untrusted<SyncResponse> {
    /// Checks an answer in the same way as [a run](Untrusted::<Run>::verify).
    ///
    /// # Errors
    /// When a signature does not hold. Nothing of the answer is left then.
    pub fn verify(self, check: impl Fn(&NodeId, &[u8], &Signature) -> bool) -> Result<Verified<SyncResponse>, BadSignature> {
        let mut response = self.0;
        let mut refused = 0;
        match &mut response {
            SyncResponse::Page { runs, .. } => {
                for run in runs {
                    refused += verify_run(run, &check)?;
                }
            }
            SyncResponse::Same | SyncResponse::Differs { .. } => {}
        }
        Ok(Verified { message: response, refused })
    }
}

/// Checks a run's signatures and returns how many statements were left out of it. The run then reaches only as far as nothing was left out, so
/// that nobody hears through this node that there was nothing.
fn verify_run(run: &mut Run, check: &impl Fn(&NodeId, &[u8], &Signature) -> bool) -> Result<usize, BadSignature> {
    let forged = |statement: &Statement, signature| !check(&statement.origin, &signing_bytes(statement), signature);
    if run.statements.iter().any(|signed| forged(&signed.statement, &signed.signature)) {
        return Err(BadSignature { origin: run.origin });
    }
    let received = run.statements.len();
    if let Some(refused) = run.statements.iter().find(|signed| !is_redacted(&signed.statement)) {
        run.through = run.through.min(Seq(refused.statement.seq.0.saturating_sub(1))).max(run.after);
    }
    run.statements.retain(|signed| is_redacted(&signed.statement));
    Ok(received - run.statements.len())
}

/// Returns whether redaction leaves the text of a statement as it is. Only tallies carry text that applications wrote.
fn is_redacted(statement: &Statement) -> bool {
    match &statement.body {
        Body::Tally { tally, .. } => is_tally_redacted(tally),
        Body::Filing { .. } | Body::Mute { .. } | Body::Presence(_) | Body::Fix { .. } => true,
    }
}

fn is_tally_redacted(tally: &Tally) -> bool {
    tally.head.clone().admit() == tally.head && tally.releases.keys().all(|release| is_release_redacted(release))
}

fn is_release_redacted(release: &str) -> bool {
    let head = Head {
        error_type: String::new(),
        message: String::new(),
        severity: Severity::Low,
        app: String::new(),
        release: release.to_owned(),
        frames: 0,
    };
    head.admit().release == release
}
