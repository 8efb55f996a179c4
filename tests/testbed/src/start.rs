//! Starts and stops the whole testbed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::pki::ServerFiles;
use crate::server::{Failure, Server, Spec};
use crate::store::{Store, make_dir, write_private};
use crate::testbed::Testbed;
use crate::tools::Tools;
use crate::{apache, haproxy, nginx, pki};

/// How often a server is started if other processes take its ports.
const ATTEMPTS: usize = 5;

/// Chooses a server's ports and writes its configuration into a directory.
type Configure = for<'a> fn(&'a Tools, &Path, &ServerFiles) -> Result<Spec<'a>, Error>;

/// The servers: their directories, which are also the names of their logs, and their configurations.
const SERVERS: [(&str, Configure); 3] = [
    ("nginx", nginx::configure),
    ("apache", apache::configure),
    ("haproxy", haproxy::configure),
];

/// A testbed whose servers run until it is dropped. Dropping it waits for their end and keeps the directory.
pub struct Running {
    testbed: Testbed,
    servers: Vec<Server>,
}

impl Testbed {
    /// Creates a testbed in `dir`, starts its servers and writes `testbed.json`.
    ///
    /// `dir` must be empty or new, and its parent must exist. If the `setpriv` of util-linux is installed, the servers also
    /// end when the calling thread ends, even if the process is killed: call it from a thread that lives as long as they
    /// are needed.
    ///
    /// # Errors
    /// If a program is not installed, with the command that installs it; if the directory cannot be used; if a server does
    /// not start, with the end of its error log.
    pub fn start(dir: &Path) -> Result<Running, Error> {
        let tools = Tools::find()?;
        let dir = empty_dir(dir)?;
        let mut store = Store::create(dir.join("pki"))?;
        let pki = pki::create(&tools, &mut store)?;
        let (mut urls, mut logs) = (BTreeMap::new(), BTreeMap::new());
        let mut servers = Vec::new();
        for (name, configure) in SERVERS {
            let dir = dir.join(name);
            let (server, spec) = start_on_free_ports(&tools, &dir, &pki, configure)?;
            servers.push(server);
            for address in spec.listeners {
                urls.insert(
                    address.name.to_owned(),
                    format!("{}://localhost:{}", address.scheme, address.port),
                );
            }
            logs.insert(format!("{name}_access"), dir.join(spec.access_log));
            logs.insert(format!("{name}_error"), dir.join(spec.error_log));
        }
        let testbed = Testbed {
            dir,
            files: store.into_files(),
            urls,
            logs,
        };
        let running = Running { testbed, servers };
        write_private(
            &running.file(),
            format!("{:#}\n", running.testbed.to_json()),
        )?;
        Ok(running)
    }
}

impl Running {
    /// Returns the testbed, as tests read it.
    #[must_use]
    pub fn testbed(&self) -> &Testbed {
        &self.testbed
    }

    /// Returns the path of testbed.json.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.testbed.dir.join("testbed.json")
    }

    /// Returns a message for each server that has ended by itself: name, exit status and the end of its error log.
    #[must_use]
    pub fn dead_servers(&mut self) -> Vec<String> {
        self.servers
            .iter_mut()
            .filter_map(|server| {
                let status = server.ended()?;
                Some(server.ended_message("ended while it was needed", status))
            })
            .collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Signals all of them before waiting for the first.
        self.servers.iter_mut().for_each(Server::terminate);
    }
}

/// Starts a server in the new directory `dir`, with other ports if another process has taken one.
fn start_on_free_ports<'a>(
    tools: &'a Tools,
    dir: &Path,
    pki: &ServerFiles,
    configure: Configure,
) -> Result<(Server, Spec<'a>), Error> {
    let mut attempt = 1;
    loop {
        make_dir(dir)?;
        let spec = configure(tools, dir, pki)?;
        match Server::start(tools, dir, &spec) {
            Ok(server) => return Ok((server, spec)),
            Err(Failure::AddressInUse(_)) if attempt < ATTEMPTS => {
                attempt += 1;
                fs::remove_dir_all(dir).map_err(|cause| Error::file("remove", dir, &cause))?;
            }
            Err(Failure::AddressInUse(error) | Failure::Other(error)) => return Err(error),
        }
    }
}

/// Creates `dir` unless it exists and is empty; returns its absolute path.
fn empty_dir(dir: &Path) -> Result<PathBuf, Error> {
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Error::new(format!(
                    "{} is not empty; use an empty or a new directory",
                    dir.display()
                )));
            }
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => make_dir(dir)?,
        Err(cause) => return Err(Error::file("read the directory", dir, &cause)),
    }
    let path = fs::canonicalize(dir).map_err(|cause| Error::file("find", dir, &cause))?;
    // The servers' configurations quote paths, but cannot escape these characters.
    let plain = |text: &str| {
        !text.contains(['"', '\'', '\\', '$', '%']) && !text.contains(char::is_control)
    };
    if path.to_str().is_some_and(plain) {
        Ok(path)
    } else {
        Err(Error::new(format!(
            "{} is unsupported in the servers' configurations; use a directory without quotes, backslashes, $, % and \
             control characters in its path",
            path.display()
        )))
    }
}
