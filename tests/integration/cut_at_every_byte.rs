//! A whole exchange (handshake, request, answer) with a real nginx, broken at its every byte in either direction.
//!
//! Whatever is lost, the call ends in time: with the right answer, and only where all of that had come, or with
//! an error that names what was waited for. `make test` takes every seventh byte and those around each record's
//! border; `make sweep` (`DCS_SWEEP=every`) takes them all.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use crate::common::relay::{APPLICATION_DATA, Fault, Heard, Place, Relay, port_of, record_ends};
use dcs::{Client, Code, Config, Error, Status};
use dcs_testbed::Testbed;

const BODY: &str = r#"{"available":true,"scheduledOutages":[]}"#;

/// The threads for calls that wait for their timeout, with the machine idle meanwhile, and for those that do not.
const WAITING: usize = 96;
const BUSY: usize = 8;

/// The timeout of a call that waits for it.
const SHORT: Duration = Duration::from_secs(1);

/// The timeout of a call that has nothing to wait for.
const LONG: Duration = Duration::from_secs(20);

/// How much longer than its timeout a call may take on a busy machine.
const GRACE: Duration = Duration::from_secs(5);

/// No call takes longer than this, whatever it came to.
const WATCHDOG: Duration = Duration::from_secs(60);

/// The kinds of exchange.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    listener: &'static str,
    /// With a session that an earlier call has got.
    resumed: bool,
}

/// One place that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    from_client: bool,
    offset: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.from_client { "client" } else { "server" };
        write!(f, "behind byte {} of the {side}", self.offset)
    }
}

/// An exchange that nothing befell, counted in the server's records.
#[derive(Debug)]
struct Shape {
    heard: Heard,
    /// The client is through with its handshake.
    handshake: usize,
    /// The answer is complete.
    answer: usize,
}

impl Shape {
    fn of(heard: Heard, is_tls13: bool, resumed: bool) -> Self {
        let records = record_ends(&heard.server).len();
        // Behind the answer nginx sends a close_notify.
        let answer = records - 1;
        let handshake = if is_tls13 {
            // Session tickets come before it: OpenSSL sends two, and one where a session was resumed.
            answer - if resumed { 2 } else { 3 }
        } else {
            answer - 1
        };
        Shape {
            heard,
            handshake,
            answer,
        }
    }

