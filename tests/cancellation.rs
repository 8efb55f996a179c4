//! Calls that are ended from within the process, in every phase that a call can wait in.
//!
//! A binary of its own: it follows the phases by the log, which is the process's.

mod common;

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use common::config;
use common::https::answering;
use common::logger::{self, Line};
#[cfg(unix)]
use common::proxy::server;
use common::relay::{Fault, Relay, port_of, request};
use dcs::{Cancellation, Client, Code, Config, Error, diagnose_until};
use dcs_testbed::Testbed;
use log::LevelFilter;

const PATH: &str = "/checks/passport";

/// Far above the 100 ms that are promised, for a busy machine; far below the timeouts.
const SOON: Duration = Duration::from_secs(3);

/// The log tells what a call is doing. It is the process's, so the tests take turns.
fn told() -> (MutexGuard<'static, ()>, Receiver<String>) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (tell, told) = mpsc::channel();
    let sink = move |line: &Line| drop(tell.send(line.text.clone()));
    logger::record(LevelFilter::Trace, Some(Arc::new(sink)));
    (turn, told)
}

fn wait_for(told: &Receiver<String>, words: &str) {
    while !next(told).contains(words) {}
}

/// The next line of the log; a call that says no more is a failure and not a test that hangs.
fn next(told: &Receiver<String>) -> String {
    told.recv_timeout(Duration::from_secs(60)).unwrap()
}

/// Makes a call, ends it when the log says that it is time to, and returns its error.
#[track_caller]
fn interrupted<T: Send>(
    told: &Receiver<String>,
    is_ready: impl FnOnce(&Receiver<String>),
    call: impl FnOnce() -> Result<T, Error> + Send,
    end: impl FnOnce(),
) -> Error {
    // What earlier calls left behind.
    while told.try_recv().is_ok() {}
    thread::scope(|scope| {
        let call = scope.spawn(|| (call(), Instant::now()));
        is_ready(told);
        let ended = Instant::now();
        end();
        let (outcome, back) = call.join().unwrap();
        let error = outcome.err().expect("the call succeeded");
        assert_eq!(error.code(), Code::Interrupted, "{error}");
        assert!(!error.retryable() && error.hint().len() > 20, "{error}");
        assert!(back - ended < SOON, "{:?}", back - ended);
        error
    })
}

fn never_answer(stream: TcpStream) {
    let _open = stream;
    loop {
        thread::park();
    }
}

/// A port of this machine where SYNs go unanswered, for as long as what is returned lives: its queue of connections to
/// accept is full.
fn unanswering() -> (u16, Vec<TcpStream>, socket2::Socket) {
    use socket2::{Domain, Socket, Type};

    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = ([127, 0, 0, 1], 0).into();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        queue.push(stream);
    }
    (address.port(), queue, listener)
}

fn config_to(testbed: &Testbed, port: u16) -> Config {
    config(testbed, &format!("https://localhost:{port}{PATH}"))
}

#[test]
fn a_connection_and_a_handshake_that_wait_are_ended() {
    let testbed = Testbed::from_env();
    let (_turn, told) = told();
    let (port, _queue, _listener) = unanswering();
    let mut config = config(&testbed, &format!("https://127.0.0.1:{port}{PATH}"));
    let client = Client::new(&config).unwrap();
    let error = interrupted(
        &told,
        |told| wait_for(told, "as configured"),
        || client.status(),
        || client.interrupt(),
    );
    assert!(error.message().contains("TCP connection"), "{error}");

    let silent = server(never_answer);
    config = config_to(&testbed, silent);
    let client = Client::new(&config).unwrap();
    for _ in 0..2 {
        let error = interrupted(
            &told,
            |told| wait_for(told, "handshake with"),
            || client.status(),
            || client.interrupt(),
        );
        assert!(error.message().contains("TLS handshake"), "{error}");
    }

    config
        .set_proxy(Some(&format!("http://localhost:{silent}")))
        .unwrap();
    let client = Client::new(&config).unwrap();
    let error = interrupted(
        &told,
        |told| wait_for(told, "CONNECT"),
        || client.status(),
        || client.interrupt(),
    );
    assert!(error.message().contains("proxy"), "{error}");
}

#[test]
fn an_answer_that_is_waited_for_or_read_is_ended_and_the_client_goes_on() {
    let testbed = Testbed::from_env();
    let (_turn, told) = told();
    for listener in ["tls12_close", "tls13_keepalive"] {
        let url = testbed.url(listener, PATH);
        let relay = Relay::start(port_of(&url), Fault::Stall, |record| {
            record.connection == 1 && request(record)
        });
        let client = Client::new(&config(&testbed, &relay.url(&url))).unwrap();
        let error = interrupted(
            &told,
            |told| wait_for(told, "is sent"),
            || client.status(),
            || client.interrupt(),
        );
        assert!(
            error.message().contains("waiting for the response"),
            "{error}"
        );
        // The one that was interrupted is not kept, and what begins afterwards is not concerned.
        let status = client.status().unwrap();
        assert!(status.available() && !status.connection().reused);
    }

    let url = testbed.url("tls12_close", "/long");
    let relay = Relay::start(port_of(&url), Fault::Stall, |record| {
        !record.from_client && record.is_application_data && record.number == 12
    });
    let client = Client::new(&config(&testbed, &relay.url(&url))).unwrap();
    let error = interrupted(
        &told,
        |told| {
            wait_for(told, "is sent");
            // More than the end of the handshake and one record of the answer can be.
            let mut read = 0;
            while read < 20_000 {
                let line = next(told);
                if let Some(count) = line.strip_suffix(" bytes read") {
                    read += count.parse::<usize>().unwrap();
                }
            }
        },
        || client.status(),
        || client.interrupt(),
    );
    assert!(error.message().contains("reading the response"), "{error}");
}

