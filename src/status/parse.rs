//! Parsing of the status response: strict about the fields that are used, tolerant of all others.
//!
//! Each value is read from its own text. A tree of values can take a hundred times the text's memory, and the text is
//! whatever a server sends. For the same reason an error gives names and positions, and no content.

use std::fmt;

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::from_str;
use serde_json::value::RawValue;

use super::Outage;

/// What the body of a status response says.
pub(super) struct Body {
    pub(super) available: bool,
    pub(super) message: Option<String>,
    pub(super) scheduled_outages: Vec<Outage>,
}

/// Parses the body. The error continues the sentence "The status response of HOST".
pub(super) fn body(json: &str) -> Result<Body, String> {
    from_str::<IgnoredAny>(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("is not JSON (line {line}, column {column})")
    })?;
    let fields: Fields = from_str(json).map_err(|_| "is not a JSON object")?;
    let available = fields.available.ok_or("has no field 'available'")?;
    Ok(Body {
        available: from_str(available.get())
            .map_err(|_| "has a field 'available' that is not true or false")?,
        message: optional_text(fields.message, format_args!("message"))?,
        scheduled_outages: match fields.scheduled_outages {
            Some(outages) => from_str::<Option<Outages>>(outages.get())
                .map_err(|_| "has a field 'scheduledOutages' that is not an array")?
                .map_or(Ok(Vec::new()), |Outages(outages)| outages)?,
            None => Vec::new(),
        },
    })
}

/// The names of the fields that are used, of the body and of an outage.
#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Name {
    Available,
    Message,
    ScheduledOutages,
    Start,
    End,
    #[serde(other)]
    Unknown,
}

/// The values of an object's fields, as they are written. If a field is repeated, its last value counts.
#[derive(Default)]
struct Fields<'a> {
    available: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    scheduled_outages: Option<&'a RawValue>,
    start: Option<&'a RawValue>,
    end: Option<&'a RawValue>,
}

/// By hand, because a derived implementation rejects a repeated field.
impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields::default();
                while let Some(name) = map.next_key()? {
                    let field = match name {
                        Name::Available => &mut fields.available,
                        Name::Message => &mut fields.message,
                        Name::ScheduledOutages => &mut fields.scheduled_outages,
                        Name::Start => &mut fields.start,
                        Name::End => &mut fields.end,
                        Name::Unknown => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *field = Some(map.next_value()?);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// The outages, or what is wrong with the first that is invalid.
struct Outages(Result<Vec<Outage>, String>);

/// By hand, so that no list of all the entries' texts is built before the first is checked.
impl<'de> Deserialize<'de> for Outages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OutagesVisitor;

        impl<'de> Visitor<'de> for OutagesVisitor {
            type Value = Outages;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Outages, A::Error> {
                let mut outages = Ok(Vec::new());
                while let Some(entry) = entries.next_element::<&RawValue>()? {
                    let Ok(valid) = &mut outages else { continue };
                    match outage(valid.len(), entry) {
                        Ok(outage) => valid.push(outage),
                        Err(reason) => outages = Err(reason),
                    }
                }
                Ok(Outages(outages))
            }
        }

        deserializer.deserialize_seq(OutagesVisitor)
    }
}

fn outage(index: usize, entry: &RawValue) -> Result<Outage, String> {
    let fields: Fields = from_str(entry.get())
        .map_err(|_| format!("has an entry scheduledOutages[{index}] that is not an object"))?;
    let time = |name: &str, value: Option<&RawValue>| {
        let text: String = value
            .and_then(|value| from_str(value.get()).ok())
            .ok_or_else(|| format!("has no text in 'scheduledOutages[{index}].{name}'"))?;
        let time = timestamp(&text).ok_or_else(|| {
            format!(
                "has a 'scheduledOutages[{index}].{name}' that is not an ISO 8601 date and time with an offset"
            )
        })?;
        Ok::<_, String>((text, time.as_millisecond()))
    };
    let (start, start_unix_ms) = time("start", fields.start)?;
    let (end, end_unix_ms) = time("end", fields.end)?;
    let message = optional_text(
        fields.message,
        format_args!("scheduledOutages[{index}].message"),
    )?;
    Ok(Outage {
        start,
        end,
        start_unix_ms,
        end_unix_ms,
        message,
    })
}

fn optional_text(
    value: Option<&RawValue>,
    name: fmt::Arguments<'_>,
) -> Result<Option<String>, String> {
    let Some(value) = value else { return Ok(None) };
    from_str(value.get()).map_err(|_| format!("has a field '{name}' that is not text"))
}

/// Parses an ISO 8601 date and time with an offset. One that is out of range, such as the last second of the year
/// 9999 for "no end", becomes the nearest that is not.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let pieces = Pieces::parse(text).ok()?;
    pieces.time()?;
    pieces.offset()?;
    match pieces.date().year() {
        9999 => Some(Timestamp::MAX),
        -9999 => Some(Timestamp::MIN),
        _ => None,
    }
}
