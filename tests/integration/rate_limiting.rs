//! Options that keep a client from asking more often than it needs to.

use std::sync::Barrier;
use std::thread;

use crate::common::config;
use dcs::{Client, Code};
use dcs_testbed::Testbed;

#[test]
fn a_client_told_to_wait_sends_nothing_where_it_is_to_honour_that() {
    let testbed = Testbed::from_env();
    let url = |case: &str| testbed.url("tls12_close", &format!("/429?case={case}"));
    let mut heeding = config(&testbed, &url("heeding"));
    heeding.set_honour_retry_after(true);
    let client = Client::new(&heeding).unwrap();
    let told = client.status().unwrap_err();
    assert_eq!(
        (told.code(), told.http_status()),
        (Code::RateLimited, Some(429))
    );
    assert_eq!(told.limits().rate_limit_remaining, Some(0));
    for _ in 0..3 {
        let error = client.status().unwrap_err();
        assert_eq!(
            (error.code(), error.http_status()),
            (Code::RateLimited, None)
        );
        assert!(error.message().contains("nothing was sent"), "{error}");
        assert!(error.retry_after() <= told.retry_after() && error.retry_after().is_some());
    }
    // Off by default.
    let client = Client::new(&config(&testbed, &url("heedless"))).unwrap();
    for _ in 0..3 {
        assert_eq!(client.status().unwrap_err().http_status(), Some(429));
    }
    // What the first client had sent was in the log before the other's.
    assert_eq!(testbed.wait_for_log("heedless", 3).len(), 3);
    assert_eq!(testbed.wait_for_log("heeding", 1).len(), 1);
}

#[test]
fn threads_share_an_answer_that_is_young_enough() {
    const THREADS: usize = 8;
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/checks/passport?case=shared");
    let mut config = config(&testbed, &url);
    config.set_status_max_age_ms(60_000);
    let client = Client::new(&config).unwrap();
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..10 {
                    assert!(client.status().unwrap().available());
                }
            });
        }
    });
    assert!(!client.status().unwrap().age().is_zero());
    assert_eq!(testbed.wait_for_log("shared", 1).len(), 1);
}
