//! The documented answers of the service to the status call.

use clap::ValueEnum;

use super::http::{Request, Response};

/// The path of the passport check and of its status.
pub const PATH: &str = "/checks/passport";

/// An answer, by its name on the command line and in the query of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Answer {
    /// 200, available
    Available,
    /// 200, not available: unplanned outage
    Unavailable,
    /// 200, not available: planned outage in progress
    PlannedOutage,
    /// 200, available, with two planned outages
    ScheduledOutages,
    /// 200, not available: limit exceeded
    LimitExceeded,
    /// 400
    BadRequest,
    /// 403, quota used up
    QuotaExceeded,
    /// 404
    NotFound,
    /// 429 with Retry-After
    RateLimited,
    /// 500
    InternalError,
    /// 503 with Retry-After
    OverCapacity,
    /// 200 with an HTML page, like a captive portal
    NotJson,
}

/// The answers of one server.
#[derive(Clone, Copy)]
pub struct Answers {
    /// Sent to requests that name no answer.
    pub default: Answer,
    /// In seconds.
    pub retry_after: u32,
}

impl Answers {
    /// Returns the answer to a request with a valid client certificate.
    pub fn respond(&self, request: &Request) -> Response {
        if request.path != PATH {
            return page(404, "Not Found");
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return page(405, "Not Allowed").with("Allow", "GET, HEAD");
        }
        match request.parameter("answer") {
            None => self.answer(self.default),
            Some(name) => match Answer::from_str(name, false) {
                Ok(answer) => self.answer(answer),
                Err(_) => Response::new(
                    400,
                    "text/plain",
                    format!("no such answer: {name}; dcs sandbox --help lists them\n"),
                ),
            },
        }
    }

    fn answer(&self, answer: Answer) -> Response {
        match answer {
            Answer::Available => status(r#"{"available":true,"scheduledOutages":[]}"#),
            Answer::Unavailable => {
                status(r#"{"available":false,"message":"Unplanned outage","scheduledOutages":[]}"#)
            }
            Answer::PlannedOutage => status(
                r#"{"available":false,"message":"Planned outage in progress finishing 2030-01-01T14:30:00.000Z","scheduledOutages":[]}"#,
            ),
            Answer::ScheduledOutages => status(
                r#"{"available":true,"scheduledOutages":[{"start":"2030-01-01T12:30:00.000Z","end":"2030-01-01T14:30:00.000Z","message":"Planned maintenance"},{"start":"2030-02-01T00:00:00.000Z","end":"2030-02-01T01:00:00.000Z","message":"Planned maintenance"}]}"#,
            ),
            Answer::LimitExceeded => {
                status(r#"{"available":false,"message":"Limit exceeded","scheduledOutages":[]}"#)
            }
            Answer::BadRequest => empty(400),
            Answer::QuotaExceeded => empty(403)
                .with("DCS-Quota-Limit", "1000")
                .with("DCS-Quota-Remaining", "0"),
            Answer::NotFound => page(404, "Not Found"),
            Answer::RateLimited => empty(429)
                .with("Retry-After", &self.retry_after.to_string())
                .with("X-RateLimit-Limit", "50")
                .with("X-RateLimit-Remaining", "0")
                .with("X-RateLimit-Reset", &self.retry_after.to_string()),
            Answer::InternalError => page(500, "Internal Server Error"),
            Answer::OverCapacity => empty(503).with("Retry-After", &self.retry_after.to_string()),
            Answer::NotJson => Response::new(
                200,
                "text/html",
                "<!DOCTYPE html>\n<title>Welcome to the guest network</title>\n".into(),
            ),
        }
    }
}

fn status(json: &str) -> Response {
    Response::new(200, "application/json", json.into())
}

fn empty(status: u16) -> Response {
    Response::new(status, "text/plain", String::new())
}

/// Returns an error page like nginx's, with its CRLF lines.
pub fn page(status: u16, title: &str) -> Response {
    Response::new(
        status,
        "text/html",
        format!(
            "<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n\
             <center><h1>{status} {}</h1></center>\r\n{}<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
            if status == 400 { "Bad Request" } else { title },
            if status == 400 {
                format!("<center>{title}</center>\r\n")
            } else {
                String::new()
            },
        ),
    )
}
