//! The definition of the command line. Help, completions and man page are generated from it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::sandbox;

/// The exit codes, for the help and the man page.
pub const EXIT_STATUS: &str = "\
\x20 0  success: the DCS is available; diagnose found no error and no warning
  1  the call failed, diagnose found an error, or a file could not be used
  2  the command line or a setting is invalid
  3  diagnose found a warning, but no error
  4  status: the DCS answered that it is not available";

/// The exit codes of the commands that only read files.
const FILE_EXIT_STATUS: &str = "\
\x20 0  success
  1  a file could not be used; the others were
  2  the command line or a setting is invalid";

/// The environment variables, for the help and the man page.
pub const ENVIRONMENT: &str = "\
\x20 DCS_URL                   URL of the endpoint                  (--url)
  DCS_CA_BUNDLE             CA bundle: path, PEM or base64       (--cacert)
  DCS_CERTIFICATE           certificate: path, PEM or base64     (--cert)
  DCS_PRIVATE_KEY           private key: path, PEM or base64     (--key)
  DCS_PRIVATE_KEY_PASSWORD  password of an encrypted file        (--pass-file)
  DCS_PROXY                 http://[user:password@]host:port     (--proxy)
  DCS_CONNECT_TIMEOUT_MS    limit in milliseconds                (--connect-timeout)
  DCS_TIMEOUT_MS            limit in milliseconds                (--max-time)
  NO_COLOR                  any value switches colours off       (--color)";

/// Examples, for the help and the man page.
pub const EXAMPLES: &str = "\
\x20 dcs diagnose --cacert ca-bundle.pem --cert client.pem --key client.key
  dcs status --json
  dcs inspect client.pem client.key ca-bundle.pem
  dcs convert-key --key client.key --out client.der
  dcs thumbprint client.pem";

/// Calls the UK Document Checking Service (DCS) for its status, and diagnoses failed calls
///
/// Settings come from the command line, then from the environment variables of the library.
#[derive(Parser)]
#[command(name = "dcs", version, verbatim_doc_comment)]
#[command(after_help = format!("{}\n\n{}", ending(&[("Examples", EXAMPLES)]), call_ending()))]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Make the status call and print the answer
    #[command(after_help = call_ending())]
    Status(StatusArguments),
    /// Check files, network, TLS and service, and report what is wrong and how to fix it
    #[command(after_help = call_ending())]
    Diagnose(DiagnoseArguments),
    /// Print the contents of certificate and key files, in any format
    #[command(after_help = ending(&[("Exit status", FILE_EXIT_STATUS)]))]
    Inspect(InspectArguments),
    /// Convert a private key to unencrypted PKCS#8 in DER
    #[command(after_help = ending(&[("Exit status", FILE_EXIT_STATUS)]))]
    ConvertKey(ConvertKeyArguments),
    /// Print a certificate's thumbprint: the SHA-256 of its DER, in base64url
    #[command(after_help = ending(&[("Exit status", FILE_EXIT_STATUS)]))]
    Thumbprint(ThumbprintArguments),
    /// Run a test server that answers as the DCS does
    ///
    /// It creates a CA, a server certificate and a client certificate, prints the settings to
    /// use, and answers GET /checks/passport until Ctrl-C. It is for tests only: its private keys
    /// are not encrypted.
    #[command(verbatim_doc_comment, after_help = sandbox::EXAMPLES)]
    Sandbox(sandbox::Arguments),
    /// Print the completions for a shell
    Completions {
        /// The shell, such as bash
        shell: Shell,
    },
    /// Print the man page
    Man,
}

#[derive(Args)]
pub struct StatusArguments {
    #[command(flatten)]
    pub connection: ConnectionArguments,

    /// Print the answer or the error as JSON
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub colour: ColourArguments,
}

#[derive(Args)]
pub struct DiagnoseArguments {
    #[command(flatten)]
    pub connection: ConnectionArguments,

    /// Print only the report, as JSON
    #[arg(long)]
    pub json: bool,

    /// Also write the report to this file, as a web page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Leave out paths and the names in certificates
    #[arg(long)]
    pub redact: bool,

    #[command(flatten)]
    pub colour: ColourArguments,
}

#[derive(Args)]
pub struct InspectArguments {
    /// PEM, DER, base64 of DER, PKCS#7 or PKCS#12
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    #[command(flatten)]
    pub password: PasswordArguments,

    /// Print the contents as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct ConvertKeyArguments {
    /// Private key [default: DCS_PRIVATE_KEY]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    #[command(flatten)]
    pub password: PasswordArguments,

    /// Write to this file (mode 0600) instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Overwrite an existing file
    #[arg(long, requires = "out")]
    pub force: bool,
}

#[derive(Args)]
pub struct ThumbprintArguments {
    /// Certificate files [default: DCS_CERTIFICATE]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Same as FILE, with the name of the other commands
    #[arg(short = 'E', long, value_name = "FILE", conflicts_with = "files")]
    pub cert: Option<PathBuf>,

    #[command(flatten)]
    pub password: PasswordArguments,

    /// Print thumbprint and subject of every certificate, not
    /// only of the first that is not a CA's
    #[arg(verbatim_doc_comment, long)]
    pub all: bool,
}

