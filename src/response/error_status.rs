//! Responses that are not a status: the HTTP status codes of the service, and nginx's two pages about client
//! certificates.

use std::time::Duration;

use ureq::http::HeaderMap;

use crate::error::{Code, Error};
use crate::handshake::ClientAuth;
use crate::sanitize::printable;
use crate::status::Limits;
use crate::transport::{HttpResponse, NO_COMMON_SCHEME, header_text, is_html};

/// The text of nginx's pages for a client that sent no certificate, and for one whose certificate it rejects. Both are
/// HTTP 400 with an HTML page, after a successful handshake, in TLS 1.2 and 1.3 (measured on nginx 1.22). Inside nginx
/// they are 496 and 495, and a server can be configured to return these.
const NO_CERTIFICATE_SENT: &str = "No required SSL certificate was sent";
const CERTIFICATE_ERROR: &str = "The SSL certificate error";

/// The longest quote from an error page, in characters.
const MAX_QUOTE: usize = 120;

/// What is known about the client certificate when a response is received.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Handshake {
    /// A certificate is configured.
    pub(crate) has_identity: bool,
    /// What happened to it in the connection's handshake.
    pub(crate) client_auth: ClientAuth,
    /// The handshake resumed a session, so the server did not ask for a certificate.
    pub(crate) resumed: bool,
}

/// Returns the error for a response other than HTTP 200.
pub(crate) fn error_for(response: &HttpResponse, peer: &str, seen: Handshake) -> Error {
    let status = response.status;
    let error = match certificate_verdict(response) {
        Some(Code::ClientCertRequired) => required(peer, seen),
        Some(_) => Error::new(
            Code::ClientCertRejected,
            format!(
                "{peer} does not accept the client certificate: it responded with '{CERTIFICATE_ERROR}' (HTTP {status})."
            ),
        ),
        None => by_status(response, peer),
    };
    let wait = retry_after(&response.headers);
    let advice = match error.code() {
        Code::RateLimited => Some("send fewer requests"),
        Code::Unavailable => Some("try again"),
        _ => None,
    };
    let error = match (wait, advice) {
        (Some(wait), Some(advice)) => {
            let seconds = wait.as_secs().max(1);
            error.with_hint(format!(
                "Wait {seconds} s, as the service asks (Retry-After), then {advice}."
            ))
        }
        _ => error,
    };
    error
        .with_http_status(status)
        .with_retry_after(wait)
        .with_limits(Limits::read(&response.headers))
}

/// Returns the code of a response about the client certificate; `None` if it is about something else.
fn certificate_verdict(response: &HttpResponse) -> Option<Code> {
    match response.status {
        496 => return Some(Code::ClientCertRequired),
        495 => return Some(Code::ClientCertRejected),
        400 if is_html(&response.headers) => {}
        _ => return None,
    }
    let page = String::from_utf8_lossy(&response.body);
    if page.contains(NO_CERTIFICATE_SENT) {
        Some(Code::ClientCertRequired)
    } else if page.contains(CERTIFICATE_ERROR) {
        Some(Code::ClientCertRejected)
    } else {
        None
    }
}

fn required(peer: &str, seen: Handshake) -> Error {
    let error = Error::new(
        Code::ClientCertRequired,
        format!("{peer} requires a client certificate: it responded with '{NO_CERTIFICATE_SENT}'."),
    );
    match seen {
        // Keeps the hint of the code: configure a certificate.
        Handshake { has_identity: false, .. } => error,
        Handshake { client_auth: ClientAuth { sent: true, .. }, .. } => error.with_hint(
            "Ask the DCS team to pass the client certificate on from the front end to the server behind it: this client sent the certificate.",
        ),
        Handshake { client_auth: ClientAuth { asked: true, .. }, .. } => error.with_hint(NO_COMMON_SCHEME),
        Handshake { resumed: true, .. } => error.with_hint(
            "Report this to the DCS team: the server resumed a TLS session and does not remember the client certificate of that session.",
        ),
        _ => error.with_hint(
            "Check that the host name in the URL is the DCS's own, and not an IP address or an alias: the server did not ask for the configured client certificate in the handshake.",
        ),
    }
}

