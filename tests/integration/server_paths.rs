//! The path of a server's certificate, on some 300 combinations of certificates: the verdict is that of
//! `openssl verify -partial_chain -purpose sslserver` at curl's security level, but for the differences listed here.

use std::process::Command;
use std::sync::{Arc, Mutex};

use dcs::{Check, Code, Config};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::common::loopback::{End, listen, respond};
use crate::common::{TempFolder, WATCHDOG_MS, call, diagnose};

/// The certificates of a path, from the root down.
const LEVELS: [&str; 4] = ["root", "upper", "lower", "leaf"];
const LEAF: usize = 3;
/// The name of the topology in which the path is the server's certificate alone.
const OWN: &str = "the server's own";

/// Which of them the bundle holds, and which the server sends before its own.
struct Topology {
    name: &'static str,
    bundle: &'static [usize],
    sent: &'static [usize],
}

const TOPOLOGIES: [Topology; 7] = [
    Topology {
        name: "root",
        bundle: &[0],
        sent: &[2, 1],
    },
    Topology {
        name: "root, out of order",
        bundle: &[0],
        sent: &[1, 2],
    },
    Topology {
        name: "root and CAs",
        bundle: &[0, 1, 2],
        sent: &[],
    },
    Topology {
        name: "lower CA",
        bundle: &[2],
        sent: &[],
    },
    Topology {
        name: "upper CA",
        bundle: &[1],
        sent: &[2, 1],
    },
    Topology {
        name: OWN,
        bundle: &[LEAF],
        sent: &[2, 1],
    },
    Topology {
        name: "incomplete",
        bundle: &[0],
        sent: &[2],
    },
];

type Change = fn(&mut CertificateParams);

/// What is odd about one certificate of the path.
const CHANGES: [(&str, Change); 25] = [
    ("nothing", |_| {}),
    ("expired", |c| c.not_after = date_time_ymd(2001, 1, 1)),
    ("not valid yet", |c| {
        c.not_before = date_time_ymd(3999, 1, 1)
    }),
    ("no basic constraints", |c| c.is_ca = IsCa::NoCa),
    ("CA:FALSE", |c| c.is_ca = IsCa::ExplicitNoCa),
    ("CA:TRUE", |c| {
        c.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)
    }),
    ("a key usage for basic constraints", |c| {
        c.is_ca = IsCa::NoCa;
        c.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    }),
    ("path length 0", |c| {
        c.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))
    }),
    ("path length 1", |c| {
        c.is_ca = IsCa::Ca(BasicConstraints::Constrained(1))
    }),
    ("key usage: certificates", |c| {
        c.key_usages = vec![KeyUsagePurpose::KeyCertSign]
    }),
    ("key usage: signatures", |c| {
        c.key_usages = vec![KeyUsagePurpose::DigitalSignature]
    }),
    ("key usage: CRLs", |c| {
        c.key_usages = vec![KeyUsagePurpose::CrlSign]
    }),
    ("for servers", |c| {
        c.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
    }),
    ("for clients", |c| {
        c.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]
    }),
    ("for any purpose", |c| {
        c.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]
    }),
    ("other names permitted", |c| {
        permit(c, GeneralSubtree::DnsName("example.org".into()))
    }),
    ("its name permitted", |c| {
        permit(c, GeneralSubtree::DnsName("localhost".into()))
    }),
    ("its name excluded", |c| {
        c.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![],
            excluded_subtrees: vec![GeneralSubtree::DnsName("localhost".into())],
        });
    }),
    ("its organisation permitted", |c| {
        permit(c, GeneralSubtree::DirectoryName(organisation("Example")))
    }),
    ("other organisations permitted", |c| {
        permit(c, GeneralSubtree::DirectoryName(organisation("Other")))
    }),
    ("a critical policy", |c| {
        extend(
            c,
            &[2, 5, 29, 32],
            true,
            &[0x30, 0x08, 0x30, 0x06, 0x06, 0x04, 0x55, 0x1d, 0x20, 0x00],
        )
    }),
    ("an unknown critical extension", |c| {
        extend(c, &[1, 2, 3, 4, 5], true, &[0x05, 0x00])
    }),
    ("an unknown extension", |c| {
        extend(c, &[1, 2, 3, 4, 5], false, &[0x05, 0x00])
    }),
    ("an unreadable key usage", |c| {
        extend(c, &[2, 5, 29, 15], true, &[0x04, 0x01, 0x06])
    }),
    ("an unreadable issuer's key identifier", |c| {
        extend(c, &[2, 5, 29, 35], false, &[0x30, 0x03, 0x80])
    }),
];

