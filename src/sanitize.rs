//! Makes foreign text safe to print: text of a server, of a certificate, of a path.
//!
//! It is the only place that decides which characters are unsafe. Messages, the log, the renderings of a report and
//! the command all use it.

use std::borrow::Cow;
use std::path::Path;

/// The longest foreign text in a message.
const MAX_CHARS: usize = 200;

/// The longest path in a message. Longer ones are cut in the middle, as both ends are useful.
const MAX_PATH_CHARS: usize = 500;

/// Returns whether a character could move, hide or reorder the text around it: control characters, line and
/// paragraph separators, the formatting characters of bidirectional text (UAX #9), and characters without a glyph
/// (`Default_Ignorable_Code_Point` in Unicode's character database), with which two names can look the same.
///
/// Joiners and variation selectors are among the latter. A script that needs them stays readable.
///
/// The control characters include those that mark the private parts of a [`Message`](crate::Message).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                // The last three annotate text, and most fonts do not show them.
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns the character itself, or `?` for an unsafe one.
pub(crate) fn safe_char(c: char) -> char {
    if is_unsafe(c) { '?' } else { c }
}

/// Replaces each character that could move, hide or reorder the text around it by `?`: control characters (line ends
/// and terminal escapes among them), line and paragraph separators, the formatting characters of bidirectional text, and
/// invisible characters.
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

/// Returns a path as the library's messages show it: sanitized as by [`sanitize`], and cut in the middle to 500 characters.
pub fn sanitize_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    let safe = |text: &str| text.chars().map(safe_char).collect::<String>();
    // Bytes are counted first, because every path of a usual length has fewer.
    if text.len() <= MAX_PATH_CHARS || text.chars().count() <= MAX_PATH_CHARS {
        return safe(&text);
    }
    let kept = (MAX_PATH_CHARS - "...".len()) / 2;
    let start: String = text.chars().take(kept).collect();
    let mut end: Vec<char> = text.chars().rev().take(kept).collect();
    end.reverse();
    safe(&format!("{start}...{}", String::from_iter(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_control_bidi_and_invisible_characters() {
        for (text, expected) in [
            ("a\u{202e}b\u{1b}[31m\u{2067}", "a?b?[31m?"),
            ("a\r\nb\tc\0d\u{85}e\u{2028}f\u{2029}g", "a??b?c?d?e?f?g"),
            ("\u{61c}\u{200e}\u{200f}\u{2069}", "????"),
            ("a\u{200b}b\u{200d}c\u{feff}d\u{ad}e", "a?b?c?d?e"),
            ("\u{3164}\u{2060}\u{fe0f}\u{e0041}\u{fff9}", "?????"),
            // The marks of a message's private parts.
            ("\u{1}\u{2}\u{3}", "???"),
        ] {
            assert_eq!(sanitize(text), expected);
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn keeps_every_script() {
        for text in ["naïve", "שלום", "مرحبا", "日本語", "ไทย", "한국어", "हिन्दी"]
        {
            assert!(matches!(sanitize(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn cuts_what_goes_into_a_message() {
        assert_eq!(printable(&"é".repeat(300)), "é".repeat(200));
    }

    #[test]
    fn cuts_a_path_in_the_middle() {
        let shown = |path: &str| sanitize_path(Path::new(path));
        let usual = "é/".repeat(250);
        assert_eq!(shown(&usual), usual);
        let long = shown(&format!("/start/{}/end.pem", "x".repeat(1_000_000)));
        assert!(long.starts_with("/start/xx") && long.ends_with("xx/end.pem"));
        assert!(long.contains("x...x") && long.len() < 500, "{long}");
        assert_eq!(shown("a\u{202e}\n"), "a??");
    }
}
