//! Reports an error to the node on this machine, with nothing but the standard library: one HTTP request over a Unix socket.
//!
//! `cargo run --example socket -- ~/.local/state/healnode/healnode.sock`
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let socket = std::env::args().nth(1).ok_or("name the node's socket; `healnode status` works on the same one")?;
    if let Err(problem) = std::fs::read_to_string("/srv/invoices/rates.json") {
        println!("{}", report(&socket, "RatesMissing", &problem.to_string())?);
    }
    Ok(())
}

/// Posts one report, and returns the node's answer: the fingerprint, once the report is durable.
fn report(socket: &str, error_type: &str, message: &str) -> std::io::Result<String> {
    let body = serde_json::json!({ "type": error_type, "message": message, "release": "shop@1.4" }).to_string();
    let mut stream = UnixStream::connect(socket)?;
    write!(stream, "POST /v1/report HTTP/1.1\r\nhost: healnode\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").map_or(answer.clone(), |(_, body)| body.to_owned()))
}
