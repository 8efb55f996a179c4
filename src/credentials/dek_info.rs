//! The legacy encryption of PEM keys: RFC 1421 headers with a cipher and an IV (`DEK-Info`), as old OpenSSL
//! versions wrote it and `openssl rsa -traditional -aes256` still does.
//!
//! The key comes from one round of MD5 (OpenSSL's EVP_BytesToKey), which is why it is read here and never
//! written: it protects a weak password hardly at all.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, InvalidLength, KeyIvInit};
use cbc::Decryptor;
use md5::{Digest, Md5};
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::{Decode, Tag, Tagged};
use zeroize::{Zeroize, Zeroizing};

/// The longest IV, that of AES, and with it the longest block.
const MAX_BLOCK: usize = 16;
/// OpenSSL salts the key with this many bytes of the IV (PKCS5_SALT_LEN).
const SALT_LEN: usize = 8;
const MD5_LEN: usize = 16;

/// Why a key cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The header names a cipher that is not one of AES-CBC, DES-EDE3-CBC and DES-CBC.
    UnsupportedCipher,
    /// The IV is not hexadecimal of the cipher's block length, or the ciphertext not whole blocks.
    Damaged,
    /// What comes out is not a key. A damaged block in the middle of the ciphertext looks the same.
    WrongPassword,
}

/// A cipher of the `DEK-Info` header.
#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
    Des,
}

impl Cipher {
    /// OpenSSL looks the name up without regard to case.
    fn named(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_uppercase().as_str() {
            "AES-128-CBC" => Cipher::Aes128,
            "AES-192-CBC" => Cipher::Aes192,
            "AES-256-CBC" => Cipher::Aes256,
            "DES-EDE3-CBC" => Cipher::TripleDes,
            "DES-CBC" => Cipher::Des,
            _ => return None,
        })
    }

    fn key_len(self) -> usize {
        match self {
            Cipher::Aes128 => 16,
            Cipher::Aes192 | Cipher::TripleDes => 24,
            Cipher::Aes256 => 32,
            Cipher::Des => 8,
        }
    }

    fn block_len(self) -> usize {
        match self {
            Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => 16,
            Cipher::TripleDes | Cipher::Des => 8,
        }
    }

    /// Decrypts in place and returns the length without the padding. Returns `None` if the padding is wrong.
    fn decrypt(self, key: &[u8], iv: &[u8], buffer: &mut [u8]) -> Option<usize> {
        match self {
            Cipher::Aes128 => unpad(Decryptor::<aes::Aes128>::new_from_slices(key, iv), buffer),
            Cipher::Aes192 => unpad(Decryptor::<aes::Aes192>::new_from_slices(key, iv), buffer),
            Cipher::Aes256 => unpad(Decryptor::<aes::Aes256>::new_from_slices(key, iv), buffer),
            Cipher::TripleDes => {
                unpad(Decryptor::<des::TdesEde3>::new_from_slices(key, iv), buffer)
            }
            Cipher::Des => unpad(Decryptor::<des::Des>::new_from_slices(key, iv), buffer),
        }
    }
}

/// Decrypts the body of a PEM block, already decoded from base64, to the DER of a PKCS#1 or SEC1 key.
///
/// `cipher` and `iv_hex` are the two values of the `DEK-Info` header. A wrong password passes the padding
/// check once in 256 times; the result must therefore also be one DER SEQUENCE and nothing else.
pub(crate) fn decrypt(
    cipher: &str,
    iv_hex: &str,
    ciphertext: &[u8],
    password: &str,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let cipher = Cipher::named(cipher).ok_or(Failure::UnsupportedCipher)?;
    let iv = bytes_of_hex(iv_hex.trim(), cipher.block_len()).ok_or(Failure::Damaged)?;
    if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(cipher.block_len()) {
        return Err(Failure::Damaged);
    }

    let key = derive_key(password, &iv[..SALT_LEN], cipher.key_len());
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let len = cipher
        .decrypt(&key, &iv[..cipher.block_len()], &mut buffer)
        .ok_or(Failure::WrongPassword)?;
    // What truncate leaves behind in the buffer is wiped with it: Zeroizing wipes the whole capacity.
    buffer.truncate(len);
    match AnyRef::from_der(&buffer) {
        Ok(value) if value.tag() == Tag::Sequence => Ok(buffer),
        _ => Err(Failure::WrongPassword),
    }
}

fn unpad<D: BlockModeDecrypt>(
    decryptor: Result<D, InvalidLength>,
    buffer: &mut [u8],
) -> Option<usize> {
    let plain = decryptor.ok()?.decrypt_padded::<Pkcs7>(buffer).ok()?;
    Some(plain.len())
}

/// OpenSSL's EVP_BytesToKey with MD5 and one round: D1 = MD5(password, salt), D2 = MD5(D1, password, salt),
/// and the key is the beginning of D1, D2, and so on.
fn derive_key(password: &str, salt: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(len + MD5_LEN));
    while key.len() < len {
        let mut digest = Md5::new();
        digest.update(&key[key.len().saturating_sub(MD5_LEN)..]);
        digest.update(password.as_bytes());
        digest.update(salt);
        let mut block = digest.finalize();
        key.extend_from_slice(&block);
        block.as_mut_slice().zeroize();
    }
    key.truncate(len);
    key
}

