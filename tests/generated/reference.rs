//! The pages on errors and checks are what the tables in the source say, and the page on configuration names every
//! option. `make reference` writes the first two anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use dcs::{Check, Code, Severity};

const NOTICE: &str =
    "<!-- Generated from the tables in the source by `make reference`; do not edit. -->\n";

fn page(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("docs/reference")
        .join(name)
}

/// Compares a committed page with what the source says.
fn assert_page(name: &str, generated: &str) {
    if std::env::var_os("DCS_WRITE_REFERENCE").is_some() {
        std::fs::create_dir_all(page("")).unwrap();
        std::fs::write(page(name), generated).unwrap();
    }
    let committed = std::fs::read_to_string(page(name)).unwrap_or_default();
    assert!(
        committed == generated,
        "docs/reference/{name} differs from the source: run `make reference` and commit the result"
    );
}

/// What a reader who has met the code for the first time wants to know beyond its one sentence.
fn more(code: Code) -> &'static str {
    match code {
        Code::Ok => {
            "An answer that says the DCS is not available is `DCS_OK` too: look at `available` and `message`."
        }
        Code::InvalidArgument => {
            "A mistake in the program or in a setting. Nothing was read or sent. The message names the argument, the \
             option or the environment variable. Also the code of a call on a client that is closed, in Python."
        }
        Code::File => {
            "When a client is made, reloaded or diagnosed. The message has the path and the system's reason. Only \
             regular files of at most 4 MiB are read; symbolic links are followed. Compare the user that the process \
             runs as, not your own, with the file's owner and mode."
        }
        Code::CaBundle => {
            "When a client is made or reloaded. The bundle is empty, in no known form, or holds a server's or a \
             client's certificate only. Expired CA certificates in it are not a reason."
        }
        Code::Certificate => {
            "When a client is made or reloaded: empty, in no known form, or not a certificate at all, such as the \
             certificate request that was sent to the DCS team. That a certificate has expired is not this code: the \
             client is made, and the server turns it down (`DCS_ERR_CLIENT_CERT_REJECTED`)."
        }
        Code::PrivateKey => {
            "When a client is made or reloaded, or a key is converted: no key in the file, more than one, a kind that \
             TLS clients cannot use, or a certificate without its key."
        }
        Code::Password => {
            "When a client is made or reloaded, or a key is converted. A PKCS#12 store is opened with the same password."
        }
        Code::KeyMismatch => {
            "When a client is made or reloaded. Mostly last year's key beside this year's certificate: each renewal \
             has a new key. During a rotation it comes where one file is renewed and the other is not yet; the client \
             then goes on with the pair that it had."
        }
        Code::Resolve => {
            "During a call. On a machine that reaches the internet by a proxy only, names outside may not be known at \
             all: configure the proxy, which then does the look-up."
        }
        Code::Connect => {
            "During a call. The message names each address that was tried, and what became of it."
        }
        Code::Proxy => {
            "During a call, where a proxy is configured. The message has the proxy's own answer, such as HTTP 407 \
             where it wants credentials."
        }
        Code::Timeout => {
            "During a call. The message says what was waited for: look-up, connection, proxy, TLS handshake, request \
             or answer."
        }
        Code::ConnectionLost => {
            "During a call. A kept connection that turns out to be dead before a byte of the answer came is not \
             reported: the call is made again by itself, once."
        }
        Code::Interrupted => {
            "During a call that this process ended itself: `dcs_client_interrupt`, a cancellation, or in Java `close()`."
        }
        Code::ServerUntrusted => {
            "During a call. The bundle is of the other environment, is an old one, or something on the way inspects \
             TLS and shows a certificate of its own; a diagnosis tells these apart."
        }
        Code::ServerCertificate => {
            "During a call. A machine's clock that is wrong by a year has the same effect as an expired certificate."
        }
        Code::ServerName => {
            "During a call. Mostly an IP address or an alias in the URL in place of the service's host name."
        }
        Code::ClientCertRequired => {
            "During a call. Either no certificate is configured, or the server named the CAs that it accepts and the \
             certificate is by none of them, so that none was sent."
        }
        Code::ClientCertRejected => {
            "During a call. nginx gives eight different faults the same page. The hint has what the library can see \
             from the files: expired, not yet valid, of another CA, an intermediate missing, for another purpose. \
             Where it sees nothing, the certificate is revoked or not yet enabled, and only the DCS team can tell."
        }
        Code::Tls => {
            "During a call. A port that speaks no TLS, a firewall that answers in the server's place, or a server \
             that offers TLS 1.1 at most."
        }
        Code::BadRequest => {
            "During a call. nginx's pages about client certificates are HTTP 400 as well, and have the codes 303 and 304."
        }
        Code::QuotaExceeded => {
            "During a call. The answer's quota headers say how many checks were bought and are left."
        }
        Code::NotFound => "During a call.",
        Code::RateLimited => {
            "During a call. `Retry-After` is in the error as a number. With the option `honour_retry_after` a client \
             sends nothing while it is told to wait."
        }
        Code::Http => {
            "During a call. The status itself is in the error. A redirect is among these: none is followed."
        }
        Code::Response => {
            "During a call. An answer that was cut short, an error page with the status 200, or more than 1 MiB."
        }
        Code::Unavailable => {
            "During a call. The limit (50 requests in 10 s at the time of the documentation) is shared by all of the \
             DCS's clients, so a call may meet it that has done nothing wrong."
        }
        Code::Internal => {
            "A panic in the library, which was stopped at its boundary. The client stays usable, and the host goes on."
        }
        other => panic!("say more about {other:?}"),
    }
}

