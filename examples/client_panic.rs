//! A thread that panics: reported with its frames, and printed as ever.
//!
//! `cargo run --example client_panic`
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::time::Duration;

use healnode_client::Client;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::builder().app("packer").build()?;
    client.install_panic_hook();
    let packer = std::thread::Builder::new().name("packer".to_owned()).spawn(|| pack(&[]))?;
    if packer.join().is_err() {
        println!("the packer is dead, the program lives on");
    }
    client.flush(Duration::from_secs(2));
    println!("{:?}", client.counts());
    Ok(())
}

fn pack(items: &[&str]) -> usize {
    items[0].len()
}
