//! From an HTTP answer to a [`Status`], or to the [`Error`] that the answer stands for.

mod rejection;

use crate::error::{Code, Error};
use crate::sanitize::printable;
use crate::status::{ConnectionInfo, Limits, Status};
use crate::transport::{Answer, Call, Connector, header_text};

/// What an answer says: a status, or the error that it stands for.
pub(crate) fn read(answer: Answer, call: &Call, connector: &Connector) -> Result<Status, Error> {
    let peer = &connector.peer;
    if answer.status != 200 {
        let facts = call.progress().facts;
        let seen = rejection::Handshake {
            has_identity: connector.has_identity(),
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
    status.connection = connection_info(call);
    Ok(status)
}

fn connection_info(call: &Call) -> ConnectionInfo {
    let progress = call.progress();
    let mut info = ConnectionInfo {
        first_byte: progress.first_byte.unwrap_or_default(),
        total: call.deadline().elapsed(),
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
