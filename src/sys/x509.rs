//! X.509 by aws-lc: certificates, and the path from a server's certificate to one of the CA bundle.
//!
//! aws-lc builds one path and never goes back, so the work is bounded by the depth of a path and the size of what is
//! parsed. That matters, because a server sends certificates before anything about it is known.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_long, c_void};
use std::fmt;
use std::net::IpAddr;
use std::ptr::{self, NonNull};
use std::slice;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_sys as aws_lc;

/// A parsed certificate.
pub(crate) struct X509(NonNull<aws_lc::X509>);

// SAFETY: the reference count is atomic, and what aws-lc computes when it is first asked is behind the object's lock.
unsafe impl Send for X509 {}
// SAFETY: as above; no function here changes a certificate.
unsafe impl Sync for X509 {}

impl Drop for X509 {
    fn drop(&mut self) {
        // SAFETY: the reference is this object's own.
        unsafe { aws_lc::X509_free(self.0.as_ptr()) };
    }
}

impl Clone for X509 {
    fn clone(&self) -> Self {
        // SAFETY: the certificate is alive, and its count cannot overflow: each reference has an owner in memory.
        unsafe { aws_lc::X509_up_ref(self.0.as_ptr()) };
        X509(self.0)
    }
}

impl X509 {
    /// Parses a certificate in DER. `None` if it is none, or if something follows it.
    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        let length = c_long::try_from(der.len()).ok()?;
        let mut next = der.as_ptr();
        // SAFETY: `next` points to `length` bytes; a null `out` asks for a new object.
        let x509 = unsafe { aws_lc::d2i_X509(ptr::null_mut(), &raw mut next, length) };
        let parsed = NonNull::new(x509).map(X509);
        forget_errors();
        parsed.filter(|_| next == der.as_ptr_range().end)
    }

    /// Whether aws-lc, which reads the extensions for it, sets one of its `EXFLAG_` bits.
    fn has_flag(&self, flag: c_int) -> bool {
        // SAFETY: the certificate is alive.
        let flags = unsafe { aws_lc::X509_get_extension_flags(self.0.as_ptr()) };
        forget_errors();
        flags & flag.cast_unsigned() != 0
    }

    /// Whether the extensions that decide about trust could be read. One that could not is never trusted.
    pub(crate) fn is_readable(&self) -> bool {
        !self.has_flag(aws_lc::EXFLAG_INVALID)
    }

    /// Whether subject and issuer are the same name.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.has_flag(aws_lc::EXFLAG_SI)
    }

    /// Whether it may issue certificates: by its basic constraints and its key usage, or as a root of version 1.
    pub(crate) fn is_ca(&self) -> bool {
        // SAFETY: the certificate is alive.
        let is_ca = unsafe { aws_lc::X509_check_ca(self.0.as_ptr()) } == 1;
        forget_errors();
        is_ca
    }

    /// Whether its key usage and extended key usage allow a TLS server.
    pub(crate) fn allows_server(&self) -> bool {
        let purpose = aws_lc::X509_PURPOSE_SSL_SERVER;
        // SAFETY: the certificate is alive.
        let allows = unsafe { aws_lc::X509_check_purpose(self.0.as_ptr(), purpose, 0) } == 1;
        forget_errors();
        allows
    }

    /// Whether it is of X.509 version 1, which has no extensions.
    pub(crate) fn is_version_1(&self) -> bool {
        // SAFETY: the certificate is alive.
        unsafe { aws_lc::X509_get_version(self.0.as_ptr()) == 0 }
    }

    /// Returns how many CAs may lie between it and the server's certificate; `None` if it does not say.
    pub(crate) fn path_length(&self) -> Option<usize> {
        // SAFETY: the certificate is alive.
        let length = unsafe { aws_lc::X509_get_pathlen(self.0.as_ptr()) };
        forget_errors();
        usize::try_from(length).ok()
    }

    /// Whether its name and key identifier are those that `subject` gives for its issuer, and its key may sign
    /// certificates. Names are compared by their characters (RFC 5280, section 7.1). The signature is not checked.
    pub(crate) fn is_named_as_issuer_of(&self, subject: &X509) -> bool {
        // SAFETY: both certificates are alive.
        let verdict = unsafe { aws_lc::X509_check_issued(self.0.as_ptr(), subject.0.as_ptr()) };
        forget_errors();
        verdict == aws_lc::X509_V_OK
    }

    /// Whether one of its alternative names is this host; the common name is not looked at (RFC 9525, section 6.3).
    pub(crate) fn is_for_host(&self, host: &str) -> bool {
        let flags = aws_lc::X509_CHECK_FLAG_NEVER_CHECK_SUBJECT.cast_unsigned();
        let name = host.as_ptr().cast();
        // SAFETY: the certificate is alive, and `name` points to as many bytes as are given.
        let matches = unsafe {
            aws_lc::X509_check_host(self.0.as_ptr(), name, host.len(), flags, ptr::null_mut())
        };
        forget_errors();
        matches == 1
    }

    /// Whether one of its alternative names is this address.
    pub(crate) fn is_for_address(&self, address: IpAddr) -> bool {
        let matches = |bytes: &[u8]| {
            // SAFETY: the certificate is alive, and the pointer is that of as many bytes as are given.
            unsafe { aws_lc::X509_check_ip(self.0.as_ptr(), bytes.as_ptr(), bytes.len(), 0) == 1 }
        };
        let matches = match address {
            IpAddr::V4(address) => matches(&address.octets()),
            IpAddr::V6(address) => matches(&address.octets()),
        };
        forget_errors();
        matches
    }

    /// Returns the public key's kind and size in bits. `None` if aws-lc does not know the kind.
    pub(crate) fn key_size(&self) -> Option<(KeyKind, u32)> {
        // SAFETY: the certificate is alive, and so is the key that it owns.
        let (kind, bits) = unsafe {
            let key = aws_lc::X509_get0_pubkey(self.0.as_ptr());
            if key.is_null() {
                forget_errors();
                return None;
            }
            (aws_lc::EVP_PKEY_id(key), aws_lc::EVP_PKEY_bits(key))
        };
        let kind = match kind {
            aws_lc::EVP_PKEY_RSA | aws_lc::EVP_PKEY_RSA_PSS => KeyKind::Rsa,
            aws_lc::EVP_PKEY_DSA => KeyKind::Dsa,
            _ => KeyKind::Other,
        };
        Some((kind, u32::try_from(bits).ok()?))
    }

    /// Returns the certificate in DER.
    pub(crate) fn der(&self) -> Option<Vec<u8>> {
        // SAFETY: the certificate is alive.
        let der = allocated(|out| unsafe { aws_lc::i2d_X509(self.0.as_ptr(), out) });
        forget_errors();
        der
    }

    /// Returns from when it is valid. `None` if the date cannot be read.
    pub(crate) fn not_before(&self) -> Option<SystemTime> {
        // SAFETY: the certificate is alive, and so is the date that it owns.
        unsafe { system_time(aws_lc::X509_get0_notBefore(self.0.as_ptr())) }
    }

    /// Returns when it expires. `None` if the date cannot be read.
    pub(crate) fn not_after(&self) -> Option<SystemTime> {
        // SAFETY: the certificate is alive, and so is the date that it owns.
        unsafe { system_time(aws_lc::X509_get0_notAfter(self.0.as_ptr())) }
    }
}

