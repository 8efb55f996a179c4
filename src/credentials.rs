//! From files to what TLS needs: the CA bundle, the client certificate's chain and the private key.

pub(crate) mod ca_bundle;
pub(crate) mod chain;
pub(crate) mod identity;
mod pem;
mod private_key;
pub(crate) mod source;
pub(crate) mod x509;

pub(crate) use ca_bundle::CaBundle;
pub(crate) use identity::Identity;
pub(crate) use source::Source;
