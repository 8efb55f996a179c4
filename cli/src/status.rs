//! `dcs status`: makes the call, and prints the answer as text or JSON.

use std::time::Duration;

use dcs::{Client, ConnectionInfo, Limits, Outage, Status, sanitize};
use serde_json::{Value, json};

use crate::arguments::StatusArguments;
use crate::config;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::format::{duration, micros, utc_of_millis};
use crate::output::{self, Colour, paint};
use crate::timeline::timeline;
use crate::verbose;

pub fn run(arguments: &StatusArguments) -> Result<Exit, CommandError> {
    verbose::start(arguments.connection.verbose);
    match call(arguments) {
        Ok((status, url)) => {
            if arguments.json {
                output::print_json(&json(&status))?;
            } else {
                let colour = output::colours_stdout(arguments.colour.when);
                output::print(text(&status, &url, colour))?;
            }
            Ok(if status.available() {
                Exit::Success
            } else {
                Exit::Unavailable
            })
        }
        Err(error) if arguments.json => {
            output::print_json(&error.json())?;
            Ok(error.exit())
        }
        Err(error) => {
            output::eprint(&error.text());
            if error.is_worth_a_diagnosis() {
                output::eprint("Run `dcs diagnose` with the same settings to find the cause.\n");
            }
            Ok(error.exit())
        }
    }
}

fn call(arguments: &StatusArguments) -> Result<(Status, String), CommandError> {
    let config = config::for_call(&arguments.connection)?;
    let status = Client::new(&config)?.status()?;
    Ok((status, config.url()))
}

fn text(status: &Status, url: &str, colour: bool) -> String {
    let mut text = if status.available() {
        paint("The DCS is available.", Colour::Green, colour)
    } else {
        paint("The DCS is not available.", Colour::Yellow, colour)
    };
    text.push('\n');
    let mut line = |name: &str, value: &str| {
        text += &format!("  {name:<11} {value}\n");
    };
    if let Some(message) = status.message() {
        line("message", &sanitize(message));
    }
    line("endpoint", &sanitize(url));
    for outage in status.scheduled_outages() {
        line("outage", &outage_text(outage));
    }
    if let Some(limit) = rate_limit_text(status.limits()) {
        line("rate limit", &limit);
    }
    if let Some(quota) = quota_text(status.limits()) {
        line("quota", &quota);
    }
    let connection = status.connection();
    line("connection", &connection_text(connection));
    text.push('\n');
    text += &phases(connection);
    text
}

fn outage_text(outage: &Outage) -> String {
    let start = utc_of_millis(outage.start_unix_ms);
    let end = utc_of_millis(outage.end_unix_ms);
    let times = if end.starts_with("9999-") {
        format!("from {start}, end not known")
    } else {
        format!("{start} to {end}")
    };
    match &outage.message {
        Some(message) => format!("{times}: {}", sanitize(message)),
        None => times,
    }
}

fn rate_limit_text(limits: Limits) -> Option<String> {
    let left = of(limits.rate_limit_remaining, limits.rate_limit, "requests");
    let reset = limits
        .rate_limit_reset
        .map(|reset| format!("resets in {}", duration(reset)));
    match (left, reset) {
        (Some(left), Some(reset)) => Some(format!("{left}; {reset}")),
        (left, reset) => left.or(reset),
    }
}

fn quota_text(limits: Limits) -> Option<String> {
    of(limits.quota_remaining, limits.quota_limit, "checks")
}

fn of(remaining: Option<u64>, limit: Option<u64>, what: &str) -> Option<String> {
    Some(match (remaining, limit) {
        (Some(remaining), Some(limit)) => format!("{remaining} of {limit} {what} left"),
        (Some(remaining), None) => format!("{remaining} {what} left"),
        (None, Some(limit)) => format!("{limit} {what}"),
        (None, None) => return None,
    })
}

fn connection_text(connection: ConnectionInfo) -> String {
    let mut text = format!("{}, {}", connection.tls_version, connection.tls_cipher);
    if connection.session_resumed {
        text += ", session resumed";
    }
    if connection.reused {
        text += ", connection reused";
    }
    text
}

fn phases(connection: ConnectionInfo) -> String {
    let until_connected = connection.dns + connection.tcp + connection.tls;
    let waited = connection.first_byte.saturating_sub(until_connected);
    let rest = connection.total.saturating_sub(connection.first_byte);
    let phases: [(&str, Duration); 5] = [
        ("DNS", connection.dns),
        ("TCP", connection.tcp),
        ("TLS", connection.tls),
        ("first byte", waited),
        ("last byte", rest),
    ];
    timeline(&phases, connection.total)
}

/// Returns the JSON that docs/command-line.md describes. Later versions only add fields.
fn json(status: &Status) -> Value {
    let limits = status.limits();
    let connection = status.connection();
    let outages: Vec<Value> = status
        .scheduled_outages()
        .iter()
        .map(|outage| {
            json!({
                "start": outage.start,
                "end": outage.end,
                "start_unix_ms": outage.start_unix_ms,
                "end_unix_ms": outage.end_unix_ms,
                "message": outage.message,
            })
        })
        .collect();
    json!({
        "status": {
            "available": status.available(),
            "message": status.message(),
            "scheduled_outages": outages,
        },
        "limits": {
            "rate_limit": limits.rate_limit,
            "rate_limit_remaining": limits.rate_limit_remaining,
            "rate_limit_reset_ms": limits
                .rate_limit_reset
                .map(|reset| u64::try_from(reset.as_millis()).unwrap_or(u64::MAX)),
            "quota_limit": limits.quota_limit,
            "quota_remaining": limits.quota_remaining,
        },
        "connection": {
            "dns_us": micros(connection.dns),
            "tcp_us": micros(connection.tcp),
            "tls_us": micros(connection.tls),
            "first_byte_us": micros(connection.first_byte),
            "total_us": micros(connection.total),
            "reused": connection.reused,
            "session_resumed": connection.session_resumed,
            "tls_version": connection.tls_version,
            "tls_cipher": connection.tls_cipher,
        },
    })
}
