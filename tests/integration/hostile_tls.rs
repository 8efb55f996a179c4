//! Servers that speak TLS as they should not: each ends in time, in bounded memory, and with an error that names
//! what was wrong.

use std::io::{Read, Write};

use crate::common::config;
use crate::common::https::{config_to, identity, read_head, sessions, tls};
use crate::common::proxy::server;
use crate::common::records::{ALERT, APPLICATION_DATA, HANDSHAKE, Records};
use crate::common::relay::{Fault, Place, Relay, port_of, record_ends};
use crate::memory::Limit;
use dcs::{Code, Config};
use dcs_testbed::Testbed;
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"available\":true,\"scheduledOutages\":[]}";

/// What a call may hold at most, of the longest handshake message and the tickets that it keeps.
const LIMIT: Limit = Limit(1024 * 1024);

type Say = fn(&mut Records);

/// A server that reads the request and then sends records of its own making.
fn records(
    testbed: &Testbed,
    version: &'static SupportedProtocolVersion,
    say: impl Fn(&mut Records) + Send + Sync + 'static,
) -> Config {
    let mut tls = tls(identity(testbed), &[version]);
    tls.enable_secret_extraction = true;
    let (config, _) = sessions(testbed, tls, move |mut session| {
        if read_head(&mut session) {
            let mut records = Records::of(session);
            say(&mut records);
            let _ = std::io::copy(&mut records.stream, &mut std::io::sink());
        }
    });
    config
}

#[test]
fn records_of_our_own_making_are_taken() {
    let testbed = Testbed::from_env();
    for version in [&TLS12, &TLS13] {
        let config = records(&testbed, version, |server| {
            server.send(APPLICATION_DATA, &[]);
            server.send(APPLICATION_DATA, ANSWER);
        });
        assert!(LIMIT.call(&config).unwrap().available());
    }
    // A request to negotiate anew is declined.
    let config = records(&testbed, &TLS12, |server| {
        server.send(HANDSHAKE, &[0; 4]);
        server.send(APPLICATION_DATA, ANSWER);
    });
    assert!(LIMIT.call(&config).unwrap().available());
}

#[test]
fn records_that_are_wrong_after_the_handshake() {
    let testbed = Testbed::from_env();
    let both: [(&str, Say, &str); 12] = [
        (
            "half an alert",
            |s| {
                s.send(ALERT, &[1]);
            },
            "corrupt message",
        ),
        (
            "an unknown message",
            |s| {
                s.send(HANDSHAKE, &[99, 0, 0, 0]);
            },
            "unexpected",
        ),
        (
            "a request for a certificate",
            |s| {
                s.send(HANDSHAKE, &[13, 0, 0, 3, 0, 0, 0]);
            },
            "",
        ),
        (
            "a message in pieces",
            |s| {
                s.send(HANDSHAKE, &[4, 0, 255, 255, 0]);
                s.send(APPLICATION_DATA, ANSWER);
            },
            "MessageInterleaved",
        ),
        (
            "a change of ciphers",
            |s| {
                s.send(20, &[1]);
            },
            "failed",
        ),
        (
            "a heartbeat",
            |s| {
                s.send(24, &[1, 0, 16]);
            },
            "InvalidContentType",
        ),
        (
            "type 99",
            |s| {
                s.send(99, &[1]);
            },
            "InvalidContentType",
        ),
        (
            "type 0",
            |s| {
                s.send(0, &[1]);
            },
            "InvalidContentType",
        ),
        (
            "a record over the limit",
            |s| {
                s.send(APPLICATION_DATA, &[b'x'; 16385]);
            },
            "excess record size",
        ),
        (
            "a record of 65 kB",
            |s| {
                s.send(APPLICATION_DATA, &[b'x'; 65000]);
            },
            "MessageTooLarge",
        ),
        (
            "an alert in the clear",
            |s| drop(s.stream.write_all(&[21, 3, 3, 0, 2, 2, 40])),
            "cannot decrypt",
        ),
        (
            "a record twice",
            |s| {
                let record = s.seal(APPLICATION_DATA, &ANSWER[..20]);
                let _ = s.stream.write_all(&[record.clone(), record].concat());
            },
            "cannot decrypt",
        ),
    ];
    let tls12: [(&str, Say, &str); 2] = [
        (
            "an update of the keys",
            |s| {
                s.send(HANDSHAKE, &[24, 0, 0, 1, 1]);
            },
            "unexpected",
        ),
        (
            "a late ticket",
            |s| {
                s.send(HANDSHAKE, &[4, 0, 0, 6, 0, 0, 1, 0, 0, 0]);
            },
            "unexpected",
        ),
    ];
    let tls13: [(&str, Say, &str); 2] = [
        (
            "a request to begin anew",
            |s| {
                s.send(HANDSHAKE, &[0; 4]);
            },
            "unexpected",
        ),
        (
            "new keys that are not used",
            |s| {
                s.send(HANDSHAKE, &[24, 0, 0, 1, 0]);
                s.send(APPLICATION_DATA, ANSWER);
            },
            "cannot decrypt",
        ),
    ];
    for (version, only) in [(&TLS12, tls12), (&TLS13, tls13)] {
        for (name, say, words) in both.into_iter().chain(only) {
            let name = format!("{name} in {:?}", version.version);
            LIMIT.assert_refused(&name, &records(&testbed, version, say), Code::Tls, words);
        }
    }
}

