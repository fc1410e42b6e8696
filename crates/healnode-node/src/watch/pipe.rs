//! Reads a log from standard input to its end, such as that of a run of GitHub Actions.
//!
//! A pipe is read once and not again, so nothing is kept of where it was read to, and what cannot be delivered is lost. The log of a run can
//! be had again from where it is kept: there an error has an id of its own, so that it counts once however often the log is read.

use std::io::Read as _;

use healnode_report::RawError;
use tokio::sync::mpsc;

use super::Run;
use super::actions::Steps;
use super::cutter::Cutter;
use super::limits::{CHUNK_BYTES, CHUNKS_WAITING_MAX, LINE_BYTES_MAX};
use super::position::digest;
use super::scan::{Scan, Sighting};
use super::sink::{Sink, silence};

/// The tag that says which run an error is of.
const RUN_TAG: &str = "run";

/// Reads to the end of the input. The place of an error is the number of its first line.
pub(super) async fn read(sink: &Sink, run: Option<&Run>) -> std::io::Result<()> {
    let mut chunks = chunks()?;
    let mut cutter = Cutter::new(0, LINE_BYTES_MAX);
    let mut scan = Scan::new(sink.context_lines());
    let mut steps = Steps::default();
    let mut number = 0;
    loop {
        let patience = silence(cutter.is_in_line());
        let mut sightings = Vec::new();
        match tokio::time::timeout(patience, chunks.recv()).await {
            Ok(Some(chunk)) => {
                let before = number;
                cutter.take(&chunk, |_, text| {
                    number += 1;
                    sightings.extend(steps.feed(&mut scan, number, text));
                });
                sink.count_lines(number - before);
            }
            Ok(None) => break,
            Err(_) => {
                sightings.extend(scan.flush());
                steps.note(&sightings);
            }
        }
        deliver(sink, run, sightings).await;
    }
    let mut sightings = Vec::new();
    cutter.finish(|_, text| {
        sink.count_lines(1);
        sightings.extend(steps.feed(&mut scan, number + 1, text));
    });
    sightings.extend(scan.flush());
    deliver(sink, run, sightings).await;
    Ok(())
}

async fn deliver(sink: &Sink, run: Option<&Run>, sightings: Vec<Sighting<u64>>) {
    let of_run = |seen: Sighting<u64>| match run {
        Some(run) => with_id(run, seen.mark, sink, seen.raw),
        None => seen.raw,
    };
    sink.deliver_now(sightings.into_iter().map(of_run).collect()).await;
}

/// Says of which run an error is, and gives it the id that it has in that run.
fn with_id(run: &Run, line: u64, sink: &Sink, mut raw: RawError) -> RawError {
    let fingerprint = sink.fingerprint(&raw);
    raw.event_id = Some(digest(&[b"run", run.id.as_bytes(), &line.to_be_bytes(), fingerprint.as_bytes()]));
    raw.tags.insert(RUN_TAG.to_owned(), run.id.clone());
    if raw.release.is_none() {
        raw.release.clone_from(&run.release);
    }
    raw
}

/// Reads standard input on a thread of its own, which ends with the process: a read that waits cannot be called off.
fn chunks() -> std::io::Result<mpsc::Receiver<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING_MAX);
    let read = move || {
        let mut input = std::io::stdin().lock();
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let length = match input.read(&mut buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Ok(length @ 1..) => length,
                Ok(0) | Err(_) => break,
            };
            if sender.blocking_send(buffer[..length].to_vec()).is_err() {
                break;
            }
        }
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(read)?;
    Ok(receiver)
}
