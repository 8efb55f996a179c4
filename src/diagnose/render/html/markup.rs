//! Foreign text, messages and symbols as HTML.

use std::fmt::{self, Display, Write};

use super::MAX_TEXT;
use crate::diagnose::format::cut;
use crate::diagnose::render::outline::Tone;
use crate::sanitize::safe_char;

/// Text as part of a page.
pub(super) struct Plain<'a>(pub(super) &'a str);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().map(safe_char) {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A message, whose parts between backticks are code. A text with an unpaired backtick is left as it is.
pub(super) struct Message<'a>(pub(super) &'a str);

impl Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = cut(self.0, MAX_TEXT);
        if text.matches('`').count() % 2 == 1 {
            return Plain(&text).fmt(f);
        }
        for (index, part) in text.split('`').enumerate() {
            match (index % 2, part) {
                (_, "") => {}
                (0, part) => Plain(part).fmt(f)?,
                (_, part) => code(f, part)?,
            }
        }
        Ok(())
    }
}

/// Writes a command. A long one gets lines of its own. Words with hyphens stay whole, because a line that breaks
/// within `-out` misleads.
fn code(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let class = match text.chars().count() {
        0..48 => "",
        _ => " class=\"command\"",
    };
    write!(f, "<code{class}>")?;
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            f.write_str(" ")?;
        }
        if word.contains('-') {
            write!(f, "<span>{}</span>", Plain(word))?;
        } else {
            Plain(word).fmt(f)?;
        }
    }
    f.write_str("</code>")
}

/// A message as a heading, in which the name of a certificate in parentheses is less prominent.
pub(super) struct Headline<'a>(pub(super) &'a str);

impl Display for Headline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = cut(self.0, MAX_TEXT);
        let aside = text
            .find(" (CN=")
            .and_then(|start| Some((start, start + text[start..].find(')')? + 1)));
        match aside {
            Some((start, end)) if !text[start..end].contains('`') => write!(
                f,
                "{} <span class=\"aside\">{}</span>{}",
                Message(&text[..start]),
                Plain(&text[start + 1..end]),
                Message(&text[end..])
            ),
            _ => Message(&text).fmt(f),
        }
    }
}

/// A name or path of at most this many characters, which may be in a right-to-left script.
pub(super) struct Name<'a>(pub(super) &'a str, pub(super) usize);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<bdi>{}</bdi>", Plain(&cut(self.0, self.1)))
    }
}

/// A symbol, which differs by shape as well as by colour.
pub(super) struct Icon(pub(super) Tone);

impl Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drawing = match self.0 {
            Tone::Error => {
                r#"<circle class="disc" cx="12" cy="12" r="11"/><path class="mark" d="M8 8l8 8M16 8l-8 8"/>"#
            }
            Tone::Warning => {
                r#"<path class="disc" d="M12 1.5L23.5 22H.5z"/><path class="mark" d="M12 9v6M12 18.4v.1"/>"#
            }
            Tone::Note => {
                r#"<circle class="disc" cx="12" cy="12" r="11"/><path class="mark" d="M12 11v6M12 7v.1"/>"#
            }
            Tone::Ok => {
                r#"<circle class="disc" cx="12" cy="12" r="11"/><path class="mark" d="M7 12.5l3.5 3.5L17 8.5"/>"#
            }
            Tone::None => r#"<circle cx="12" cy="12" r="10"/><path d="M8 12h8"/>"#,
        };
        write!(
            f,
            r#"<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{drawing}</svg>"#
        )
    }
}

/// The class of a tone in the style sheet.
impl Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tone::Ok => "ok",
            Tone::Note => "note",
            Tone::Warning => "warning",
            Tone::Error => "error",
            Tone::None => "none",
        })
    }
}
