//! The options that limit how often a client asks: `honour_retry_after` and `status_max_age_ms`.

use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::thread;

use crate::common::config;
use crate::common::https::{End, counting, with_length};
use dcs::{Client, Code};
use dcs_testbed::Testbed;

#[test]
fn sends_nothing_before_retry_after_elapses() {
    let testbed = Testbed::from_env();
    // An hour, so that it cannot elapse during the test.
    let headers = "Retry-After: 3600\r\nX-RateLimit-Remaining: 0\r\nConnection: close\r\n";
    let response = with_length("429 Too Many Requests", headers, "");
    let (mut config, requests) = counting(&testbed, response, End::CloseNotify);
    // Off by default.
    let client = Client::new(&config).unwrap();
    for _ in 0..3 {
        assert_eq!(client.status().unwrap_err().http_status(), Some(429));
    }
    assert_eq!(requests.load(Ordering::SeqCst), 3);

    config.set_honour_retry_after(true);
    let client = Client::new(&config).unwrap();
    let first = client.status().unwrap_err();
    assert_eq!(
        (first.code(), first.http_status()),
        (Code::RateLimited, Some(429))
    );
    assert_eq!(first.limits().rate_limit_remaining, Some(0));
    for _ in 0..3 {
        let error = client.status().unwrap_err();
        assert_eq!(
            (error.code(), error.http_status()),
            (Code::RateLimited, None)
        );
        assert!(error.message().contains("nothing was sent"), "{error}");
        assert!(error.retry_after() <= first.retry_after() && error.retry_after().is_some());
    }
    assert_eq!(requests.load(Ordering::SeqCst), 4);
}

#[test]
fn threads_share_a_response_within_its_max_age() {
    const THREADS: usize = 8;
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/checks/passport?case=shared");
    let mut config = config(&testbed, &url);
    config.set_status_max_age_ms(600_000);
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
