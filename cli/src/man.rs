//! The man page and the shell completions, generated from the definition of the command line.

use std::io;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::arguments::{Arguments, ENVIRONMENT, EXAMPLES, EXIT_STATUS};

/// The first lines of each rendered part, which define an apostrophe. The page needs them once.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// The output of `dcs status --json`, for the man page.
const JSON: &str = "\
\x20 status      available, message, scheduled_outages: a list of start, end,
              start_unix_ms, end_unix_ms, message
  limits      rate_limit, rate_limit_remaining, rate_limit_reset_ms,
              quota_limit, quota_remaining: null if the service did not send it
  connection  dns_us, tcp_us, tls_us, first_byte_us, total_us: microseconds, the
              last two from the start of the call; reused, session_resumed,
              tls_version, tls_cipher
  error       instead of the three above if the call failed: code, message, hint,
              check, http_status, tls_alert, os_code, retryable, retry_after_ms";

/// Returns the completions for a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "dcs", &mut script);
    script
}

/// Returns one page for all commands, so that only one file has to be installed.
pub fn page() -> String {
    let mut definition = Arguments::command().disable_help_subcommand(true);
    definition.build();
    let man = Man::new(definition.clone()).manual("Document Checking Service");
    let mut page = String::from(APOSTROPHE);
    page += &rendered(|out| {
        man.render_title(out)?;
        man.render_name_section(out)?;
        man.render_synopsis_section(out)?;
        man.render_description_section(out)
    });
    page += ".SH COMMANDS\n";
    for command in definition.get_subcommands() {
        page += &command_section(command);
    }
    for (title, text) in [
        ("JSON OF DCS STATUS", JSON),
        ("EXIT STATUS", EXIT_STATUS),
        ("ENVIRONMENT", ENVIRONMENT),
        ("EXAMPLES", EXAMPLES),
    ] {
        page += &format!(".SH \"{title}\"\n.nf\n{}\n.fi\n", escaped(text));
    }
    page
}

/// Returns the usage, purpose and options of a command.
fn command_section(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let about = command.get_about().map(ToString::to_string);
    let options = rendered(|out| Man::new(command.clone()).render_options_section(out));
    // The heading would end the section of the command.
    let options = options.replace(".SH OPTIONS\n", "");
    format!(
        ".SS \"{}\"\n{}.\n{options}",
        escaped(usage),
        escaped(&about.unwrap_or_default())
    )
}

/// Returns a rendered part without its first lines.
fn rendered(render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = render(&mut bytes);
    String::from_utf8_lossy(&bytes).replace(APOSTROPHE, "")
}

/// Escapes text, so that the formatter reads no command in it.
fn escaped(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let line = line.replace('\\', "\\(rs").replace('-', "\\-");
            if line.starts_with(['.', '\'']) {
                format!("\\&{line}")
            } else {
                line
            }
        })
        .collect();
    lines.join("\n")
}
