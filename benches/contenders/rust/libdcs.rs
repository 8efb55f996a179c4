//! This library, from Rust: one client that all threads call.

mod contender;

use std::process::ExitCode;

use contender::{Arguments, Contender, locked};
use serde_json::{Value, json};

struct Libdcs(dcs::Client);

impl Contender for Libdcs {
    type Worker = ();

    fn new(arguments: &Arguments) -> Result<Self, String> {
        if arguments.variant != "default" {
            return Err("the only variant is default".to_owned());
        }
        let text = |error: dcs::Error| format!("{}: {error}", error.code().name());
        let mut config = dcs::Config::new();
        config.set_url(&arguments.url).map_err(text)?;
        config.set_ca_bundle_file(&arguments.ca_bundle);
        config.set_certificate_file(&arguments.chain);
        config.set_private_key_file(&arguments.key);
        dcs::Client::new(&config).map(Libdcs).map_err(text)
    }

    fn worker(&self, _thread: usize) {}

    fn call(&self, _worker: &mut ()) -> Result<(), String> {
        let status = self
            .0
            .status()
            .map_err(|error| format!("{}: {error}", error.code().name()))?;
        if !status.available() {
            return Err(format!("unexpected answer: {}", status.json()));
        }
        Ok(())
    }

    fn versions() -> Value {
        json!({
            "libdcs": env!("CARGO_PKG_VERSION"),
            "rustls": locked("rustls"),
            "aws-lc-rs": locked("aws-lc-rs"),
            "ureq": locked("ureq"),
        })
    }
}

fn main() -> ExitCode {
    contender::main::<Libdcs>()
}
