//! `dcs-testbed [--dir DIR] [--keep] -- COMMAND [ARGUMENT...]` runs a command beside real servers.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dcs_testbed::{Error, Testbed, VARIABLE};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

const HELP: &str = "\
Starts nginx, Apache httpd and HAProxy on free loopback ports with a throw-away PKI, runs a command, and stops them.

Usage: dcs-testbed [--dir DIR] [--keep] -- COMMAND [ARGUMENT...]

  --dir DIR  use DIR, which must be empty or new, and keep it
  --keep     keep the temporary directory
  --help     print this help

The environment variable DCS_TESTBED of the command is the path of testbed.json.
Exit status: the command's; 128 + N if signal N ended the command or this program; 2 for invalid arguments; 125 if the
testbed failed; 126 if the command cannot be run; 127 if it does not exist.
";

/// The exit status for invalid arguments.
const USAGE: u8 = 2;
/// As in `env` and `timeout`.
const FAILED: u8 = 125;
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// How often the command's state is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How long the command may run after a signal to this program before it gets SIGTERM. Ctrl-C at a terminal reaches the
/// command by itself.
const TERMINATE_AFTER: Duration = Duration::from_secs(2);
/// How long the command may run after a signal to this program before it is killed.
const KILL_AFTER: Duration = Duration::from_secs(7);

struct Arguments {
    dir: Option<PathBuf>,
    keep: bool,
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    let arguments = match parse(env::args_os().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(mistake) => {
            eprintln!("dcs-testbed: {mistake}; see dcs-testbed --help");
            return ExitCode::from(USAGE);
        }
    };
    ExitCode::from(run(&arguments).unwrap_or_else(|error| {
        eprintln!("dcs-testbed: {error}");
        FAILED
    }))
}

/// Reads the arguments; returns `None` for `--help`.
fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Option<Arguments>, String> {
    let mut dir = None;
    let mut keep = false;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(None),
            Some("--keep") => keep = true,
            Some("--dir") => match arguments.next() {
                Some(path) if !path.is_empty() => dir = Some(PathBuf::from(path)),
                _ => return Err("--dir needs a directory".to_owned()),
            },
            Some("--") => {
                let command: Vec<OsString> = arguments.collect();
                if command.is_empty() {
                    break;
                }
                return Ok(Some(Arguments { dir, keep, command }));
            }
            _ => {
                return Err(format!(
                    "{} is unknown, or -- is missing before the command",
                    argument.display()
                ));
            }
        }
    }
    Err("no command; pass it after --".to_owned())
}

/// Creates the testbed, runs the command and cleans up; returns the exit status.
fn run(arguments: &Arguments) -> Result<u8, Error> {
    // From now on a signal does not end the process, so that it always stops the servers.
    let received = Signals::catch()?;
    let Some(dir) = &arguments.dir else {
        let dir = temporary_dir()?;
        let result = run_in(&dir, arguments, &received);
        if arguments.keep || result.is_err() {
            eprintln!("dcs-testbed: kept {}", dir.display());
        } else if let Err(cause) = fs::remove_dir_all(&dir) {
            eprintln!("dcs-testbed: cannot remove {}: {cause}", dir.display());
        }
        return result;
    };
    run_in(dir, arguments, &received)
}

/// Creates a new directory for this run.
fn temporary_dir() -> Result<PathBuf, Error> {
    let parent = env::temp_dir();
    for attempt in 0..100 {
        let dir = parent.join(format!("dcs-testbed-{}-{attempt}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => return Ok(dir),
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(Error::file("create the directory", &dir, &cause)),
        }
    }
    Err(Error::new(format!(
        "{} has too many kept testbeds; remove them",
        parent.display()
    )))
}

/// Starts the servers, runs the command and stops the servers; returns the exit status.
fn run_in(dir: &Path, arguments: &Arguments, received: &Signals) -> Result<u8, Error> {
    let mut running = Testbed::start(dir)?;
    if let Some(signal) = received.last() {
        return Ok(signal_status(signal));
    }
    let program = &arguments.command[0];
    let mut command = Command::new(program);
    command
        .args(&arguments.command[1..])
        .env(VARIABLE, running.file());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(cause) => {
            eprintln!("dcs-testbed: cannot run {}: {cause}", program.display());
            return Ok(if cause.kind() == ErrorKind::NotFound {
                NOT_FOUND
            } else {
                CANNOT_RUN
            });
        }
    };
    let mut dead = Vec::new();
    let mut check = || {
        if dead.is_empty() {
            dead = running.dead_servers();
            for server in &dead {
                eprintln!("dcs-testbed: {server}");
            }
        }
    };
    let status = wait(&mut child, received, &mut check)?;
    // A server may have died shortly before the command ended.
    check();
    Ok(match received.last() {
        Some(signal) => signal_status(signal),
        // The command cannot succeed without its servers.
        None if status.success() && !dead.is_empty() => FAILED,
        None => exit_status(status),
    })
}

/// Waits for the command, and calls `check` meanwhile. After a signal to this program the command has time to end by
/// itself; then it gets SIGTERM, and later SIGKILL.
fn wait(
    child: &mut Child,
    received: &Signals,
    check: &mut impl FnMut(),
) -> Result<ExitStatus, Error> {
    let mut interrupted: Option<Instant> = None;
    let mut is_terminated = false;
    loop {
        if let Some(status) = child
            .try_wait()
            .map_err(|cause| Error::new(format!("cannot wait for the command: {cause}")))?
        {
            return Ok(status);
        }
        check();
        if let Some(signal) = received.last() {
            let since = interrupted.get_or_insert_with(Instant::now).elapsed();
            // A terminal sends SIGINT and SIGQUIT to the command too.
            let from_terminal = signal == SIGINT || signal == SIGQUIT;
            if !is_terminated && (!from_terminal || since >= TERMINATE_AFTER) {
                is_terminated = true;
                // Fails only if the command has ended meanwhile.
                let _ = kill_process(Pid::from_child(child), Signal::TERM);
            }
            if since >= KILL_AFTER {
                let _ = child.kill();
            }
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn exit_status(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(FAILED),
        (None, Some(signal)) => signal_status(signal),
        (None, None) => FAILED,
    }
}

/// Returns the exit status with which shells report a signal.
fn signal_status(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(FAILED)
}

/// The signals that would end this program.
struct Signals(Arc<AtomicUsize>);

impl Signals {
    fn catch() -> Result<Self, Error> {
        let last = Arc::new(AtomicUsize::new(0));
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&last), number)
                .map_err(|cause| Error::new(format!("cannot catch signal {signal}: {cause}")))?;
        }
        Ok(Self(last))
    }

    /// Returns the last signal, if any.
    fn last(&self) -> Option<i32> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }
}