fn by_status(response: &HttpResponse, peer: &str) -> Error {
    let status = response.status;
    let limits = Limits::read(&response.headers);
    let mut message = format!("{peer} responded with HTTP {status}");
    let code = match status {
        400 => Code::BadRequest,
        403 => {
            message.push_str(match limits.quota_remaining {
                Some(0) => ": the quota of checks is used up",
                _ => ", which the DCS does when the quota of checks is used up",
            });
            if let (Some(limit), Some(left)) = (limits.quota_limit, limits.quota_remaining) {
                message.push_str(&format!(" ({left} of {limit} left)"));
            }
            Code::QuotaExceeded
        }
        404 => {
            message.push_str(": nothing exists at the URL's path");
            Code::NotFound
        }
        429 => {
            message.push_str(": this client's rate limit is exceeded");
            if let Some(limit) = limits.rate_limit {
                message.push_str(&format!(" ({limit} requests in a window)"));
            }
            Code::RateLimited
        }
        503 => {
            message.push_str(": all clients together are over the service's limit");
            Code::Unavailable
        }
        301..=303 | 307 | 308 => {
            message.push_str(": a redirect");
            if let Some(location) = header_text(&response.headers, "location") {
                // A query may hold secrets.
                let location = location.split(['?', '#']).next().unwrap_or("");
                message.push_str(&format!(" to {}", printable(location)));
            }
            message.push_str(
                ", which is not followed because the client certificate is for this host",
            );
            Code::Http
        }
        _ => Code::Http,
    };
    if let Some(quote) = quote(response) {
        message.push_str(&format!(" ('{quote}')"));
    }
    message.push('.');
    let error = Error::new(code, message);
    if code == Code::QuotaExceeded && limits.quota_remaining != Some(0) {
        return error.with_hint("Ask the DCS team about your quota. A response without the quota's headers can also be from a front end that denies access to this client or its address.");
    }
    if code != Code::Http {
        return error;
    }
    let hint = match status {
        // Request Timeout and Too Early (RFC 9110, section 15.5.9, and RFC 8470).
        408 | 425 => return error.with_retryable(true),
        301..=303 | 307 | 308 => "Use the URL of the service itself, which does not redirect.",
        500..=599 => {
            "Try again later, and report it to the DCS team if it persists: the service has an internal error."
        }
        _ => return error,
    };
    error.with_hint(hint).with_retryable(status >= 500)
}

/// Returns a short quote: the title of a page, or the first line of a text.
fn quote(response: &HttpResponse) -> Option<String> {
    let body = std::str::from_utf8(&response.body).ok()?;
    let text = if is_html(&response.headers) {
        let (_, rest) = body.split_once("<title>")?;
        rest.split_once("</title>")?.0
    } else {
        body.lines().next()?
    };
    let quote = printable(text.trim())
        .chars()
        .take(MAX_QUOTE)
        .collect::<String>();
    (!quote.is_empty()).then_some(quote)
}

