//! From files to what TLS needs: the CA bundle, the client certificate's chain and the private key.

mod asn1;
pub(crate) mod ca_bundle;
pub(crate) mod chain;
mod dek_info;
pub(crate) mod entry;
pub(crate) mod files;
mod fork_key;
pub(crate) mod identity;
mod kdf_budget;
pub(crate) mod oid;
pub(crate) mod parsed_file;
pub(crate) mod pem;
mod pkcs12;
mod pkcs7;
pub(crate) mod pkcs8;
pub(crate) mod private_key;
#[cfg(test)]
mod reference;
pub(crate) mod repair;
pub(crate) mod signature;
mod sniff;
pub(crate) mod source;
pub(crate) mod summary;
mod unsupported_format;
mod wipe_stack;
pub(crate) mod x509;

pub(crate) use ca_bundle::CaBundle;
pub(crate) use files::Files;
pub(crate) use identity::Identity;
pub(crate) use source::{Source, Sources};
pub use summary::CertificateSummary;
