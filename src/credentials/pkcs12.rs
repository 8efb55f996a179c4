//! PKCS#12 (RFC 7292), the `.p12` and `.pfx` files: certificates and private keys together, under a password.
//!
//! The structure is walked here, over borrowed bytes, and the algorithms are those of RustCrypto. The
//! crates that open a whole file derive a key for every bag with the iteration count that the bag names,
//! with a cap for each but none for all of them, also inside encrypted parts, whose bags
//! cannot be counted beforehand. They also copy keys around without wiping them. Here every derivation is paid out of one
//! [`Budget`] before it is made, decryption is in place in a buffer that is wiped, and certificates keep
//! their bytes.

use std::fmt;

use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, InnerIvInit, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{PrivateKeyInfoRef, pkcs5};
use pkcs12::kdf::{Pkcs12KeyType, derive_key};
use rustls::pki_types::CertificateDer;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use x509_cert::der::{self, Decode, Reader, SliceReader, Tag, Tagged};
use zeroize::Zeroizing;

use super::asn1::{content_info, sequence_start, tagged};
use super::kdf_budget::{self, Budget, TooManyRounds};
use super::wipe_stack;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");

const KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.1");
const SHROUDED_KEY_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const CERT_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");
const CRL_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.4");
const SECRET_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.5");
const X509_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");

const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA_224: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

// RFC 7292, appendix C.
const PBE_3DES_3KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const PBE_3DES_2KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.4");
const PBE_RC2_128: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5");
const PBE_RC2_40: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6");
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");

/// A key with a long chain takes about 10 KiB.
const MAX_SIZE: usize = 256 * 1024;
/// What is in a file. The order is the file's: OpenSSL puts the end entity's certificate first.
pub(crate) struct Opened {
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// PKCS#8 DER.
    pub(crate) keys: Vec<Zeroizing<Vec<u8>>>,
}

/// Keys must not be printed.
impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("certificates", &self.certificates.len())
            .field("keys", &self.keys.len())
            .finish()
    }
}

/// Why a file cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No password was given, and the empty one does not open the file.
    PasswordMissing,
    /// The password does not open the file. Damage to what the password protects looks the same.
    WrongPassword,
    /// Not PKCS#12, cut short or changed.
    Damaged,
    /// An algorithm, or a variant of the format, that is not supported: BER of indefinite length, a
    /// signature in place of the MAC, PBMAC1, nested safes.
    Unsupported,
    /// Larger than any real file.
    TooLarge,
    /// With more rounds of key derivation than [`kdf_budget::MAX_ROUNDS`].
    TooCostly(u64),
}

impl From<TooManyRounds> for Failure {
    fn from(TooManyRounds(rounds): TooManyRounds) -> Self {
        Failure::TooCostly(rounds)
    }
}

impl From<der::Error> for Failure {
    fn from(_: der::Error) -> Self {
        Failure::Damaged
    }
}

/// Whether these bytes begin like PKCS#12: a SEQUENCE, the version 3, and a PKCS#7 content type.
pub(crate) fn looks_like(der: &[u8]) -> bool {
    const VERSION_3: &[u8] = &[0x02, 0x01, 0x03];
    /// An OBJECT IDENTIFIER under 1.2.840.113549.1.7.
    const PKCS7: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
    sequence_start(der)
        .and_then(|rest| rest.strip_prefix(VERSION_3))
        .and_then(sequence_start)
        .is_some_and(|rest| rest.starts_with(PKCS7))
}

/// Opens a file. Without a password the empty one is tried.
///
/// A file without a MAC and without encryption opens with any password.
pub(crate) fn open(der: &[u8], password: Option<&str>) -> Result<Opened, Failure> {
    wipe_stack::wiped(|| open_now(der, password))
}

fn open_now(der: &[u8], password: Option<&str>) -> Result<Opened, Failure> {
    if der.len() > MAX_SIZE {
        return Err(Failure::TooLarge);
    }
    if looks_like(der) && der.get(1) == Some(&0x80) {
        return Err(Failure::Unsupported);
    }
    let mut budget = Budget::new();
    let text = password.unwrap_or_default();
    let mut result = open_with(der, &Password::new(text), &mut budget);
    if text.is_empty() && matches!(result, Err(Failure::WrongPassword)) {
        // An empty password is two zero bytes for some programs and no bytes at all for others.
        result = open_with(der, &Password::absent(), &mut budget);
    }
    match result {
        Err(Failure::WrongPassword) if password.is_none() => Err(Failure::PasswordMissing),
        result => result,
    }
}

