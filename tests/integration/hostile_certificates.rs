//! Certificates that a server makes up to cost its client time: whatever it sends before it is trusted, the call ends with
//! its error and takes little processor time.

use std::time::Duration;

use dcs::Code;
use dcs_testbed::Testbed;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DistinguishedName, DnType,
    GeneralSubtree, IsCa, Issuer, KeyPair, NameConstraints, PublicKeyData, SanType,
    SignatureAlgorithm, SigningKey,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::common::https::{sessions, tls};
use crate::common::{call, https};
use crate::memory::processor_time;

/// What rustls accepts of a server's certificates, less something for their frame.
const MAX_FLIGHT: usize = 0xffff - 2048;

/// What a handshake may cost, whatever the server sends. This one is built without optimisation.
const MAX_PROCESSOR_TIME: Duration = Duration::from_millis(200);

type Certificates = Vec<CertificateDer<'static>>;

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn leaf(issuer: &Issuer<'_, impl SigningKey>, key: &KeyPair) -> CertificateDer<'static> {
    let params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.signed_by(key, issuer).unwrap().der().clone()
}

/// Appends certificates while they fit.
fn fill(mut next: impl FnMut(usize) -> CertificateDer<'static>) -> Certificates {
    let mut flight = Vec::new();
    let mut size = 0;
    loop {
        let certificate = next(flight.len());
        size += certificate.len() + 8;
        if size > MAX_FLIGHT {
            return flight;
        }
        flight.push(certificate);
    }
}

/// CAs of one name with a few keys, each signed by each: a search that goes back finds millions of paths.
fn maze(key: &KeyPair) -> Certificates {
    let keys: Vec<KeyPair> = (0..4).map(|_| KeyPair::generate().unwrap()).collect();
    let issuers: Vec<_> = keys.iter().map(|key| Issuer::new(ca("CA"), key)).collect();
    let cas: Certificates = fill(|index| {
        let (subject, issuer) = (&keys[index % 4], &issuers[index / 4 % 4]);
        ca("CA").signed_by(subject, issuer).unwrap().der().clone()
    });
    let cas = cas[..cas.len() - 2].iter().cloned();
    std::iter::once(leaf(&issuers[0], key)).chain(cas).collect()
}

/// A path that is as long as fits.
fn long_path(key: &KeyPair) -> Certificates {
    let keys: Vec<KeyPair> = (0..400).map(|_| KeyPair::generate().unwrap()).collect();
    let issuer = |index: usize| Issuer::new(ca(&format!("CA {index}")), &keys[index]);
    let cas = fill(|index| {
        let params = ca(&format!("CA {index}"));
        params
            .signed_by(&keys[index], &issuer(index + 1))
            .unwrap()
            .der()
            .clone()
    });
    let cas = cas[..cas.len() - 2].iter().cloned();
    std::iter::once(leaf(&issuer(0), key)).chain(cas).collect()
}

/// Names in the one and constraints in the other: each name is compared with each constraint.
fn names_and_constraints(key: &KeyPair) -> Certificates {
    let mut params = ca("CA");
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: (0..1000)
            .map(|_| GeneralSubtree::IpAddress(CidrSubnet::V4([10, 0, 0, 0], [255, 0, 0, 0])))
            .collect(),
        excluded_subtrees: vec![],
    });
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    params
        .subject_alt_names
        .extend((0..4000).map(|_| SanType::IpAddress([10, 0, 0, 1].into())));
    vec![
        params.signed_by(key, &issuer).unwrap().der().clone(),
        issuer.der().clone(),
    ]
}

/// Claims to be an RSA key of 16,384 bits with the largest exponent that aws-lc takes, and signs with zeros.
struct LargeKey(Vec<u8>);

impl LargeKey {
    fn new() -> Self {
        let mut modulus = vec![0xff; 2048];
        modulus.insert(0, 0);
        let integer = |bytes: &[u8]| {
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            [&[0x02, 0x82], &length[..], bytes].concat()
        };
        let exponent = [0x02, 0x05, 0x01, 0xff, 0xff, 0xff, 0xff];
        let content = [integer(&modulus), exponent.to_vec()].concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        LargeKey([&[0x30, 0x82], &length[..], &content].concat())
    }
}

impl PublicKeyData for LargeKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for LargeKey {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(vec![0; 2048])
    }
}

/// CAs with keys that take long to verify with, the last by a CA of the bundle's name.
fn large_keys(key: &KeyPair, top: &str) -> Certificates {
    let large = LargeKey::new();
    let issuer = |name: &str| Issuer::new(ca(name), LargeKey::new());
    let mut flight = vec![leaf(&issuer("CA 0"), key)];
    for index in 0..10 {
        let above = if index == 9 {
            top.to_owned()
        } else {
            format!("CA {}", index + 1)
        };
        let params = ca(&format!("CA {index}"));
        flight.push(
            params
                .signed_by(&large, &issuer(&above))
                .unwrap()
                .der()
                .clone(),
        );
    }
    flight
}

#[test]
fn strangers_certificates_cost_little() {
    let testbed = Testbed::from_env();
    let key = KeyPair::generate().unwrap();
    for (name, flight) in [
        ("CAs of one name", maze(&key)),
        ("a long path", long_path(&key)),
        ("names and constraints", names_and_constraints(&key)),
        ("large keys", large_keys(&key, "the root")),
    ] {
        let size: usize = flight.iter().map(|certificate| certificate.len()).sum();
        let private_key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let (config, _) = sessions(
            &testbed,
            tls((flight, private_key), rustls::ALL_VERSIONS),
            |mut session| {
                https::read_head(&mut session);
            },
        );
        let before = processor_time();
        let error = call(&config).expect_err(name);
        let taken = processor_time() - before;
        assert_eq!(error.code(), Code::ServerUntrusted, "{name}: {error}");
        assert!(
            taken < MAX_PROCESSOR_TIME,
            "{name} of {size} bytes: {taken:?}"
        );
    }
}