/// How to reach the service, and with which files. A flag that curl has too has curl's name.
#[derive(Args)]
pub struct ConnectionArguments {
    /// URL of the endpoint, https only [default: the DCS's integration endpoint]
    #[arg(value_name = "URL", conflicts_with = "url_flag")]
    pub url: Option<String>,

    /// Same as URL
    #[arg(id = "url_flag", long = "url", value_name = "URL")]
    pub url_flag: Option<String>,

    /// CA certificates that the server's certificate must lead to
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,

    /// Client certificate, with or without its intermediates
    #[arg(short = 'E', long, value_name = "FILE")]
    pub cert: Option<PathBuf>,

    /// Private key [default: the key in the certificate's file]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    #[command(flatten)]
    pub password: PasswordArguments,

    /// HTTP proxy to tunnel through; prefer DCS_PROXY for one
    /// with a password
    #[arg(verbatim_doc_comment, short = 'x', long, value_name = "URL")]
    pub proxy: Option<String>,

    /// Limit for DNS lookup, TCP and TLS together, such as 2.5
    /// [default: 10]
    #[arg(verbatim_doc_comment, long, value_name = "SECONDS", value_parser = milliseconds)]
    pub connect_timeout: Option<u32>,

    /// Limit for the whole call [default: 30]
    #[arg(short = 'm', long, value_name = "SECONDS", value_parser = milliseconds)]
    pub max_time: Option<u32>,

    /// Log each step of the call to standard error
    #[arg(short, long)]
    pub verbose: bool,
}

/// The password of an encrypted private key or PKCS#12 file.
#[derive(Args)]
pub struct PasswordArguments {
    /// Password of an encrypted file. Every user of the machine
    /// can see it in the list of processes: prefer --pass-file
    /// or DCS_PRIVATE_KEY_PASSWORD
    #[arg(
        verbatim_doc_comment,
        long = "pass",
        value_name = "PASSWORD",
        conflicts_with = "file"
    )]
    pub text: Option<String>,

    /// File whose first line is the password; - is standard
    /// input
    #[arg(
        verbatim_doc_comment,
        id = "file",
        long = "pass-file",
        value_name = "FILE"
    )]
    pub file: Option<PathBuf>,
}

#[derive(Args)]
pub struct ColourArguments {
    /// auto (on a terminal, unless NO_COLOR is set), always or
    /// never
    #[arg(
        verbatim_doc_comment,
        id = "color",
        long = "color",
        value_enum,
        value_name = "WHEN"
    )]
    #[arg(default_value_t = ColourChoice::Auto, hide_default_value = true, hide_possible_values = true)]
    pub when: ColourChoice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColourChoice {
    Auto,
    Always,
    Never,
}

/// Returns the end of a command's help.
fn ending(parts: &[(&str, &str)]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|(title, text)| format!("{title}:\n{text}"))
        .collect();
    parts.join("\n\n")
}

/// Returns the end of the help of a command that makes a call.
fn call_ending() -> String {
    ending(&[
        ("Exit status", EXIT_STATUS),
        ("Environment, if the flag is not given", ENVIRONMENT),
    ])
}

/// Parses seconds, with an optional fraction, as milliseconds.
fn milliseconds(text: &str) -> Result<u32, String> {
    let milliseconds = text
        .parse::<f64>()
        .ok()
        .filter(|seconds| seconds.is_finite())
        .map(|seconds| (seconds * 1000.0).round())
        .filter(|milliseconds| (1.0..=f64::from(u32::MAX)).contains(milliseconds));
    match milliseconds {
        // In range, as checked above.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(milliseconds) => Ok(milliseconds as u32),
        None => Err(format!(
            "expected a number of seconds from 0.001 to {}",
            u32::MAX / 1000
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_valid() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_has_the_librarys_defaults_and_variables() {
        let help = Arguments::command()
            .find_subcommand_mut("status")
            .unwrap()
            .render_long_help()
            .to_string();
        let option = |name: &str| {
            let mut options = dcs::ConfigOption::ALL.iter();
            options.find(|option| option.name() == name).unwrap()
        };
        for (name, flag) in [
            ("connect_timeout_ms", "--connect-timeout <SECONDS>"),
            ("timeout_ms", "--max-time <SECONDS>"),
        ] {
            let after = help.split_once(flag).unwrap().1;
            let default = after.split_once("[default: ").unwrap().1;
            let default = default.split_once(']').unwrap().0;
            assert_eq!(format!("{default}000"), option(name).default_text());
        }
        for line in ENVIRONMENT.lines().filter(|line| line.contains("DCS_")) {
            let variable = line.split_whitespace().next().unwrap();
            let name = variable.strip_prefix("DCS_").unwrap().to_lowercase();
            assert_eq!(option(&name).variable(), variable);
        }
    }

    #[test]
    fn parses_seconds() {
        assert_eq!(milliseconds("2.5"), Ok(2500));
        assert_eq!(milliseconds("0.001"), Ok(1));
        for text in ["0", "-1", "0.0001", "1e300", "NaN", "inf", "soon", "", "5s"] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
    }
}