/// Parses `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = header_text(headers, "retry-after")?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let left = date.timestamp().as_millisecond() - jiff::Timestamp::now().as_millisecond();
    Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::http::HeaderValue;

    fn response(
        status: u16,
        kind: &'static str,
        body: &str,
        extra: &[(&'static str, &'static str)],
    ) -> HttpResponse {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(kind));
        for (name, value) in extra {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        HttpResponse {
            status,
            headers,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn nginx_pages_differ_from_a_bad_request() {
        let page = |title| {
            format!(
                "<html>\r\n<head><title>400 {title}</title></head>\r\n<body>\r\n<center>{title}</center>"
            )
        };
        for (status, kind, body, code) in [
            (
                400,
                "text/html",
                page(NO_CERTIFICATE_SENT),
                Code::ClientCertRequired,
            ),
            (
                400,
                "text/html; charset=utf-8",
                page(CERTIFICATE_ERROR),
                Code::ClientCertRejected,
            ),
            (400, "text/html", page("Bad Request"), Code::BadRequest),
            (
                400,
                "application/json",
                format!("{{\"m\":\"{CERTIFICATE_ERROR}\"}}"),
                Code::BadRequest,
            ),
            (495, "text/plain", String::new(), Code::ClientCertRejected),
            (496, "text/plain", String::new(), Code::ClientCertRequired),
            (500, "text/html", page(CERTIFICATE_ERROR), Code::Http),
        ] {
            let error = error_for(
                &response(status, kind, &body, &[]),
                "h:443",
                Handshake::default(),
            );
            assert_eq!(error.code(), code, "{status} {kind}");
            assert_eq!(error.http_status(), Some(status));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let seconds = response(429, "text/plain", "", &[("retry-after", "7")]);
        let error = error_for(&seconds, "h:443", Handshake::default());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert!(error.retryable());
        assert!(error.hint().starts_with("Wait 7 s"), "{}", error.hint());
        let past = response(
            503,
            "text/plain",
            "",
            &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")],
        );
        assert_eq!(
            error_for(&past, "h:443", Handshake::default()).retry_after(),
            Some(Duration::ZERO)
        );
        let in_two_minutes = jiff::Timestamp::now() + Duration::from_secs(120);
        let date =
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&in_two_minutes);
        let mut future = response(503, "text/plain", "", &[]);
        let date = HeaderValue::from_str(&date.unwrap()).unwrap();
        future.headers.insert("retry-after", date);
        let wait = error_for(&future, "h:443", Handshake::default()).retry_after();
        let about = Duration::from_secs(60)..=Duration::from_secs(120);
        assert!(about.contains(&wait.unwrap()), "{wait:?}");
        let odd = response(503, "text/plain", "", &[("retry-after", "-1")]);
        assert_eq!(
            error_for(&odd, "h:443", Handshake::default()).retry_after(),
            None
        );
    }

    #[test]
    fn missing_certificate_hint_depends_on_the_handshake() {
        let page = response(400, "text/html", NO_CERTIFICATE_SENT, &[]);
        let hint = |has_identity, asked, sent, resumed| {
            let seen = Handshake {
                has_identity,
                client_auth: ClientAuth { asked, sent },
                resumed,
            };
            error_for(&page, "h:443", seen).hint().to_owned()
        };
        assert!(hint(false, true, false, false).contains("Configure"));
        assert!(hint(true, true, false, false).contains("signature"));
        assert!(hint(true, true, true, false).contains("sent the certificate"));
        assert!(hint(true, false, false, false).contains("did not ask"));
        assert!(hint(true, false, false, true).contains("resumed"));
    }

    #[test]
    fn forbidden_claims_no_more_than_its_headers_say() {
        let used_up = response(
            403,
            "text/plain",
            "",
            &[("dcs-quota-limit", "9"), ("dcs-quota-remaining", "0")],
        );
        let error = error_for(&used_up, "h:443", Handshake::default());
        assert!(
            error
                .message()
                .contains(": the quota of checks is used up (0 of 9 left)"),
            "{error}"
        );
        assert!(!error.hint().contains("front end"), "{error}");
        let front_end = response(403, "text/html", "<title>403 Forbidden</title>", &[]);
        let error = error_for(&front_end, "h:443", Handshake::default());
        assert_eq!(error.code(), Code::QuotaExceeded);
        assert!(error.hint().contains("front end"), "{error}");
    }

    #[test]
    fn each_status_code_has_its_hint() {
        for (status, code, retryable, hint) in [
            (302, Code::Http, false, "URL of the service itself"),
            (308, Code::Http, false, "URL of the service itself"),
            (400, Code::BadRequest, false, Code::BadRequest.hint()),
            (404, Code::NotFound, false, Code::NotFound.hint()),
            (408, Code::Http, true, Code::Http.hint()),
            (418, Code::Http, false, Code::Http.hint()),
            (425, Code::Http, true, Code::Http.hint()),
            (429, Code::RateLimited, true, Code::RateLimited.hint()),
            (500, Code::Http, true, "internal error"),
            (503, Code::Unavailable, true, Code::Unavailable.hint()),
            (599, Code::Http, true, "internal error"),
        ] {
            let error = error_for(
                &response(status, "text/plain", "", &[]),
                "h:443",
                Handshake::default(),
            );
            assert_eq!(
                (error.code(), error.retryable()),
                (code, retryable),
                "{status}"
            );
            assert!(error.hint().contains(hint), "{status}: {}", error.hint());
        }
    }

    #[test]
    fn redirect_hides_the_query_and_304_is_no_redirect() {
        let redirect = response(
            302,
            "text/plain",
            "",
            &[("location", "https://h/x?token=abc")],
        );
        let message = error_for(&redirect, "h:443", Handshake::default())
            .message()
            .to_owned();
        assert!(
            message.contains("https://h/x,") && !message.contains("abc"),
            "{message}"
        );
        let unchanged = response(304, "text/plain", "", &[]);
        let error = error_for(&unchanged, "h:443", Handshake::default());
        assert!(!error.message().contains("redirect"), "{error}");
    }

    #[test]
    fn quote_is_short_and_printable() {
        let long = response(
            400,
            "text/plain",
            &format!("\u{1b}[31m{}\nsecond", "x".repeat(500)),
            &[],
        );
        let message = error_for(&long, "h:443", Handshake::default())
            .message()
            .to_owned();
        assert!(
            !message.contains('\u{1b}') && !message.contains("second"),
            "{message}"
        );
        assert!(message.len() < 250, "{message}");
        let said = |kind, body| {
            let response = response(400, kind, body, &[]);
            let error = error_for(&response, "h:443", Handshake::default());
            error.message().to_owned()
        };
        let plain = "h:443 responded with HTTP 400.";
        assert_eq!(
            said("text/plain", "why\nand more"),
            "h:443 responded with HTTP 400 ('why')."
        );
        let page = "<html><head><title> Why </title></head>";
        assert_eq!(
            said("text/html", page),
            "h:443 responded with HTTP 400 ('Why')."
        );
        assert_eq!(said("text/html", "no title"), plain);
        assert_eq!(said("text/plain", ""), plain);
    }
}
