//! The one table of checks: name, what each looks at, how much a fault weighs, and general advice.
//!
//! Names are only ever appended, never changed and never reused: monitoring and tickets refer to them.

use std::ffi::CStr;

use super::c_text;

/// How much it weighs when a check does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Note,
    /// Calls succeed for now, or may succeed; something should be done.
    Warning,
    /// Calls fail.
    Error,
}

impl Severity {
    /// The word in a report: `note`, `warning` or `error`.
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
    /// The way to the server and the server itself.
    Connection,
    /// The service's answer.
    Service,
}

impl Subject {
    /// The word in a report, such as `ca_bundle`.
    pub fn name(self) -> &'static str {
        match self {
            Subject::CaBundle => "ca_bundle",
            Subject::Certificate => "certificate",
            Subject::PrivateKey => "private_key",
            Subject::Connection => "connection",
            Subject::Service => "service",
        }
    }

    /// The words for a reader, such as `CA bundle`.
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
        /// Something that is looked at, before, during or after a call.
        ///
        /// [`Error::check`](crate::Error::check) names the one that explains a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Check {
            $(#[doc = $title] $variant,)+
        }

        impl Check {
            /// Every check, in the order in which they are made.
            pub const ALL: &'static [Check] = &[$(Check::$variant),+];

            /// The name, such as `DCS_CHECK_CERT_NOT_EXPIRED`.
            pub fn name(self) -> &'static str {
                match self { $(Check::$variant => $name),+ }
            }

            /// What must be so for the check to pass, as a sentence.
            pub fn title(self) -> &'static str {
                match self { $(Check::$variant => $title),+ }
            }

            /// How much it weighs when the check does not pass.
            pub fn severity(self) -> Severity {
                match self { $(Check::$variant => Severity::$severity),+ }
            }

            /// General advice. A finding usually carries a more specific one.
            pub fn advice(self) -> &'static str {
                match self { $(Check::$variant => $advice),+ }
            }

            /// [`Check::name`] for C.
            pub(crate) fn c_name(self) -> &'static CStr {
                match self { $(Check::$variant => const { c_text(concat!($name, "\0")) }),+ }
            }

            /// [`Check::advice`] for C.
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
    "Set the path or the content of the file that the finding names."

    FileReadable "DCS_CHECK_FILE_READABLE" Error
    "The file can be read."
    "Check the path, that the file is there, and that the user this process runs as may read it."

    FileNotEmpty "DCS_CHECK_FILE_NOT_EMPTY" Error
    "The file is not empty."
    "Copy the file again from where it came from."

    FileFormat "DCS_CHECK_FILE_FORMAT" Error
    "The file is in a form that can be read, and whole."
    "Use PEM, DER, base64 of DER, PKCS#7 or PKCS#12."

    FileIntact "DCS_CHECK_FILE_INTACT" Note
    "The file has come through unharmed: line ends, quoting and encoding are as they should be."
    "The library reads it as it is; other programs may not. Copy it again as plain text."

    FileRole "DCS_CHECK_FILE_ROLE" Error
    "The file holds what it is configured as."
    "Check which of the files is which: they may have been exchanged."

    FilePermissions "DCS_CHECK_FILE_PERMISSIONS" Warning
    "Only its owner and group may read the private key's file."
    "Take the rights away from everybody else: `chmod o-rwx KEY`."

    // The private key.
    KeyPresent "DCS_CHECK_KEY_PRESENT" Error
    "The private key's file holds a private key."
    "Use the private key that the certificate request was made with."

    KeySingle "DCS_CHECK_KEY_SINGLE" Error
    "The private key's file holds one private key."
    "Keep the one key that belongs to the certificate."

    KeyPassword "DCS_CHECK_KEY_PASSWORD" Error
    "An encrypted private key comes with its password."
    "Set the private key password, or decrypt the key: `openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW_KEY`."

    KeySupported "DCS_CHECK_KEY_SUPPORTED" Error
    "The private key is of a kind that TLS clients can use."
    "Use RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521) or Ed25519."

    KeyLength "DCS_CHECK_KEY_LENGTH" Error
    "The private key is long enough."
    "Make a key of 2048 bits or more and ask the DCS team for a certificate for it: `openssl genrsa 2048`."

    KeyMatchesCertificate "DCS_CHECK_KEY_MATCHES_CERT" Error
    "The private key belongs to the certificate."
    "Pair the certificate with the key that its request was made with: `openssl x509 -in CERT -noout -pubkey` and `openssl pkey -in KEY -pubout` must print the same."

    // The client certificate.
    CertificateNotExpired "DCS_CHECK_CERT_NOT_EXPIRED" Error
    "The client certificate has not expired."
    "Ask the DCS team for a new one, made from a new key."

    CertificateAlreadyValid "DCS_CHECK_CERT_ALREADY_VALID" Error
    "The client certificate is valid already."
    "Check this machine's clock, or use the certificate that is valid now."

    CertificateNotCa "DCS_CHECK_CERT_NOT_CA" Error
    "The client certificate is not a CA's."
    "Use the TLS client certificate that the DCS team issued to you."

    CertificateNotSelfSigned "DCS_CHECK_CERT_NOT_SELF_SIGNED" Error
    "The client certificate is not self-signed."
    "Use the certificate that the DCS team issued for your certificate request."

    CertificateClientAuth "DCS_CHECK_CERT_CLIENT_AUTH" Error
    "The client certificate is for TLS client authentication (extended key usage)."
    "Use the TLS certificate, not the one for signing, encryption or a server."

    CertificateKeyUsage "DCS_CHECK_CERT_KEY_USAGE" Error
    "The client certificate's key may sign (key usage)."
    "Use the TLS certificate, not the one for encryption."

    CertificateForTls "DCS_CHECK_CERT_FOR_TLS" Warning
    "The client certificate is the TLS one by its name, not the one for JSON signing or encryption."
    "The DCS issues three certificates, told apart by their Common Name: use the one for TLS."

    CertificateEnvironment "DCS_CHECK_CERT_ENVIRONMENT" Warning
    "The client certificate is for the environment that the URL belongs to, by its name."
    "Use the certificate of the environment that the URL belongs to (integration or production)."

    CertificateSignatureAlgorithm "DCS_CHECK_CERT_SIGNATURE_ALGORITHM" Error
    "The client certificate is signed with an algorithm that servers still accept."
    "Ask the DCS team for a certificate that is signed with SHA-256 or better."

    CertificateExpiresLater "DCS_CHECK_CERT_EXPIRES_LATER" Warning
    "The client certificate is valid for 30 days more."
    "Ask the DCS team for the next certificate now, made from a new key."

    // The way from the client certificate to a root.
    ChainComplete "DCS_CHECK_CHAIN_COMPLETE" Error
    "The client certificate leads to a CA, through its own file and the CA bundle."
    "Use the certificate issued for the environment that the URL belongs to, or add the intermediate to the certificate's file."

    ChainSigned "DCS_CHECK_CHAIN_SIGNED" Error
    "Each certificate of the chain is signed by the next one's key."
    "Use the intermediates that the certificate was issued with: there is another CA of the same name."

    ChainNotExpired "DCS_CHECK_CHAIN_NOT_EXPIRED" Error
    "No certificate that the client certificate needs on its way to the root has expired."
    "Get the CA's present certificates from the DCS team and put them into the CA bundle."

    ChainOrder "DCS_CHECK_CHAIN_ORDER" Note
    "The certificate's file has the leaf first, then each one's issuer."
    "The library puts the order right; other programs may not. Put the leaf first, then the intermediates."

    // The CA bundle.
    BundleHasCa "DCS_CHECK_BUNDLE_HAS_CA" Error
    "The CA bundle holds a CA certificate."
    "Use the CA bundle that the DCS team published, not the server's or your own certificate."

    BundleHasRoot "DCS_CHECK_BUNDLE_HAS_ROOT" Warning
    "The CA bundle holds a root."
    "Add the root CA's certificate, which other programs need, to the bundle."

    BundleNotExpired "DCS_CHECK_BUNDLE_NOT_EXPIRED" Note
    "No certificate of the CA bundle has expired."
    "Expired certificates that nothing needs do no harm; get the present bundle at the next occasion."

    BundleNoPrivateKey "DCS_CHECK_BUNDLE_NO_PRIVATE_KEY" Warning
    "The CA bundle holds no private key."
    "Take the key out of the bundle, which is handed around; if it has been, treat the key as lost and have a new certificate made."

    // On the wire.
    Proxy "DCS_CHECK_PROXY" Error
    "The proxy opens the way to the DCS."
    "Check the proxy's address and credentials, and that it allows CONNECT to the DCS's host and port."

    Resolve "DCS_CHECK_RESOLVE" Error
    "The host name can be looked up."
    "Check the host name in the URL and this machine's DNS; the DCS may only be reachable from an allowed network."

    Connect "DCS_CHECK_CONNECT" Error
    "A TCP connection can be made."
    "Check the host and port in the URL, and that firewalls let this machine reach them."

    Handshake "DCS_CHECK_HANDSHAKE" Error
    "The TLS handshake succeeds."
    "Check that host and port in the URL are those of a TLS 1.2 or TLS 1.3 server."

    ServerNotIntercepted "DCS_CHECK_SERVER_NOT_INTERCEPTED" Error
    "Nobody on the way inspects the connection: the server shows its own certificate."
    "Have the proxy or firewall that inspects TLS let the DCS's host pass untouched."

    ServerTrusted "DCS_CHECK_SERVER_TRUSTED" Error
    "The CA bundle leads to the server's certificate."
    "Use the CA bundle of the environment that the URL belongs to (integration or production)."

    ServerValid "DCS_CHECK_SERVER_VALID" Error
    "The server's certificate is valid now and for a server."
    "Check this machine's clock; if it is right, tell the DCS team about their certificate."

    ServerName "DCS_CHECK_SERVER_NAME" Error
    "The server's certificate is for the URL's host."
    "Use the host name that the certificate is for in the URL."

    ClientCertificateAsked "DCS_CHECK_CLIENT_CERT_ASKED" Warning
    "The server asks for a client certificate."
    "The DCS asks every client for one: check that host and port in the URL are the DCS's, and that no proxy ends TLS on the way."

    ClientCertificateIssuer "DCS_CHECK_CLIENT_CERT_ISSUER" Error
    "The client certificate is by one of the CAs that the server names."
    "Use the certificate issued for the environment that the URL belongs to (integration or production)."

    ClientCertificateSent "DCS_CHECK_CLIENT_CERT_SENT" Error
    "The client certificate was sent."
    "Configure the TLS client certificate and its private key."

    ClientCertificateAccepted "DCS_CHECK_CLIENT_CERT_ACCEPTED" Error
    "The server accepts the client certificate."
    "Ask the DCS team whether the certificate is revoked, or not yet enabled."

    Clock "DCS_CHECK_CLOCK" Warning
    "This machine's clock agrees with the server's."
    "Set this machine's clock, best by NTP: certificates are judged by it."

    Answer "DCS_CHECK_ANSWER" Error
    "The service answers the status call with HTTP 200."
    "The message says what it answered instead."

    StatusBody "DCS_CHECK_STATUS_BODY" Error
    "The answer is the documented JSON."
    "Check that the URL is the DCS's status endpoint and not some other page."

    Available "DCS_CHECK_AVAILABLE" Warning
    "The DCS says that it is available."
    "Nothing is wrong with your set-up: wait until the DCS is available again."
}

impl Check {
    /// Whether it is about what can be done with a file at all: where it fails, no client can be made.
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

    /// Whether it is made on the way to the service.
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

    /// The check with this name.
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
