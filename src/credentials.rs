//! From files to what TLS needs: the CA bundle, the client certificate's chain and the private key.

mod asn1;
pub(crate) mod ca_bundle;
pub(crate) mod chain;
pub(crate) mod contents;
mod dek_info;
mod der;
pub(crate) mod files;
pub(crate) mod identity;
mod masked_key;
mod misfit;
mod oid;
pub(crate) mod pem;
mod pkcs12;
mod pkcs7;
pub(crate) mod pkcs8;
pub(crate) mod private_key;
#[cfg(test)]
mod reference;
pub(crate) mod signature;
pub(crate) mod source;
mod stack;
pub(crate) mod summary;
pub(crate) mod x509;

pub(crate) use ca_bundle::CaBundle;
pub(crate) use files::Files;
pub(crate) use identity::Identity;
pub(crate) use source::Source;
pub use summary::CertificateSummary;
