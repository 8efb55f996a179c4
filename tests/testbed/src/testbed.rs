//! A running testbed, as a test sees it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::access_log::{LogLine, lines_of_case};
use crate::error::Error;

/// The environment variable that holds the path of testbed.json.
pub const VARIABLE: &str = "DCS_TESTBED";

/// The password of `client_key_encrypted` and `client_key_legacy_encrypted`.
pub const PASSWORD: &str = "correct horse";

/// How long [`Testbed::wait_for_log`] waits. A server logs a request microseconds after its answer; the
/// limit is for a machine that is busy with other things.
const LOG_DEADLINE: Duration = Duration::from_secs(5);

/// A testbed's file names, addresses and logs. Reading it starts nothing and it may be shared by threads.
#[derive(Debug, Clone)]
pub struct Testbed {
    pub(crate) dir: PathBuf,
    pub(crate) files: BTreeMap<String, PathBuf>,
    pub(crate) urls: BTreeMap<String, String>,
    pub(crate) logs: BTreeMap<String, PathBuf>,
}

impl Testbed {
    /// Reads the testbed that the environment variable `DCS_TESTBED` names.
    ///
    /// # Panics
    /// Where the variable is not set, with how to run the tests; where the file cannot be read.
    #[must_use]
    pub fn from_env() -> Self {
        let Some(path) = std::env::var_os(VARIABLE) else {
            panic!(
                "{VARIABLE} is not set: this test talks to real servers. Run it inside the testbed: \
                 cargo run -p dcs-testbed -- cargo test"
            );
        };
        match Self::read(Path::new(&path)) {
            Ok(testbed) => testbed,
            Err(error) => panic!("{VARIABLE} names no testbed: {error}"),
        }
    }

    /// Reads a testbed.json.
    ///
    /// # Errors
    /// Where the file cannot be read or lacks one of its four members.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text =
            std::fs::read_to_string(path).map_err(|cause| Error::file("read", path, &cause))?;
        let value: Value = serde_json::from_str(&text)
            .map_err(|cause| Error::new(format!("{}: {cause}", path.display())))?;
        let lacks = |member: &str| {
            Error::new(format!(
                "{}: \"{member}\" is missing or not text",
                path.display()
            ))
        };
        let texts = |member: &'static str| -> Result<BTreeMap<String, String>, Error> {
            let object = value
                .get(member)
                .and_then(Value::as_object)
                .ok_or_else(|| lacks(member))?;
            object
                .iter()
                .map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())))
                .collect::<Option<_>>()
                .ok_or_else(|| lacks(member))
        };
        let paths = |member| -> Result<BTreeMap<String, PathBuf>, Error> {
            Ok(texts(member)?
                .into_iter()
                .map(|(name, path)| (name, PathBuf::from(path)))
                .collect())
        };
        Ok(Self {
            dir: value
                .get("dir")
                .and_then(Value::as_str)
                .ok_or_else(|| lacks("dir"))?
                .into(),
            files: paths("files")?,
            urls: texts("urls")?,
            logs: paths("logs")?,
        })
    }

    /// The content of testbed.json. Paths are text: [`Testbed::start`] takes no directory that is not.
    #[cfg_attr(not(feature = "servers"), allow(dead_code))]
    pub(crate) fn to_json(&self) -> Value {
        fn object<'a, T: 'a>(
            entries: &'a BTreeMap<String, T>,
            text: impl Fn(&'a T) -> String,
        ) -> Map<String, Value> {
            entries
                .iter()
                .map(|(name, value)| (name.clone(), text(value).into()))
                .collect()
        }
        let path_text = |path: &PathBuf| path.display().to_string();
        json!({
            "dir": path_text(&self.dir),
            "files": object(&self.files, path_text),
            "urls": object(&self.urls, String::clone),
            "logs": object(&self.logs, path_text),
        })
    }

    /// The testbed's directory. A test may make files of its own there.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of a file of the PKI, for example `client_cert`.
    ///
    /// # Panics
    /// Where there is no such name.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        lookup(&self.files, "file", name).clone()
    }

    /// A listener's address with `path` behind it; `path` starts with a slash and may have a query.
    ///
    /// # Panics
    /// Where there is no such listener.
    #[must_use]
    pub fn url(&self, listener: &str, path: &str) -> String {
        format!("{}{path}", lookup(&self.urls, "listener", listener))
    }

    /// The path of a log, for example `nginx_access` or `nginx_error`.
    ///
    /// # Panics
    /// Where there is no such log.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        lookup(&self.logs, "log", name).clone()
    }

    /// What the servers have logged so far about requests with `case=<case>` in their query: nginx's lines
    /// in order, then Apache's, then HAProxy's.
    ///
    /// A server writes its line after the answer, so the last one may not be there yet: see
    /// [`Testbed::wait_for_log`].
    ///
    /// # Panics
    /// Where a log cannot be read.
    #[must_use]
    pub fn access_log_lines(&self, case: &str) -> Vec<LogLine> {
        let mut lines = Vec::new();
        for name in ["nginx_access", "apache_access", "haproxy_access"] {
            let path = lookup(&self.logs, "log", name);
            match std::fs::read(path) {
                Ok(log) => lines.extend(lines_of_case(&String::from_utf8_lossy(&log), case)),
                Err(cause) => panic!("{}", Error::file("read", path, &cause)),
            }
        }
        lines
    }

    /// Waits until the servers have logged `count` requests with `case=<case>`, five seconds at most, and
    /// returns all lines of the case.
    ///
    /// # Panics
    /// Where fewer lines were there in time; more lines than `count` are for the caller to judge.
    #[must_use]
    pub fn wait_for_log(&self, case: &str, count: usize) -> Vec<LogLine> {
        let deadline = Instant::now() + LOG_DEADLINE;
        loop {
            let lines = self.access_log_lines(case);
            if lines.len() >= count {
                return lines;
            }
            assert!(
                Instant::now() < deadline,
                "the access logs have {} of {count} requests with case={case} after {LOG_DEADLINE:?}: {lines:#?}",
                lines.len()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn lookup<'a, T>(entries: &'a BTreeMap<String, T>, kind: &str, name: &str) -> &'a T {
    entries.get(name).unwrap_or_else(|| {
        let known: Vec<&str> = entries.keys().map(String::as_str).collect();
        panic!(
            "the testbed has no {kind} {name:?}; there are {}",
            known.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let dir = std::env::temp_dir().join(format!("dcs-testbed-json-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory");
        let path = dir.join("testbed.json");
        let testbed = Testbed {
            dir: dir.clone(),
            files: [("key".to_owned(), dir.join("key.pem"))].into(),
            urls: [("a".to_owned(), "https://localhost:1".to_owned())].into(),
            logs: [("log".to_owned(), dir.join("log"))].into(),
        };
        std::fs::write(&path, testbed.to_json().to_string()).expect("written");
        let read = Testbed::read(&path).expect("read");
        std::fs::remove_dir_all(&dir).expect("removed");
        assert_eq!(read.file("key"), dir.join("key.pem"));
        assert_eq!(read.url("a", "/x"), "https://localhost:1/x");
        assert_eq!(read.log("log"), dir.join("log"));
        assert_eq!(read.dir(), dir);
    }

    #[test]
    #[should_panic(expected = "no listener \"b\"; there are a")]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let urls = [("a".to_owned(), String::new())].into();
        lookup::<String>(&urls, "listener", "b");
    }
}
