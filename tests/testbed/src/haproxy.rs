//! HAProxy: another front end that rejects client certificates with a TLS alert, and the servers with a wrong clock.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::nginx::STATUS;
use crate::pki::ServerFiles;
use crate::server::{Address, OUTPUT, Spec, free_ports};
use crate::store::write_private;
use crate::tools::Tools;

/// A front end of HAProxy.
struct Listener {
    name: &'static str,
    /// Further options of its `bind` line.
    options: &'static str,
    /// How far its `Date` is off, in seconds.
    clock: i32,
}

const TLS12: &str = "ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.2";
const TWO_HOURS: i32 = 2 * 60 * 60;

const LISTENERS: [Listener; 5] = [
    Listener {
        name: "haproxy_tls12",
        options: TLS12,
        clock: 0,
    },
    Listener {
        name: "haproxy_tls13",
        options: "ssl-min-ver TLSv1.3",
        clock: 0,
    },
    // Requests a certificate without naming the CAs that it accepts.
    Listener {
        name: "haproxy_no_ca_names",
        options: "ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.2 no-ca-names",
        clock: 0,
    },
    Listener {
        name: "skewed_clock_past",
        options: TLS12,
        clock: -TWO_HOURS,
    },
    Listener {
        name: "skewed_clock_future",
        options: TLS12,
        clock: TWO_HOURS,
    },
];

/// Writes HAProxy's files into `dir`.
pub(crate) fn configure<'a>(
    tools: &'a Tools,
    dir: &Path,
    pki: &ServerFiles,
) -> Result<Spec<'a>, Error> {
    // HAProxy reads certificate, chain and key from one file.
    let mut identity = Vec::new();
    for file in [&pki.certificate, &pki.key] {
        identity.extend(fs::read(file).map_err(|cause| Error::file("read", file, &cause))?);
    }
    let identity_file = dir.join("identity.pem");
    write_private(&identity_file, identity)?;
    let ports: [u16; LISTENERS.len()] = free_ports()?;
    write_private(
        &dir.join("haproxy.cfg"),
        configuration(&identity_file, pki, ports),
    )?;
    Ok(Spec {
        name: "HAProxy",
        program: &tools.haproxy,
        // With a master and a worker: a single process in the foreground writes no pid file.
        arguments: ["-W", "-f", "haproxy.cfg", "-p", "haproxy.pid"]
            .map(str::to_owned)
            .to_vec(),
        pid_file: "haproxy.pid",
        // HAProxy opens no log files.
        access_log: OUTPUT,
        error_log: OUTPUT,
        listeners: LISTENERS
            .iter()
            .zip(ports)
            .map(|(listener, port)| Address::https((listener.name, port)))
            .collect(),
    })
}

fn configuration(identity: &Path, pki: &ServerFiles, ports: [u16; LISTENERS.len()]) -> String {
    let mut text = String::from(
        r#"global
    # Otherwise two HAProxys would silently share a port.
    noreuseport
    nbthread 1
    maxconn 200
    log stdout format raw local0
defaults
    mode http
    log global
    timeout client 60s
    timeout http-request 60s
    # Logs no connection without a request, such as the testbed's own.
    option dontlognull
    # Responds with "Connection: close", as the DCS does.
    option httpclose
    log-format '{"listener":"%f","connection":"%cp","method":"%[capture.req.method]","uri":"%[capture.req.uri,json(utf8s)]","status":%ST,"protocol":"%sslv","cipher":"%sslc","session_reused":"%[ssl_fc_is_resumed]","client_verify":"%[ssl_c_used,iif(SUCCESS,NONE)]","client_subject":"%[ssl_c_s_dn(,0,rfc2253),json(utf8s)]","user_agent":"%[capture.req.hdr(0),json(utf8s)]"}'
    error-log-format '{"listener":"%f","connection":"%cp","status":0,"error":"%[fc_err_str]","tls_error":"%[ssl_fc_err_str]","client_verify":"FAILED:%[ssl_c_err]","ca_verify":"%[ssl_c_ca_err]"}'
"#,
    );
    for (listener, port) in LISTENERS.iter().zip(ports) {
        text.push_str(&format!(
            r#"frontend {name}
    bind 127.0.0.1:{port} ssl crt "{identity}" ca-file "{client_cas}" crl-file "{crls}" verify required {options}
    declare capture request len 200
    http-request capture req.hdr(user-agent) id 0
    http-request return status 200 content-type application/json hdr Date "%[date({clock}),http_date]" string '{STATUS}' if {{ path /checks/passport }}
    http-request return status 404
"#,
            name = listener.name,
            identity = identity.display(),
            client_cas = pki.client_cas.display(),
            crls = pki.crls.display(),
            options = listener.options,
            clock = listener.clock,
        ));
    }
    text
}
