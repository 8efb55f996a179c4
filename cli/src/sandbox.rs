//! `dcs sandbox`: a small server that answers as the Document Checking Service does, with certificates of
//! its own, for trying clients without the service.

mod answers;
mod client_auth;
mod http;
mod pki;
mod server;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use answers::{Answer, Answers};
use pki::Pki;
use server::Server;

use crate::failure::Exit;
use crate::output;

#[derive(Args)]
pub struct Arguments {
    /// Keep the certificates in this folder and use them again at the next start; without it they are in a
    /// new folder below the system's temporary one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// The loopback address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS", value_parser = loopback)]
    host: IpAddr,

    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// The TLS versions to offer
    #[arg(long, value_enum, default_value_t = Tls::V1_2)]
    tls: Tls,

    /// Keep connections alive; the service closes each after its answer
    #[arg(long)]
    keep_alive: bool,

    /// What to answer; a request chooses for itself with ?answer=NAME behind the URL
    #[arg(long, value_enum, default_value_t = Answer::Available)]
    answer: Answer,

    /// The Retry-After of rate-limited and over-capacity
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    retry_after: u32,

    /// How a missing or wrong client certificate is turned down
    #[arg(long, value_enum, default_value_t = Rejection::Page)]
    reject_with: Rejection,

    /// Write the settings to this file, as shell exports, once the server is listening
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,

    /// Do not print a line for each request
    #[arg(long)]
    quiet: bool,
}

pub const EXAMPLES: &str = "\
Examples:
  dcs sandbox                                   the service's documented behaviour
  dcs sandbox --dir ~/dcs --port 8443           the same certificates and port at each start
  dcs sandbox --answer planned-outage           the service is not available
  dcs sandbox --tls 1.3 --reject-with alert     a front end of another make

One server gives every answer: append ?answer=rate-limited, for example, to DCS_URL.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tls {
    #[value(name = "1.2")]
    V1_2,
    #[value(name = "1.3")]
    V1_3,
    #[value(name = "both")]
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rejection {
    /// As nginx does: the handshake succeeds, and an HTTP 400 page says what is wrong
    Page,
    /// As Apache httpd does: a TLS alert
    Alert,
}

/// Its keys lie in a folder in the clear: it is not for a network.
fn loopback(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text
        .parse()
        .map_err(|_| format!("'{text}' is not an IP address"))?;
    if address.is_loopback() {
        Ok(address)
    } else {
        Err("the sandbox listens on loopback addresses only (127.0.0.1, ::1): its keys are for tests".into())
    }
}

pub fn run(arguments: &Arguments) -> Exit {
    match serve(arguments) {
        Ok(()) => Exit::Well,
        Err(error) => {
            output::say(&format!("dcs: {error}\n"));
            Exit::Failed
        }
    }
}

fn serve(arguments: &Arguments) -> Result<(), String> {
    let dir = match &arguments.dir {
        Some(dir) => dir.clone(),
        None => std::env::temp_dir().join(format!("dcs-sandbox-{}", std::process::id())),
    };
    let pki = Pki::open(&dir)?;
    let address = SocketAddr::new(arguments.host, arguments.port);
    let listener = TcpListener::bind(address).map_err(|error| {
        format!("cannot listen on {address}: {error}; another --port may be free, 0 finds one")
    })?;
    let port = listener
        .local_addr()
        .map_err(|error| error.to_string())?
        .port();
    let server = Server::new(
        &pki,
        arguments.tls,
        arguments.reject_with,
        Answers {
            default: arguments.answer,
            retry_after: arguments.retry_after,
        },
        arguments.keep_alive,
        arguments.quiet,
    )?;

    let exports = exports(&pki, port)?;
    print_settings(&exports, arguments.dir.is_none(), &dir).map_err(|error| error.to_string())?;
    if let Some(file) = &arguments.env_file {
        write_atomically(file, &exports)?;
    }
    server.serve(&listener)
}

/// The settings as shell exports. The URL has the name that the certificate is for.
fn exports(pki: &Pki, port: u16) -> Result<String, String> {
    let mut text = String::new();
    let url = format!("https://localhost:{port}{}", answers::PATH);
    let _ = writeln!(text, "export DCS_URL='{url}'");
    for (name, path) in [
        ("DCS_CA_BUNDLE", pki.ca_bundle_path()),
        ("DCS_CERTIFICATE", pki.client_path()),
        ("DCS_PRIVATE_KEY", pki.client_key_path()),
    ] {
        let path = path.to_str().ok_or("the folder's name is not UTF-8")?;
        // A quote within single quotes is written '\''.
        let _ = writeln!(text, "export {name}='{}'", path.replace('\'', r"'\''"));
    }
    Ok(text)
}

fn print_settings(exports: &str, is_temporary: bool, dir: &Path) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "The sandbox is listening. The settings to use:\n\n{exports}"
    )?;
    writeln!(
        out,
        "To see the errors, use wrong-client.pem with wrong-client.key, expired-client.pem with client.key,\n\
         or wrong-ca-bundle.pem, from {}.",
        dir.display()
    )?;
    if is_temporary {
        writeln!(
            out,
            "The folder stays until you remove it; --dir chooses one that is used again."
        )?;
    }
    writeln!(out, "Ctrl-C stops the sandbox.")?;
    out.flush()
}

/// A script may wait for the file: it appears whole.
fn write_atomically(path: &Path, text: &str) -> Result<(), String> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, path))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