#[test]
fn floods_of_records_are_ended() {
    let testbed = Testbed::from_env();
    let both: [(&str, Say, &str); 5] = [
        (
            "warnings",
            |s| while s.send(ALERT, &[1, 90]) {},
            "TooManyWarningAlerts",
        ),
        (
            "empty data",
            |s| while s.send(APPLICATION_DATA, &[]) {},
            "TooManyEmptyFragments",
        ),
        (
            "empty messages",
            |s| while s.send(HANDSHAKE, &[]) {},
            "TooManyEmptyFragments",
        ),
        (
            "a message of 16 MB",
            |s| {
                s.send(HANDSHAKE, &[4, 255, 255, 255]);
                while s.send(HANDSHAKE, &[0; 16000]) {}
            },
            "HandshakePayloadTooLarge",
        ),
        (
            "a message of 64 kB",
            |s| {
                s.send(HANDSHAKE, &[4, 0, 255, 255]);
                while s.send(HANDSHAKE, &[0; 16000]) {}
            },
            "buffer full",
        ),
    ];
    for version in [&TLS12, &TLS13] {
        for (name, say, words) in both {
            let name = format!("{name} in {:?}", version.version);
            LIMIT.assert_refused(&name, &records(&testbed, version, say), Code::Tls, words);
        }
    }
    let anew = records(&testbed, &TLS12, |s| while s.send(HANDSHAKE, &[0; 4]) {});
    LIMIT.assert_refused(
        "requests to negotiate anew",
        &anew,
        Code::Tls,
        "TooManyRenegotiation",
    );
    let (keys, _) = sessions(
        &testbed,
        tls(identity(&testbed), &[&TLS13]),
        |mut session| {
            read_head(&mut session);
            while session.conn.refresh_traffic_keys().is_ok() && session.flush().is_ok() {}
        },
    );
    LIMIT.assert_refused("new keys", &keys, Code::Tls, "TooManyKeyUpdate");
}

#[test]
fn a_flood_of_tickets_ends_by_the_timeout_and_few_are_kept() {
    let testbed = Testbed::from_env();
    let mut ticket = vec![4, 0, 0, 0, 0, 0, 28, 32, 0, 0, 0, 0, 1, 7, 3, 232];
    ticket.resize(ticket.len() + 1000, 0);
    ticket.extend([0, 0]);
    let length = u16::try_from(ticket.len() - 4).unwrap();
    ticket[2..4].copy_from_slice(&length.to_be_bytes());
    let mut config = records(
        &testbed,
        &TLS13,
        move |s| while s.send(HANDSHAKE, &ticket) {},
    );
    config.set_timeout_ms(500).unwrap();
    LIMIT.assert_refused(
        "tickets",
        &config,
        Code::Timeout,
        "waiting for the response",
    );
}

#[test]
fn every_alert_after_the_handshake_is_an_error_that_names_it() {
    let testbed = Testbed::from_env();
    for version in [&TLS12, &TLS13] {
        for alert in (0..=122).chain([255]) {
            let config = records(&testbed, version, move |s| {
                s.send(ALERT, &[2, alert]);
            });
            let error = LIMIT.call(&config).unwrap_err();
            let codes: &[Code] = match alert {
                // close_notify
                0 => &[Code::ConnectionLost],
                // about a certificate, unknown_ca, access_denied
                42..=46 | 48 | 49 => &[Code::ClientCertRejected],
                116 => &[Code::ClientCertRequired],
                _ => &[Code::Tls],
            };
            assert!(codes.contains(&error.code()), "{alert}: {error}");
            assert_eq!(error.tls_alert(), (alert != 0).then_some(alert), "{error}");
        }
        // A warning is none in TLS 1.3, where every alert but two ends the connection (RFC 8446, section 6).
        let config = records(&testbed, version, |s| {
            s.send(ALERT, &[1, 112]);
            s.send(APPLICATION_DATA, ANSWER);
        });
        assert_eq!(
            LIMIT.call(&config).is_ok(),
            version.version == TLS12.version
        );
    }
}