#[test]
fn one_interruption_ends_all_calls_and_a_cancellation_its_own() {
    const CALLS: usize = 8;
    let testbed = Testbed::from_env();
    let (_turn, told) = told();
    let client = Client::new(&config_to(&testbed, server(never_answer))).unwrap();
    let cancellation = Cancellation::new();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..CALLS)
            .map(|_| scope.spawn(|| client.status()))
            .collect();
        let cancelled = scope.spawn(|| client.status_until(&cancellation));
        for _ in 0..=CALLS {
            wait_for(&told, "handshake with");
        }
        cancellation.cancel();
        assert_eq!(
            cancelled.join().unwrap().unwrap_err().code(),
            Code::Interrupted
        );
        assert!(calls.iter().all(|call| !call.is_finished()));
        client.interrupt();
        for call in calls {
            assert_eq!(call.join().unwrap().unwrap_err().code(), Code::Interrupted);
        }
    });
    // It stays cancelled: nothing is sent.
    let unused = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = config_to(&testbed, unused.local_addr().unwrap().port());
    let error = Client::new(&config)
        .unwrap()
        .status_until(&cancellation)
        .unwrap_err();
    assert_eq!(error.code(), Code::Interrupted);
    unused.set_nonblocking(true).unwrap();
    assert!(unused.accept().is_err());
}

/// A server that is never silent for as long as a round of waiting.
#[cfg(unix)]
#[test]
fn a_byte_in_a_pipe_ends_a_call_whose_answer_drips() {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    let testbed = Testbed::from_env();
    let (_turn, told) = told();
    let config = answering(&testbed, |session| {
        let _ = session.write_all(b"HTTP/1.1 200 OK\r\nX: ");
        while session.write_all(b"y").is_ok() {
            // Being slow is what it is for.
            thread::sleep(Duration::from_millis(5));
        }
    });
    let mut config = config;
    config.set_timeout_ms(60_000).unwrap();
    let client = Client::new(&config).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let cancellation = Cancellation::new();
    cancellation
        .set_descriptor(Some(reader.as_raw_fd()))
        .unwrap();
    let error = interrupted(
        &told,
        |told| {
            wait_for(told, "is sent");
            for _ in 0..5 {
                wait_for(told, "bytes read");
            }
        },
        || client.status_until(&cancellation),
        || writer.write_all(b"x").unwrap(),
    );
    assert!(error.message().contains("reading the response"), "{error}");
    // It is still to be read: a call that begins now sends nothing.
    let error = client.status_until(&cancellation).unwrap_err();
    assert!(
        error.message().contains("before anything was sent"),
        "{error}"
    );
}

/// Windows has no descriptors that can be waited for.
#[cfg(windows)]
#[test]
fn a_descriptor_is_refused() {
    let error = Cancellation::new().set_descriptor(Some(0)).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[cfg(unix)]
#[test]
fn a_byte_in_a_pipe_ends_a_call() {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    let testbed = Testbed::from_env();
    let (_turn, told) = told();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let cancellation = Cancellation::new();
    cancellation
        .set_descriptor(Some(reader.as_raw_fd()))
        .unwrap();
    let client = Client::new(&config_to(&testbed, server(never_answer))).unwrap();
    interrupted(
        &told,
        |told| wait_for(told, "handshake with"),
        || client.status_until(&cancellation),
        || writer.write_all(b"x").unwrap(),
    );
    // A descriptor that says nothing ends nothing.
    cancellation.set_descriptor(None).unwrap();
    let good = Client::new(&config(&testbed, &testbed.url("tls12_close", PATH))).unwrap();
    assert!(good.status_until(&cancellation).unwrap().available());
}

#[test]
fn a_diagnosis_is_ended_in_every_step() {
    let testbed = Testbed::from_env();
    let (_turn, told) = told();
    let good = testbed.url("tls12_close", PATH);
    let silent = server(never_answer);
    let (unanswering, _queue, _listener) = unanswering();
    let mut through_a_proxy = config_to(&testbed, port_of(&good));
    through_a_proxy
        .set_proxy(Some(&format!("http://localhost:{silent}")))
        .unwrap();
    let relay = Relay::start(port_of(&good), Fault::Stall, request);
    let no_connection = format!("https://127.0.0.1:{unanswering}{PATH}");
    for (config, words) in [
        (config(&testbed, &no_connection), "as configured"),
        (through_a_proxy, "CONNECT"),
        (config_to(&testbed, silent), "handshake with"),
        (config(&testbed, &relay.url(&good)), "is sent"),
    ] {
        let cancellation = Cancellation::new();
        let error = interrupted(
            &told,
            |told| wait_for(told, words),
            || diagnose_until(&config, &cancellation),
            || cancellation.cancel(),
        );
        assert!(error.message().contains("diagnosis"), "{error}");
    }
    // Nothing is waited for that nobody wants any more, and one that nobody has cancelled is made.
    let cancellation = Cancellation::new();
    let config = config(&testbed, &good);
    assert!(diagnose_until(&config, &cancellation).unwrap().ok());
    cancellation.cancel();
    let error = diagnose_until(&config, &cancellation).unwrap_err();
    assert_eq!(error.code(), Code::Interrupted);
}
