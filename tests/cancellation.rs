//! Calls that are interrupted or cancelled from within the process, in every phase in which a call waits.
//!
//! A binary of its own: it follows the phases by the log, which the whole process shares.

mod common;

use std::io::Write;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use common::https::{after_request, config_to};
use common::logger::{self, Line};
use common::loopback::listen;
use common::relay::{Fault, Relay, port_of, request};
use common::{WATCHDOG, WATCHDOG_MS, config, never_answer, unanswered_port};
use dcs::{Cancellation, Client, Code, Config, Error, diagnose_until};
use dcs_testbed::Testbed;
use log::LevelFilter;

const PATH: &str = "/checks/passport";

/// Returns the records of the log, which report the phase of a call. The tests take turns with it.
fn log_records() -> (MutexGuard<'static, ()>, Receiver<String>) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (sender, records) = mpsc::channel();
    let sink = move |line: &Line| drop(sender.send(line.text.clone()));
    logger::record(LevelFilter::Trace, Some(Arc::new(sink)));
    (turn, records)
}

fn wait_for(records: &Receiver<String>, part: &str) {
    while !next(records).contains(part) {}
}

/// Returns the next record; fails instead of hanging if the call logs no more.
fn next(records: &Receiver<String>) -> String {
    records.recv_timeout(WATCHDOG).unwrap()
}

/// Returns a configuration whose calls do not end by a timeout while a test waits for their interruption.
fn patient(mut config: Config) -> Config {
    config.set_timeout_ms(WATCHDOG_MS).unwrap();
    config.set_connect_timeout_ms(WATCHDOG_MS).unwrap();
    config
}

/// Makes a call, ends it once the log reports its phase, and returns its error.
#[track_caller]
fn interrupted<T: Send>(
    records: &Receiver<String>,
    wait_for_phase: impl FnOnce(&Receiver<String>),
    call: impl FnOnce() -> Result<T, Error> + Send,
    end: impl FnOnce(),
) -> Error {
    // What earlier calls left behind.
    while records.try_recv().is_ok() {}
    thread::scope(|scope| {
        let call = scope.spawn(call);
        wait_for_phase(records);
        end();
        let error = call.join().unwrap().err().expect("the call succeeded");
        assert_eq!(error.code(), Code::Interrupted, "{error}");
        assert!(!error.retryable() && error.hint().len() > 20, "{error}");
        error
    })
}

