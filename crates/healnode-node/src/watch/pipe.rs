//! Reads a log from standard input to its end, such as that of a run of GitHub Actions.
//!
//! A pipe is read once and not again, so nothing is kept of where it was read to, and what cannot be delivered is lost.

use std::io::Read as _;

use tokio::sync::mpsc;

use super::actions::Steps;
use super::cutter::Cutter;
use super::limits::{CHUNK_BYTES, CHUNKS_WAITING_MAX, LINE_BYTES_MAX};
use super::scan::{Scan, Sighting};
use super::sink::{Sink, silence};

/// Reads to the end of the input.
pub(super) async fn read(sink: &Sink) -> std::io::Result<()> {
    let mut chunks = chunks()?;
    let mut cutter = Cutter::new(0, LINE_BYTES_MAX);
    let mut scan = Scan::new(sink.context_lines());
    let mut steps = Steps::default();
    loop {
        let patience = silence(cutter.is_in_line());
        let mut sightings = Vec::new();
        match tokio::time::timeout(patience, chunks.recv()).await {
            Ok(Some(chunk)) => {
                let mut lines = 0;
                cutter.take(&chunk, |start, text| {
                    lines += 1;
                    sightings.extend(steps.feed(&mut scan, start, text));
                });
                sink.count_lines(lines);
            }
            Ok(None) => break,
            Err(_) => {
                sightings.extend(scan.flush());
                steps.note(&sightings);
            }
        }
        deliver(sink, sightings).await;
    }
    let mut sightings = Vec::new();
    cutter.finish(|start, text| {
        sink.count_lines(1);
        sightings.extend(steps.feed(&mut scan, start, text));
    });
    sightings.extend(scan.flush());
    deliver(sink, sightings).await;
    Ok(())
}

async fn deliver(sink: &Sink, sightings: Vec<Sighting<u64>>) {
    sink.deliver_now(sightings.into_iter().map(|seen| seen.raw).collect()).await;
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