/// Reads exactly `len` bytes, at most [`MAX_BLOCK`], of hexadecimal digits.
fn bytes_of_hex(text: &str, len: usize) -> Option<[u8; MAX_BLOCK]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * len {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let mut bytes = [0; MAX_BLOCK];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::reference::{Folder, body_of_pem, mutations};

    /// A block of `openssl … -traditional`: the header's cipher and IV, and the decoded body.
    fn encrypted(folder: &Folder, arguments: &str) -> (String, String, Vec<u8>) {
        let pem = String::from_utf8(folder.openssl(arguments)).unwrap();
        let header = pem
            .lines()
            .find_map(|line| line.strip_prefix("DEK-Info: "))
            .unwrap();
        let (cipher, iv) = header.split_once(',').unwrap();
        (cipher.into(), iv.into(), body_of_pem(&pem))
    }

    fn rsa_key(folder: &Folder) -> Vec<u8> {
        folder.openssl("genrsa -out rsa.key 2048");
        folder.openssl("rsa -in rsa.key -traditional -outform DER")
    }

    #[test]
    fn decrypts_what_openssl_encrypted() {
        let folder = Folder::new();
        let rsa = rsa_key(&folder);
        for (option, name) in [
            ("-aes128", "AES-128-CBC"),
            ("-aes192", "AES-192-CBC"),
            ("-aes256", "AES-256-CBC"),
            ("-des3", "DES-EDE3-CBC"),
            ("-des -provider legacy -provider default", "DES-CBC"),
        ] {
            let (cipher, iv, body) = encrypted(
                &folder,
                &format!("rsa -in rsa.key -traditional {option} -passout pass:hünter2"),
            );
            assert_eq!(cipher, name);
            let plain = decrypt(&cipher, &iv, &body, "hünter2").unwrap();
            assert_eq!(*plain, rsa, "{cipher}");
            assert_eq!(
                decrypt(&cipher.to_lowercase(), &iv.to_lowercase(), &body, "hünter2").as_deref(),
                Ok(&rsa)
            );
        }

        folder.openssl("ecparam -name secp384r1 -genkey -noout -out ec.key");
        let ec = folder.openssl("ec -in ec.key -outform DER");
        let (cipher, iv, body) = encrypted(&folder, "ec -in ec.key -aes128 -passout pass:x");
        assert_eq!(decrypt(&cipher, &iv, &body, "x").as_deref(), Ok(&ec));
    }

    #[test]
    fn a_wrong_password_never_gives_a_key() {
        let folder = Folder::new();
        rsa_key(&folder);
        let (cipher, iv, body) = encrypted(
            &folder,
            "rsa -in rsa.key -traditional -aes256 -passout pass:right",
        );
        // Far more than the 256 tries after which one would pass the padding check.
        for attempt in 0..3000 {
            assert_eq!(
                decrypt(&cipher, &iv, &body, &attempt.to_string()).map(|_| ()),
                Err(Failure::WrongPassword)
            );
        }
        assert!(decrypt(&cipher, &iv, &body, "right").is_ok());
    }

    #[test]
    fn tells_what_is_wrong_with_the_header_and_the_body() {
        let iv = "00112233445566778899AABBCCDDEEFF";
        let body = [0; 32];
        let failure = |cipher: &str, iv: &str, body: &[u8]| decrypt(cipher, iv, body, "x").err();
        for unknown in ["", "CAMELLIA-256-CBC", "AES-256-GCM", "RC2-CBC", "AES-256"] {
            assert_eq!(
                failure(unknown, iv, &body),
                Some(Failure::UnsupportedCipher)
            );
        }
        for bad in [
            "",
            "0011",
            &iv[1..],
            "zz112233445566778899AABBCCDDEEFF",
            "é",
        ] {
            assert_eq!(failure("AES-128-CBC", bad, &body), Some(Failure::Damaged));
        }
        assert_eq!(failure("DES-EDE3-CBC", iv, &body), Some(Failure::Damaged));
        for len in [0, 1, 15, 17, 31] {
            assert_eq!(
                failure("AES-128-CBC", iv, &body[..len]),
                Some(Failure::Damaged)
            );
        }
    }

    #[test]
    fn mutations_of_a_real_body_do_no_harm() {
        let folder = Folder::new();
        rsa_key(&folder);
        for option in ["-aes128", "-des3"] {
            let (cipher, iv, body) = encrypted(
                &folder,
                &format!("rsa -in rsa.key -traditional {option} -passout pass:x"),
            );
            for len in 0..body.len() {
                assert!(decrypt(&cipher, &iv, &body[..len], "x").is_err(), "{len}");
            }
            for mutation in mutations(&body, 2000) {
                let _ = decrypt(&cipher, &iv, &mutation, "x");
            }
        }
    }
}
