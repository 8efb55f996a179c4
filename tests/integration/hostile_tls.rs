//! Servers that break the rules of TLS: each call ends by itself, in bounded memory, and with an error that names the
//! fault.

use std::io::{Read, Write};

use crate::common::config;
use crate::common::https::{config_to, identity, read_head, sessions, tls};
use crate::common::loopback::listen;
use crate::common::records::{ALERT, APPLICATION_DATA, HANDSHAKE, Records};
use crate::common::relay::{Fault, Place, Relay, port_of, record_ends};
use crate::memory::Limit;
use dcs::{Code, Config};
use dcs_testbed::Testbed;
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"available\":true,\"scheduledOutages\":[]}";

/// The longest handshake message, and the tickets that the client keeps.
const LIMIT: Limit = Limit(1024 * 1024);

type Send = fn(&mut Records);

/// Starts a server that reads the request and then sends records of the test's own making.
fn records(
    testbed: &Testbed,
    version: &'static SupportedProtocolVersion,
    send: impl Fn(&mut Records) + std::marker::Send + Sync + 'static,
) -> Config {
    let mut tls = tls(identity(testbed), &[version]);
    tls.enable_secret_extraction = true;
    let (config, _) = sessions(testbed, tls, move |mut session| {
        if read_head(&mut session).is_some() {
            let mut records = Records::of(session);
            send(&mut records);
            let _ = std::io::copy(&mut records.stream, &mut std::io::sink());
        }
    });
    config
}

#[test]
fn valid_records_are_accepted() {
    let testbed = Testbed::from_env();
    for version in [&TLS12, &TLS13] {
        let config = records(&testbed, version, |server| {
            server.send(APPLICATION_DATA, &[]);
            server.send(APPLICATION_DATA, RESPONSE);
        });
        assert!(LIMIT.call(&config).unwrap().available());
    }
    // The client declines a renegotiation.
    let config = records(&testbed, &TLS12, |server| {
        server.send(HANDSHAKE, &[0; 4]);
        server.send(APPLICATION_DATA, RESPONSE);
    });
    assert!(LIMIT.call(&config).unwrap().available());
}

