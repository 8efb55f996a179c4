//! The one table of checks: name, severity, what must hold, and general advice.
//!
//! Names are appended, never changed and never reused: monitoring and tickets refer to them.

use std::ffi::CStr;

use super::c_text;

/// How serious it is if a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// For information; no action is needed.
    Note,
    /// Calls succeed, or may succeed, for now; action is needed.
    Warning,
    /// Calls fail.
    Error,
}

impl Severity {
    /// Returns the word in a report: `note`, `warning` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// What a finding or step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The CA bundle.
    CaBundle,
    /// The client certificate and its chain.
    Certificate,
    /// The private key.
    PrivateKey,
    /// The network connection and the server itself.
    Connection,
    /// The service's response.
    Service,
}

impl Subject {
    /// Returns the word in a JSON report, such as `ca_bundle`.
    pub fn name(self) -> &'static str {
        match self {
            Subject::CaBundle => "ca_bundle",
            Subject::Certificate => "certificate",
            Subject::PrivateKey => "private_key",
            Subject::Connection => "connection",
            Subject::Service => "service",
        }
    }

    /// Returns the term for a reader, such as `CA bundle`.
    pub fn title(self) -> &'static str {
        match self {
            Subject::CaBundle => "CA bundle",
            Subject::Certificate => "client certificate",
            Subject::PrivateKey => "private key",
            Subject::Connection => "connection",
            Subject::Service => "service",
        }
    }
}

macro_rules! checks {
    ($($variant:ident $name:literal $severity:ident $title:literal $advice:literal)+) => {
        /// A check that a [diagnosis](crate::diagnose()) performs.
        ///
        /// [`Error::check`](crate::Error::check) names the one that explains a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Check {
            $(#[doc = $title] $variant,)+
        }

        impl Check {
            /// Every check, in the order in which a report lists them.
            pub const ALL: &'static [Check] = &[$(Check::$variant),+];

            /// Returns the name, such as `DCS_CHECK_CERT_NOT_EXPIRED`.
            pub fn name(self) -> &'static str {
                match self { $(Check::$variant => $name),+ }
            }

            /// Returns what must hold for the check to pass, as a sentence.
            pub fn title(self) -> &'static str {
                match self { $(Check::$variant => $title),+ }
            }

            /// Returns how serious it is if the check fails.
            pub fn severity(self) -> Severity {
                match self { $(Check::$variant => Severity::$severity),+ }
            }

            /// Returns general advice. A finding usually has more specific advice.
            pub fn advice(self) -> &'static str {
                match self { $(Check::$variant => $advice),+ }
            }

            /// Returns [`Check::name`] for C.
            pub(crate) fn c_name(self) -> &'static CStr {
                match self { $(Check::$variant => const { c_text(concat!($name, "\0")) }),+ }
            }

            /// Returns [`Check::advice`] for C.
            pub(crate) fn c_advice(self) -> &'static CStr {
                match self { $(Check::$variant => const { c_text(concat!($advice, "\0")) }),+ }
            }
        }
    };
}