#[test]
fn interrupt_ends_connecting() {
    let testbed = Testbed::from_env();
    let (_turn, records) = log_records();
    let (_listener, port) = unanswered_port();
    let config = patient(config(&testbed, &format!("https://127.0.0.1:{port}{PATH}")));
    let client = Client::new(&config).unwrap();
    let error = interrupted(
        &records,
        |records| wait_for(records, "as configured"),
        || client.status(),
        || client.interrupt(),
    );
    assert!(error.message().contains("TCP connection"), "{error}");

    let silent = listen(never_answer);
    let mut config = config_to(&testbed, silent);
    let client = Client::new(&config).unwrap();
    for _ in 0..2 {
        let error = interrupted(
            &records,
            |records| wait_for(records, "handshake with"),
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
        &records,
        |records| wait_for(records, "CONNECT"),
        || client.status(),
        || client.interrupt(),
    );
    assert!(error.message().contains("proxy"), "{error}");
}

#[test]
fn interrupt_ends_waiting_for_and_reading_a_response() {
    let testbed = Testbed::from_env();
    let (_turn, records) = log_records();
    for listener in ["tls12_close", "tls13_keepalive"] {
        let url = testbed.url(listener, PATH);
        let relay = Relay::with_fault(port_of(&url), Fault::Stall, |record| {
            record.connection == 1 && request(record)
        });
        let client = Client::new(&patient(config(&testbed, &relay.url(&url)))).unwrap();
        let error = interrupted(
            &records,
            |records| wait_for(records, "is sent"),
            || client.status(),
            || client.interrupt(),
        );
        assert!(
            error.message().contains("waiting for the response"),
            "{error}"
        );
        // The client does not keep that connection, and later calls are not affected.
        let status = client.status().unwrap();
        assert!(status.available() && !status.connection().reused);
    }

    let url = testbed.url("tls12_close", "/long");
    let relay = Relay::with_fault(port_of(&url), Fault::Stall, |record| {
        !record.from_client && record.is_application_data && record.number == 12
    });
    let client = Client::new(&patient(config(&testbed, &relay.url(&url)))).unwrap();
    let error = interrupted(
        &records,
        |records| {
            wait_for(records, "is sent");
            // More than the end of the handshake and one record of the response.
            let mut read = 0;
            while read < 20_000 {
                let line = next(records);
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
fn interrupt_ends_all_calls_and_cancellation_only_its_own() {
    const CALLS: usize = 8;
    let testbed = Testbed::from_env();
    let (_turn, records) = log_records();
    let client = Client::new(&config_to(&testbed, listen(never_answer))).unwrap();
    let cancellation = Cancellation::new();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..CALLS)
            .map(|_| scope.spawn(|| client.status()))
            .collect();
        let cancelled = scope.spawn(|| client.status_until(&cancellation));
        for _ in 0..=CALLS {
            wait_for(&records, "handshake with");
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
    // A cancellation stays cancelled: a later call sends nothing.
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

/// Configures a client of a server that is slow, but never silent for as long as the client's poll interval.
fn slow_response(testbed: &Testbed) -> Config {
    after_request(testbed, |session| {
        let _ = session.write_all(b"HTTP/1.1 200 OK\r\nX: ");
        while session.write_all(b"y").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    })
}

fn wait_for_slow_response(records: &Receiver<String>) {
    wait_for(records, "is sent");
    for _ in 0..5 {
        wait_for(records, "bytes read");
    }
}

#[cfg(unix)]
#[test]
fn descriptor_ends_a_call_with_a_slow_response() {
    use std::os::fd::AsRawFd;

    let testbed = Testbed::from_env();
    let (_turn, records) = log_records();
    let config = slow_response(&testbed);
    let client = Client::new(&config).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let cancellation = Cancellation::new();
    cancellation
        .set_descriptor(Some(reader.as_raw_fd()))
        .unwrap();
    let error = interrupted(
        &records,
        wait_for_slow_response,
        || client.status_until(&cancellation),
        || writer.write_all(b"x").unwrap(),
    );
    assert!(error.message().contains("reading the response"), "{error}");
    // The byte is still unread: a call that starts now sends nothing.
    let error = client.status_until(&cancellation).unwrap_err();
    assert!(
        error.message().contains("before anything was sent"),
        "{error}"
    );
}

/// Windows has no descriptors to wait for.
#[cfg(windows)]
#[test]
fn descriptor_is_rejected() {
    let error = Cancellation::new().set_descriptor(Some(0)).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[cfg(unix)]
#[test]
fn descriptor_ends_a_call() {
    use std::os::fd::AsRawFd;

    let testbed = Testbed::from_env();
    let (_turn, records) = log_records();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let cancellation = Cancellation::new();
    cancellation
        .set_descriptor(Some(reader.as_raw_fd()))
        .unwrap();
    let client = Client::new(&config_to(&testbed, listen(never_answer))).unwrap();
    interrupted(
        &records,
        |records| wait_for(records, "handshake with"),
        || client.status_until(&cancellation),
        || writer.write_all(b"x").unwrap(),
    );
    // Without the descriptor, the byte has no effect.
    cancellation.set_descriptor(None).unwrap();
    let good = Client::new(&config(&testbed, &testbed.url("tls12_close", PATH))).unwrap();
    assert!(good.status_until(&cancellation).unwrap().available());
}

#[test]
fn cancellation_ends_a_diagnosis_in_every_step() {
    let testbed = Testbed::from_env();
    let (_turn, records) = log_records();
    let good = testbed.url("tls12_close", PATH);
    let silent = listen(never_answer);
    let (_listener, unanswered) = unanswered_port();
    let mut through_a_proxy = config_to(&testbed, port_of(&good));
    through_a_proxy
        .set_proxy(Some(&format!("http://localhost:{silent}")))
        .unwrap();
    let relay = Relay::with_fault(port_of(&good), Fault::Stall, request);
    let no_connection = format!("https://127.0.0.1:{unanswered}{PATH}");
    for (config, phase) in [
        (patient(config(&testbed, &no_connection)), "as configured"),
        (through_a_proxy, "CONNECT"),
        (config_to(&testbed, silent), "handshake with"),
        (patient(config(&testbed, &relay.url(&good))), "is sent"),
    ] {
        let cancellation = Cancellation::new();
        let error = interrupted(
            &records,
            |records| wait_for(records, phase),
            || diagnose_until(&config, &cancellation),
            || cancellation.cancel(),
        );
        assert!(error.message().contains("diagnosis"), "{error}");
    }
    // A diagnosis that is not cancelled completes, and one that is cancelled before its start does nothing.
    let cancellation = Cancellation::new();
    let config = config(&testbed, &good);
    assert!(diagnose_until(&config, &cancellation).unwrap().ok());
    cancellation.cancel();
    let error = diagnose_until(&config, &cancellation).unwrap_err();
    assert_eq!(error.code(), Code::Interrupted);
}

#[test]
fn callback_ends_calls() {
    let testbed = Testbed::from_env();
    let (_turn, records) = log_records();
    let silent = config_to(&testbed, listen(never_answer));
    let (_listener, unanswered) = unanswered_port();
    let no_connection = config(&testbed, &format!("https://127.0.0.1:{unanswered}{PATH}"));
    for (config, is_ready) in [
        (
            patient(no_connection),
            (|records| wait_for(records, "as configured")) as fn(&Receiver<String>),
        ),
        (silent, |records| wait_for(records, "handshake with")),
        (slow_response(&testbed), wait_for_slow_response),
    ] {
        let client = Client::new(&config).unwrap();
        let cancellation = Cancellation::new();
        let goes_on = Arc::new(AtomicBool::new(true));
        let own = goes_on.clone();
        cancellation.set_callback(Some(move || own.load(Ordering::SeqCst)));
        interrupted(
            &records,
            is_ready,
            || client.status_until(&cancellation),
            || goes_on.store(false, Ordering::SeqCst),
        );
        assert!(cancellation.is_cancelled());
    }
}

#[test]
fn callback_makes_calls() {
    static IS_STALLED: AtomicBool = AtomicBool::new(false);
    let testbed = Testbed::from_env();
    let (_turn, _records) = log_records();
    let url = testbed.url("tls12_close", PATH);
    let relay = Relay::with_fault(port_of(&url), Fault::Stall, |record| {
        request(record) && !IS_STALLED.swap(true, Ordering::SeqCst)
    });
    let mut config = config(&testbed, &relay.url(&url));
    // All threads share the call in flight, except for the one that makes it.
    config.set_status_max_age_ms(60_000);
    let client = Arc::new(Client::new(&config).unwrap());
    let cancellation = Cancellation::new();
    let own = client.clone();
    cancellation.set_callback(Some(move || {
        !IS_STALLED.load(Ordering::SeqCst) || !own.status().unwrap().available()
    }));
    let error = client.status_until(&cancellation).unwrap_err();
    assert_eq!(error.code(), Code::Interrupted, "{error}");
}
