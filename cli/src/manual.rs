//! The man page and the shell completions, from the command line's definition.

use std::io;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::arguments::{Arguments, ENVIRONMENT, EXAMPLES, EXIT_STATUS};

/// What each rendered part begins with: the definition of an apostrophe. The page needs it once.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// What `dcs status --json` prints, for the man page.
const JSON: &str = "\
\x20 status      available, message, scheduled_outages: a list of start, end,
              start_unix_ms, end_unix_ms, message
  limits      rate_limit, rate_limit_remaining, rate_limit_reset_ms,
              quota_limit, quota_remaining: null where the service did not say
  connection  dns_us, tcp_us, tls_us, first_byte_us, total_us: microseconds, the
              last two from the call's begin; reused, session_resumed,
              tls_version, tls_cipher
  error       in place of the three where the call failed: code, message, hint,
              check, http_status, tls_alert, os_code, retryable, retry_after_ms";

/// The completions for a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "dcs", &mut script);
    script
}

/// One page with all commands: that is what there is to install.
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
        page += &command_part(command);
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

/// A command's usage, purpose and options.
fn command_part(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let about = command.get_about().map(ToString::to_string);
    let options = rendered(|out| Man::new(command.clone()).render_options_section(out));
    // Its heading would end the section that the command is in.
    let options = options.replace(".SH OPTIONS\n", "");
    format!(
        ".SS \"{}\"\n{}.\n{options}",
        escaped(usage),
        escaped(&about.unwrap_or_default())
    )
}

/// What is rendered, without the lines that each of its parts would bring along.
fn rendered(render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    // To write to memory does not fail.
    let _ = render(&mut bytes);
    String::from_utf8_lossy(&bytes).replace(APOSTROPHE, "")
}

/// Text as it is: nothing in it is a command to the formatter.
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
