//! The server at the other end, as connections and their errors need it.

use rustls::pki_types::ServerName;

/// The server that a client connects to.
pub(crate) struct Peer {
    /// Host and port, for messages.
    pub(crate) name: String,
    pub(super) server_name: ServerName<'static>,
    /// The CA bundle's name for messages, such as "the CA bundle ca.pem".
    pub(super) ca_bundle: String,
    /// A client certificate is configured.
    pub(crate) has_identity: bool,
}

#[cfg(test)]
impl Peer {
    pub(super) fn for_test(name: &'static str, has_identity: bool) -> Self {
        let host = name.split(':').next().unwrap_or_default();
        Peer {
            name: name.to_owned(),
            server_name: ServerName::try_from(host).unwrap(),
            ca_bundle: "the CA bundle b.pem".to_owned(),
            has_identity,
        }
    }
}
