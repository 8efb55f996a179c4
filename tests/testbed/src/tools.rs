//! The installed programs that the testbed runs.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::Error;

/// The directories of servers on Debian and Ubuntu, which an ordinary user's PATH often lacks.
const SYSTEM_DIRECTORIES: [&str; 4] = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"];

/// The directory of Apache's modules on Debian and Ubuntu.
const APACHE_MODULES: &str = "/usr/lib/apache2/modules";

/// The programs' paths.
pub(crate) struct Tools {
    pub(crate) openssl: PathBuf,
    pub(crate) nginx: PathBuf,
    pub(crate) apache: PathBuf,
    pub(crate) apache_modules: PathBuf,
    pub(crate) haproxy: PathBuf,
    /// Ends a server together with this process. Part of util-linux, so installed nearly everywhere.
    pub(crate) setpriv: Option<PathBuf>,
}

impl Tools {
    /// Finds the programs.
    ///
    /// # Errors
    /// Names all missing programs, with the apt command that installs them.
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
    /// If openssl fails, with its output, which contains no key.
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
