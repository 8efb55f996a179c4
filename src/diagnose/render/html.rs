//! A report as one page for a browser: no script, nothing from outside, and all foreign text escaped.

/// Adds a formatted piece to the page.
macro_rules! add {
    ($page:expr, $($part:tt)+) => { $page.out.push_str(&format!($($part)+)) };
}

mod markup;
mod sections;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use self::markup::{Headline, Icon, Message, Name};
use super::outline::{self, Tone, number_of, with_outcome};
use crate::credentials::source::capitalise;
use crate::diagnose::format::count;
use crate::diagnose::report::{Finding, Outcome, Report};
use crate::error::Subject;

const STYLE: &str = include_str!("html/report.css");
/// The longest message that is shown.
const MAX_TEXT: usize = 1_000;
/// The longest name or path.
const MAX_WHOLE_NAME: usize = 400;
/// The longest name in a heading.
const MAX_NAME: usize = 120;
/// How many certificates of a file, and names of accepted CAs, are shown.
const MAX_LISTED: usize = 100;

impl Report {
    /// Returns the report as one self-contained HTML page.
    ///
    /// It has no script and refers to nothing outside; its Content-Security-Policy makes the browser enforce that.
    pub fn html(&self) -> String {
        let mut page = Page {
            out: String::with_capacity(64 * 1024),
            report: self,
        };
        page.whole();
        page.out
    }
}

struct Page<'a> {
    out: String,
    report: &'a Report,
}

