//! The tunnel through an HTTP proxy (CONNECT, RFC 9110, section 9.3.6).

use std::io::{self, Read, Write};

use super::deadline::{Deadline, Phase, WaitError};
use super::socket::Socket;
use crate::config::{Proxy, Target};
use crate::error::{Code, Error};
use crate::log;

/// The largest response to CONNECT.
const MAX_HEAD: usize = 16 * 1024;

/// Asks the proxy at the other end of the socket for a tunnel to the target.
pub(super) fn tunnel(
    socket: &mut Socket,
    proxy: &Proxy,
    target: &Target,
    deadline: &Deadline,
) -> Result<(), Error> {
    let mut request = zeroize::Zeroizing::new(format!(
        "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {}\r\n",
        super::http::USER_AGENT
    ));
    if let Some(authorization) = &proxy.authorization {
        request.push_str("Proxy-Authorization: ");
        request.push_str(authorization);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");

    let peer = proxy.target.to_string();
    log::emit!(
        Debug,
        PROXY,
        "sending CONNECT {target} to {peer}, {} credentials",
        proxy.authorization.as_ref().map_or("without", |_| "with")
    );
    let failed = |error: io::Error| match WaitError::from_io(&error) {
        Some(wait_error) => deadline.error(wait_error, Phase::Proxy, &peer),
        None => lost(&peer).with_os_error(&error),
    };
    let mut stream = socket.until(deadline);
    stream.write_all(request.as_bytes()).map_err(failed)?;

    // Byte by byte, because what follows the header is the server's: reading stops right at its end.
    let mut head = Vec::with_capacity(256);
    let mut byte = [0_u8];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(not_http(&peer));
        }
        match stream.read(&mut byte).map_err(failed)? {
            0 => return Err(lost(&peer)),
            _ => head.extend_from_slice(&byte),
        }
    }
    let status = status(&head);
    log::emit!(
        Debug,
        PROXY,
        "{peer} responds: {}",
        status.map_or("not HTTP".to_owned(), |status| format!("HTTP {status}"))
    );
    match status {
        Some(200..=299) => Ok(()),
        Some(status) => Err(rejected(status, &peer, target)),
        None => Err(not_http(&peer)),
    }
}

/// Returns the number in `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let rest = line.strip_prefix("HTTP/1.")?;
    rest.split(' ').nth(1)?.parse().ok()
}

fn rejected(status: u16, peer: &str, target: &Target) -> Error {
    let error = Error::new(
        Code::Proxy,
        format!("The proxy {peer} responded with HTTP {status} to CONNECT {target}."),
    )
    .with_http_status(status)
    .with_retryable(status >= 500);
    match status {
        407 => error.with_hint(
            "Put user and password into the proxy's URL, http://user:password@host:port: the proxy requires credentials.",
        ),
        502..=504 => error.with_hint(format!("Check the URL's host and port: the proxy cannot reach {target}.")),
        _ => error.with_hint(format!("Allow CONNECT to {target} on the proxy.")),
    }
}

/// Returns the error for a proxy that cannot be reached. Its causes are those of a server, but the code is the proxy's.
pub(super) fn unreachable(error: Error, proxy: &Proxy) -> Error {
    if !matches!(error.code(), Code::Resolve | Code::Connect) {
        return error;
    }
    let unreachable = Error::new(
        Code::Proxy,
        format!(
            "The proxy {} cannot be reached: {}",
            proxy.target,
            error.message()
        ),
    );
    match error.os_code() {
        Some(number) => unreachable.with_os_error(&io::Error::from_raw_os_error(number)),
        None => unreachable,
    }
}

fn lost(peer: &str) -> Error {
    Error::new(
        Code::Proxy,
        format!("The proxy {peer} closed the connection without a response."),
    )
}

fn not_http(peer: &str) -> Error {
    Error::new(
        Code::Proxy,
        format!("The response of {peer} to CONNECT is not HTTP."),
    )
    .with_hint("Check that the address is that of an HTTP proxy.")
    .with_retryable(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_status_line() {
        assert_eq!(
            status(b"HTTP/1.1 200 Connection established\r\n"),
            Some(200)
        );
        assert_eq!(status(b"HTTP/1.0 407 \r\n"), Some(407));
        assert_eq!(status(b"HTTP/1.1 200\r\n"), Some(200));
        for line in [
            &b""[..],
            b"SSH-2.0-x\r\n",
            b"HTTP/1.1 x\r\n",
            b"HTTP/1.1\r\n",
            b"\xff\r\n",
        ] {
            assert_eq!(status(line), None);
        }
    }
}