impl fmt::Debug for X509 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("X509")
    }
}

/// What limits the size of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa,
    Dsa,
    /// An elliptic curve, for example.
    Other,
}

/// # Safety
///
/// The date is alive.
unsafe fn system_time(date: *const aws_lc::ASN1_TIME) -> Option<SystemTime> {
    let mut seconds = 0;
    // SAFETY: the caller says that the date is alive.
    let read = unsafe { aws_lc::ASN1_TIME_to_posix(date, &raw mut seconds) };
    forget_errors();
    let since_1970 = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    (read == 1).then(|| UNIX_EPOCH + since_1970)
}

/// Returns what a function of aws-lc writes into memory that it allocates.
fn allocated(write: impl FnOnce(*mut *mut u8) -> c_int) -> Option<Vec<u8>> {
    let mut start: *mut u8 = ptr::null_mut();
    let length = usize::try_from(write(&raw mut start)).ok()?;
    if start.is_null() {
        return None;
    }
    // SAFETY: on success `start` points to `length` bytes, which belong to the caller until they are freed.
    let bytes = unsafe { slice::from_raw_parts(start, length) }.to_vec();
    // SAFETY: aws-lc allocated it, and nothing refers to it any more.
    unsafe { aws_lc::OPENSSL_free(start.cast()) };
    Some(bytes)
}