checks! {
    // Each of the three files.
    FileConfigured "DCS_CHECK_FILE_CONFIGURED" Error
    "The file is configured."
    "Set the path or the content of the file named in the message."

    FileReadable "DCS_CHECK_FILE_READABLE" Error
    "The file can be read."
    "Check that the path is correct, and that the user who runs this process may read the file."

    FileNotEmpty "DCS_CHECK_FILE_NOT_EMPTY" Error
    "The file is not empty."
    "Copy the file again from its source."

    FileFormat "DCS_CHECK_FILE_FORMAT" Error
    "The file is complete and in a supported format."
    "Use PEM, DER, base64 of DER, PKCS#7 or PKCS#12."

    FileIntact "DCS_CHECK_FILE_INTACT" Note
    "The file is undamaged: line ends, quoting and encoding are correct."
    "Copy the file again as plain text: this library can read it as it is, but other programs may not."

    FileRole "DCS_CHECK_FILE_ROLE" Error
    "The file contains what its option asks for."
    "Check which file is which: two of them may be swapped."

    FilePermissions "DCS_CHECK_FILE_PERMISSIONS" Warning
    "Only the owner and the group may read the private key file."
    "Remove the permissions of all other users: `chmod o-rwx KEY`."

    // The private key.
    KeyPresent "DCS_CHECK_KEY_PRESENT" Error
    "The private key file contains a private key."
    "Use the private key that you created the certificate request with."

    KeySingle "DCS_CHECK_KEY_SINGLE" Error
    "The private key file contains only one private key."
    "Keep only the key that belongs to the certificate."

    KeyPassword "DCS_CHECK_KEY_PASSWORD" Error
    "If the private key is encrypted, the password decrypts it."
    "Set the private key password, or decrypt the key: `openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW_KEY`."

    KeySupported "DCS_CHECK_KEY_SUPPORTED" Error
    "The private key is of a type that TLS clients can use."
    "Use RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521) or Ed25519."

    KeyLength "DCS_CHECK_KEY_LENGTH" Error
    "The private key is long enough."
    "Create a key of at least 2048 bits, and ask the DCS team for a certificate for it: `openssl genrsa -out KEY 2048`."

    KeyMatchesCertificate "DCS_CHECK_KEY_MATCHES_CERT" Error
    "The private key belongs to the certificate."
    "Use the key that the certificate was requested with: `openssl x509 -in CERT -noout -pubkey` and `openssl pkey -in KEY -pubout` must print the same."

    // The client certificate.
    CertificateNotExpired "DCS_CHECK_CERT_NOT_EXPIRED" Error
    "The client certificate has not expired."
    "Request a new certificate from the DCS team, with a new key."

    CertificateAlreadyValid "DCS_CHECK_CERT_ALREADY_VALID" Error
    "The client certificate is already valid."
    "Check this machine's clock, or use the certificate that is valid now."

    CertificateNotCa "DCS_CHECK_CERT_NOT_CA" Error
    "The client certificate is not a CA certificate."
    "Use the TLS client certificate that the DCS team issued to you."

    CertificateNotSelfSigned "DCS_CHECK_CERT_NOT_SELF_SIGNED" Error
    "The client certificate is not self-signed."
    "Use the certificate that the DCS team issued for your certificate request."

    CertificateClientAuth "DCS_CHECK_CERT_CLIENT_AUTH" Error
    "The client certificate allows TLS client authentication (extended key usage)."
    "Use the TLS certificate, not the one for signing, encryption or a server."

    CertificateKeyUsage "DCS_CHECK_CERT_KEY_USAGE" Error
    "The client certificate allows its key to sign (key usage)."
    "Use the TLS certificate, not the one for encryption."

    CertificateForTls "DCS_CHECK_CERT_FOR_TLS" Warning
    "The client certificate's name does not say that it is for JSON signing or encryption."
    "Use the certificate for TLS: the DCS issues three, whose Common Names say what each is for."

    CertificateEnvironment "DCS_CHECK_CERT_ENVIRONMENT" Warning
    "The client certificate's name does not contradict the URL's environment."
    "Use the certificate for the URL's environment (integration or production)."

    CertificateSignatureAlgorithm "DCS_CHECK_CERT_SIGNATURE_ALGORITHM" Error
    "The client certificate is signed with an algorithm that servers still accept."
    "Ask the DCS team for a certificate that is signed with SHA-256 or better."

    CertificateExpiresLater "DCS_CHECK_CERT_EXPIRES_LATER" Warning
    "The client certificate is valid for at least 30 more days."
    "Request the next certificate from the DCS team now, with a new key."

    // From the client certificate to a root.
    ChainComplete "DCS_CHECK_CHAIN_COMPLETE" Error
    "The client certificate chains to a CA, through its own file and the CA bundle."
    "Use the certificate for the URL's environment, or add the missing intermediate to the certificate file."

    ChainSigned "DCS_CHECK_CHAIN_SIGNED" Error
    "Each certificate in the chain is signed with the key of the next one."
    "Use the intermediates that the certificate was issued with: another CA has the same name."

    ChainNotExpired "DCS_CHECK_CHAIN_NOT_EXPIRED" Error
    "No certificate between the client certificate and the root has expired."
    "Get the current CA certificates from the DCS team, and put them into the CA bundle."

    ChainOrder "DCS_CHECK_CHAIN_ORDER" Note
    "The certificate file starts with the leaf, and each issuer follows the certificate that it issued."
    "Put the leaf first, then the intermediates: this library corrects the order, but other programs may not."

    // The CA bundle.
    BundleHasCa "DCS_CHECK_BUNDLE_HAS_CA" Error
    "The CA bundle contains a CA certificate."
    "Use the CA bundle that the DCS team published, not your own certificate."

    BundleReadable "DCS_CHECK_BUNDLE_READABLE" Warning
    "Every certificate of the CA bundle can be read."
    "Get the bundle again from its publisher, or remove the certificate: one that cannot be read is not trusted."

    BundleHasRoot "DCS_CHECK_BUNDLE_HAS_ROOT" Warning
    "The CA bundle contains a root certificate."
    "Add the root CA's certificate to the bundle: other programs need it."

    BundleNotExpired "DCS_CHECK_BUNDLE_NOT_EXPIRED" Note
    "No certificate in the CA bundle has expired."
    "Get the current bundle when convenient: an expired certificate does no harm unless a chain needs it."

    BundleNoPrivateKey "DCS_CHECK_BUNDLE_NO_PRIVATE_KEY" Warning
    "The CA bundle contains no private key."
    "Remove the key from the bundle. If the bundle was ever shared, treat the key as compromised and request a new certificate."

    // The network.
    Proxy "DCS_CHECK_PROXY" Error
    "The proxy opens a tunnel to the DCS."
    "Check the proxy's address and credentials, and that it allows CONNECT to the DCS's host and port."

    Resolve "DCS_CHECK_RESOLVE" Error
    "The host name can be resolved."
    "Check the host name in the URL and this machine's DNS; the DCS may be reachable from allowed networks only."

    Connect "DCS_CHECK_CONNECT" Error
    "A TCP connection can be opened."
    "Check the host and port in the URL, and that no firewall blocks them."

    Handshake "DCS_CHECK_HANDSHAKE" Error
    "The TLS handshake succeeds."
    "Check that the host and port in the URL are those of a TLS 1.2 or TLS 1.3 server."

    ServerNotIntercepted "DCS_CHECK_SERVER_NOT_INTERCEPTED" Error
    "No proxy or firewall inspects TLS: the server presents its own certificate."
    "Exempt the DCS's host from TLS inspection, at the proxy or firewall."

    ServerTrusted "DCS_CHECK_SERVER_TRUSTED" Error
    "The server's certificate chains to a CA in the CA bundle."
    "Use the CA bundle for the URL's environment (integration or production); if a proxy inspects TLS, exempt the DCS's host from inspection."

    ServerValid "DCS_CHECK_SERVER_VALID" Error
    "The server's certificate is valid now, and for a server."
    "Check this machine's clock; if it is right, report the certificate to the DCS team."

    ServerName "DCS_CHECK_SERVER_NAME" Error
    "The server's certificate is for the URL's host."
    "Use the host name in the URL that the certificate is for."

    ClientCertificateAsked "DCS_CHECK_CLIENT_CERT_ASKED" Warning
    "The server requests a client certificate."
    "Check that the host and port in the URL are the DCS's, and that no proxy terminates TLS: the DCS requests a certificate from every client."

    ClientCertificateIssuer "DCS_CHECK_CLIENT_CERT_ISSUER" Error
    "The client certificate was issued by a CA that the server accepts."
    "Use the certificate for the URL's environment (integration or production)."

    ClientCertificateSent "DCS_CHECK_CLIENT_CERT_SENT" Error
    "The client certificate was sent."
    "Configure the TLS client certificate and its private key: the options certificate and private_key, `DCS_CERTIFICATE` and `DCS_PRIVATE_KEY` in the environment, or `--cert` and `--key` of the command."

    ClientCertificateAccepted "DCS_CHECK_CLIENT_CERT_ACCEPTED" Error
    "The server accepts the client certificate."
    "Use the TLS client certificate that the DCS team issued for the URL's environment; if you do, ask them whether it is enabled and not revoked."

    Clock "DCS_CHECK_CLOCK" Warning
    "This machine's clock agrees with the server's."
    "Set this machine's clock, preferably by NTP: whether a certificate is valid depends on it."

    Answer "DCS_CHECK_ANSWER" Error
    "The service responds to the status call with HTTP 200."
    "Read the message: it says what the service responded instead."

    StatusBody "DCS_CHECK_STATUS_BODY" Error
    "The response is the documented JSON."
    "Check that the URL is the DCS's status endpoint and not another page."

    Available "DCS_CHECK_AVAILABLE" Warning
    "The DCS reports that it is available."
    "Wait until the DCS is available again: nothing is wrong with your configuration."
}

