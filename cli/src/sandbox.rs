//! `dcs sandbox`: a test server that answers as the Document Checking Service does, with certificates of its own.

mod answers;
mod client_auth;
mod http;
mod pki;
mod server;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use dcs::sanitize_path;

use answers::Answer;
use pki::Pki;
use server::Server;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::files::{self, Access, Existing};
use crate::output;

#[derive(Args)]
pub struct Arguments {
    /// Folder for the certificates, which are used again at the next start
    /// [default: a new temporary folder]
    #[arg(verbatim_doc_comment, long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Loopback address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS", value_parser = loopback)]
    host: IpAddr,

    /// Port to listen on; 0 selects a free one
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// TLS versions to offer
    #[arg(long, value_enum, value_name = "VERSION", default_value_t = Tls::V1_2)]
    tls: Tls,

    /// Keep connections alive; the service closes each one after its answer
    #[arg(long)]
    keep_alive: bool,

    /// Answer to send, unless a request has ?answer=NAME in its URL
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Answer::Available)]
    answer: Answer,

    /// Retry-After of the answers rate-limited and over-capacity
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    retry_after: u32,

    /// How to reject a missing or invalid client certificate
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Rejection::Page)]
    reject_with: Rejection,

    /// Write the settings to this file, as shell exports, once the
    /// server is listening
    #[arg(verbatim_doc_comment, long, value_name = "FILE")]
    env_file: Option<PathBuf>,

    /// Do not log requests
    #[arg(long)]
    quiet: bool,
}

pub const EXAMPLES: &str = "\
Examples:
  dcs sandbox                                   the documented behaviour of the service
  dcs sandbox --dir ~/dcs --port 8443           the same certificates and port at each start
  dcs sandbox --answer planned-outage           the service is not available
  dcs sandbox --tls 1.3 --reject-with alert     another kind of front end

To choose the answer for one request, append ?answer=NAME to DCS_URL.";

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
    /// Like nginx: the handshake succeeds, and an HTTP 400 page names the error
    Page,
    /// Like Apache httpd: with a TLS alert
    Alert,
}

/// Parses a loopback address. Others are rejected, because the private keys are not encrypted.
fn loopback(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text
        .parse()
        .map_err(|_| format!("'{text}' is not an IP address"))?;
    if address.is_loopback() {
        Ok(address)
    } else {
        Err("the sandbox listens on loopback addresses only (127.0.0.1, ::1)".into())
    }
}

pub fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let dir = match &arguments.dir {
        Some(dir) => dir.clone(),
        None => files::new_temporary_folder("dcs-sandbox-")?,
    };
    let pki = Pki::open(&dir)?;
    let address = SocketAddr::new(arguments.host, arguments.port);
    let listener = TcpListener::bind(address).map_err(|error| {
        format!("cannot listen on {address}: {error}; --port 0 selects a free port")
    })?;
    let port = listener
        .local_addr()
        .map_err(|error| error.to_string())?
        .port();
    let server = Server::new(&pki, arguments)?;

    let exports = exports(&pki, port)?;
    // A script may wait for the file, so it appears whole.
    if let Some(file) = &arguments.env_file {
        let content = exports.as_bytes();
        files::write("The file", file, content, Existing::Replace, Access::Umask)?;
    }
    output::print(settings(&exports, arguments.dir.is_none(), &dir))?;
    Err(server.serve(&listener).into())
}

/// Returns the settings as shell exports. The host in the URL is the one in the certificate.
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

/// Returns what the sandbox prints when it is listening.
fn settings(exports: &str, is_temporary: bool, dir: &Path) -> String {
    let mut text = format!(
        "The sandbox is listening. Use these settings:\n\n{exports}\n\
         To provoke errors, use expired-client.pem with client.key, wrong-client.pem with wrong-client.key,\n\
         or wrong-ca-bundle.pem, from {}.\n",
        sanitize_path(dir)
    );
    if is_temporary {
        text += "The folder is not removed. Use --dir to choose one that is used again.\n";
    }
    text + "Press Ctrl-C to stop.\n"
}