/// Where the library differs, by the beginning of the change's name and the topology. SECURITY.md gives the reasons.
const DIFFERENCES: [(&str, &str, Verdict); 4] = [
    // OpenSSL also checks what the server sends above a certificate that is trusted already.
    ("key usage: signatures", OWN, Verdict::Accepted),
    ("key usage: CRLs", OWN, Verdict::Accepted),
    // OpenSSL takes a certificate for a CA that only its key usage makes one.
    (
        "a key usage for basic constraints",
        "any",
        Verdict::Rejected,
    ),
    // OpenSSL accepts a trusted certificate with an extension that it cannot read.
    ("an unreadable", OWN, Verdict::Rejected),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Rejected,
}

fn permit(params: &mut CertificateParams, subtree: GeneralSubtree) {
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![subtree],
        excluded_subtrees: vec![],
    });
}

fn extend(params: &mut CertificateParams, oid: &[u64], critical: bool, content: &[u8]) {
    let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
    extension.set_criticality(critical);
    params.custom_extensions.push(extension);
}

fn organisation(name: &str) -> DistinguishedName {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::OrganizationName, name);
    distinguished_name
}

struct Certificate {
    der: CertificateDer<'static>,
    pem: String,
}

/// Makes the certificates of a path, one of them changed.
fn path(keys: &[KeyPair], changed: usize, change: Change) -> Vec<Certificate> {
    let mut issuer: Option<CertifiedIssuer<'_, &KeyPair>> = None;
    let mut certificates = Vec::new();
    for (level, name) in LEVELS.iter().enumerate() {
        let hosts = if level == LEAF {
            vec!["localhost".into()]
        } else {
            vec![]
        };
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name = organisation("Example");
        params.distinguished_name.push(DnType::CommonName, *name);
        if level != LEAF {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        if level == changed {
            change(&mut params);
        }
        let key = &keys[level];
        let certified = match &issuer {
            None => CertifiedIssuer::self_signed(params, key),
            Some(issuer) => CertifiedIssuer::signed_by(params, key, issuer),
        }
        .unwrap();
        certificates.push(Certificate {
            der: certified.der().clone(),
            pem: certified.pem(),
        });
        issuer = Some(certified);
    }
    certificates
}

/// Presents whatever chain the test sets.
#[derive(Debug, Default)]
struct Presented(Mutex<Option<Arc<CertifiedKey>>>);

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.lock().unwrap().clone()
    }
}

fn serve(presented: &Arc<Presented>) -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(presented.clone());
    let tls = Arc::new(tls);
    listen(move |stream| {
        let connection = ServerConnection::new(tls.clone()).unwrap();
        respond(StreamOwned::new(connection, stream), &|_| {
            let body = r#"{"available":true,"scheduledOutages":[]}"#;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            (format!("{head}{body}").into_bytes(), End::CloseNotify)
        });
    })
}

fn of_library(port: u16, bundle: &str) -> Verdict {
    let mut config = Config::new();
    config
        .set_url(&format!("https://localhost:{port}/"))
        .unwrap();
    config.set_timeout_ms(WATCHDOG_MS).unwrap();
    config.set_ca_bundle(bundle.as_bytes());
    match call(&config) {
        Ok(_) => Verdict::Accepted,
        Err(error) => {
            let code = error.code();
            assert!(
                matches!(
                    code,
                    Code::ServerUntrusted | Code::ServerCertificate | Code::CaBundle
                ),
                "{error}"
            );
            Verdict::Rejected
        }
    }
}

