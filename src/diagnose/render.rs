//! The renderings of a report: text, JSON and HTML.

mod html;
mod json;
mod outline;
#[cfg(test)]
mod test_reports;
mod text;