/// The two forms in which a password goes into a derivation.
struct Password<'a> {
    /// For PBES2.
    utf8: &'a str,
    /// For the derivation of PKCS#12 itself: UTF-16, big endian, with a terminator.
    utf16: Zeroizing<Vec<u8>>,
}

impl<'a> Password<'a> {
    fn new(text: &'a str) -> Self {
        // No character takes more bytes in UTF-16 than twice what it takes in UTF-8: no copy is left behind.
        let mut utf16 = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
        for unit in text.encode_utf16().chain([0]) {
            utf16.extend_from_slice(&unit.to_be_bytes());
        }
        Password { utf8: text, utf16 }
    }

    fn absent() -> Self {
        Password {
            utf8: "",
            utf16: Zeroizing::default(),
        }
    }

    /// The derivation of RFC 7292, appendix B.
    fn derive<D>(
        &self,
        use_as: Pkcs12KeyType,
        salt: &[u8],
        rounds: i32,
        len: usize,
    ) -> Zeroizing<Vec<u8>>
    where
        D: sha2::Digest + hmac::digest::FixedOutputReset + hmac::digest::block_api::BlockSizeUser,
    {
        Zeroizing::new(derive_key::<D>(&self.utf16, salt, use_as, rounds, len))
    }
}

fn open_with(der: &[u8], password: &Password<'_>, budget: &mut Budget) -> Result<Opened, Failure> {
    let mut reader = SliceReader::new(der)?;
    let (content, mac) = reader.sequence(|reader| {
        if u8::decode(reader)? != 3 {
            return Err(Failure::Unsupported);
        }
        let (content_type, content) = content_info(reader)?;
        if content_type != DATA {
            // SignedData stands for an integrity by public key.
            return Err(Failure::Unsupported);
        }
        let content = <&OctetStringRef>::from_der(content)?.as_bytes();
        let mac = if reader.is_finished() {
            None
        } else {
            Some(AnyRef::decode(reader)?)
        };
        Ok((content, mac))
    })?;
    reader.finish()?;

    if let Some(mac) = mac {
        verify(mac, content, password, budget)?;
    }
    let mut opening = Opening {
        password,
        budget,
        is_verified: mac.is_some(),
        opened: Opened {
            certificates: Vec::new(),
            keys: Vec::new(),
        },
    };
    let mut reader = SliceReader::new(content)?;
    reader.sequence(|reader| {
        while !reader.is_finished() {
            let (content_type, content) = content_info(reader)?;
            opening.read_safe(content_type, content)?;
        }
        Ok::<_, Failure>(())
    })?;
    reader.finish()?;
    Ok(opening.opened)
}

/// Checks the MacData over the content.
fn verify(
    mac: AnyRef<'_>,
    content: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
) -> Result<(), Failure> {
    let (algorithm, digest, salt, iterations) = mac.sequence(|reader| {
        let (algorithm, digest) = reader.sequence(|reader| {
            let algorithm = AlgorithmIdentifierRef::decode(reader)?;
            let digest = <&OctetStringRef>::decode(reader)?.as_bytes();
            Ok::<_, der::Error>((algorithm.oid, digest))
        })?;
        let salt = <&OctetStringRef>::decode(reader)?.as_bytes();
        let iterations = if reader.is_finished() {
            1
        } else {
            u32::decode(reader)?
        };
        Ok::<_, der::Error>((algorithm, digest, salt, iterations))
    })?;
    let rounds = rounds(iterations, 1, budget)?;

    macro_rules! is_right {
        ($digest:ty) => {{
            let len = <$digest as sha2::Digest>::output_size();
            let key = password.derive::<$digest>(Pkcs12KeyType::Mac, salt, rounds, len);
            let mut mac = Hmac::<$digest>::new_from_slice(&key).map_err(|_| Failure::Damaged)?;
            mac.update(content);
            mac.verify_slice(digest).is_ok()
        }};
    }
    let is_right = match algorithm {
        SHA_1 => is_right!(sha1::Sha1),
        SHA_224 => is_right!(sha2::Sha224),
        SHA_256 => is_right!(sha2::Sha256),
        SHA_384 => is_right!(sha2::Sha384),
        SHA_512 => is_right!(sha2::Sha512),
        _ => return Err(Failure::Unsupported),
    };
    if is_right {
        Ok(())
    } else {
        Err(Failure::WrongPassword)
    }
}

