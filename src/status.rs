//! The status of the DCS, as its status response gives it.

mod parse;

use std::time::Duration;

use ureq::http::{HeaderMap, HeaderValue};

/// The response of the DCS to the status call.
///
/// It does not depend on the client that returned it.
#[derive(Clone, Debug)]
pub struct Status {
    available: bool,
    message: Option<String>,
    scheduled_outages: Vec<Outage>,
    json: String,
    pub(crate) limits: Limits,
    pub(crate) connection: ConnectionInfo,
    age: Duration,
}

/// A planned outage of the DCS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The start, as the DCS wrote it (ISO 8601).
    pub start: String,
    /// The end, as the DCS wrote it (ISO 8601).
    pub end: String,
    /// The start, in milliseconds since 1970-01-01T00:00:00Z.
    pub start_unix_ms: i64,
    /// The end, in milliseconds since 1970-01-01T00:00:00Z.
    pub end_unix_ms: i64,
    /// The reason, if the DCS gave one.
    pub message: Option<String>,
}

/// The service's limits, from its headers. A field is `None` if its header is missing or not a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests allowed in a rate-limit window (`X-RateLimit-Limit`).
    pub rate_limit: Option<u64>,
    /// Requests left in the current window (`X-RateLimit-Remaining`).
    pub rate_limit_remaining: Option<u64>,
    /// Time until the window ends (`X-RateLimit-Reset`).
    pub rate_limit_reset: Option<Duration>,
    /// Purchased checks (`DCS-Quota-Limit`).
    pub quota_limit: Option<u64>,
    /// Checks left (`DCS-Quota-Remaining`).
    pub quota_remaining: Option<u64>,
}