/// Empties aws-lc's queue of errors, which is this thread's. What stays in it would confuse the next reader.
fn forget_errors() {
    // SAFETY: it has no preconditions.
    unsafe { aws_lc::ERR_clear_error() };
}

/// A list of certificates, as aws-lc takes it. It does not own them.
struct Stack<'a>(NonNull<aws_lc::OPENSSL_STACK>, &'a [X509]);

impl<'a> Stack<'a> {
    fn new(certificates: &'a [X509]) -> Option<Self> {
        // SAFETY: it has no preconditions.
        let stack = Stack(
            NonNull::new(unsafe { aws_lc::OPENSSL_sk_new_null() })?,
            certificates,
        );
        for x509 in stack.1 {
            // SAFETY: the stack is alive, and the certificates live as long as it does.
            let pushed = unsafe {
                aws_lc::OPENSSL_sk_push(stack.0.as_ptr(), x509.0.as_ptr().cast::<c_void>())
            };
            if pushed == 0 {
                return None;
            }
        }
        Some(stack)
    }
}

impl Drop for Stack<'_> {
    fn drop(&mut self) {
        // SAFETY: the stack is this object's own; freeing it leaves the certificates.
        unsafe { aws_lc::OPENSSL_sk_free(self.0.as_ptr()) };
    }
}

/// The certificates that a path may end at.
pub(crate) struct TrustStore(NonNull<aws_lc::X509_STORE>);

// SAFETY: aws-lc locks a store's list of certificates, and nothing else of it changes after `new`.
unsafe impl Send for TrustStore {}
// SAFETY: as above.
unsafe impl Sync for TrustStore {}

impl Drop for TrustStore {
    fn drop(&mut self) {
        // SAFETY: the reference is this object's own.
        unsafe { aws_lc::X509_STORE_free(self.0.as_ptr()) };
    }
}

/// Why there is no path.
pub(crate) struct PathFault {
    /// One of aws-lc's `X509_V_ERR_` numbers, which [`codes`] has.
    pub(crate) code: c_int,
    /// The certificate that it is about.
    pub(crate) certificate: Option<X509>,
    /// How far that is from the server's own, which has 0.
    pub(crate) depth: usize,
}

/// Numbers of [`PathFault::code`].
pub(crate) mod codes {
    pub(crate) use aws_lc_sys::{
        X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID,
        X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
        X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, X509_V_ERR_EXCLUDED_VIOLATION, X509_V_ERR_INVALID_CA,
        X509_V_ERR_INVALID_EXTENSION, X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_OUT_OF_MEM,
        X509_V_ERR_PATH_LENGTH_EXCEEDED, X509_V_ERR_PERMITTED_VIOLATION,
        X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_SUBTREE_MINMAX,
        X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX,
        X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, X509_V_ERR_UNSUPPORTED_NAME_SYNTAX,
    };
}

/// How many certificates may lie between the server's own and the one of the bundle. Real paths have one or two.
const MAX_INTERMEDIATES: c_int = 10;

impl TrustStore {
    /// Creates a store of these certificates. `None` if memory runs out.
    pub(crate) fn new(certificates: &[X509]) -> Option<Self> {
        // SAFETY: it has no preconditions.
        let store = TrustStore(NonNull::new(unsafe { aws_lc::X509_STORE_new() })?);
        for x509 in certificates {
            // SAFETY: store and certificate are alive; the store takes a reference of its own.
            if unsafe { aws_lc::X509_STORE_add_cert(store.0.as_ptr(), x509.0.as_ptr()) } != 1 {
                return None;
            }
        }
        Some(store)
    }

