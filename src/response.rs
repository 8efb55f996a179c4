//! Turns an HTTP response into a [`Status`] or an [`Error`].

mod error_status;

use crate::error::{Code, Error};
use crate::sanitize::printable;
use crate::status::{ConnectionInfo, Limits, Status};
use crate::transport::{Call, HttpResponse, Peer, header_text};

/// Reads a response: HTTP 200 is a status, any other is an error.
pub(crate) fn read(response: HttpResponse, call: &Call, peer: &Peer) -> Result<Status, Error> {
    if response.status != 200 {
        let handshake = call.progress().handshake;
        let seen = error_status::Handshake {
            has_identity: peer.has_identity,
            client_auth: handshake.map(|info| info.client_auth).unwrap_or_default(),
            resumed: handshake.is_some_and(|info| info.resumed),
        };
        return Err(error_status::error_for(&response, &peer.name, seen));
    }
    let limits = Limits::read(&response.headers);
    let mut status = Status::parse(response.body).map_err(|what| {
        let content_type = header_text(&response.headers, "content-type");
        let content_type = content_type.map_or(String::new(), |content_type| {
            format!("; its content type is {}", printable(content_type))
        });
        Error::new(
            Code::Response,
            format!("The status response of {} {what}{content_type}.", peer.name),
        )
        .with_http_status(response.status)
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
    if let Some(handshake) = progress.handshake {
        if !progress.reused {
            info.dns = handshake.dns;
            info.tcp = handshake.tcp;
            info.tls = handshake.tls;
        }
        info.session_resumed = handshake.resumed;
        info.tls_version = handshake.version;
        info.tls_cipher = handshake.cipher;
    }
    info
}
