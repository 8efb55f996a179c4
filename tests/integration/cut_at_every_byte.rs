//! Cuts a whole exchange (handshake, request, response) with a real nginx at every byte of either direction.
//!
//! The call must end in time: with the right response if all of it had arrived, otherwise with an error that names the
//! phase. `make test` takes every seventh byte and those around each record's border; `make sweep` (`DCS_SWEEP=every`)
//! takes them all.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use crate::common::WATCHDOG;
use crate::common::records::ALERT;
use crate::common::relay::{
    APPLICATION_DATA, Fault, Place, Relay, Transcript, port_of, record_ends,
};
use dcs::{Client, Code, Config, Error, Status};
use dcs_testbed::Testbed;

const BODY: &str = r#"{"available":true,"scheduledOutages":[]}"#;

/// Threads for calls that wait for their timeout while the machine is idle, and for calls that do not.
const WAITING: usize = 96;
const BUSY: usize = 8;

/// The timeouts of a call that waits for them. A busy machine may be too slow for the shorter ones.
const WAITING_TIMEOUTS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(25),
];

/// The timeout of a call that has nothing to wait for.
const BUSY_TIMEOUT: [Duration; 1] = [WATCHDOG];

/// A kind of exchange.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    listener: &'static str,
    /// With the session of an earlier call.
    resumed: bool,
}

/// One place to cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    from_client: bool,
    offset: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.from_client { "client" } else { "server" };
        write!(f, "after byte {} of the {side}", self.offset)
    }
}

/// An exchange without a fault, counted in the server's records.
#[derive(Debug)]
struct Shape {
    transcript: Transcript,
    /// After this many the client has completed its handshake.
    handshake: usize,
    /// After this many the response is complete.
    response: usize,
}

impl Shape {
    fn of(transcript: Transcript, is_tls13: bool, resumed: bool) -> Self {
        let records = record_ends(&transcript.server).len();
        // After the response nginx sends a close_notify.
        let response = records - 1;
        let handshake = if is_tls13 {
            // Session tickets come before it: OpenSSL sends two, and one after a resumption.
            response - if resumed { 2 } else { 3 }
        } else {
            response - 1
        };
        Shape {
            transcript,
            handshake,
            response,
        }
    }

    fn cases(&self, every: bool) -> Vec<Case> {
        const STRIDE: usize = 7;
        const AROUND: [usize; 4] = [1, 0, 5, 6];
        let mut cases = Vec::new();
        for (from_client, bytes) in [
            (true, &self.transcript.client),
            (false, &self.transcript.server),
        ] {
            let mut borders = record_ends(bytes);
            borders.push(0);
            // Signatures and tickets differ in length by a few bytes from one exchange to the next.
            cases.extend(
                (0..bytes.len() + STRIDE)
                    .filter(|offset| {
                        every
                            || offset % STRIDE == 0
                            || borders.iter().any(|border| {
                                AROUND.iter().any(|around| border + around == offset + 1)
                            })
                    })
                    .map(|offset| Case {
                        from_client,
                        offset,
                    }),
            );
        }
        cases
    }
}

/// The result of a call, and what the relay saw of it.
struct Outcome {
    result: Result<Status, Error>,
    transcript: Transcript,
}

/// Makes the calls of one thread.
struct Caller<'a> {
    exchange: Exchange,
    config: &'a Config,
    relay: Relay,
    warm: Option<Client>,
}

impl<'a> Caller<'a> {
    fn new(testbed: &Testbed, exchange: Exchange, config: &'a Config) -> Self {
        let url = testbed.url(exchange.listener, "/");
        Caller {
            exchange,
            config,
            relay: Relay::start(port_of(&url)),
            warm: None,
        }
    }

    fn client(&self, timeout: Duration) -> Client {
        let mut config = self.config.clone();
        let url = format!("https://localhost:{}/checks/passport", self.relay.port);
        config.set_url(&url).unwrap();
        let milliseconds = u32::try_from(timeout.as_millis()).unwrap();
        config.set_timeout_ms(milliseconds).unwrap();
        config.set_connect_timeout_ms(milliseconds).unwrap();
        Client::new(&config).unwrap()
    }