#[test]
fn an_alert_at_each_step_of_the_handshake() {
    let testbed = Testbed::from_env();
    const ALERTS: [&[u8]; 7] = [
        &[21, 3, 3, 0, 2, 1, 0],
        &[21, 3, 3, 0, 2, 1, 90],
        &[21, 3, 3, 0, 2, 1, 112],
        &[21, 3, 3, 0, 2, 2, 0],
        &[21, 3, 3, 0, 2, 2, 40],
        &[21, 3, 3, 0, 2, 2, 48],
        &[21, 3, 3, 0, 2, 2, 80],
    ];
    for listener in ["tls12_close", "tls13_close"] {
        let url = testbed.url(listener, "/checks/passport");
        let relay = Relay::faithful(port_of(&url));
        let config = config(&testbed, &relay.url(&url));
        assert!(LIMIT.call(&config).unwrap().available());
        let heard = relay.heard().server;
        let mut places = record_ends(&heard);
        // Behind the answer nobody listens.
        let answer = places.iter().rposition(|end| *end < heard.len()).unwrap();
        places.truncate(answer);
        places.insert(0, 0);
        let ciphers_change = places.iter().position(|place| heard[*place] == 20).unwrap();
        for (record, offset) in places.into_iter().enumerate() {
            for alert in ALERTS {
                let (level, number) = (alert[5], alert[6]);
                let what = format!("{listener}: alert {level} {number} before record {record}");
                let place = Place::Byte {
                    from_client: false,
                    offset,
                };
                relay.arm(Fault::Say(alert), place);
                let error = match LIMIT.call(&config) {
                    Ok(status) => {
                        // rustls passes a close_notify over for as long as more comes.
                        assert!((level == 1 || number == 0) && status.available(), "{what}");
                        continue;
                    }
                    Err(error) => error,
                };
                let codes: &[Code] = match number {
                    0 => &[Code::ConnectionLost, Code::Tls],
                    _ => &[Code::Tls, Code::ClientCertRejected],
                };
                assert!(codes.contains(&error.code()), "{what}: {error}");
                let in_the_clear =
                    record <= ciphers_change && (listener == "tls12_close" || record == 0);
                if in_the_clear && level == 2 && number != 0 {
                    assert_eq!(error.tls_alert(), Some(number), "{what}: {error}");
                }
            }
        }
    }
}

#[test]
fn what_comes_instead_of_a_handshake() {
    let testbed = Testbed::from_env();
    let long = [vec![22, 3, 3, 0x40, 0, 2, 0, 255, 255], vec![0; 0x4000 - 4]].concat();
    for (name, begin, piece, words) in [
        (
            "warnings",
            &[][..],
            &[21, 3, 3, 0, 2, 1, 112][..],
            "TooManyWarningAlerts",
        ),
        (
            "an alert",
            &[],
            &[21, 3, 3, 0, 2, 2, 40],
            "handshake_failure (40)",
        ),
        (
            "empty messages",
            &[],
            &[22, 3, 3, 0, 0],
            "InvalidEmptyPayload",
        ),
        (
            "changes of ciphers",
            &[],
            &[20, 3, 3, 0, 1, 1],
            "ChangeCipherSpec",
        ),
        ("data", &[], &[23, 3, 3, 0, 1, 1], "ApplicationData"),
        (
            "requests for a hello",
            &[],
            &[22, 3, 3, 0, 4, 0, 0, 0, 0],
            "HelloRequest",
        ),
        (
            "a record of 64 kB",
            &[22, 3, 3, 255, 255],
            &[0; 1000],
            "MessageTooLarge",
        ),
        (
            "a message of 16 MB",
            &[22, 3, 3, 0x40, 0, 2, 255, 255, 255],
            &[0; 1000],
            "HandshakePayloadTooLarge",
        ),
        ("a long message", &long, &[22, 3, 3, 0, 1, 0], "buffer full"),
        ("zeros", &[], &[0], "does not speak TLS"),
        ("ones", &[], &[255], "does not speak TLS"),
        ("SSL 2", &[0x80, 0x2e, 1, 0, 2], &[0], "does not speak TLS"),
        (
            "mail",
            b"220 mail ESMTP\r\n",
            b"220 x\r\n",
            "does not speak TLS",
        ),
        (
            "HTTP",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"<html>",
            "does not speak TLS",
        ),
        ("a shell", &[], b"SSH-2.0-OpenSSH\r\n", "does not speak TLS"),
    ] {
        let (begin, piece) = (begin.to_vec(), piece.repeat(10));
        let port = server(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&begin);
            while stream.write_all(&piece).is_ok() {}
        });
        LIMIT.assert_refused(name, &config_to(&testbed, port), Code::Tls, words);
    }
}

#[test]
fn a_chain_of_absurd_length() {
    let testbed = Testbed::from_env();
    let (chain, key) = identity(&testbed);
    for version in [&TLS12, &TLS13] {
        let with = |count: usize| {
            let mut long = chain.clone();
            long.resize(chain.len() + count, chain[1].clone());
            let tls = tls((long, key.clone_key()), &[version]);
            let (config, _) = sessions(&testbed, tls, |mut session| {
                if read_head(&mut session) {
                    let _ = session.write_all(ANSWER);
                    read_head(&mut session);
                }
            });
            config
        };
        // What the server has to say may be long-winded, and still be right.
        assert!(LIMIT.call(&with(50)).unwrap().available());
        // rustls takes no message over 64 kB.
        LIMIT.assert_refused(
            "1000 certificates",
            &with(1000),
            Code::Tls,
            "HandshakePayloadTooLarge",
        );
    }
}
