//! The programs that the testbed runs, none of which it brings along.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::Error;

/// Where Debian and Ubuntu put the programs of servers, which is often not in an ordinary user's PATH.
const SYSTEM_DIRECTORIES: [&str; 4] = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"];

/// Where Debian and Ubuntu put Apache's modules.
const APACHE_MODULES: &str = "/usr/lib/apache2/modules";

/// The programs' paths.
pub(crate) struct Tools {
    pub(crate) openssl: PathBuf,
    pub(crate) nginx: PathBuf,
    pub(crate) apache: PathBuf,
    pub(crate) apache_modules: PathBuf,
    pub(crate) haproxy: PathBuf,
    /// Ties a server's life to this process's; util-linux, so on nearly every machine.
    pub(crate) setpriv: Option<PathBuf>,
}

impl Tools {
    /// Finds the programs.
    ///
    /// # Errors
    /// Names all that are missing, with the one apt command that brings them.
    pub(crate) fn find() -> Result<Self, Error> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let find = |program: &str| find_in(&path, program);
        let wanted = [
            ("openssl", "openssl"),
            ("nginx", "nginx-light"),
            ("apache2", "apache2-bin"),
            ("haproxy", "haproxy"),
        ];
        match wanted.map(|(program, _)| find(program)) {
            [Some(openssl), Some(nginx), Some(apache), Some(haproxy)] => Ok(Self {
                openssl,
                nginx,
                apache,
                apache_modules: APACHE_MODULES.into(),
                haproxy,
                setpriv: find("setpriv"),
            }),
            found => {
                let missing: Vec<(&str, &str)> = wanted
                    .into_iter()
                    .zip(found)
                    .filter(|(_, path)| path.is_none())
                    .map(|(pair, _)| pair)
                    .collect();
                let names = |pick: fn(&(&'static str, &'static str)) -> &'static str, by| {
                    missing.iter().map(pick).collect::<Vec<_>>().join(by)
                };
                Err(Error::new(format!(
                    "not installed: {}. On Debian and Ubuntu: apt-get install {}",
                    names(|pair| pair.0, ", "),
                    names(|pair| pair.1, " ")
                )))
            }
        }
    }

    /// Runs `openssl` to its end.
    ///
    /// # Errors
    /// With what it printed, where it fails. It prints no key where it fails.
    pub(crate) fn openssl<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<(), Error> {
        let run = Command::new(&self.openssl)
            .args(arguments)
            .stdin(Stdio::null())
            .output();
        let name = arguments
            .first()
            .map(|name| name.as_ref().to_string_lossy())
            .unwrap_or_default();
        match run {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(Error::new(format!(
                "openssl {name} failed ({}): {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            ))),
            Err(cause) => Err(Error::file("run", &self.openssl, &cause)),
        }
    }
}

fn find_in(path: &OsStr, program: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .chain(SYSTEM_DIRECTORIES.iter().map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}
