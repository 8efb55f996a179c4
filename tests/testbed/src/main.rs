//! `dcs-testbed [--dir DIR] [--keep] -- COMMAND [ARGUMENT...]`: runs a command beside real servers.

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
Starts nginx, Apache httpd and HAProxy on free loopback ports with a throw-away PKI, runs a command, stops them.

Usage: dcs-testbed [--dir DIR] [--keep] -- COMMAND [ARGUMENT...]

  --dir DIR  use DIR, which must be empty or new; it is kept
  --keep     keep the directory where it is a temporary one
  --help     print this

The command finds the path of testbed.json in the environment variable DCS_TESTBED.
Exit status: the command's; 128 + N where it or this program was ended by signal N; 2 for a mistake in
the arguments; 125 where the testbed failed; 126 where the command cannot be run; 127 where there is none
of that name.
";

/// The exit status for a mistake in the arguments.
const USAGE: u8 = 2;
/// The exit statuses that `env` and `timeout` have for the same things.
const FAILED: u8 = 125;
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// How often the command's state is looked at.
const POLL: Duration = Duration::from_millis(10);
/// How long the command may go on after a signal to this program before it gets SIGTERM. Ctrl-C at a
/// terminal reaches the command by itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it may go on after that before it is killed.
const GRACE: Duration = Duration::from_secs(5);

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

/// Reads the arguments; `None` where help is asked for.
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
    Err("there is no command: give it after --".to_owned())
}

/// Makes the testbed, runs the command and cleans up; returns the exit status.
fn run(arguments: &Arguments) -> Result<u8, Error> {
    // From here on a signal no longer ends the process, so the servers are stopped whatever happens.
    let received = Signals::catch()?;
    let Some(dir) = &arguments.dir else {
        let dir = temporary_dir()?;
        let result = run_in(&dir, arguments, &received);
        if arguments.keep || result.is_err() {
            eprintln!("dcs-testbed: {} is kept", dir.display());
        } else if let Err(cause) = fs::remove_dir_all(&dir) {
            eprintln!("dcs-testbed: cannot remove {}: {cause}", dir.display());
        }
        return result;
    };
    run_in(dir, arguments, &received)
}

/// Makes a directory for this run, which nobody else can have made before.
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
        "{} is full of kept testbeds: remove them",
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
    let status = wait(&mut child, received, || {
        if dead.is_empty() {
            dead = running.dead_servers();
            for server in &dead {
                eprintln!("dcs-testbed: {server}");
            }
        }
    })?;
    Ok(match received.last() {
        Some(signal) => signal_status(signal),
        // Without its servers the command cannot have tested what it says.
        None if status.success() && !dead.is_empty() => FAILED,
        None => exit_status(status),
    })
}

/// Waits for the command, calling `look` now and then. After a signal to this program the command is
/// given time to end by itself, then told to, then killed.
fn wait(
    child: &mut Child,
    received: &Signals,
    mut look: impl FnMut(),
) -> Result<ExitStatus, Error> {
    let mut interrupted: Option<Instant> = None;
    let mut told = false;
    loop {
        if let Some(status) = child
            .try_wait()
            .map_err(|cause| Error::new(format!("cannot wait for the command: {cause}")))?
        {
            return Ok(status);
        }
        look();
        if let Some(signal) = received.last() {
            let since = interrupted.get_or_insert_with(Instant::now).elapsed();
            // SIGINT and SIGQUIT come from a terminal, which sends them to the command as well.
            let from_terminal = signal == SIGINT || signal == SIGQUIT;
            if !told && (!from_terminal || since >= PATIENCE) {
                told = true;
                // That it has ended meanwhile is no failure.
                let _ = kill_process(Pid::from_child(child), Signal::TERM);
            }
            if since >= PATIENCE + GRACE {
                let _ = child.kill();
            }
        }
        thread::sleep(POLL);
    }
}

fn exit_status(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(FAILED),
        (None, Some(signal)) => signal_status(signal),
        (None, None) => FAILED,
    }
}

/// How shells report an end by a signal.
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

    /// The signal that came last, if any.
    fn last(&self) -> Option<i32> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }
}