impl Limits {
    pub(crate) fn rate_limit_reset_ms(self) -> Option<u64> {
        let reset = self.rate_limit_reset?;
        Some(u64::try_from(reset.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The connection of one call, and its timings.
///
/// On a reused connection the first three durations are zero. If there is a proxy, `dns` and `tcp` are those of the
/// proxy, and the time until its tunnel is open is part of `first_byte` only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Duration of the host's lookup.
    pub dns: Duration,
    /// Duration of the TCP connect.
    pub tcp: Duration,
    /// Duration of the TLS handshake.
    pub tls: Duration,
    /// Time from the start of the call to the first byte of the response.
    pub first_byte: Duration,
    /// Duration of the whole call.
    pub total: Duration,
    /// Whether the call used a connection that an earlier call had opened.
    pub reused: bool,
    /// Whether the connection's handshake resumed a TLS session.
    pub session_resumed: bool,
    /// `TLSv1.2` or `TLSv1.3`.
    pub tls_version: &'static str,
    /// The cipher suite's registered name, such as `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`.
    pub tls_cipher: &'static str,
}

impl Status {
    /// Returns whether the DCS is serving requests.
    pub fn available(&self) -> bool {
        self.available
    }

    /// Returns why it is unavailable; `None` if the DCS gave no reason.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns the planned outages, in the order of the response.
    pub fn scheduled_outages(&self) -> &[Outage] {
        &self.scheduled_outages
    }

    /// Returns the body as it was received.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Returns the rate limit and quota from the headers.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Returns the connection of this call and its timings.
    pub fn connection(&self) -> ConnectionInfo {
        self.connection
    }

    /// Returns how long ago the response was received, if it is an earlier call's; see
    /// [`Config::set_status_max_age_ms`](crate::Config::set_status_max_age_ms). Zero for a response of its own.
    pub fn age(&self) -> Duration {
        self.age
    }

    pub(crate) fn with_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Parses the body of a response with HTTP 200. The error continues the sentence "The status response of HOST".
    pub(crate) fn parse(body: Vec<u8>) -> Result<Self, String> {
        let json = String::from_utf8(body).map_err(|_| "is not UTF-8")?;
        let parse::Body {
            available,
            message,
            scheduled_outages,
        } = parse::body(&json)?;
        Ok(Status {
            available,
            message,
            scheduled_outages,
            json,
            limits: Limits::default(),
            connection: ConnectionInfo::default(),
            age: Duration::ZERO,
        })
    }
}

impl Limits {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let mut limits = Limits::default();
        // One pass over the few headers costs less than a lookup of each name.
        for (name, value) in headers {
            let field = match name.as_str() {
                "x-ratelimit-limit" => &mut limits.rate_limit,
                "x-ratelimit-remaining" => &mut limits.rate_limit_remaining,
                "x-ratelimit-reset" => {
                    limits.rate_limit_reset = number(value).map(Duration::from_secs);
                    continue;
                }
                "dcs-quota-limit" => &mut limits.quota_limit,
                "dcs-quota-remaining" => &mut limits.quota_remaining,
                _ => continue,
            };
            *field = number(value);
        }
        limits
    }
}

fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn parse(body: &str) -> Result<Status, String> {
        Status::parse(body.as_bytes().to_vec())
    }

    #[test]
    fn parses_the_documented_response() {
        let body = r#"{"available":true,"scheduledOutages":[]}"#;
        let status = parse(body).unwrap();
        assert!(status.available());
        assert_eq!(status.message(), None);
        assert!(status.scheduled_outages().is_empty());
        assert_eq!(status.json(), body);
    }

    #[test]
    fn parses_outages_and_ignores_unknown_fields() {
        let status = parse(
            r#"{"available":false,"message":"Unplanned outage","extra":{"a":[1,2]},"scheduledOutages":[
                {"start":"2020-01-01T12:30:00.000Z","end":"2020-01-01T14:30:00+01:00","message":"why","id":7}]}"#,
        )
        .unwrap();
        assert!(!status.available());
        assert_eq!(status.message(), Some("Unplanned outage"));
        let outage = &status.scheduled_outages()[0];
        assert_eq!(outage.start, "2020-01-01T12:30:00.000Z");
        assert_eq!(outage.start_unix_ms, 1_577_881_800_000);
        assert_eq!(outage.end_unix_ms, 1_577_885_400_000);
        assert_eq!(outage.message.as_deref(), Some("why"));
    }

    #[test]
    fn outage_without_end_ends_at_the_last_instant() {
        let status = parse(
            r#"{"available":true,"scheduledOutages":[
                {"start":"9999-12-31T23:59:59.000Z","end":"9999-12-31T23:59:59Z"}]}"#,
        )
        .unwrap();
        let outage = &status.scheduled_outages()[0];
        assert_eq!(outage.start, "9999-12-31T23:59:59.000Z");
        assert_eq!(outage.end_unix_ms, Timestamp::MAX.as_millisecond());
        assert_eq!(parse::timestamp("9999-12-31"), None);
        assert_eq!(parse::timestamp("9999-12-31T23:59:59"), None);
    }

    #[test]
    fn missing_and_mistyped_fields_are_named() {
        for (body, words) in [
            ("", "not JSON (line 1"),
            ("<html>", "not JSON"),
            ("[]", "not a JSON object"),
            ("{}", "no field 'available'"),
            (r#"{"available":"yes"}"#, "not true or false"),
            (r#"{"available":true,"message":1}"#, "'message'"),
            (
                r#"{"available":true,"scheduledOutages":{}}"#,
                "not an array",
            ),
            (
                r#"{"available":true,"scheduledOutages":[1]}"#,
                "scheduledOutages[0]",
            ),
            (
                r#"{"available":true,"scheduledOutages":[{"end":"2020-01-01T12:30:00Z"}]}"#,
                "scheduledOutages[0].start",
            ),
            (
                r#"{"available":true,"scheduledOutages":[{"start":"2020-01-01T12:30:00Z","end":"soon"}]}"#,
                "scheduledOutages[0].end",
            ),
            (
                r#"{"available":true,"scheduledOutages":[{"start":"2020-01-01T12:30:00","end":"soon"}]}"#,
                "with an offset",
            ),
        ] {
            let error = parse(body).unwrap_err();
            assert!(error.contains(words), "{body}: {error}");
        }
        assert!(Status::parse(vec![0xff]).is_err());
    }

    #[test]
    fn rejects_deeply_nested_values() {
        for open in ["[", "{\"a\":", "{\"available\":true,\"message\":["] {
            assert!(parse(&open.repeat(100_000)).is_err());
        }
    }

    #[test]
    fn unknown_fields_may_hold_anything() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for extra in ["1e999999", "-0.0", r#""\ud83d""#, &deep] {
            let status = parse(&format!(r#" {{"x":{extra},"available":true}} "#)).unwrap();
            assert!(status.available() && status.message().is_none());
        }
    }

    #[test]
    fn last_value_of_a_repeated_field_counts() {
        let status = parse(
            r#"{"available":false,"m\u0065ssage":"a\n\ud83d\ude00","available" : true ,"message":null,"message":"b\t"}"#,
        )
        .unwrap();
        assert!(status.available());
        assert_eq!(status.message(), Some("b\t"));
    }
}