impl Check {
    /// Returns whether no client can be created if the check fails: it is about a file that cannot be used at all.
    pub(crate) fn prevents_client(self) -> bool {
        matches!(
            self,
            Check::FileConfigured
                | Check::FileReadable
                | Check::FileNotEmpty
                | Check::FileFormat
                | Check::FileRole
                | Check::KeyPresent
                | Check::KeySingle
                | Check::KeyPassword
                | Check::KeySupported
                | Check::KeyLength
                | Check::KeyMatchesCertificate
                | Check::BundleHasCa
        )
    }

    /// Returns whether the check needs a connection to the service.
    pub(crate) fn needs_network(self) -> bool {
        matches!(
            self,
            Check::Proxy
                | Check::Resolve
                | Check::Connect
                | Check::Handshake
                | Check::ServerNotIntercepted
                | Check::ServerTrusted
                | Check::ServerValid
                | Check::ServerName
                | Check::ClientCertificateAsked
                | Check::ClientCertificateIssuer
                | Check::ClientCertificateSent
                | Check::ClientCertificateAccepted
                | Check::Answer
                | Check::StatusBody
                | Check::Available
        )
    }

    /// Returns the check with this name.
    pub fn from_name(name: &str) -> Option<Check> {
        Check::ALL
            .iter()
            .copied()
            .find(|check| check.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_texts_are_sentences() {
        let names: HashSet<_> = Check::ALL.iter().map(|check| check.name()).collect();
        assert_eq!(names.len(), Check::ALL.len());
        for check in Check::ALL {
            assert_eq!(Check::from_name(check.name()), Some(*check));
            assert!(check.name().starts_with("DCS_CHECK_"));
            assert!(check.title().ends_with('.'), "{}", check.title());
            assert!(!check.advice().is_empty());
        }
    }
}