    fn cases(&self, every: bool) -> Vec<Case> {
        const STRIDE: usize = 7;
        const AROUND: [usize; 4] = [1, 0, 5, 6];
        let mut cases = Vec::new();
        for (from_client, bytes) in [(true, &self.heard.client), (false, &self.heard.server)] {
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

/// What became of a call, and what the relay saw of it.
struct Outcome {
    result: Result<Status, Error>,
    took: Duration,
    heard: Heard,
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
            relay: Relay::faithful(port_of(&url)),
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
        let begun = Instant::now();
        let result = client.status();
        let outcome = Outcome {
            result,
            took: begun.elapsed(),
            heard: self.relay.heard(),
        };
        if self.exchange.resumed {
            self.warm = Some(client);
        }
        outcome
    }
}

/// What is wrong with an outcome.
fn judge(
    fault: Fault,
    case: Case,
    outcome: &Outcome,
    shape: &Shape,
    timeout: Duration,
) -> Result<(), String> {
    if outcome.took > timeout + GRACE {
        return Err(format!("it took {:?}", outcome.took));
    }
    let heard = &outcome.heard;
    let passed = record_ends(&heard.server[..heard.passed]).len();
    let is_answered = passed >= shape.answer;
    let is_connected = passed >= shape.handshake;
    match &outcome.result {
        Ok(status) if status.json() != BODY || !status.available() => {
            Err(format!("the answer is wrong: {status:?}"))
        }
        Ok(_) if fault == Fault::Corrupt => {
            if is_harmless(case, heard, shape) {
                Ok(())
            } else {
                Err("the wrong bit went unnoticed".into())
            }
        }
        Ok(_) if is_answered => Ok(()),
        Ok(_) => Err("an answer that had not come".into()),
        Err(error) => {
            let expected: &[Code] = match (fault, case.from_client) {
                (Fault::Stall, _) if !is_answered => &[Code::Timeout],
                (Fault::Close, _) if !is_answered => &[Code::ConnectionLost],
                (Fault::Reset, _) => &[Code::ConnectionLost],
                // The server says that it does not like what it got, or waits for the rest of it.
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
                _ => return Err(format!("the answer had come: {error}")),
            };
            let words: &[&str] = match (error.code(), is_connected) {
                _ if matches!(fault, Fault::Corrupt | Fault::Reset) => &["localhost:"],
                (Code::Timeout, false) => &["TLS handshake", "localhost:"],
                (Code::Timeout, true) => &["waiting for the response", "localhost:"],
                (_, false) => &["during the TLS handshake", "localhost:"],
                (_, true) => &["before it responded", "localhost:"],
            };
            let is_right = expected.contains(&error.code())
                && words.iter().all(|words| error.message().contains(words))
                && error.hint().len() > 20;
            if is_right {
                Ok(())
            } else {
                Err(format!("{error}, not one of {expected:?} with {words:?}"))
            }
        }
    }
}

/// Whether nobody has to notice a wrong bit there: in a record's version, which is for the first servers of
/// TLS, in a change_cipher_spec, which TLS 1.3 has for the eyes of firewalls only, and behind the answer.
fn is_harmless(case: Case, heard: &Heard, shape: &Shape) -> bool {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    let bytes = if case.from_client {
        &heard.client
    } else {
        &heard.server
    };
    let ends = record_ends(bytes);
    let record = ends.partition_point(|end| *end <= case.offset);
    let begin = if record == 0 { 0 } else { ends[record - 1] };
    matches!(case.offset - begin, 1 | 2)
        || bytes.get(begin) == Some(&CHANGE_CIPHER_SPEC)
        || case.offset >= bytes.len()
        || !case.from_client && record >= shape.answer
}

/// What the workers tell.
enum News {
    Begun(usize, Case),
    Done(usize, Result<Option<Code>, String>),
}

/// What the workers share.
struct Task {
    fault: Fault,
    timeout: Duration,
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
    let (timeout, workers) = match fault {
        Fault::Stall => (SHORT, WAITING),
        Fault::Corrupt => (SHORT, BUSY),
        _ => (LONG, BUSY),
    };

    let task = Task {
        fault,
        timeout,
        shape,
        cases,
        next: AtomicUsize::new(0),
    };

    let begun = Instant::now();
    let mut outcomes: BTreeMap<Option<i32>, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        let (news, told) = channel();
        for worker in 0..workers {
            let (news, task, testbed, config) = (news.clone(), &task, &testbed, &config);
            scope.spawn(move || {
                let caller = Caller::new(testbed, exchange, config);
                work(worker, caller, task, &news);
            });
        }
        drop(news);
        let mut busy = BTreeMap::new();
        let mut left = task.cases.len();
        while left > 0 {
            match told.recv_timeout(WATCHDOG) {
                Ok(News::Begun(worker, case)) => {
                    busy.insert(worker, case);
                }
                Ok(News::Done(worker, outcome)) => {
                    left -= 1;
                    let case = busy.remove(&worker).unwrap();
                    match outcome {
                        Ok(code) => *outcomes.entry(code.map(Code::number)).or_default() += 1,
                        Err(what) => wrong.push(format!("{fault:?} {case}: {what}")),
                    }
                }
                Err(_) => {
                    // A scope would wait for the threads that hang.
                    eprintln!("{exchange:?} {fault:?}: these calls hang: {busy:?}");
                    std::process::abort();
                }
            }
        }
    });
    println!(
        "{exchange:?} {fault:?}: {} places in {:?}: {outcomes:?}",
        task.cases.len(),
        begun.elapsed()
    );
    assert!(
        wrong.is_empty(),
        "{exchange:?}: {} of {} are wrong, such as:\n{}",
        wrong.len(),
        task.cases.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

/// An exchange that nothing befalls, and a check that it looks as it is supposed to.
fn whole(caller: &mut Caller<'_>, is_tls13: bool) -> Shape {
    // The close_notify comes behind the answer, which the call does not wait for: on a busy machine the client may have
    // closed the connection before it comes.
    let heard = (0..5)
        .find_map(|_| with_close_notify(caller, is_tls13))
        .expect("the server's close_notify was never seen");
    let shape = Shape::of(heard, is_tls13, caller.exchange.resumed);
    let ends = record_ends(&shape.heard.server);
    assert_eq!(
        shape.heard.server[ends[shape.answer - 2]],
        APPLICATION_DATA,
        "{ends:?}"
    );
    shape
}

fn work(worker: usize, mut caller: Caller<'_>, task: &Task, news: &Sender<News>) {
    while let Some(case) = task.cases.get(task.next.fetch_add(1, Ordering::SeqCst)) {
        news.send(News::Begun(worker, *case)).unwrap();
        let mut verdict = Ok(None);
        // What a busy machine was too slow for is looked at again with more time.
        for timeout in [task.timeout, 4 * task.timeout] {
            caller.warm = None;
            let outcome = caller.call(Some((task.fault, *case)), timeout);
            verdict = judge(task.fault, *case, &outcome, &task.shape, timeout)
                .map(|()| outcome.result.as_ref().err().map(Error::code));
            if verdict.is_ok() {
                break;
            }
        }
        news.send(News::Done(worker, verdict)).unwrap();
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

/// What the relay heard of an exchange to its very end; `None` where that did not come.
fn with_close_notify(caller: &mut Caller<'_>, is_tls13: bool) -> Option<Heard> {
    let outcome = caller.call(None, LONG);
    let status = outcome.result.unwrap();
    assert_eq!(status.connection().session_resumed, caller.exchange.resumed);
    let is_whole = |heard: &Heard| {
        let ends = record_ends(&heard.server);
        let last = ends.len().checked_sub(2).map(|last| ends[last]);
        last.is_some_and(|begin| {
            // type, version and length; an encrypted alert takes two bytes and its protection
            let length = heard.server.len() - begin;
            length < 40 && (is_tls13 || heard.server[begin] == 21)
        })
    };
    let begun = Instant::now();
    let mut heard = outcome.heard;
    while !is_whole(&heard) {
        if begun.elapsed() > GRACE {
            return None;
        }
        heard = caller.relay.heard();
    }
    Some(heard)
}

#[test]
fn an_exchange_broken_at_any_byte_ends_right_and_in_time() {
    for exchange in [TLS12, TLS12_RESUMED, TLS13, TLS13_RESUMED] {
        for fault in [Fault::Close, Fault::Reset, Fault::Corrupt, Fault::Stall] {
            sweep(exchange, fault);
        }
    }
}
