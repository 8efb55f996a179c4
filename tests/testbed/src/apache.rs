//! Apache httpd: a front end that rejects client certificates with a TLS alert.

use std::path::Path;

use crate::error::Error;
use crate::nginx::STATUS;
use crate::pki::ServerFiles;
use crate::server::{Address, Spec, free_ports};
use crate::store::write_private;
use crate::tools::Tools;

/// A virtual host: its name in testbed.json, its only TLS version, and whether it requests the client certificate only after
/// the handshake, when it knows the URL.
struct Listener {
    name: &'static str,
    version: &'static str,
    requests_late: bool,
}

const LISTENERS: [Listener; 3] = [
    Listener {
        name: "apache_tls12",
        version: "TLSv1.2",
        requests_late: false,
    },
    Listener {
        name: "apache_tls13",
        version: "TLSv1.3",
        requests_late: false,
    },
    Listener {
        name: "apache_late_tls12",
        version: "TLSv1.2",
        requests_late: true,
    },
];

/// Writes Apache's configuration into `dir`.
pub(crate) fn configure<'a>(
    tools: &'a Tools,
    dir: &Path,
    pki: &ServerFiles,
) -> Result<Spec<'a>, Error> {
    let ports: [u16; LISTENERS.len()] = free_ports()?;
    let conf = dir.join("httpd.conf");
    write_private(&conf, configuration(tools, dir, pki, ports))?;
    Ok(Spec {
        name: "Apache httpd",
        program: &tools.apache,
        arguments: vec![
            "-d".to_owned(),
            dir.display().to_string(),
            "-f".to_owned(),
            conf.display().to_string(),
            "-DFOREGROUND".to_owned(),
        ],
        pid_file: "httpd.pid",
        access_log: "access.log",
        error_log: "error.log",
        listeners: LISTENERS
            .iter()
            .zip(ports)
            .map(|(listener, port)| Address::https((listener.name, port)))
            .collect(),
    })
}

fn configuration(
    tools: &Tools,
    dir: &Path,
    pki: &ServerFiles,
    ports: [u16; LISTENERS.len()],
) -> String {
    let modules = tools.apache_modules.display();
    // Apache refuses to serve as root. The response is part of the configuration, and Apache opens all files as root, so
    // www-data needs no access to the testbed's directory.
    let user = if rustix::process::geteuid().is_root() {
        "User www-data\nGroup www-data\n"
    } else {
        ""
    };
    let mut text = format!(
        r#"ServerRoot "{dir}"
ServerName localhost
DefaultRuntimeDir "{dir}"
PidFile "{dir}/httpd.pid"
{user}LoadModule mpm_event_module "{modules}/mod_mpm_event.so"
LoadModule authz_core_module "{modules}/mod_authz_core.so"
LoadModule alias_module "{modules}/mod_alias.so"
LoadModule headers_module "{modules}/mod_headers.so"
LoadModule ssl_module "{modules}/mod_ssl.so"
# One process with a few threads starts and stops fast.
StartServers 1
ServerLimit 1
ThreadLimit 32
ThreadsPerChild 32
MinSpareThreads 1
MaxSpareThreads 32
MaxRequestWorkers 32
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
ErrorLog "{dir}/error.log"
LogLevel info
LogFormat "{{\"listener\":\"%v\",\"connection\":\"%{{c}}L\",\"method\":\"%m\",\"uri\":\"%U%q\",\"status\":%>s,\"protocol\":\"%{{SSL_PROTOCOL}}x\",\"cipher\":\"%{{SSL_CIPHER}}x\",\"session_reused\":\"%{{SSL_SESSION_RESUMED}}x\",\"client_verify\":\"%{{SSL_CLIENT_VERIFY}}x\",\"client_subject\":\"%{{SSL_CLIENT_S_DN}}x\",\"user_agent\":\"%{{User-Agent}}i\"}}" testbed
CustomLog "{dir}/access.log" testbed
"#,
        dir = dir.display(),
    );
    let body = STATUS.replace('"', "\\\"");
    for (listener, port) in LISTENERS.iter().zip(ports) {
        // Apache responds to a Redirect before it requests a client certificate late, so that host has none.
        let (for_all, for_location) = if listener.requests_late {
            ("none", "SSLVerifyClient require".to_owned())
        } else {
            let response = format!(
                r#"Redirect 200
        ErrorDocument 200 "{body}"
        Header always set Content-Type application/json"#
            );
            ("require", response)
        };
        text.push_str(&format!(
            r#"Listen 127.0.0.1:{port} https
<VirtualHost 127.0.0.1:{port}>
    ServerName {name}
    SSLEngine on
    SSLProtocol -all +{version}
    SSLCertificateFile "{certificate}"
    SSLCertificateKeyFile "{key}"
    SSLCACertificateFile "{client_cas}"
    SSLCARevocationFile "{crls}"
    SSLCARevocationCheck chain
    SSLVerifyClient {for_all}
    # Counts the root too, unlike nginx.
    SSLVerifyDepth 2
    <Location "/checks/passport">
        {for_location}
    </Location>
</VirtualHost>
"#,
            name = listener.name,
            version = listener.version,
            certificate = pki.certificate.display(),
            key = pki.key.display(),
            client_cas = pki.client_cas.display(),
            crls = pki.crls.display(),
        ));
    }
    text
}
