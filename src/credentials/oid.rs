//! Names for the object identifiers that reports show and decisions need.

pub(crate) use x509_cert::der::asn1::ObjectIdentifier as Oid;

/// RFC 8017, appendix C.
pub(crate) const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
/// RFC 5480, section 2.1.1.
pub(crate) const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
/// RFC 8410, section 3.
pub(crate) const ED25519: &str = "1.3.101.112";
/// The two purposes that decide on client authentication (RFC 5280, section 4.2.1.12).
pub(crate) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
pub(crate) const ANY_PURPOSE: &str = "2.5.29.37.0";

/// A signature algorithm's name as OpenSSL writes it, or its number.
pub(crate) fn signature_name(oid: &str) -> &str {
    match oid {
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        RSASSA_PSS => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        ED25519 => "Ed25519",
        "1.3.101.113" => "Ed448",
        other => other,
    }
}

/// RFC 8017, appendix A.2.3.
pub(crate) const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";

/// How far a signature algorithm, or a hash, can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    Strong,
    /// MD5, SHA-1 and older, which OpenSSL rejects at its usual security level.
    Weak,
    Unknown,
}

/// Returns the strength of a signature algorithm other than PSS, which has its hash in its parameters.
pub(crate) fn signature_strength(oid: &str) -> Strength {
    match oid {
        // RSA with SHA-224, 256, 384 and 512.
        "1.2.840.113549.1.1.14" | "1.2.840.113549.1.1.11" | "1.2.840.113549.1.1.12"
        | "1.2.840.113549.1.1.13"
        // ECDSA with the same.
        | "1.2.840.10045.4.3.1" | "1.2.840.10045.4.3.2" | "1.2.840.10045.4.3.3"
        | "1.2.840.10045.4.3.4"
        // DSA with SHA-256.
        | "2.16.840.1.101.3.4.3.2" | ED25519 => Strength::Strong,
        // RSA with MD2, MD4, MD5 and SHA-1, the last under two numbers; ECDSA and DSA with SHA-1.
        "1.2.840.113549.1.1.2" | "1.2.840.113549.1.1.3" | "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" | "1.2.840.10045.4.1" | "1.2.840.10040.4.3" => {
            Strength::Weak
        }
        _ => Strength::Unknown,
    }
}

/// Returns the strength of a hash.
pub(crate) fn hash_strength(oid: &str) -> Strength {
    match oid {
        // SHA-224, 256, 384 and 512.
        "2.16.840.1.101.3.4.2.4"
        | "2.16.840.1.101.3.4.2.1"
        | "2.16.840.1.101.3.4.2.2"
        | "2.16.840.1.101.3.4.2.3" => Strength::Strong,
        // MD5 and SHA-1.
        "1.2.840.113549.2.5" | "1.3.14.3.2.26" => Strength::Weak,
        _ => Strength::Unknown,
    }
}

/// A purpose's name (RFC 5280, section 4.2.1.12), or its number.
pub(crate) fn purpose_name(oid: &str) -> &str {
    match oid {
        "1.3.6.1.5.5.7.3.1" => "serverAuth",
        CLIENT_AUTH => "clientAuth",
        "1.3.6.1.5.5.7.3.3" => "codeSigning",
        "1.3.6.1.5.5.7.3.4" => "emailProtection",
        "1.3.6.1.5.5.7.3.8" => "timeStamping",
        "1.3.6.1.5.5.7.3.9" => "OCSPSigning",
        ANY_PURPOSE => "anyExtendedKeyUsage",
        other => other,
    }
}

/// A key's kind and size, such as `RSA 2048`, `ECDSA P-256` or `Ed25519`.
pub(crate) fn key_name(algorithm: &str, curve: Option<&str>, rsa_bits: Option<usize>) -> String {
    match (algorithm, rsa_bits) {
        (RSA_ENCRYPTION, Some(bits)) => format!("RSA {bits}"),
        (RSA_ENCRYPTION, None) => "RSA".into(),
        (EC_PUBLIC_KEY, _) => match curve {
            Some(curve) => format!("ECDSA {}", curve_name(curve)),
            None => "ECDSA".into(),
        },
        (ED25519, _) => "Ed25519".into(),
        ("1.3.101.113", _) => "Ed448".into(),
        (RSASSA_PSS, _) => "RSA-PSS".into(),
        ("1.2.840.10040.4.1", _) => "DSA".into(),
        (other, _) => other.into(),
    }
}

/// A curve's name (FIPS 186), or its number.
fn curve_name(oid: &str) -> &str {
    match oid {
        "1.2.840.10045.3.1.7" => "P-256",
        "1.3.132.0.34" => "P-384",
        "1.3.132.0.35" => "P-521",
        "1.3.132.0.10" => "secp256k1",
        other => other,
    }
}