#[test]
fn invalid_record_after_the_handshake_is_an_error() {
    let testbed = Testbed::from_env();
    let both: [(&str, Send, &str); 12] = [
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
                s.send(APPLICATION_DATA, RESPONSE);
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
                let record = s.seal(APPLICATION_DATA, &RESPONSE[..20]);
                let _ = s.stream.write_all(&[record.clone(), record].concat());
            },
            "cannot decrypt",
        ),
    ];
    let tls12: [(&str, Send, &str); 2] = [
        (
            "a key update",
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
    let tls13: [(&str, Send, &str); 2] = [
        (
            "a HelloRequest",
            |s| {
                s.send(HANDSHAKE, &[0; 4]);
            },
            "unexpected",
        ),
        (
            "a key update without new keys",
            |s| {
                s.send(HANDSHAKE, &[24, 0, 0, 1, 0]);
                s.send(APPLICATION_DATA, RESPONSE);
            },
            "cannot decrypt",
        ),
    ];
    for (version, only) in [(&TLS12, tls12), (&TLS13, tls13)] {
        for (name, send, fault) in both.into_iter().chain(only) {
            let name = format!("{name} in {:?}", version.version);
            LIMIT.assert_error(&name, &records(&testbed, version, send), Code::Tls, fault);
        }
    }
}

#[test]
fn flood_of_records_is_cut_off() {
    let testbed = Testbed::from_env();
    let both: [(&str, Send, &str); 5] = [
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
        for (name, send, fault) in both {
            let name = format!("{name} in {:?}", version.version);
            LIMIT.assert_error(&name, &records(&testbed, version, send), Code::Tls, fault);
        }
    }
    let renegotiation = records(&testbed, &TLS12, |s| while s.send(HANDSHAKE, &[0; 4]) {});
    LIMIT.assert_error(
        "renegotiation",
        &renegotiation,
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
    LIMIT.assert_error("key updates", &keys, Code::Tls, "TooManyKeyUpdate");
}

#[test]
fn flood_of_tickets_is_cut_off() {
    let testbed = Testbed::from_env();
    for length in [1, 1000] {
        let mut ticket = vec![4, 0, 0, 0, 0, 0, 28, 32, 0, 0, 0, 0, 1, 7];
        ticket.extend(u16::to_be_bytes(length));
        ticket.resize(ticket.len() + usize::from(length) + 2, 0);
        let content = u16::try_from(ticket.len() - 4).unwrap();
        ticket[2..4].copy_from_slice(&content.to_be_bytes());
        // As many as fit into a record.
        let tickets = ticket.repeat(16_000 / ticket.len());
        let flood = move |s: &mut Records| while s.send(HANDSHAKE, &tickets) {};
        let config = records(&testbed, &TLS13, flood);
        let fault = "more than 64 session tickets";
        LIMIT.assert_error("tickets", &config, Code::Tls, fault);
    }
}

/// Sends the same bytes again and again, each in a record of its own, and that many records at once.
fn send_bytes(server: &mut Records, head: &[u8], bytes: &[u8], at_once: usize) {
    server.send(APPLICATION_DATA, head);
    let mut stream = server.stream.try_clone().unwrap();
    let mut bytes = bytes.iter().cycle();
    let mut records = || {
        let bytes = bytes.by_ref().take(at_once);
        bytes
            .flat_map(|byte| server.seal(APPLICATION_DATA, &[*byte]))
            .collect::<Vec<_>>()
    };
    while stream.write_all(&records()).is_ok() {}
}

#[test]
fn response_in_many_small_records_is_cut_off() {
    let testbed = Testbed::from_env();
    let length = b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for version in [&TLS12, &TLS13] {
        for (at_once, head, bytes) in [
            (1, &length[..], &b"x"[..]),
            (1000, length, b"x"),
            (1000, chunked, b"1\r\nx\r\n"),
        ] {
            let send = move |s: &mut Records| send_bytes(s, head, bytes, at_once);
            let config = records(&testbed, version, send);
            let name = format!("{at_once} records at once in {:?}", version.version);
            LIMIT.assert_error(&name, &config, Code::Tls, "the server sends ");
        }
    }
}

#[test]
fn alert_after_the_handshake_is_an_error() {
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
        // TLS 1.3 has no warnings: every alert but two ends the connection (RFC 8446, section 6).
        let config = records(&testbed, version, |s| {
            s.send(ALERT, &[1, 112]);
            s.send(APPLICATION_DATA, RESPONSE);
        });
        assert_eq!(
            LIMIT.call(&config).is_ok(),
            version.version == TLS12.version
        );
    }
}

#[test]
fn alert_during_the_handshake_is_an_error() {
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
        let relay = Relay::start(port_of(&url));
        let config = config(&testbed, &relay.url(&url));
        assert!(LIMIT.call(&config).unwrap().available());
        let server = relay.transcript_to_the_end().server;
        let mut places = record_ends(&server);
        // Without the ends of the response and of the close_notify: there the client has stopped reading.
        places.truncate(places.len() - 2);
        places.insert(0, 0);
        let change_cipher_spec = places.iter().position(|place| server[*place] == 20);
        let change_cipher_spec = change_cipher_spec.unwrap();
        for (record, offset) in places.into_iter().enumerate() {
            for alert in ALERTS {
                let (level, number) = (alert[5], alert[6]);
                let what = format!("{listener}: alert {level} {number} before record {record}");
                let place = Place::Byte {
                    from_client: false,
                    offset,
                };
                relay.arm(Fault::Inject(alert), place);
                let error = match LIMIT.call(&config) {
                    Ok(status) => {
                        // rustls ignores a close_notify that more data follows.
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
                    record <= change_cipher_spec && (listener == "tls12_close" || record == 0);
                if in_the_clear && level == 2 && number != 0 {
                    assert_eq!(error.tls_alert(), Some(number), "{what}: {error}");
                }
            }
        }
    }
}

#[test]
fn no_tls_handshake_is_an_error() {
    let testbed = Testbed::from_env();
    let long = [vec![22, 3, 3, 0x40, 0, 2, 0, 255, 255], vec![0; 0x4000 - 4]].concat();
    for (name, begin, piece, fault) in [
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
        let port = listen(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&begin);
            while stream.write_all(&piece).is_ok() {}
        });
        LIMIT.assert_error(name, &config_to(&testbed, port), Code::Tls, fault);
    }
}

#[test]
fn long_certificate_chain_takes_bounded_memory() {
    let testbed = Testbed::from_env();
    let (chain, key) = identity(&testbed);
    for version in [&TLS12, &TLS13] {
        let with = |count: usize| {
            let mut long = chain.clone();
            long.resize(chain.len() + count, chain[1].clone());
            let tls = tls((long, key.clone_key()), &[version]);
            let (config, _) = sessions(&testbed, tls, |mut session| {
                if read_head(&mut session).is_some() {
                    let _ = session.write_all(RESPONSE);
                    read_head(&mut session);
                }
            });
            config
        };
        // A long chain may still be valid.
        assert!(LIMIT.call(&with(50)).unwrap().available());
        // rustls accepts no message over 64 kB.
        LIMIT.assert_error(
            "1000 certificates",
            &with(1000),
            Code::Tls,
            "HandshakePayloadTooLarge",
        );
    }
}