/// Pays for `times` derivations and gives the count in the type that the derivation takes.
fn rounds(iterations: u32, times: u64, budget: &mut Budget) -> Result<i32, Failure> {
    budget.spend(u64::from(iterations).saturating_mul(times))?;
    i32::try_from(iterations).map_err(|_| Failure::Damaged)
}

/// The reading of one file with one password.
struct Opening<'a> {
    password: &'a Password<'a>,
    budget: &'a mut Budget,
    /// Whether the MAC has proved that the password is right.
    is_verified: bool,
    opened: Opened,
}

impl Opening<'_> {
    /// Reads one of the contents of the AuthenticatedSafe.
    fn read_safe(&mut self, content_type: ObjectIdentifier, content: &[u8]) -> Result<(), Failure> {
        match content_type {
            DATA => self.read_bags(<&OctetStringRef>::from_der(content)?.as_bytes()),
            ENCRYPTED_DATA => {
                let Some((algorithm, ciphertext)) = encrypted_content(content)? else {
                    return Ok(());
                };
                let plain = self.decrypt(algorithm, ciphertext)?;
                // A wrong password passes the padding check once in 256 times.
                if !is_sequence(&plain) {
                    return Err(self.undecryptable());
                }
                self.read_bags(&plain)
            }
            _ => Err(Failure::Unsupported),
        }
    }

    /// Reads a SafeContents.
    fn read_bags(&mut self, parsed: &[u8]) -> Result<(), Failure> {
        let mut reader = SliceReader::new(parsed)?;
        reader.sequence(|reader| {
            while !reader.is_finished() {
                reader.sequence(|reader| {
                    let kind = ObjectIdentifier::decode(reader)?;
                    let value = tagged(reader, 0, true)?;
                    if !reader.is_finished() {
                        // Names and ids, which are not used.
                        AnyRef::decode(reader)?.tag().assert_eq(Tag::Set)?;
                    }
                    self.read_bag(kind, value)
                })?;
            }
            Ok::<_, Failure>(())
        })?;
        Ok(reader.finish()?)
    }

    fn read_bag(&mut self, kind: ObjectIdentifier, value: &[u8]) -> Result<(), Failure> {
        match kind {
            CERT_BAG => {
                if let Some(certificate) = certificate(value)? {
                    self.opened.certificates.push(certificate);
                }
            }
            KEY_BAG => {
                PrivateKeyInfoRef::try_from(value).map_err(|_| Failure::Damaged)?;
                self.opened.keys.push(Zeroizing::new(value.to_vec()));
            }
            SHROUDED_KEY_BAG => {
                let (algorithm, ciphertext) = AnyRef::from_der(value)?.sequence(|reader| {
                    let algorithm = AlgorithmIdentifierRef::decode(reader)?;
                    let ciphertext = <&OctetStringRef>::decode(reader)?.as_bytes();
                    Ok::<_, der::Error>((algorithm, ciphertext))
                })?;
                let key = self.decrypt(algorithm, ciphertext)?;
                PrivateKeyInfoRef::try_from(key.as_slice()).map_err(|_| self.undecryptable())?;
                self.opened.keys.push(key);
            }
            CRL_BAG | SECRET_BAG => {}
            _ => return Err(Failure::Unsupported),
        }
        Ok(())
    }

    fn decrypt(
        &mut self,
        algorithm: AlgorithmIdentifierRef<'_>,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let len = match algorithm.oid {
            PBES2 => self.decrypt_pbes2(algorithm, &mut buffer)?,
            _ => self.decrypt_pbes1(algorithm, &mut buffer)?,
        };
        // What truncate leaves behind in the buffer is wiped with it: Zeroizing wipes the whole capacity.
        buffer.truncate(len);
        Ok(buffer)
    }

    /// Decrypts in place and returns the length without the padding.
    fn decrypt_pbes2(
        &mut self,
        algorithm: AlgorithmIdentifierRef<'_>,
        buffer: &mut [u8],
    ) -> Result<usize, Failure> {
        let scheme = EncryptionScheme::try_from(algorithm).map_err(|_| Failure::Unsupported)?;
        let EncryptionScheme::Pbes2(parameters) = &scheme else {
            return Err(Failure::Unsupported);
        };
        let rounds = kdf_budget::rounds(parameters).ok_or(Failure::Unsupported)?;
        self.budget.spend(rounds)?;
        match scheme.decrypt_in_place(self.password.utf8, buffer) {
            Ok(plain) => Ok(plain.len()),
            Err(pkcs5::Error::DecryptFailed) => Err(self.undecryptable()),
            Err(_) => Err(Failure::Unsupported),
        }
    }

    /// Decrypts with one of PKCS#12's own schemes; else as [`Self::decrypt_pbes2`].
    fn decrypt_pbes1(
        &mut self,
        algorithm: AlgorithmIdentifierRef<'_>,
        buffer: &mut [u8],
    ) -> Result<usize, Failure> {
        let key_len = match algorithm.oid {
            PBE_3DES_3KEY => 24,
            PBE_3DES_2KEY | PBE_RC2_128 => 16,
            PBE_RC2_40 => 5,
            _ => return Err(Failure::Unsupported),
        };
        let parameters = algorithm.parameters.ok_or(Failure::Damaged)?;
        let (salt, iterations) = parameters.sequence(|reader| {
            let salt = <&OctetStringRef>::decode(reader)?.as_bytes();
            Ok::<_, der::Error>((salt, u32::decode(reader)?))
        })?;
        // At most two SHA-1 for the key, and one for the IV.
        let rounds = rounds(iterations, 3, self.budget)?;
        let derive = |use_as, len| {
            self.password
                .derive::<sha1::Sha1>(use_as, salt, rounds, len)
        };
        let key = derive(Pkcs12KeyType::EncryptionKey, key_len);
        let iv = derive(Pkcs12KeyType::Iv, 8);

        let plain = match algorithm.oid {
            PBE_3DES_3KEY => Decryptor::<des::TdesEde3>::new_from_slices(&key, &iv)
                .ok()
                .and_then(|cipher| cipher.decrypt_padded::<Pkcs7>(buffer).ok()),
            PBE_3DES_2KEY => Decryptor::<des::TdesEde2>::new_from_slices(&key, &iv)
                .ok()
                .and_then(|cipher| cipher.decrypt_padded::<Pkcs7>(buffer).ok()),
            _ => {
                let rc2 = rc2::Rc2::new_with_eff_key_len(&key, 8 * key_len);
                Decryptor::inner_iv_slice_init(rc2, &iv)
                    .ok()
                    .and_then(|cipher| cipher.decrypt_padded::<Pkcs7>(buffer).ok())
            }
        };
        plain.map(<[u8]>::len).ok_or(self.undecryptable())
    }

    /// Returns the failure of a decryption: once the MAC has proved the password, the file must be damaged.
    fn undecryptable(&self) -> Failure {
        if self.is_verified {
            Failure::Damaged
        } else {
            Failure::WrongPassword
        }
    }
}

