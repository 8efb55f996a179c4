//! The status answer, parsed strictly in what it needs and tolerant of what it does not know.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use serde_json::{Map, Value};
use ureq::http::{HeaderMap, HeaderValue};

/// The DCS's answer to the status call.
///
/// A value of its own: it stays valid when the client is gone.
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

/// A time in which the DCS plans not to serve requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When it begins, as the DCS wrote it (ISO 8601).
    pub start: String,
    /// When it ends, as the DCS wrote it (ISO 8601).
    pub end: String,
    /// When it begins, in milliseconds since 1970-01-01T00:00:00Z.
    pub start_unix_ms: i64,
    /// When it ends, in milliseconds since 1970-01-01T00:00:00Z.
    pub end_unix_ms: i64,
    /// The reason, where one was given.
    pub message: Option<String>,
}

/// What the service's headers say about its limits. A field is `None` where its header did not come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests allowed in a window (`X-RateLimit-Limit`).
    pub rate_limit: Option<u64>,
    /// Requests left in this window (`X-RateLimit-Remaining`).
    pub rate_limit_remaining: Option<u64>,
    /// The time until the window ends (`X-RateLimit-Reset`).
    pub rate_limit_reset: Option<Duration>,
    /// The checks that were bought (`DCS-Quota-Limit`).
    pub quota_limit: Option<u64>,
    /// The checks that are left (`DCS-Quota-Remaining`).
    pub quota_remaining: Option<u64>,
}

impl Limits {
    pub(crate) fn rate_limit_reset_ms(self) -> Option<u64> {
        let reset = self.rate_limit_reset?;
        Some(u64::try_from(reset.as_millis()).unwrap_or(u64::MAX))
    }
}

/// What the connection did for one call.
///
/// On a reused connection the first three times are zero. Where a TCP or TLS step is for a proxy's tunnel,
/// the time that the proxy takes to answer is in none of them but in `first_byte`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Looking up the host name.
    pub dns: Duration,
    /// Making the TCP connection.
    pub tcp: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From the call's begin to the answer's first byte.
    pub first_byte: Duration,
    /// The whole call.
    pub total: Duration,
    /// The call went over a connection that an earlier call had opened.
    pub reused: bool,
    /// The TLS session was resumed, on this connection when it was opened.
    pub session_resumed: bool,
    /// `TLSv1.2` or `TLSv1.3`.
    pub tls_version: &'static str,
    /// The cipher suite's registered name, such as `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`.
    pub tls_cipher: &'static str,
}

impl Status {
    /// Whether the DCS is serving requests.
    pub fn available(&self) -> bool {
        self.available
    }

    /// Why it is unavailable, where the DCS said so.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The planned outages, in the order of the answer.
    pub fn scheduled_outages(&self) -> &[Outage] {
        &self.scheduled_outages
    }

    /// The body as it came.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// What the headers say about rate limit and quota.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What the connection did for this call.
    pub fn connection(&self) -> ConnectionInfo {
        self.connection
    }

    /// How long ago the answer came, where it is shared with an earlier call; see
    /// [`Config::set_status_max_age_ms`](crate::Config::set_status_max_age_ms). Zero for a call of its own.
    pub fn age(&self) -> Duration {
        self.age
    }

    pub(crate) fn with_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Parses the body of a 200 answer. Fields that are not known are accepted. The error says what is
    /// wrong, in words that go on from "The status answer of HOST".
    pub(crate) fn parse(body: Vec<u8>) -> Result<Self, String> {
        let json = String::from_utf8(body).map_err(|_| "is not UTF-8")?;
        let value: Value = serde_json::from_str(&json).map_err(|error| {
            // Only the position: the text may be anybody's.
            format!(
                "is not JSON (line {}, column {})",
                error.line(),
                error.column()
            )
        })?;
        let object = value.as_object().ok_or("is not a JSON object")?;
        let available = match object.get("available") {
            Some(Value::Bool(available)) => *available,
            Some(_) => return Err("has a field 'available' that is not true or false".into()),
            None => return Err("has no field 'available'".into()),
        };
        let message = optional_text(object, "message", "message")?;
        let scheduled_outages = match object.get("scheduledOutages") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(outages)) => outages
                .iter()
                .enumerate()
                .map(|(index, outage)| parse_outage(index, outage))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err("has a field 'scheduledOutages' that is not an array".into()),
        };
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
        // One pass over the few headers there are costs less than a look-up for each of the names.
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

fn parse_outage(index: usize, value: &Value) -> Result<Outage, String> {
    let name = |field: &str| format!("scheduledOutages[{index}].{field}");
    let Some(object) = value.as_object() else {
        return Err(format!(
            "has an entry scheduledOutages[{index}] that is not an object"
        ));
    };
    let time = |field: &str| {
        let text = object
            .get(field)
            .and_then(Value::as_str)
            .ok_or_else(|| format!("has no text in '{}'", name(field)))?;
        let instant = instant(text).ok_or_else(|| {
            format!(
                "has a '{}' that is not an ISO 8601 date and time with an offset",
                name(field)
            )
        })?;
        Ok::<_, String>((text.to_owned(), instant.as_millisecond()))
    };
    let (start, start_unix_ms) = time("start")?;
    let (end, end_unix_ms) = time("end")?;
    Ok(Outage {
        start,
        end,
        start_unix_ms,
        end_unix_ms,
        message: optional_text(object, "message", &name("message"))?,
    })
}

/// An ISO 8601 date and time with an offset. One beyond what can be counted with, such as the last second of
/// the year 9999 for "no end", becomes the last instant that can.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    let pieces = Pieces::parse(text).ok()?;
    pieces.time()?;
    pieces.offset()?;
    match pieces.date().year() {
        9999 => Some(Timestamp::MAX),
        -9999 => Some(Timestamp::MIN),
        _ => None,
    }
}

fn optional_text(
    object: &Map<String, Value>,
    field: &str,
    name: &str,
) -> Result<Option<String>, String> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("has a field '{name}' that is not text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Status, String> {
        Status::parse(body.as_bytes().to_vec())
    }

    #[test]
    fn the_documented_answer() {
        let body = r#"{"available":true,"scheduledOutages":[]}"#;
        let status = parse(body).unwrap();
        assert!(status.available());
        assert_eq!(status.message(), None);
        assert!(status.scheduled_outages().is_empty());
        assert_eq!(status.json(), body);
    }

    #[test]
    fn unavailable_with_outages_and_unknown_fields() {
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
    fn an_outage_without_end() {
        let status = parse(
            r#"{"available":true,"scheduledOutages":[
                {"start":"9999-12-31T23:59:59.000Z","end":"9999-12-31T23:59:59Z"}]}"#,
        )
        .unwrap();
        let outage = &status.scheduled_outages()[0];
        assert_eq!(outage.start, "9999-12-31T23:59:59.000Z");
        assert_eq!(outage.end_unix_ms, Timestamp::MAX.as_millisecond());
        assert_eq!(instant("9999-12-31"), None);
        assert_eq!(instant("9999-12-31T23:59:59"), None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
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
    fn json_nested_without_end_is_refused() {
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
