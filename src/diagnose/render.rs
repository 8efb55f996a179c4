//! The renderings of a report: text, JSON and HTML.

mod format;
mod html;
mod json;
#[cfg(test)]
mod test_reports;
mod text;
