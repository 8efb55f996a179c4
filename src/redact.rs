//! Messages whose private parts, paths and names, a report can leave out.
//!
//! Many places build messages with `format!` and pass them on. Each puts a private part between two control characters.
//! Foreign text cannot contain these, because [`sanitize`](crate::sanitize) replaces them. So the finished [`Message`]
//! knows its private parts, although no message is built from parts.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use crate::sanitize::{safe_char, sanitize_path};

const PATH: char = '\u{1}';
const NAME: char = '\u{2}';
const END: char = '\u{3}';

/// Returns whether a character marks a private part.
pub(crate) fn is_mark(c: char) -> bool {
    matches!(c, PATH | NAME | END)
}

/// Returns a path as part of a message.
pub(crate) fn path(path: impl AsRef<Path>) -> String {
    mark(PATH, &sanitize_path(path.as_ref()))
}

/// Returns a certificate's subject or issuer as part of a message.
pub(crate) fn name(name: impl fmt::Display) -> String {
    mark(NAME, &name.to_string())
}

fn mark(kind: char, text: &str) -> String {
    let safe = text.chars().map(safe_char);
    std::iter::once(kind).chain(safe).chain([END]).collect()
}

/// A message that can be shown with or without its paths and names.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    shown: Cow<'static, str>,
    /// The text with its marks; `None` if nothing in it is private.
    marked: Option<Box<str>>,
}

impl Message {
    /// Returns the whole message.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Returns the message with `[path]` in place of paths and `[name]` in place of names.
    #[must_use]
    pub fn redacted(&self) -> Message {
        match &self.marked {
            None => self.clone(),
            Some(marked) => Message {
                shown: Cow::Owned(without_private(marked)),
                marked: None,
            },
        }
    }

    /// Replaces the message with the redacted one.
    pub(crate) fn redact(&mut self) {
        *self = self.redacted();
    }

    /// Returns the message with its marks, as part of another message.
    pub(crate) fn marked(&self) -> &str {
        self.marked.as_deref().unwrap_or(&self.shown)
    }
}

fn without_private(marked: &str) -> String {
    let mut redacted = String::with_capacity(marked.len());
    let mut is_private = false;
    for c in marked.chars() {
        match c {
            PATH | NAME => {
                is_private = true;
                redacted.push_str(if c == PATH { "[path]" } else { "[name]" });
            }
            END => is_private = false,
            c if !is_private => redacted.push(c),
            _ => {}
        }
    }
    redacted
}

impl From<String> for Message {
    fn from(marked: String) -> Self {
        if !marked.contains(is_mark) {
            return Message {
                shown: Cow::Owned(marked),
                marked: None,
            };
        }
        Message {
            shown: Cow::Owned(marked.replace([PATH, NAME, END], "")),
            marked: Some(marked.into()),
        }
    }
}

impl From<&'static str> for Message {
    fn from(text: &'static str) -> Self {
        Message {
            shown: Cow::Borrowed(text),
            marked: None,
        }
    }
}

impl From<Cow<'static, str>> for Message {
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redacts_paths_and_names() {
        let text = Message::from(format!(
            "The key {} is not that of {}.",
            path("/etc/dcs/a.key"),
            name("CN=Example\u{3}\n")
        ));
        assert_eq!(
            text.as_str(),
            "The key /etc/dcs/a.key is not that of CN=Example??."
        );
        let redacted = text.redacted();
        assert_eq!(redacted.as_str(), "The key [path] is not that of [name].");
        assert!(!format!("{redacted:?}{}", redacted.marked()).contains("Example"));
        let other = Message::from(format!("Because {}", text.marked()));
        assert_eq!(other.redacted().as_str(), format!("Because {redacted}"));
    }

    #[test]
    fn keeps_text_without_private_parts() {
        let text = Message::from("Nothing private.".to_owned());
        assert_eq!(text, text.redacted());
        assert_eq!(text, Message::from("Nothing private."));
    }
}
