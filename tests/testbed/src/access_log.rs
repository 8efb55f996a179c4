//! The servers' access logs: what a server saw, independent of what a client reports.

use serde_json::Value;

/// A request, as the server logged it after its response.
///
/// In the file, a line is one JSON object, whose values are strings except for `status` and `connection_requests`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The listener's name in testbed.json, such as `tls12_close`.
    pub listener: String,
    /// The connection's identifier, the same for all requests on one connection: nginx's serial number,
    /// Apache's log identifier, the client's port for HAProxy.
    pub connection: String,
    /// How many requests the connection has seen, this one included. nginx only.
    pub connection_requests: Option<u64>,
    /// The request's method; empty if the server could not read the request.
    pub method: String,
    /// Path and query as the client sent them.
    pub uri: String,
    /// The HTTP status of the response.
    pub status: u16,
    /// `TLSv1.2` or `TLSv1.3`; empty for plain HTTP.
    pub protocol: String,
    /// The cipher suite in OpenSSL's naming; empty for plain HTTP.
    pub cipher: String,
    /// Whether the handshake resumed an earlier session.
    pub session_reused: bool,
    /// `SUCCESS`, `NONE`, or `FAILED:` and the reason; empty for plain HTTP.
    pub client_verify: String,
    /// The client certificate's subject; empty if the client sent none.
    pub client_subject: String,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl LogLine {
    /// Reads a line of any server's log; returns `None` if it is not one.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        // For an absent value Apache writes "-" and nginx nothing.
        let text = |key: &str| match value.get(key).and_then(Value::as_str) {
            Some("-") | None => String::new(),
            Some(text) => text.to_owned(),
        };
        Some(Self {
            listener: text("listener"),
            connection: text("connection"),
            connection_requests: value.get("connection_requests").and_then(Value::as_u64),
            method: text("method"),
            uri: text("uri"),
            status: u16::try_from(value.get("status")?.as_u64()?).ok()?,
            protocol: text("protocol"),
            cipher: text("cipher"),
            session_reused: matches!(text("session_reused").as_str(), "r" | "Resumed" | "1"),
            client_verify: text("client_verify"),
            client_subject: text("client_subject"),
            user_agent: text("user_agent"),
        })
    }

    /// Returns whether the request's query contains `case=<case>`.
    pub(crate) fn is_of_case(&self, case: &str) -> bool {
        let query = self.uri.split_once('?').map_or("", |(_, query)| query);
        query
            .split('&')
            .any(|pair| pair.split_once('=') == Some(("case", case)))
    }
}

/// Returns the lines of a case in a log's text, in order. Ignores a last line without a line end, which is incomplete.
pub(crate) fn lines_of_case(log: &str, case: &str) -> Vec<LogLine> {
    let complete = log.rfind('\n').map_or("", |end| &log[..end]);
    // Most lines belong to other tests. The cheap test avoids parsing them.
    complete
        .lines()
        .filter(|line| line.contains(case))
        .filter_map(LogLine::parse)
        .filter(|line| line.is_of_case(case))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"listener":"tls12_close","connection":"7","connection_requests":1,"method":"GET","uri":"/checks/passport?x=1&case=a","status":200,"protocol":"TLSv1.2","cipher":"C","session_reused":"r","client_verify":"SUCCESS","client_subject":"CN=x","user_agent":"u"}"#;

    #[test]
    fn reads_a_line_of_nginx() {
        let lines = lines_of_case(&format!("{LINE}\n"), "a");
        assert_eq!(lines.len(), 1);
        assert!(lines[0].session_reused);
        assert_eq!(lines[0].connection_requests, Some(1));
        assert_eq!(lines[0].status, 200);
    }

    #[test]
    fn matches_the_whole_case() {
        let log = format!("{}\n{LINE}\n", LINE.replace("case=a", "case=ab"));
        assert_eq!(lines_of_case(&log, "a").len(), 1);
        assert_eq!(lines_of_case(&log, "b").len(), 0);
    }

    #[test]
    fn ignores_an_incomplete_line() {
        assert_eq!(lines_of_case(LINE, "a").len(), 0);
        assert_eq!(lines_of_case(&format!("{LINE}\n{LINE}"), "a").len(), 1);
    }

    #[test]
    fn reads_a_dash_of_apache_as_absent() {
        let line = LINE.replace(r#""r""#, r#""Initial""#).replace("CN=x", "-");
        let line = LogLine::parse(&line).expect("a line");
        assert!(!line.session_reused);
        assert_eq!(line.client_subject, "");
    }
}
