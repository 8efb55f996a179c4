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

/// How long [`Testbed::wait_for_log`] waits. A server logs a request microseconds after its response, but a busy machine may
/// delay it.
const LOG_TIMEOUT: Duration = Duration::from_secs(120);

/// The file names, addresses and logs of a testbed. Reading it starts nothing. Threads may share it.
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
    /// If the variable is not set, with instructions to run the tests; if the file cannot be read.
    #[must_use]
    pub fn from_env() -> Self {
        let Some(path) = std::env::var_os(VARIABLE) else {
            panic!(
                "{VARIABLE} is not set. This test needs real servers. Run it in the testbed: \
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
    /// If the file cannot be read or lacks one of its four members.
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

    /// Returns the content of testbed.json. All paths are text: [`Testbed::start`] rejects other directories.
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

    /// Returns the testbed's directory, in which a test may create files.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the path of a file of the PKI, such as `client_cert`.
    ///
    /// # Panics
    /// If there is no such name.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        lookup(&self.files, "file", name).clone()
    }

    /// Returns the URL of a listener with this path, which starts with a slash and may have a query.
    ///
    /// # Panics
    /// If there is no such listener.
    #[must_use]
    pub fn url(&self, listener: &str, path: &str) -> String {
        format!("{}{path}", lookup(&self.urls, "listener", listener))
    }

    /// Returns the path of a log, such as `nginx_access` or `nginx_error`.
    ///
    /// # Panics
    /// If there is no such log.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        lookup(&self.logs, "log", name).clone()
    }

    /// Returns what the servers have logged so far about requests with `case=<case>` in their query: nginx's lines in
    /// order, then Apache's, then HAProxy's.
    ///
    /// A server logs a request after its response, so the last line may still be missing: see [`Testbed::wait_for_log`].
    ///
    /// # Panics
    /// If a log cannot be read.
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

    /// Waits until the servers have logged `count` requests with `case=<case>`, and returns all lines of the case.
    ///
    /// # Panics
    /// If there are fewer lines after two minutes. The caller must check for more.
    #[must_use]
    pub fn wait_for_log(&self, case: &str, count: usize) -> Vec<LogLine> {
        let deadline = Instant::now() + LOG_TIMEOUT;
        loop {
            let lines = self.access_log_lines(case);
            if lines.len() >= count {
                return lines;
            }
            assert!(
                Instant::now() < deadline,
                "the access logs have {} of {count} requests with case={case} after {LOG_TIMEOUT:?}: {lines:#?}",
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
    fn testbed_json_round_trips() {
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
    fn unknown_name_panics_with_the_known_ones() {
        let urls = [("a".to_owned(), String::new())].into();
        lookup::<String>(&urls, "listener", "b");
    }
}
