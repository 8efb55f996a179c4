//! A look into JSON that builds nothing of what is not asked for.
//!
//! A tree of values takes a hundred times the text's memory where the text is made for that, and the text is
//! whatever a server sends.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Error};

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Array,
    Object,
    Other,
}

/// The value that is the whole text, without the white space around it.
pub(super) fn value(text: &str) -> Result<&str, Error> {
    serde_json::from_str(text).map(RawValue::get)
}

/// The kind of what [`value`], [`fields`] or [`elements`] gave.
pub(super) fn kind(value: &str) -> Kind {
    match value.as_bytes().first() {
        Some(b'n') => Kind::Null,
        Some(b'[') => Kind::Array,
        Some(b'{') => Kind::Object,
        _ => Kind::Other,
    }
}

/// The values of the fields with these names; of a field that comes twice the last one.
pub(super) fn fields<'a, const N: usize>(
    object: &'a str,
    names: [&str; N],
) -> Result<[Option<&'a str>; N], Error> {
    Deserializer::from_str(object).deserialize_map(Fields(names))
}

struct Fields<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for Fields<'_, N> {
    type Value = [Option<&'de str>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = [None; N];
        while let Some(Name(name)) = map.next_key()? {
            match self.0.iter().position(|wanted| *wanted == name) {
                Some(index) => values[index] = Some(map.next_value::<&RawValue>()?.get()),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

/// A field's name, copied only where it is written with escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Hands over each element of the array with its index, until one is not liked.
pub(super) fn elements<'a>(
    array: &'a str,
    each: impl FnMut(usize, &'a str) -> Result<(), String>,
) -> Result<(), String> {
    let mut elements = Elements {
        each,
        refused: None,
    };
    Deserializer::from_str(array)
        .deserialize_seq(&mut elements)
        .map_err(|error| elements.refused.unwrap_or_else(|| error.to_string()))
}

struct Elements<F> {
    each: F,
    refused: Option<String>,
}

impl<'de, F: FnMut(usize, &'de str) -> Result<(), String>> Visitor<'de> for &mut Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(element) = array.next_element::<&RawValue>()? {
            if let Err(why) = (self.each)(index, element.get()) {
                self.refused = Some(why);
                return Err(A::Error::custom("refused"));
            }
            index += 1;
        }
        Ok(())
    }
}
