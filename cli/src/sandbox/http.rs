//! The part of HTTP/1.1 (RFC 9112) that the sandbox needs.

use std::io::{self, ErrorKind, Read, Write};

/// Largest head of a request.
const MAX_HEAD: usize = 16 * 1024;
/// Largest request body that is read, to reach the next request.
const MAX_BODY: usize = 64 * 1024;

/// The head of a request, whose body was read and discarded.
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    query: String,
    /// Whether the client keeps the connection open.
    pub keep_alive: bool,
}

impl Request {
    /// Returns the value of a parameter in the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Reads the next request. Returns `None` if the client has closed the connection.
    pub fn read(stream: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        let mut buffer = [0; 2048];
        let end = loop {
            if let Some(end) = head.windows(4).position(|part| part == b"\r\n\r\n") {
                break end + 4;
            }
            if head.len() > MAX_HEAD {
                return Err(invalid("the head is too large"));
            }
            match stream.read(&mut buffer)? {
                0 if head.is_empty() => return Ok(None),
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => head.extend_from_slice(&buffer[..count]),
            }
        };
        let text =
            std::str::from_utf8(&head[..end]).map_err(|_| invalid("the head is not text"))?;
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or("").split(' ');
        let (Some(method), Some(target), Some(version)) =
            (words.next(), words.next(), words.next())
        else {
            return Err(invalid("there is no request line"));
        };
        let header = |name: &str| {
            text.split("\r\n").skip(1).find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        let length = match header("content-length") {
            Some(length) => length
                .parse()
                .map_err(|_| invalid("the length is not a number"))?,
            None => 0_usize,
        };
        let read_ahead = head.len() - end;
        if length > MAX_BODY || read_ahead > length || header("transfer-encoding").is_some() {
            return Err(invalid("the sandbox does not support this body"));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let wants_close =
            header("connection").is_some_and(|value| value.to_ascii_lowercase().contains("close"));
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            keep_alive: version == "HTTP/1.1" && !wants_close,
        };
        let mut left = length - read_ahead;
        while left > 0 {
            let part = left.min(buffer.len());
            match stream.read(&mut buffer[..part])? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => left -= count,
            }
        }
        Ok(Some(request))
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// An answer to a request.
pub struct Response {
    pub status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Response {
    pub fn new(status: u16, content_type: &'static str, body: String) -> Self {
        Response {
            status,
            content_type,
            headers: Vec::new(),
            body,
        }
    }

    /// Adds a header.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Writes the whole answer with one call.
    pub fn write(
        &self,
        stream: &mut impl Write,
        head_only: bool,
        keep_alive: bool,
    ) -> io::Result<()> {
        let mut text = format!(
            "HTTP/1.1 {} {}\r\nServer: nginx\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n",
            self.status,
            reason(self.status),
            self.content_type,
            self.body.len(),
            if keep_alive { "keep-alive" } else { "close" },
        );
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        if !head_only {
            text.push_str(&self.body);
        }
        stream.write_all(text.as_bytes())?;
        stream.flush()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Unknown",
    }
}