    fn call(&mut self, fault: Option<(Fault, Case)>, timeout: Duration) -> Outcome {
        self.relay.disarm();
        let client = if self.exchange.resumed {
            let client = match self.warm.take() {
                Some(client) => client,
                None => self.client(timeout),
            };
            while !client
                .status()
                .is_ok_and(|s| s.connection().session_resumed)
            {}
            client
        } else {
            self.client(timeout)
        };
        if let Some((
            fault,
            Case {
                from_client,
                offset,
            },
        )) = fault
        {
            let place = Place::Byte {
                from_client,
                offset,
            };
            self.relay.arm(fault, place);
        }
        let outcome = Outcome {
            result: client.status(),
            transcript: self.relay.transcript(),
        };
        if self.exchange.resumed {
            self.warm = Some(client);
        }
        outcome
    }
}

/// Returns what is wrong with an outcome.
fn judge(fault: Fault, case: Case, outcome: &Outcome, shape: &Shape) -> Result<(), String> {
    let transcript = &outcome.transcript;
    let forwarded = record_ends(&transcript.server[..transcript.forwarded]).len();
    let is_complete = forwarded >= shape.response;
    let is_connected = forwarded >= shape.handshake;
    match &outcome.result {
        Ok(status) if status.json() != BODY || !status.available() => {
            Err(format!("the response is wrong: {status:?}"))
        }
        Ok(_) if fault == Fault::Corrupt => {
            if is_harmless(case, transcript, shape) {
                Ok(())
            } else {
                Err("the wrong bit was not detected".into())
            }
        }
        Ok(_) if is_complete => Ok(()),
        Ok(_) => Err("a response that had not arrived".into()),
        Err(error) => {
            let expected: &[Code] = match (fault, case.from_client) {
                (Fault::Stall, _) if !is_complete => &[Code::Timeout],
                (Fault::Close, _) if !is_complete => &[Code::ConnectionLost],
                (Fault::Reset, _) => &[Code::ConnectionLost],
                // The server rejects what it got, or waits for the rest of it.
                (Fault::Corrupt, true) => &[
                    Code::Tls,
                    Code::ConnectionLost,
                    Code::Timeout,
                    Code::ClientCertRejected,
                    Code::ClientCertRequired,
                ],
                (Fault::Corrupt, false) => &[
                    Code::Tls,
                    Code::ConnectionLost,
                    Code::Timeout,
                    Code::ServerCertificate,
                    Code::ServerUntrusted,
                    Code::ServerName,
                ],
                _ => return Err(format!("the response had arrived: {error}")),
            };
            let parts: &[&str] = match (error.code(), is_connected) {
                _ if matches!(fault, Fault::Corrupt | Fault::Reset) => &["localhost:"],
                (Code::Timeout, false) => &["TLS handshake", "localhost:"],
                (Code::Timeout, true) => &["waiting for the response", "localhost:"],
                (_, false) => &["during the TLS handshake", "localhost:"],
                (_, true) => &["before it responded", "localhost:"],
            };
            let is_right = expected.contains(&error.code())
                && parts.iter().all(|part| error.message().contains(part))
                && error.hint().len() > 20;
            if is_right {
                Ok(())
            } else {
                Err(format!("{error}, not one of {expected:?} with {parts:?}"))
            }
        }
    }
}

/// Returns whether a wrong bit may go undetected there: in a record's version, which only old servers read, in a
/// change_cipher_spec, which TLS 1.3 has for middleboxes only, and after the response.
fn is_harmless(case: Case, transcript: &Transcript, shape: &Shape) -> bool {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    let bytes = if case.from_client {
        &transcript.client
    } else {
        &transcript.server
    };
    let ends = record_ends(bytes);
    let record = ends.partition_point(|end| *end <= case.offset);
    let begin = if record == 0 { 0 } else { ends[record - 1] };
    matches!(case.offset - begin, 1 | 2)
        || bytes.get(begin) == Some(&CHANGE_CIPHER_SPEC)
        || case.offset >= bytes.len()
        || !case.from_client && record >= shape.response
}

/// A worker's message.
enum Message {
    Started(usize, Case),
    Done(usize, Result<Option<Code>, String>),
}

/// Shared by the workers.
struct Task {
    fault: Fault,
    timeouts: &'static [Duration],
    shape: Shape,
    cases: Vec<Case>,
    next: AtomicUsize,
}

