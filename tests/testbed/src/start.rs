//! Starting the whole testbed, and ending it.

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

/// How often a server is started when others take its ports.
const ATTEMPTS: usize = 5;

/// Chooses a server's ports and writes its configuration into a directory.
type Configure = for<'a> fn(&'a Tools, &Path, &ServerFiles) -> Result<Spec<'a>, Error>;

/// The servers: their directories, which their logs are named after, and what configures them.
const SERVERS: [(&str, Configure); 3] = [
    ("nginx", nginx::configure),
    ("apache", apache::configure),
    ("haproxy", haproxy::configure),
];

/// A testbed whose servers run until this is dropped. Dropping waits until they have ended, and leaves the
/// directory.
pub struct Running {
    testbed: Testbed,
    servers: Vec<Server>,
}

impl Testbed {
    /// Makes a testbed in `dir`, starts its servers and writes `testbed.json`.
    ///
    /// `dir` must be empty or not there; its parent must be there. Where the `setpriv` of util-linux is
    /// installed, the servers also end when the thread that calls this ends, even if the process is
    /// killed: call it from a thread that lives as long as they are needed.
    ///
    /// # Errors
    /// Where a program is not installed, with the command that installs it; where the directory cannot be
    /// used; where a server does not start, with the end of its error log.
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
    /// The testbed, as tests see it.
    #[must_use]
    pub fn testbed(&self) -> &Testbed {
        &self.testbed
    }

    /// The path of testbed.json.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.testbed.dir.join("testbed.json")
    }

    /// What to say of the servers that have ended although nobody told them to: name, exit status and the
    /// end of the error log. Empty while all is well.
    #[must_use]
    pub fn dead_servers(&mut self) -> Vec<String> {
        self.servers
            .iter_mut()
            .filter_map(|server| {
                let status = server.ended()?;
                Some(server.obituary("ended while it was needed", status))
            })
            .collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // All are told before the first is waited for.
        self.servers.iter_mut().for_each(Server::tell_to_stop);
    }
}

/// Starts a server in the new directory `dir`, with other ports where someone was quicker.
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

/// Makes `dir` unless it is there and empty; returns its absolute path.
fn empty_dir(dir: &Path) -> Result<PathBuf, Error> {
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Error::new(format!(
                    "{} is not empty: name an empty or a new directory",
                    dir.display()
                )));
            }
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => make_dir(dir)?,
        Err(cause) => return Err(Error::file("read the directory", dir, &cause)),
    }
    let path = fs::canonicalize(dir).map_err(|cause| Error::file("find", dir, &cause))?;
    // The servers' configurations quote paths, but know no way to write these.
    let plain = |text: &str| {
        !text.contains(['"', '\'', '\\', '$', '%']) && !text.contains(char::is_control)
    };
    if path.to_str().is_some_and(plain) {
        Ok(path)
    } else {
        Err(Error::new(format!(
            "{} cannot stand in the servers' configurations: name a directory without quotes, \
             backslashes, $, % and control characters in its path",
            path.display()
        )))
    }
}
