//! Compares the pages on errors and checks with the tables in the source (`make reference` writes them), and the page
//! on configuration with the options.

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

/// Compares a committed page with the generated one, or writes it if `DCS_WRITE_REFERENCE` is set.
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

/// What a reader who meets the code for the first time wants to know beyond its meaning.
fn details(code: Code) -> &'static str {
    match code {
        Code::Ok => {
            "A response that says the DCS is not available is `DCS_OK` too: look at `available` and `message`."
        }
        Code::InvalidArgument => {
            "A mistake in the program or in a setting. Nothing was read or sent. The message names the argument, the \
             option or the environment variable. In Python, also a call on a closed client."
        }
        Code::File => {
            "When a client is created, reloaded or diagnosed. The message has the path and the system's reason. Only \
             regular files of at most 4 MiB are read; symbolic links are followed. Compare the file's owner and mode with \
             the user that the process runs as, not with your own."
        }
        Code::CaBundle => {
            "When a client is created or reloaded. The bundle is empty, in an unknown format, or contains only the \
             certificate of a server or a client. Expired CA certificates do not cause this error."
        }
        Code::Certificate => {
            "When a client is created or reloaded. The file is empty, in an unknown format, or not a certificate at all, \
             such as the certificate request that you sent to the DCS team. An expired certificate does not cause this \
             error: the client is created, and the server rejects the certificate (`DCS_ERR_CLIENT_CERT_REJECTED`)."
        }
        Code::PrivateKey => {
            "When a client is created or reloaded, or a key is converted. The file contains no key or more than one, the \
             key is of a type that TLS clients cannot use, or a certificate is configured without a key."
        }
        Code::Password => {
            "When a client is created or reloaded, or a key is converted. The same password opens a PKCS#12 file."
        }
        Code::KeyMismatch => {
            "When a client is created or reloaded. Usually last year's key is configured with this year's certificate: \
             each renewal has a new key. During a rotation it occurs if one file is new and the other is still old; the \
             client then keeps using its previous pair."
        }
        Code::Resolve => {
            "During a call. A machine that reaches the internet only through a proxy may be unable to resolve outside \
             names: configure the proxy, which then resolves them."
        }
        Code::Connect => {
            "During a call. The message names each address that was tried, and the result."
        }
        Code::Proxy => {
            "During a call through a proxy. The message has the proxy's own response, such as HTTP 407 if it requires \
             credentials."
        }
        Code::Timeout => {
            "During a call. The phases are lookup, connection, proxy, TLS handshake, request and response."
        }
        Code::ConnectionLost => {
            "During a call. A kept connection that the server has already closed does not cause this error: if not a byte \
             of the response came, the library repeats the call once."
        }
        Code::Interrupted => {
            "During a call that this process ended itself: `dcs_client_interrupt`, a cancellation, or in Java `close()`."
        }
        Code::ServerUntrusted => {
            "During a call. The bundle is old or belongs to the other environment, or a proxy inspects TLS and presents a \
             certificate of its own. A diagnosis tells these apart."
        }
        Code::ServerCertificate => {
            "During a call. A machine's clock that is a year off has the same effect as an expired certificate."
        }
        Code::ServerName => {
            "During a call. Usually the URL has an IP address or an alias instead of the service's host name."
        }
        Code::ClientCertRequired => {
            "During a call. Either no certificate is configured, or the server named the CAs that it accepts and none of \
             them issued the certificate, so that none was sent."
        }
        Code::ClientCertRejected => {
            "During a call. nginx responds with the same page to eight different faults. The hint has what the library can \
             find out from the files: expired, not yet valid, of another CA, an intermediate missing, for another purpose. \
             If it finds nothing, the certificate is revoked or not yet enabled; ask the DCS team."
        }
        Code::Tls => {
            "During a call. The port does not speak TLS, a firewall responds in place of the server, or the server \
             supports TLS 1.1 at most."
        }
        Code::BadRequest => {
            "During a call. nginx's pages about client certificates are HTTP 400 as well; they have the codes 303 and 304."
        }
        Code::QuotaExceeded => {
            "During a call. The quota headers of the response say how many checks were bought and how many are left."
        }
        Code::NotFound => "During a call.",
        Code::RateLimited => {
            "During a call. The error has `Retry-After` as a number. With the option `honour_retry_after` a client sends \
             nothing until that time has passed."
        }
        Code::Http => {
            "During a call. The error has the status. A redirect is one of these: none is followed."
        }
        Code::Response => {
            "During a call. The response is incomplete, an error page with status 200, or larger than 1 MiB."
        }
        Code::Unavailable => {
            "During a call. All clients of the DCS share the limit (50 requests in 10 s when the documentation was \
             written), so a call can exceed it through no fault of its own."
        }
        Code::Internal => {
            "A panic in the library, which was caught at its boundary. The client remains usable, and the host process \
             continues."
        }
        other => panic!("add details about {other:?}"),
    }
}

/// Whether a retry may help, with the exceptions of a code.
fn retryable(code: Code) -> &'static str {
    match code {
        Code::Http => "no; yes for HTTP 408, 425, and 500 or above",
        Code::Proxy => "yes; no if the proxy rejected the connection with a status below 500",
        code if code.retryable() => "yes",
        _ => "no",
    }
}

/// Returns the bindings' exceptions for a code's group.
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
        100..200 => "Configuration",
        200..300 => "Network",
        300..400 => "TLS",
        400..600 => "The service's response",
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
         (what to do). The number is the same in every language, never changes its meaning, and is safe to use in \
         alerts. Messages and hints are for people: their wording may change.\n\n\
         \"Retry\" says whether retrying the same call later may succeed; an error has it as `retryable`. In Rust a \
         code is `dcs::Code`, in C++ it is the constant of C.\n\n\
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
            details(code)
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
            writeln!(
                text,
                "| check | [`{name}`](checks.md#{anchor}), or a more specific one |"
            )
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
        "The checks of a [diagnosis](../diagnosis.md), in the order of its report. An error names the check that \
         explains it (`dcs_error_check`, `.check`). Names are added but never changed, so monitoring may rely on them. \
         Titles and advice are for people, and a finding's advice is usually more specific than the general advice \
         here.\n\n\
         The severity of a failed check: **error**, calls fail; **warning**, calls succeed, or may succeed, for now, \
         and action is needed; **note**, no action is needed.\n",
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
            "\n### {}\n\n| | |\n|---|---|\n| passes if | {} |\n| severity | {severity} |\n| what to do | {} |\n",
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

/// Returns the heading that starts at this check.
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
fn errors_page_is_up_to_date() {
    assert_page("errors.md", &errors());
}

#[test]
fn checks_page_is_up_to_date() {
    assert_page("checks.md", &checks());
    let weighs = |severity: Severity| Check::ALL.iter().any(|c| c.severity() == severity);
    assert!(weighs(Severity::Note) && weighs(Severity::Warning) && weighs(Severity::Error));
}