impl Page<'_> {
    fn whole(&mut self) {
        // The digest of the style, instead of 'unsafe-inline': the browser ignores any style that gets in otherwise.
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
        let digest = BASE64_STANDARD.encode(digest.as_ref());
        let headline = outline::headline(self.report);
        add!(
            self,
            r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>{headline} - DCS diagnosis</title>
<style>{STYLE}</style>
</head>
<body>
<div class="page">
"#
        );
        let created = self.report.created_rfc3339();
        self.top(&created);
        self.out.push_str("<main>\n");
        self.verdict(headline);
        self.glance();
        self.problems();
        self.files();
        self.chain();
        self.steps();
        self.server();
        self.checks();
        self.out.push_str("</main>\n");
        add!(
            self,
            "<footer><p>Created by libdcs {} on {created}. Contains no private key and no password.</p></footer>\n</div>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION"),
        );
    }

    /// Adds a section with its heading.
    fn section(&mut self, id: &str, title: &str, content: impl FnOnce(&mut Self)) {
        add!(
            self,
            "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n"
        );
        content(self);
        self.out.push_str("</section>\n");
    }

    fn top(&mut self, created: &str) {
        let shown = created.replacen('T', " ", 1).replace('Z', " UTC");
        add!(
            self,
            "<header class=\"top\">\n<p><b>DCS connection diagnosis</b></p>\n<p><time datetime=\"{created}\">{shown}</time></p>\n"
        );
        if !self.report.url.is_empty() {
            add!(
                self,
                "<p class=\"to\">{}",
                Name(&self.report.url, MAX_WHOLE_NAME)
            );
            if let Some(proxy) = &self.report.proxy {
                add!(self, " through the proxy {}", Name(proxy, MAX_WHOLE_NAME));
            }
            self.out.push_str("</p>\n");
        }
        self.out.push_str("</header>\n");
    }

    fn verdict(&mut self, headline: &str) {
        let report = self.report;
        let tone = outline::tone(report);
        let colon = match report.cause() {
            Some(_) => ": most likely cause",
            None => "",
        };
        add!(
            self,
            "<section class=\"verdict {tone}\" id=\"verdict\" aria-labelledby=\"cause\">\n<p class=\"state\">{}<span>{headline}{colon}</span></p>\n",
            Icon(tone)
        );
        match report.cause() {
            None => add!(
                self,
                "<h1 id=\"cause\">{}</h1>\n",
                outline::passed_sentence(report)
            ),
            Some(cause) => {
                add!(
                    self,
                    "<h1 id=\"cause\">{}</h1>\n",
                    Headline(cause.message())
                );
                if !cause.advice().is_empty() {
                    add!(
                        self,
                        "<div class=\"act\"><h2>What to do</h2><p id=\"advice\">{}</p></div>\n",
                        Message(cause.advice())
                    );
                }
                self.check_name(cause);
            }
        }
        self.out.push_str("</section>\n");
    }

    fn check_name(&mut self, finding: &Finding) {
        add!(
            self,
            "<code class=\"check\">{}</code>\n",
            finding.check.name()
        );
    }

    /// Adds a summary for each part of the configuration.
    fn glance(&mut self) {
        let report = self.report;
        if report.findings.is_empty() {
            return;
        }
        self.out
            .push_str("<ul class=\"glance\" aria-label=\"At a glance\">\n");
        for subject in [
            Subject::CaBundle,
            Subject::Certificate,
            Subject::PrivateKey,
            Subject::Connection,
            Subject::Service,
        ] {
            let of = |outcome| {
                with_outcome(report, outcome).filter(move |finding| finding.subject == subject)
            };
            let worst = of(Outcome::Failed).map(Finding::severity).max();
            let (tone, summary) = match (worst, of(Outcome::Passed).count()) {
                (Some(worst), _) => {
                    let number = of(Outcome::Failed)
                        .filter(|finding| finding.severity == worst)
                        .count();
                    (worst.into(), count(number, worst.name()))
                }
                (None, 0) => (Tone::None, "not checked".into()),
                (None, number) => (Tone::Ok, format!("{} passed", count(number, "check"))),
            };
            add!(
                self,
                "<li class=\"{tone}\"><p class=\"what\">{}<span>{}</span></p><p class=\"how\">{summary}</p></li>\n",
                Icon(tone),
                capitalise(subject.title())
            );
        }
        self.out.push_str("</ul>\n");
    }

    fn problems(&mut self) {
        let problems = outline::other_problems(self.report);
        if problems.is_empty() {
            return;
        }
        self.section("others", "Other findings", |page| {
            for group in problems.chunk_by(|one, next| one.severity == next.severity) {
                let severity = group[0].severity;
                let tone = Tone::from(severity);
                add!(
                    page,
                    "<h3 class=\"group {tone}\">{}<span>{}s</span></h3>\n<ul class=\"findings {tone}\">\n",
                    Icon(tone),
                    capitalise(severity.name())
                );
                for finding in group {
                    add!(page, "<li><p>{}</p>\n", Message(finding.message()));
                    if !finding.advice().is_empty() {
                        add!(
                            page,
                            "<p class=\"advice\">{}</p>\n",
                            Message(finding.advice())
                        );
                    }
                    page.check_name(finding);
                    page.out.push_str("</li>\n");
                }
                page.out.push_str("</ul>\n");
            }
        });
    }

    fn checks(&mut self) {
        let report = self.report;
        let skipped = outline::skipped_by_reason(report);
        let passed = number_of(report, Outcome::Passed);
        if passed == 0 && skipped.is_empty() {
            return;
        }
        self.section("checks", "Other checks", |page| {
            page.out.push_str("<div class=\"panel checks\">\n");
            if !skipped.is_empty() {
                let title = format!("{} skipped", number_of(report, Outcome::Skipped));
                page.folded(&title, |page| {
                    for (reason, findings) in &skipped {
                        add!(page, "<p class=\"reason\">{}</p>\n<ul>\n", Message(reason));
                        for finding in findings {
                            page.out.push_str("<li>");
                            page.check_name(finding);
                            page.out.push_str("</li>\n");
                        }
                        page.out.push_str("</ul>\n");
                    }
                });
            }
            if passed > 0 {
                page.folded(&format!("{passed} passed"), |page| {
                    page.out.push_str("<table>\n<thead><tr><th scope=\"col\">Result</th><th scope=\"col\">Check</th></tr></thead>\n<tbody>\n");
                    for finding in with_outcome(report, Outcome::Passed) {
                        add!(
                            page,
                            "<tr><td>{}</td><th scope=\"row\">",
                            Message(finding.message())
                        );
                        page.check_name(finding);
                        page.out.push_str("</th></tr>\n");
                    }
                    page.out.push_str("</tbody>\n</table>\n");
                });
            }
            page.out.push_str("</div>\n");
        });
    }

    /// Adds content that is folded until the reader opens it.
    fn folded(&mut self, title: &str, content: impl FnOnce(&mut Self)) {
        add!(
            self,
            "<details>\n<summary>{title}</summary>\n<div class=\"inner\">\n"
        );
        content(self);
        self.out.push_str("</div>\n</details>\n");
    }
}
