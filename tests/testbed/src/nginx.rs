//! nginx, the front end of the DCS, with a listener for each kind of connection.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::pki::ServerFiles;
use crate::server::{Address, Spec, free_ports};
use crate::store::{make_dir, write_private};
use crate::tools::Tools;

/// The documented response to the status call: 40 bytes.
pub(crate) const STATUS: &str = r#"{"available":true,"scheduledOutages":[]}"#;

/// The paths with a large response, and its size.
const PADDED: [(&str, usize); 2] = [("long", 512 * 1024), ("large", 2 * 1024 * 1024 + 1)];

/// The paths with a body.
const BODIES: [(&str, &str, &str); 9] = [
    ("/checks/passport", "application/json", STATUS),
    (
        "/unavailable",
        "application/json",
        r#"{"available":false,"message":"Unplanned outage","scheduledOutages":[]}"#,
    ),
    (
        "/outages",
        "application/json",
        r#"{"available":true,"scheduledOutages":[{"start":"2020-01-01T12:30:00.000Z","end":"2020-01-01T14:30:00.000Z","message":"Planned maintenance"},{"start":"2020-02-03T22:00:00.000Z","end":"2020-02-04T01:15:00.000Z"}]}"#,
    ),
    (
        "/html",
        "text/html",
        "<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Sign in to continue.</p></body></html>",
    ),
    ("/not-json", "application/json", "available: true"),
    ("/wrong-types", "application/json", r#"{"available":"yes"}"#),
    (
        "/no-available",
        "application/json",
        r#"{"scheduledOutages":[]}"#,
    ),
    (
        "/bad-time",
        "application/json",
        r#"{"available":true,"scheduledOutages":[{"start":"next Tuesday","end":"2020-01-01T14:30:00.000Z","message":"Planned maintenance"}]}"#,
    ),
    (
        "/unknown-fields",
        "application/json",
        r#"{"available":true,"message":null,"version":{"major":2,"features":["a",null,1.5e3,{"deep":[[]]}]},"scheduledOutages":[{"start":"2020-01-01T12:30:00.000Z","end":"2020-01-01T14:30:00.000Z","message":"Planned maintenance","id":7,"regions":["north"]}],"region":"eu"}"#,
    ),
];

/// The paths that respond with nginx's own page for a status, and its headers.
const STATUSES: [(u16, &[(&str, &str)]); 6] = [
    (400, &[]),
    (
        403,
        &[("DCS-Quota-Limit", "1000"), ("DCS-Quota-Remaining", "0")],
    ),
    (404, &[]),
    (
        429,
        &[
            ("Retry-After", "7"),
            ("X-RateLimit-Limit", "50"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", "7"),
        ],
    ),
    (500, &[]),
    (503, &[("Retry-After", "2")]),
];

/// The headers of `/limits`.
const LIMITS: [(&str, &str); 5] = [
    ("X-RateLimit-Limit", "50"),
    ("X-RateLimit-Remaining", "49"),
    ("X-RateLimit-Reset", "10"),
    ("DCS-Quota-Limit", "1000"),
    ("DCS-Quota-Remaining", "900"),
];

/// How long an idle connection stays open.
#[derive(Clone, Copy)]
enum KeepAlive {
    /// Not at all: `Connection: close`, as the DCS responds.
    Close,
    /// For a minute and a million requests.
    Minute,
}

/// A listener's part of the configuration.
struct Listener<'a> {
    name: &'static str,
    /// The TLS versions and the certificate; `None` is plain HTTP.
    tls: Option<(&'static str, &'a Path)>,
    keep_alive: KeepAlive,
    /// A directive of this listener only.
    directive: &'static str,
}

const LISTENERS: usize = 13;

fn listeners(pki: &ServerFiles) -> [Listener<'_>; LISTENERS] {
    let tls = |name, versions, certificate, keep_alive| Listener {
        name,
        tls: Some((versions, certificate)),
        keep_alive,
        directive: "",
    };
    let good = pki.certificate.as_path();
    let faulty = |name, certificate| tls(name, "TLSv1.2 TLSv1.3", certificate, KeepAlive::Close);
    [
        tls("tls12_close", "TLSv1.2", good, KeepAlive::Close),
        tls("tls12_keepalive", "TLSv1.2", good, KeepAlive::Minute),
        tls("tls13_close", "TLSv1.3", good, KeepAlive::Close),
        tls("tls13_keepalive", "TLSv1.3", good, KeepAlive::Minute),
        // Accepts a longer chain, to prove that the others reject it for its length.
        Listener {
            directive: "ssl_verify_depth 2;",
            ..tls("tls12_depth2", "TLSv1.2", good, KeepAlive::Close)
        },
        faulty("server_expired", &pki.expired),
        faulty("server_not_yet_valid", &pki.not_yet_valid),
        faulty("server_wrong_name", &pki.wrong_name),
        faulty("server_wrong_purpose", &pki.wrong_purpose),
        faulty("server_unknown_ca", &pki.unknown_ca),
        faulty("server_intercepted", &pki.intercepted),
        // OpenSSL's default security level forbids TLS 1.1.
        Listener {
            directive: "ssl_ciphers ALL:@SECLEVEL=0;",
            ..tls("tls11_only", "TLSv1.1", good, KeepAlive::Close)
        },
        Listener {
            name: "plain_http",
            tls: None,
            keep_alive: KeepAlive::Minute,
            directive: "",
        },
    ]
}

/// Writes nginx's files into `dir`.
pub(crate) fn configure<'a>(
    tools: &'a Tools,
    dir: &Path,
    pki: &ServerFiles,
) -> Result<Spec<'a>, Error> {
    make_dir(&dir.join("tmp"))?;
    for (name, padding) in PADDED {
        write_private(
            &padded(dir, name),
            format!(
                r#"{{"available":true,"scheduledOutages":[],"padding":"{}"}}"#,
                "x".repeat(padding)
            ),
        )?;
    }
    let listeners = listeners(pki);
    let ports: [u16; LISTENERS] = free_ports()?;
    write_private(&dir.join("paths.conf"), paths(dir))?;
    write_private(
        &dir.join("nginx.conf"),
        configuration(dir, pki, listeners.iter().zip(ports)),
    )?;
    Ok(Spec {
        name: "nginx",
        program: &tools.nginx,
        // Also sets the error log: before nginx has read its configuration, it would write to that of the distribution,
        // which only root may open.
        arguments: vec![
            "-p".to_owned(),
            dir.display().to_string(),
            "-c".to_owned(),
            "nginx.conf".to_owned(),
            "-e".to_owned(),
            "error.log".to_owned(),
        ],
        pid_file: "nginx.pid",
        access_log: "access.log",
        error_log: "error.log",
        listeners: listeners
            .iter()
            .zip(ports)
            .map(|(listener, port)| Address {
                name: listener.name,
                scheme: listener.tls.map_or("http", |_| "https"),
                port,
            })
            .collect(),
    })
}