/// Reads an EncryptedData (RFC 5652, section 8). Returns `None` if it holds nothing.
fn encrypted_content(der: &[u8]) -> Result<Option<(AlgorithmIdentifierRef<'_>, &[u8])>, Failure> {
    let mut reader = SliceReader::new(der)?;
    let content = reader.sequence(|reader| {
        if u8::decode(reader)? != 0 {
            return Err(Failure::Unsupported);
        }
        reader.sequence(|reader| {
            if ObjectIdentifier::decode(reader)? != DATA {
                return Err(Failure::Unsupported);
            }
            let algorithm = AlgorithmIdentifierRef::decode(reader)?;
            if reader.is_finished() {
                return Ok(None);
            }
            Ok(Some((algorithm, tagged(reader, 0, false)?)))
        })
    })?;
    reader.finish()?;
    Ok(content)
}

/// Reads a CertBag. Returns `None` if it holds another kind of certificate.
fn certificate(bag: &[u8]) -> Result<Option<CertificateDer<'static>>, Failure> {
    let (kind, value) = AnyRef::from_der(bag)?.sequence(|reader| {
        let kind = ObjectIdentifier::decode(reader)?;
        Ok::<_, der::Error>((kind, tagged(reader, 0, true)?))
    })?;
    if kind != X509_CERTIFICATE {
        return Ok(None);
    }
    let certificate = <&OctetStringRef>::from_der(value)?.as_bytes();
    if !is_sequence(certificate) {
        return Err(Failure::Damaged);
    }
    Ok(Some(CertificateDer::from(certificate.to_vec())))
}

/// Whether this is one SEQUENCE and nothing else.
fn is_sequence(der: &[u8]) -> bool {
    AnyRef::from_der(der).is_ok_and(|value| value.tag() == Tag::Sequence)
}

#[cfg(test)]
mod tests;
