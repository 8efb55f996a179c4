//! Makes foreign text safe to print: text of a server, of a certificate, of a path.
//!
//! It is the only place that decides which characters are unsafe. Messages, the log, the renderings of a report and
//! the command all use it.

use std::borrow::Cow;

/// The longest foreign text in a message.
const MAX_CHARS: usize = 200;

/// Returns whether a character could move, hide or reorder the text around it: control characters, line and
/// paragraph separators, and the formatting characters of bidirectional text (UAX #9).
///
/// The control characters include those that mark the private parts of a [`Message`](crate::Message).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns the character itself, or `?` for an unsafe one.
pub(crate) fn safe_char(c: char) -> char {
    if is_unsafe(c) { '?' } else { c }
}

/// Replaces each character that could move, hide or reorder the text around it by `?`: control characters (line ends
/// and terminal escapes among them), line and paragraph separators, and the formatting characters of bidirectional
/// text.
///
/// Use it before you print text that came from outside, such as [`Status::message`](crate::Status::message). The
/// library's own messages, log records and reports need no second pass.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if text.contains(is_unsafe) {
        text.chars().map(safe_char).collect::<String>().into()
    } else {
        text.into()
    }
}

/// Returns foreign text sanitized and cut to 200 characters, as part of a message.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(MAX_CHARS).map(safe_char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_control_and_bidi_characters() {
        for (text, expected) in [
            ("a\u{202e}b\u{1b}[31m\u{2067}", "a?b?[31m?"),
            ("a\r\nb\tc\0d\u{85}e\u{2028}f\u{2029}g", "a??b?c?d?e?f?g"),
            ("\u{61c}\u{200e}\u{200f}\u{2069}", "????"),
            // The marks of a message's private parts.
            ("\u{1}\u{2}\u{3}", "???"),
        ] {
            assert_eq!(sanitize(text), expected);
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn keeps_every_script() {
        for text in ["naïve", "שלום", "مرحبا", "日本語", "a\u{200d}b"] {
            assert!(matches!(sanitize(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn cuts_what_goes_into_a_message() {
        assert_eq!(printable(&"é".repeat(300)), "é".repeat(200));
    }
}
