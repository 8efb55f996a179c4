//! The pieces of BER and DER that PKCS#7 and PKCS#12 files share.

use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode, Reader, Result, SliceReader, Tag, TagNumber};

/// What follows the header of a BER SEQUENCE at the very beginning.
///
/// The length is passed over unread, so that a file which is cut short, or of indefinite length, can still
/// be reported as what it is.
pub(crate) fn sequence_start(bytes: &[u8]) -> Option<&[u8]> {
    let (tag, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *tag != 0x30 {
        return None;
    }
    match length {
        0..=0x80 => Some(rest),
        _ => rest.get(usize::from(length & 0x7f)..),
    }
}

/// Reads a `ContentInfo` (RFC 5652, section 3): the content's type and its encoding.
pub(crate) fn content_info<'a>(
    reader: &mut SliceReader<'a>,
) -> Result<(ObjectIdentifier, &'a [u8])> {
    reader.sequence(|reader| {
        let content_type = ObjectIdentifier::decode(reader)?;
        let content = tagged(reader, 0, true)?;
        Ok((content_type, content))
    })
}

/// Reads an element with the given context-specific tag, to what is in it.
pub(crate) fn tagged<'a>(
    reader: &mut SliceReader<'a>,
    number: u32,
    constructed: bool,
) -> Result<&'a [u8]> {
    let element = AnyRef::decode(reader)?;
    let tag = Tag::ContextSpecific {
        number: TagNumber(number),
        constructed,
    };
    x509_cert::der::Tagged::tag(&element).assert_eq(tag)?;
    Ok(element.value())
}