fn of_openssl(folder: &TempFolder, bundle: &str, sent: &str, leaf: &str) -> Verdict {
    let write = |name, content: &str| {
        std::fs::write(folder.path(name), content).unwrap();
        folder.path(name)
    };
    let mut openssl = Command::new("openssl");
    openssl
        .args([
            "verify",
            "-partial_chain",
            "-purpose",
            "sslserver",
            "-auth_level",
            "2",
        ])
        .args([
            "-verify_hostname",
            "localhost",
            "-no-CApath",
            "-no-CAstore",
            "-CAfile",
        ])
        .arg(write("bundle.pem", bundle));
    if !sent.is_empty() {
        openssl.arg("-untrusted").arg(write("sent.pem", sent));
    }
    let output = openssl.arg(write("leaf.pem", leaf)).output().unwrap();
    if output.status.success() {
        Verdict::Accepted
    } else {
        Verdict::Rejected
    }
}

#[test]
fn verdict_is_that_of_openssl() {
    let folder = TempFolder::new("server-paths");
    let keys: Vec<KeyPair> = LEVELS
        .iter()
        .map(|_| KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
        .collect();
    let presented = Arc::new(Presented::default());
    let port = serve(&presented);
    let (mut count, mut accepted, mut wrong) = (0, 0, Vec::new());
    let mut seen = [false; DIFFERENCES.len()];
    for (changed, level) in LEVELS.iter().enumerate() {
        for (name, change) in CHANGES {
            let path = path(&keys, changed, change);
            for topology in &TOPOLOGIES {
                // The path without a fault is the same whichever certificate is not changed.
                if name == "nothing" && changed > 0 {
                    continue;
                }
                let chain = [LEAF]
                    .iter()
                    .chain(topology.sent)
                    .map(|level| path[*level].der.clone())
                    .collect();
                let pem = |levels: &[usize]| {
                    levels
                        .iter()
                        .map(|level| path[*level].pem.as_str())
                        .collect::<String>()
                };
                let key = PrivateKeyDer::try_from(keys[LEAF].serialize_der()).unwrap();
                let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
                *presented.0.lock().unwrap() = Some(Arc::new(CertifiedKey::new(chain, key)));
                let bundle = pem(topology.bundle);
                let openssl = of_openssl(&folder, &bundle, &pem(topology.sent), &pem(&[LEAF]));
                let ours = of_library(port, &bundle);
                let listed = DIFFERENCES.iter().position(|(prefix, other, verdict)| {
                    name.starts_with(prefix)
                        && (*other == "any" || *other == topology.name)
                        && *verdict == ours
                });
                match listed {
                    _ if ours == openssl => {}
                    Some(index) => seen[index] = true,
                    None => wrong.push(format!(
                        "{name} in {}, bundle with {}: {ours:?}, openssl {openssl:?}",
                        level, topology.name
                    )),
                }
                count += 1;
                accepted += usize::from(ours == Verdict::Accepted);
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(seen, [true; DIFFERENCES.len()]);
    // The combinations still differ.
    assert!(
        count > 300 && accepted > 100 && count - accepted > 100,
        "{count} {accepted}"
    );
}

#[test]
fn certificate_that_cannot_be_read_is_not_trusted() {
    let keys: Vec<KeyPair> = LEVELS
        .iter()
        .map(|_| KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
        .collect();
    let unreadable = CHANGES
        .iter()
        .filter(|(name, _)| name.starts_with("an unreadable"));
    for (name, change) in unreadable {
        let odd = path(&keys, 0, *change).swap_remove(0);
        let fine = path(&keys, LEVELS.len(), |_| {}).swap_remove(0);
        let bundle = |certificates: &[&Certificate]| {
            let mut config = Config::new();
            let pem: String = certificates.iter().map(|c| c.pem.as_str()).collect();
            config.set_ca_bundle(pem.as_bytes());
            config
        };
        let report = diagnose(&bundle(&[&fine, &odd]));
        let finding = report
            .findings()
            .iter()
            .find(|f| f.check() == Check::BundleReadable)
            .expect(name);
        assert!(
            finding.message().contains("number 2"),
            "{name}: {}",
            finding.message()
        );
        // Alone it is no bundle.
        assert_eq!(
            call(&bundle(&[&odd])).unwrap_err().code(),
            Code::CaBundle,
            "{name}"
        );
    }
}