/// Where an error of this code can be the other way.
fn retryable(code: Code) -> &'static str {
    match code {
        Code::Http => "no; yes for HTTP 408, 425, and from 500",
        Code::Proxy => "yes; no where the proxy refused with a status below 500",
        code if code.retryable() => "yes",
        _ => "no",
    }
}

/// The bindings' exceptions, by a code's group.
fn exceptions(code: Code) -> (&'static str, &'static str) {
    match code.number() {
        100..200 => ("ConfigError", "DcsConfigException"),
        200..300 => ("NetworkError", "DcsNetworkException"),
        300..400 => ("TlsError", "DcsTlsException"),
        400..600 => ("ServiceError", "DcsServiceException"),
        _ => ("DcsError", "DcsException"),
    }
}

fn group(code: Code) -> &'static str {
    match code.number() {
        0 => "Success",
        100..200 => "What you configured",
        200..300 => "The network",
        300..400 => "TLS",
        400..600 => "The service's answer",
        _ => "The library itself",
    }
}

fn anchor(name: &str) -> String {
    name.to_lowercase()
}

fn errors() -> String {
    let mut text = format!("{NOTICE}\n# Errors\n\n");
    text.push_str(
        "Every failure has one of these codes, a message (what happened, to which file, host or field) and a hint \
         (what to do). The number is the same in every language, is never given a second meaning, and is safe to put \
         into alerts. Messages and hints are for people: their wording may change.\n\n\
         \"Retry\" says whether the same call may succeed later without anybody changing anything; the error itself \
         has it as `retryable`. In Rust a code is `dcs::Code`, in C++ the constant of C.\n\n\
         | number | name | retry | when |\n|--:|---|---|---|\n",
    );
    for code in Code::ALL {
        writeln!(
            text,
            "| {} | [`{}`](#{}) | {} | {} |",
            code.number(),
            code.name(),
            anchor(code.name()),
            if code.retryable() { "yes" } else { "no" },
            code.meaning().trim(),
        )
        .unwrap();
    }
    let mut last = "";
    for code in Code::ALL.iter().copied() {
        if group(code) != last {
            last = group(code);
            write!(text, "\n## {last}\n").unwrap();
        }
        let meaning = code.meaning().trim();
        write!(
            text,
            "\n### {}\n\n{meaning} {}\n\n",
            code.name(),
            more(code)
        )
        .unwrap();
        text.push_str("| | |\n|---|---|\n");
        writeln!(text, "| number | {} |", code.number()).unwrap();
        if code == Code::Ok {
            continue;
        }
        writeln!(text, "| what to do | {} |", code.hint()).unwrap();
        writeln!(text, "| retry | {} |", retryable(code)).unwrap();
        if let Some(check) = code.check() {
            let (name, anchor) = (check.name(), anchor(check.name()));
            writeln!(text, "| check | [`{name}`](checks.md#{anchor}), or the one that says more exactly what is wrong |")
                .unwrap();
        }
        let short = code.name().strip_prefix("DCS_ERR_").unwrap();
        let (python, java) = exceptions(code);
        writeln!(
            text,
            "| Python | `libdcs.Code.{short}`, raised as `libdcs.{python}` |"
        )
        .unwrap();
        writeln!(text, "| Java | `DcsCode.{short}`, thrown as `{java}` |").unwrap();
    }
    text
}

fn checks() -> String {
    let mut text = format!("{NOTICE}\n# Checks\n\n");
    text.push_str(
        "What a [diagnosis](../troubleshooting.md) looks at, in this order. An error names the check that explains \
         it (`dcs_error_check`, `.check`). Names are only ever added, so monitoring may rely on them; titles and advice \
         are for people, and a finding's own advice is mostly more exact than the general one here.\n\n\
         How much a check weighs where it does not pass: **error**, calls fail; **warning**, they succeed for now or may \
         succeed, and something should be done; **note**, nothing has to be done.\n",
    );
    let mut last = "";
    for check in Check::ALL.iter().copied() {
        if let Some(heading) = heading(check)
            && heading != last
        {
            last = heading;
            write!(text, "\n## {heading}\n").unwrap();
        }
        let severity = check.severity().name();
        write!(
            text,
            "\n### {}\n\n| | |\n|---|---|\n| what must be so | {} |\n| otherwise | {severity} |\n| what to do | {} |\n",
            check.name(),
            check.title(),
            check.advice(),
        )
        .unwrap();
        let codes: Vec<String> = Code::ALL
            .iter()
            .filter(|code| code.check() == Some(check))
            .map(|code| format!("[`{}`](errors.md#{})", code.name(), anchor(code.name())))
            .collect();
        if !codes.is_empty() {
            writeln!(text, "| error | {} |", codes.join(", ")).unwrap();
        }
    }
    text
}

/// The heading that begins at a check.
fn heading(first: Check) -> Option<&'static str> {
    Some(match first {
        Check::FileConfigured => "Each of the three files",
        Check::KeyPresent => "The private key",
        Check::CertificateNotExpired => "The client certificate",
        Check::ChainComplete => "The chain",
        Check::BundleHasCa => "The CA bundle",
        Check::Proxy => "The network",
        Check::Handshake => "The server",
        Check::Clock => "The service",
        _ => return None,
    })
}

#[test]
fn the_page_on_errors_is_what_the_table_says() {
    assert_page("errors.md", &errors());
}

#[test]
fn the_page_on_checks_is_what_the_table_says() {
    assert_page("checks.md", &checks());
    let weighs = |severity: Severity| Check::ALL.iter().any(|c| c.severity() == severity);
    assert!(weighs(Severity::Note) && weighs(Severity::Warning) && weighs(Severity::Error));
}