    /// Looks for a path from `certificate` over any of `intermediates` to a certificate of the store, and checks it
    /// for a TLS server at this time: as `openssl verify -partial_chain -purpose sslserver`. Returns the path, the
    /// server's certificate first. `None` in the error stands for a lack of memory.
    pub(crate) fn path(
        &self,
        certificate: &X509,
        intermediates: &[X509],
        unix_seconds: i64,
    ) -> Result<Vec<X509>, Option<PathFault>> {
        let intermediates = Stack::new(intermediates).ok_or(None)?;
        // SAFETY: it has no preconditions.
        let context = Context(NonNull::new(unsafe { aws_lc::X509_STORE_CTX_new() }).ok_or(None)?);
        // SAFETY: store, certificate and stack outlive the context, which is dropped first.
        let verdict = unsafe {
            let context = context.0.as_ptr();
            let untrusted = intermediates.0.as_ptr().cast();
            let (store, certificate) = (self.0.as_ptr(), certificate.0.as_ptr());
            if aws_lc::X509_STORE_CTX_init(context, store, certificate, untrusted) != 1 {
                return Err(None);
            }
            let rules = aws_lc::X509_STORE_CTX_get0_param(context);
            let flags = aws_lc::X509_V_FLAG_PARTIAL_CHAIN | aws_lc::X509_V_FLAG_TRUSTED_FIRST;
            aws_lc::X509_VERIFY_PARAM_set_flags(rules, flags.cast_unsigned().into());
            aws_lc::X509_VERIFY_PARAM_set_purpose(rules, aws_lc::X509_PURPOSE_SSL_SERVER);
            aws_lc::X509_VERIFY_PARAM_set_hostflags(
                rules,
                aws_lc::X509_CHECK_FLAG_NEVER_CHECK_SUBJECT.cast_unsigned(),
            );
            aws_lc::X509_VERIFY_PARAM_set_depth(rules, MAX_INTERMEDIATES);
            aws_lc::X509_VERIFY_PARAM_set_time_posix(rules, unix_seconds);
            aws_lc::X509_verify_cert(context)
        };
        forget_errors();
        if verdict == 1 {
            Ok(context.path())
        } else {
            Err(Some(context.fault()))
        }
    }
}

/// One search for a path.
struct Context(NonNull<aws_lc::X509_STORE_CTX>);

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context is this object's own.
        unsafe { aws_lc::X509_STORE_CTX_free(self.0.as_ptr()) };
    }
}

impl Context {
    fn path(&self) -> Vec<X509> {
        // SAFETY: after a search the context owns the path's certificates; each becomes another reference.
        unsafe {
            let chain: *const aws_lc::OPENSSL_STACK =
                aws_lc::X509_STORE_CTX_get0_chain(self.0.as_ptr()).cast();
            let count = if chain.is_null() {
                0
            } else {
                aws_lc::OPENSSL_sk_num(chain)
            };
            (0..count)
                .filter_map(|index| borrowed(aws_lc::OPENSSL_sk_value(chain, index).cast()))
                .collect()
        }
    }

    fn fault(&self) -> PathFault {
        // SAFETY: the context is alive, and owns the certificate that its search stopped at.
        unsafe {
            let context = self.0.as_ptr();
            PathFault {
                code: aws_lc::X509_STORE_CTX_get_error(context),
                certificate: borrowed(aws_lc::X509_STORE_CTX_get_current_cert(context)),
                depth: usize::try_from(aws_lc::X509_STORE_CTX_get_error_depth(context))
                    .unwrap_or(0),
            }
        }
    }
}

/// Takes a reference of its own to a certificate that another object owns.
///
/// # Safety
///
/// `x509` is null, or a certificate that is alive.
unsafe fn borrowed(x509: *mut aws_lc::X509) -> Option<X509> {
    let x509 = NonNull::new(x509)?;
    // SAFETY: the caller says that it is alive.
    unsafe { aws_lc::X509_up_ref(x509.as_ptr()) };
    Some(X509(x509))
}
