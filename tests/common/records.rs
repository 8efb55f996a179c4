//! Sends TLS records of any kind, sealed with a connection's own keys, which no TLS library would send.

use std::io::Write;
use std::net::TcpStream;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rustls::{ConnectionTrafficSecrets, ProtocolVersion};

use super::https::Session;

pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION_DATA: u8 = 23;

/// The server's side of a connection after its handshake.
pub struct Records {
    pub stream: TcpStream,
    is_tls13: bool,
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Records {
    /// Takes over a session. Its configuration must allow the extraction of secrets.
    pub fn of(session: Session) -> Records {
        let is_tls13 = session.conn.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let secrets = session.conn.dangerous_extract_secrets().unwrap();
        let (sequence, secrets) = secrets.tx;
        let (algorithm, key, iv) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            _ => panic!("the client prefers AES"),
        };
        Records {
            stream: session.sock,
            is_tls13,
            key: LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).unwrap()),
            iv: iv.as_ref().try_into().unwrap(),
            sequence,
        }
    }

    /// Sends a record; returns false if the client is gone.
    pub fn send(&mut self, kind: u8, content: &[u8]) -> bool {
        let record = self.seal(kind, content);
        self.stream.write_all(&record).is_ok()
    }

    /// Returns a record's bytes (RFC 8446, section 5.2; RFC 5246, section 6.2.3.3, and RFC 5288, section 3).
    pub fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut nonce = self.iv;
        for (byte, of_sequence) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= of_sequence;
        }
        let sealed_length = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
        let mut sealed = content.to_vec();
        let (head, aad) = if self.is_tls13 {
            sealed.push(kind);
            let length = sealed_length(sealed.len() + 16);
            let head = vec![APPLICATION_DATA, 3, 3, length[0], length[1]];
            (head.clone(), head)
        } else {
            let length = sealed_length(content.len());
            let mut aad = self.sequence.to_be_bytes().to_vec();
            aad.extend([kind, 3, 3, length[0], length[1]]);
            let length = sealed_length(8 + content.len() + 16);
            let mut head = vec![kind, 3, 3, length[0], length[1]];
            head.extend(&nonce[4..]);
            (head, aad)
        };
        self.sequence += 1;
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                &mut sealed,
            )
            .unwrap();
        [head, sealed].concat()
    }
}
