//! The client: made once from a configuration, shared by all threads.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::config::Config;
use crate::credentials::source::Document;
use crate::credentials::x509::printable;
use crate::credentials::{Files, Identity};
use crate::diagnose::{self, Evidence};
use crate::error::{Code, Error};
use crate::instant::day;
use crate::log;
use crate::rejection::{self, Handshake};
use crate::status::{ConnectionInfo, Limits, Status};
use crate::transport::{self, Answer, Call, Deadline, Start, Transport, header_text};

/// A client of the DCS.
///
/// It holds what calls share: the parsed files, connections that the server keeps alive, TLS sessions to
/// resume, the host's addresses. Make one and keep it for as long as the service runs; any number of
/// threads may call it at once, and they share nothing that one waits for while another is on the network.
pub struct Client {
    transport: Arc<Transport>,
    evidence: Option<Evidence>,
    timeout: Duration,
}

impl Client {
    /// Reads the files and makes a client; nothing is sent yet.
    ///
    /// The certificate's chain is completed from the CA bundle. Expired certificates in the bundle stop
    /// nothing. A client without certificate and key can be made: the server then says what it thinks of it.
    ///
    /// # Errors
    /// [`Code::File`] where a file cannot be read; [`Code::CaBundle`], [`Code::Certificate`],
    /// [`Code::PrivateKey`], [`Code::Password`] where one cannot be used; [`Code::KeyMismatch`] where key and
    /// certificate do not belong together.
    pub fn new(config: &Config) -> Result<Self, Error> {
        Self::make(config).inspect_err(|error| {
            log::emit!(
                Error,
                CLIENT,
                "no client is made: {}: {}",
                error.code().name(),
                error.message()
            );
        })
    }

    fn make(config: &Config) -> Result<Self, Error> {
        let now = SystemTime::now();
        let files = Files::read(config);
        let bundle = files.ca_bundle.as_ref().map_err(Error::clone)?;
        let identity = files.identity(now)?;
        if let Some(identity) = &identity {
            warn_of_expiry(identity, now);
        }
        if let Some(Ok(file)) = &files.private_key {
            warn_of_permissions(&file.document);
        }
        let transport = Transport::new(config, bundle.anchors(), &bundle.name, identity.as_ref())?;
        let host = &transport.endpoint.target.host;
        Ok(Client {
            evidence: identity
                .as_ref()
                .map(|identity| Evidence::new(identity, Some(bundle), host)),
            transport: Arc::new(transport),
            timeout: config.timeout,
        })
    }

    /// Asks the DCS for its status: `GET` to the endpoint.
    ///
    /// Every well-formed 200 is a status, also one that says that the DCS is unavailable. The call ends by
    /// its timeouts. Where a connection that was kept alive turns out to be dead before a byte of the
    /// answer came, the call is made again, once, on a new one.
    ///
    /// # Errors
    /// The network's, TLS's and the service's codes (200 to 599); see [`Code`].
    pub fn status(&self) -> Result<Status, Error> {
        let begun = Instant::now();
        let deadline = Deadline::of_call(self.timeout);
        let mut call = Call::new(deadline, begun, Start::Pool);
        let mut answer = transport::get(&self.transport, &call);
        if let Err(error) = &answer
            && error.code() == Code::ConnectionLost
            && call.progress().reused
            && call.progress().first_byte.is_none()
        {
            log::emit!(
                Debug,
                CLIENT,
                "the kept connection was dead; the call is made again on a new one"
            );
            call = Call::new(deadline, begun, Start::Fresh);
            answer = transport::get(&self.transport, &call);
        }
        answer
            .and_then(|answer| read(answer, &call, begun, &self.transport))
            .map_err(|error| {
                let issuer_known = self.transport.issuer_known();
                diagnose::explain(error, self.evidence.as_ref(), issuer_known)
            })
            .inspect(|_| {
                log::emit!(
                    Info,
                    CLIENT,
                    "{}: HTTP 200 after {} ms, {}",
                    self.transport.peer,
                    begun.elapsed().as_millis(),
                    call.progress().how()
                );
            })
            .inspect_err(|error| {
                log::emit!(
                    Error,
                    CLIENT,
                    "{}: {} after {} ms",
                    self.transport.peer,
                    error.code().name(),
                    begun.elapsed().as_millis()
                );
            })
    }
}

/// What an answer says: a status, or the error that it stands for.
pub(crate) fn read(
    answer: Answer,
    call: &Call,
    begun: Instant,
    transport: &Transport,
) -> Result<Status, Error> {
    let peer = &transport.peer;
    if answer.status != 200 {
        let facts = call.progress().facts;
        let seen = Handshake {
            has_identity: transport.has_identity,
            client_auth: facts.map(|facts| facts.client_auth).unwrap_or_default(),
            resumed: facts.is_some_and(|facts| facts.resumed),
        };
        return Err(rejection::error_for(&answer, peer, seen));
    }
    let limits = Limits::read(&answer.headers);
    let mut status = Status::parse(answer.body).map_err(|what| {
        let kind = header_text(&answer.headers, "content-type").map_or(String::new(), |kind| {
            format!("; it says that it is {}", printable(kind))
        });
        Error::new(
            Code::Response,
            format!("The status answer of {peer} {what}{kind}."),
        )
        .with_http_status(answer.status)
    })?;
    status.limits = limits;
    status.connection = connection_info(call, begun);
    Ok(status)
}

fn warn_of_expiry(identity: &Identity, now: SystemTime) {
    let Some(fields) = &identity.leaf().fields else {
        return;
    };
    if fields.not_after < now {
        log::emit!(
            Warning,
            FILES,
            "{} expired on {}",
            identity.name,
            day(fields.not_after)
        );
    } else if fields.not_after < now + diagnose::EXPIRES_SOON {
        log::emit!(
            Warning,
            FILES,
            "{} expires on {}",
            identity.name,
            day(fields.not_after)
        );
    }
}

fn warn_of_permissions(document: &Document) {
    if let Some(others) = document.open_to_others() {
        log::emit!(
            Warning,
            FILES,
            "everybody on this machine may {others} {}",
            document.name
        );
    }
}

fn connection_info(call: &Call, begun: Instant) -> ConnectionInfo {
    let progress = call.progress();
    let mut info = ConnectionInfo {
        first_byte: progress.first_byte.unwrap_or_default(),
        total: begun.elapsed(),
        reused: progress.reused,
        ..ConnectionInfo::default()
    };
    if let Some(facts) = progress.facts {
        if !progress.reused {
            info.dns = facts.dns;
            info.tcp = facts.tcp;
            info.tls = facts.tls;
        }
        info.session_resumed = facts.resumed;
        info.tls_version = facts.version;
        info.tls_cipher = facts.cipher;
    }
    info
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.transport.peer)
    }
}
