//! Apache httpd: a front end that rejects client certificates with a TLS alert.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::nginx::STATUS;
use crate::pki::ServerFiles;
use crate::server::{Failure, Server, Spec, free_ports};
use crate::store::{make_dir, write_private};
use crate::tools::Tools;

/// A virtual host: its name in testbed.json, its one TLS version, and whether it asks for the client
/// certificate in the handshake or only once it has seen the URL.
struct Listener {
    name: &'static str,
    version: &'static str,
    asks_late: bool,
}

const LISTENERS: [Listener; 3] = [
    Listener {
        name: "apache_tls12",
        version: "TLSv1.2",
        asks_late: false,
    },
    Listener {
        name: "apache_tls13",
        version: "TLSv1.3",
        asks_late: false,
    },
    Listener {
        name: "apache_late_tls12",
        version: "TLSv1.2",
        asks_late: true,
    },
];

/// Starts Apache httpd in a new directory `dir`; adds its addresses and logs to the maps.
pub(crate) fn start(
    tools: &Tools,
    dir: &Path,
    pki: &ServerFiles,
    urls: &mut BTreeMap<String, String>,
    logs: &mut BTreeMap<String, PathBuf>,
) -> Result<Server, Failure> {
    make_dir(dir)?;
    let error_log = dir.join("error.log");
    let ports: [u16; LISTENERS.len()] = free_ports()?;
    let conf = dir.join("httpd.conf");
    write_private(&conf, configuration(tools, dir, pki, ports))?;
    let text = |path: &Path| path.display().to_string();
    let (root, conf) = (text(dir), text(&conf));
    let server = Server::start(
        tools,
        &Spec {
            name: "Apache httpd",
            program: &tools.apache,
            arguments: vec!["-d", &root, "-f", &conf, "-DFOREGROUND"],
            dir,
            pid_file: dir.join("httpd.pid"),
            error_log: error_log.clone(),
            ports: ports.to_vec(),
        },
    )?;
    for (listener, port) in LISTENERS.iter().zip(ports) {
        urls.insert(
            listener.name.to_owned(),
            format!("https://localhost:{port}"),
        );
    }
    logs.insert("apache_access".to_owned(), dir.join("access.log"));
    logs.insert("apache_error".to_owned(), error_log);
    Ok(server)
}

fn configuration(
    tools: &Tools,
    dir: &Path,
    pki: &ServerFiles,
    ports: [u16; LISTENERS.len()],
) -> String {
    let modules = tools.apache_modules.display();
    // Apache refuses to serve as root. The answer comes from the configuration and all files are opened
    // beforehand, so the user it changes to needs no access to the testbed's directory.
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
        // A Redirect is answered before the client certificate is asked for, so the late one has none.
        let (for_all, for_location) = if listener.asks_late {
            ("none", "SSLVerifyClient require".to_owned())
        } else {
            let answer = format!(
                r#"Redirect 200
        ErrorDocument 200 "{body}"
        Header always set Content-Type application/json"#
            );
            ("require", answer)
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
