//! The protocol of benches/README.md: reads commands, makes calls on threads, measures them.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

/// The program's arguments.
pub struct Arguments {
    pub url: String,
    pub ca_bundle: String,
    pub chain: String,
    pub key: String,
    pub variant: String,
}

/// A client that makes the calls.
pub trait Contender: Sized + Sync {
    /// The state that one thread keeps between calls and runs.
    type Worker: Send;

    fn new(arguments: &Arguments) -> Result<Self, String>;

    /// Returns the initial state of a thread by its number.
    fn worker(&self, thread: usize) -> Self::Worker;

    /// Makes and checks one call.
    fn call(&self, worker: &mut Self::Worker) -> Result<(), String>;

    fn versions() -> Value;
}

/// Runs a contender's program.
pub fn main<C: Contender>() -> ExitCode {
    let values: Vec<String> = std::env::args().skip(1).collect();
    let once = match &values[..] {
        [_, _, _, _, _] => false,
        [_, _, _, _, _, once] if once == "once" => true,
        _ => {
            eprintln!("arguments: URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY VARIANT [once]");
            return ExitCode::from(2);
        }
    };
    let arguments = Arguments {
        url: values[0].clone(),
        ca_bundle: values[1].clone(),
        chain: values[2].clone(),
        key: values[3].clone(),
        variant: values[4].clone(),
    };
    let outcome = C::new(&arguments).and_then(|contender| {
        if once {
            contender.call(&mut contender.worker(0))
        } else {
            serve(&contender)
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the commands of standard input.
fn serve<C: Contender>(contender: &C) -> Result<(), String> {
    let mut workers = Vec::new();
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let answer = match &line.split(' ').collect::<Vec<_>>()[..] {
            ["quit"] => return Ok(()),
            ["versions"] => C::versions(),
            ["run", calls, threads] => {
                let number = |text: &str| {
                    text.parse::<usize>()
                        .ok()
                        .filter(|number| *number > 0)
                        .ok_or_else(|| format!("not a command: {line}"))
                };
                run(contender, &mut workers, number(calls)?, number(threads)?)?
            }
            _ => return Err(format!("not a command: {line}")),
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")
            .and_then(|()| out.flush())
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Makes the calls. This thread takes the first share, so that a run with one thread starts no other.
fn run<C: Contender>(
    contender: &C,
    workers: &mut Vec<C::Worker>,
    calls: usize,
    threads: usize,
) -> Result<Value, String> {
    for thread in workers.len()..threads {
        workers.push(contender.worker(thread));
    }
    let share = |index: usize| calls / threads + usize::from(index < calls % threads);
    let cpu = cpu_ns();
    let start = Instant::now();
    let latencies: Result<Vec<Vec<u128>>, String> = thread::scope(|scope| {
        let (first, others) = workers.split_first_mut().expect("at least one thread");
        let handles: Vec<_> = others[..threads - 1]
            .iter_mut()
            .enumerate()
            .map(|(index, worker)| {
                scope.spawn(move || measure(contender, worker, share(index + 1)))
            })
            .collect();
        let mut all = vec![measure(contender, first, share(0))?];
        for handle in handles {
            all.push(handle.join().map_err(|_| "a thread panicked")??);
        }
        Ok(all)
    });
    let wall = start.elapsed().as_nanos();
    let cpu = cpu_ns() - cpu;
    let latencies: Vec<u64> = latencies?
        .into_iter()
        .flatten()
        .map(|latency| u64::try_from(latency).unwrap_or(u64::MAX))
        .collect();
    Ok(json!({
        "latencies_ns": latencies,
        "wall_ns": u64::try_from(wall).unwrap_or(u64::MAX),
        "cpu_ns": cpu,
    }))
}

fn measure<C: Contender>(
    contender: &C,
    worker: &mut C::Worker,
    calls: usize,
) -> Result<Vec<u128>, String> {
    let mut latencies = Vec::with_capacity(calls);
    let mut start = Instant::now();
    for _ in 0..calls {
        contender.call(worker)?;
        let end = Instant::now();
        latencies.push((end - start).as_nanos());
        start = end;
    }
    Ok(latencies)
}

/// Returns the user and system time of this process so far, in nanoseconds.
fn cpu_ns() -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec that lives until the call returns.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Returns a dependency's version from the lock file of the build.
pub fn locked(name: &str) -> &'static str {
    let lock = include_str!("../../../Cargo.lock");
    lock.split(&format!("name = \"{name}\"\nversion = \""))
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or("unknown")
}