fn configuration<'a>(
    dir: &Path,
    pki: &ServerFiles,
    listeners: impl Iterator<Item = (&'a Listener<'a>, u16)>,
) -> String {
    let dir = dir.display();
    // The testbed's directory is closed to other users, so as root nginx must stay root.
    let user = if rustix::process::geteuid().is_root() {
        "user root;\n"
    } else {
        ""
    };
    let mut text = format!(
        r#"daemon off;
{user}# One worker, so that the access log has the requests in the order of their responses.
worker_processes 1;
pid "{dir}/nginx.pid";
error_log "{dir}/error.log" info;
events {{
    worker_connections 1024;
}}
http {{
    log_format testbed escape=json '{{"listener":"$server_name","connection":"$connection",'
        '"connection_requests":$connection_requests,"method":"$request_method","uri":"$request_uri",'
        '"status":$status,"protocol":"$ssl_protocol","cipher":"$ssl_cipher",'
        '"session_reused":"$ssl_session_reused","client_verify":"$ssl_client_verify",'
        '"client_subject":"$ssl_client_s_dn","user_agent":"$http_user_agent"}}';
    access_log "{dir}/access.log" testbed;
    client_body_temp_path "{dir}/tmp/body";
    proxy_temp_path "{dir}/tmp/proxy";
    fastcgi_temp_path "{dir}/tmp/fastcgi";
    uwsgi_temp_path "{dir}/tmp/uwsgi";
    scgi_temp_path "{dir}/tmp/scgi";
    server_tokens on;
    keepalive_requests 1000000;

    # Without ssl_session_cache: session tickets, and no cache in the server.
    ssl_certificate_key "{key}";
    ssl_client_certificate "{client_cas}";
    ssl_crl "{crls}";
    ssl_verify_client on;
    # One intermediate between the root and a client's certificate.
    ssl_verify_depth 1;
"#,
        key = pki.key.display(),
        client_cas = pki.client_cas.display(),
        crls = pki.crls.display(),
    );
    for (listener, port) in listeners {
        text.push_str(&server_block(listener, port, &dir.to_string()));
    }
    text.push_str("}\n");
    text
}

fn server_block(listener: &Listener<'_>, port: u16, dir: &str) -> String {
    let keep_alive = match listener.keep_alive {
        KeepAlive::Close => "0",
        KeepAlive::Minute => "60s",
    };
    let (ssl, tls) = match listener.tls {
        None => ("", String::new()),
        Some((versions, certificate)) => (
            " ssl",
            format!(
                "ssl_protocols {versions};\n        ssl_certificate \"{}\";",
                certificate.display()
            ),
        ),
    };
    format!(
        r#"    server {{
        listen 127.0.0.1:{port}{ssl};
        server_name {name};
        keepalive_timeout {keep_alive};
        {tls}
        {directive}
        include "{dir}/paths.conf";
    }}
"#,
        name = listener.name,
        directive = listener.directive,
    )
}

/// Returns the file of a padded response.
fn padded(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.json"))
}

/// Returns the responses, which are the same on every listener.
fn paths(dir: &Path) -> String {
    let headers = |headers: &[(&str, &str)]| -> String {
        headers
            .iter()
            .map(|(name, value)| format!("    add_header {name} {value} always;\n"))
            .collect()
    };
    let mut text = String::new();
    for (path, content_type, body) in BODIES {
        text.push_str(&format!(
            "location = {path} {{\n    default_type {content_type};\n    return 200 '{body}';\n}}\n"
        ));
    }
    for (status, with) in STATUSES {
        text.push_str(&format!(
            "location = /{status} {{\n{}    return {status};\n}}\n",
            headers(with)
        ));
    }
    text.push_str(&format!(
        "location = /limits {{\n    default_type application/json;\n{}    return 200 '{STATUS}';\n}}\n",
        headers(&LIMITS)
    ));
    text.push_str("location = /redirect {\n    return 302 /checks/passport$is_args$args;\n}\n");
    for (name, _) in PADDED {
        text.push_str(&format!(
            "location = /{name} {{\n    default_type application/json;\n    types {{ }}\n    alias \"{}\";\n}}\n",
            padded(dir, name).display()
        ));
    }
    text
}