fn sweep(exchange: Exchange, fault: Fault) {
    let testbed = Testbed::from_env();
    let read = |name: &str| std::fs::read(testbed.file(name)).unwrap();
    let mut config = Config::new();
    config.set_ca_bundle(&read("ca_bundle"));
    config.set_certificate(&read("client_cert"));
    config.set_private_key(&read("client_key"));

    let mut first = Caller::new(&testbed, exchange, &config);
    let is_tls13 = exchange.listener.starts_with("tls13");
    let shape = whole(&mut first, is_tls13);
    let cases = shape.cases(std::env::var("DCS_SWEEP").is_ok_and(|value| value == "every"));
    let (timeouts, workers): (&'static [Duration], _) = match fault {
        Fault::Stall => (&WAITING_TIMEOUTS, WAITING),
        Fault::Corrupt => (&WAITING_TIMEOUTS, BUSY),
        _ => (&BUSY_TIMEOUT, BUSY),
    };

    let task = Task {
        fault,
        timeouts,
        shape,
        cases,
        next: AtomicUsize::new(0),
    };

    let start = Instant::now();
    let mut outcomes: BTreeMap<Option<i32>, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        let (sender, messages) = channel();
        for worker in 0..workers {
            let (sender, task, testbed, config) = (sender.clone(), &task, &testbed, &config);
            scope.spawn(move || {
                let caller = Caller::new(testbed, exchange, config);
                work(worker, caller, task, &sender);
            });
        }
        drop(sender);
        let mut busy = BTreeMap::new();
        let mut left = task.cases.len();
        while left > 0 {
            match messages.recv_timeout(2 * WATCHDOG) {
                Ok(Message::Started(worker, case)) => {
                    busy.insert(worker, case);
                }
                Ok(Message::Done(worker, outcome)) => {
                    left -= 1;
                    let case = busy.remove(&worker).unwrap();
                    match outcome {
                        Ok(code) => *outcomes.entry(code.map(Code::number)).or_default() += 1,
                        Err(what) => wrong.push(format!("{fault:?} {case}: {what}")),
                    }
                }
                Err(_) => {
                    // A panic would wait for the threads that hang.
                    eprintln!("{exchange:?} {fault:?}: these calls hang: {busy:?}");
                    std::process::abort();
                }
            }
        }
    });
    println!(
        "{exchange:?} {fault:?}: {} places in {:?}: {outcomes:?}",
        task.cases.len(),
        start.elapsed()
    );
    assert!(
        wrong.is_empty(),
        "{exchange:?}: {} of {} are wrong, such as:\n{}",
        wrong.len(),
        task.cases.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

/// Makes an exchange without a fault, and asserts that it looks as expected.
fn whole(caller: &mut Caller<'_>, is_tls13: bool) -> Shape {
    let outcome = caller.call(None, WATCHDOG);
    let status = outcome.result.unwrap();
    assert_eq!(status.connection().session_resumed, caller.exchange.resumed);
    // The call does not wait for the server's close_notify, but this needs it.
    let transcript = caller.relay.transcript_to_the_end();
    let shape = Shape::of(transcript, is_tls13, caller.exchange.resumed);
    let server = &shape.transcript.server;
    let ends = record_ends(server);
    let close_notify = ends[shape.response - 1];
    // Type, version and length; an encrypted alert takes two bytes and its protection.
    assert!(server.len() - close_notify < 40, "{ends:?}");
    assert!(is_tls13 || server[close_notify] == ALERT, "{ends:?}");
    let response = ends[shape.response - 2];
    assert_eq!(server[response], APPLICATION_DATA, "{ends:?}");
    shape
}

fn work(worker: usize, mut caller: Caller<'_>, task: &Task, messages: &Sender<Message>) {
    while let Some(case) = task.cases.get(task.next.fetch_add(1, Ordering::SeqCst)) {
        messages.send(Message::Started(worker, *case)).unwrap();
        let mut verdict = Ok(None);
        for timeout in task.timeouts {
            caller.warm = None;
            let outcome = caller.call(Some((task.fault, *case)), *timeout);
            verdict = judge(task.fault, *case, &outcome, &task.shape)
                .map(|()| outcome.result.as_ref().err().map(Error::code));
            if verdict.is_ok() {
                break;
            }
        }
        messages.send(Message::Done(worker, verdict)).unwrap();
    }
}

const TLS12: Exchange = Exchange {
    listener: "tls12_close",
    resumed: false,
};
const TLS12_RESUMED: Exchange = Exchange {
    listener: "tls12_close",
    resumed: true,
};
const TLS13: Exchange = Exchange {
    listener: "tls13_close",
    resumed: false,
};
const TLS13_RESUMED: Exchange = Exchange {
    listener: "tls13_close",
    resumed: true,
};

#[test]
fn exchange_cut_at_any_byte_ends_right_and_in_time() {
    for exchange in [TLS12, TLS12_RESUMED, TLS13, TLS13_RESUMED] {
        for fault in [Fault::Close, Fault::Reset, Fault::Corrupt, Fault::Stall] {
            sweep(exchange, fault);
        }
    }
}
