//! The tunnel through an HTTP proxy (CONNECT, RFC 9110, section 9.3.6).

use std::io::{Read, Write};

use super::deadline::{Deadline, Phase, WaitError};
use super::socket::Socket;
use crate::config::{Proxy, Target};
use crate::error::{Code, Error};
use crate::log;

/// The largest answer to CONNECT that is read.
const MAX_HEAD: usize = 16 * 1024;

/// Asks the proxy at the other end of the socket for a tunnel to the target.
pub(crate) fn connect(
    socket: &mut Socket,
    proxy: &Proxy,
    target: &Target,
    deadline: &Deadline,
) -> Result<(), Error> {
    let mut request = zeroize::Zeroizing::new(format!(
        "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {}\r\n",
        super::USER_AGENT
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
        "CONNECT {target} by {peer}, {} credentials",
        proxy.authorization.as_ref().map_or("without", |_| "with")
    );
    let failed = |error: std::io::Error| match WaitError::from_io(&error) {
        Some(over) => deadline.error(over, Phase::Proxy, &peer),
        None => lost(&peer).with_os_error(&error),
    };
    let mut stream = socket.until(deadline);
    stream.write_all(request.as_bytes()).map_err(failed)?;

    // One byte at a time past the answer's end would be the server's: reading stops right at the end.
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
        "{peer} answers {}",
        status.map_or("what is not HTTP".to_owned(), |status| format!(
            "HTTP {status}"
        ))
    );
    match status {
        Some(200..=299) => Ok(()),
        Some(status) => Err(refused(status, &peer, target)),
        None => Err(not_http(&peer)),
    }
}

/// The number in `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let rest = line.strip_prefix("HTTP/1.")?;
    rest.split(' ').nth(1)?.parse().ok()
}

fn refused(status: u16, peer: &str, target: &Target) -> Error {
    let error = Error::new(
        Code::Proxy,
        format!("The proxy {peer} answered HTTP {status} to CONNECT {target}."),
    )
    .with_http_status(status)
    .with_retryable(status >= 500);
    match status {
        407 => error.with_hint(
            "The proxy wants credentials: put user and password into its URL, http://user:password@host:port",
        ),
        502..=504 => error.with_hint(format!("The proxy cannot reach {target}: check the URL's host and port.")),
        _ => error.with_hint(format!("Have the proxy allow CONNECT to {target}.")),
    }
}

fn lost(peer: &str) -> Error {
    Error::new(
        Code::Proxy,
        format!("The proxy {peer} closed the connection without an answer."),
    )
}

fn not_http(peer: &str) -> Error {
    Error::new(
        Code::Proxy,
        format!("What {peer} answered to CONNECT is not HTTP."),
    )
    .with_hint("Check that the address is that of an HTTP proxy.")
    .with_retryable(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line() {
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
