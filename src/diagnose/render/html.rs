//! A report as one page for a browser: no script, nothing from outside, and all that comes from files and
//! the network escaped.

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

use self::markup::{Headline, Icon, Message, Name, Plain, capital};
use super::format::{self, count};
use crate::diagnose::report::{Finding, Outcome, Report};
use crate::error::{Severity, Subject};

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
    /// The report as one self-contained HTML page.
    ///
    /// It has no script and refers to nothing outside; a Content-Security-Policy in it holds the browser
    /// to that.
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
        let report = self.report;
        // The style's digest instead of 'unsafe-inline': no other style is heeded, should one get in.
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
        let digest = BASE64_STANDARD.encode(digest.as_ref());
        let headline = format::headline(report);
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
        self.top();
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
            "<footer><p>Made by libdcs {} on {}. Holds no private key and no password.</p></footer>\n</div>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION"),
            format::rfc3339_of(report.created)
        );
    }

    fn top(&mut self) {
        let report = self.report;
        let made = format::rfc3339_of(report.created);
        let shown = made.replacen('T', " ", 1).replace('Z', " UTC");
        add!(
            self,
            "<header class=\"top\">\n<p><b>DCS connection diagnosis</b></p>\n<p><time datetime=\"{made}\">{shown}</time></p>\n"
        );
        if !report.url.is_empty() {
            add!(
                self,
                "<p class=\"to\">{}",
                Name(&report.url, MAX_WHOLE_NAME)
            );
            if let Some(proxy) = &report.proxy {
                add!(self, " through the proxy {}", Name(proxy, MAX_WHOLE_NAME));
            }
            self.out.push_str("</p>\n");
        }
        self.out.push_str("</header>\n");
    }

    fn verdict(&mut self, headline: &str) {
        let report = self.report;
        let class = match report.worst() {
            Some(severity) => severity.name(),
            None if headline == "All is well" => "ok",
            None => "none",
        };
        let about = if report.cause().is_some() {
            ": the likeliest cause"
        } else {
            ""
        };
        add!(
            self,
            "<section class=\"verdict {class}\" id=\"verdict\" aria-labelledby=\"cause\">\n<p class=\"state\">{}<span>{headline}{about}</span></p>\n",
            Icon(class)
        );
        match report.cause() {
            None => add!(
                self,
                "<h1 id=\"cause\">{}</h1>\n",
                Plain(&format::good_news(report))
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

    /// How each part of the set-up fares.
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
                format::with_outcome(report, outcome)
                    .filter(move |finding| finding.subject == subject)
            };
            let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            let worst = of(Outcome::Failed).map(Finding::severity).max();
            let (class, words) = match worst {
                Some(severity) => {
                    let n = of(Outcome::Failed)
                        .filter(|finding| finding.severity == severity)
                        .count();
                    let name = severity.name();
                    (name, count(number(n), name, &format!("{name}s")))
                }
                None => match number(of(Outcome::Passed).count()) {
                    0 => ("none", "not checked".into()),
                    n => ("ok", format!("{} passed", count(n, "check", "checks"))),
                },
            };
            add!(
                self,
                "<li class=\"{class}\"><p class=\"what\">{}<span>{}</span></p><p class=\"how\">{words}</p></li>\n",
                Icon(class),
                capital(subject.title())
            );
        }
        self.out.push_str("</ul>\n");
    }

    fn problems(&mut self) {
        let problems = format::other_problems(self.report);
        if problems.is_empty() {
            return;
        }
        self.out.push_str(
            "<section aria-labelledby=\"others\">\n<h2 id=\"others\">Other findings</h2>\n",
        );
        for (severity, title) in [
            (Severity::Error, "Errors"),
            (Severity::Warning, "Warnings"),
            (Severity::Note, "Notes"),
        ] {
            let of_it: Vec<_> = problems
                .iter()
                .filter(|finding| finding.severity == severity)
                .collect();
            if of_it.is_empty() {
                continue;
            }
            let class = severity.name();
            add!(
                self,
                "<h3 class=\"group {class}\">{}<span>{title}</span></h3>\n<ul class=\"findings {class}\">\n",
                Icon(class)
            );
            for finding in of_it {
                add!(self, "<li><p>{}</p>\n", Message(finding.message()));
                if !finding.advice().is_empty() {
                    add!(
                        self,
                        "<p class=\"advice\">{}</p>\n",
                        Message(finding.advice())
                    );
                }
                self.check_name(finding);
                self.out.push_str("</li>\n");
            }
            self.out.push_str("</ul>\n");
        }
        self.out.push_str("</section>\n");
    }

    fn checks(&mut self) {
        let report = self.report;
        let passed: Vec<_> = format::with_outcome(report, Outcome::Passed).collect();
        let skipped = format::skipped_by_reason(report);
        if passed.is_empty() && skipped.is_empty() {
            return;
        }
        self.out.push_str("<section aria-labelledby=\"checks\">\n<h2 id=\"checks\">All other checks</h2>\n<div class=\"panel checks\">\n");
        if !skipped.is_empty() {
            let number = format::with_outcome(report, Outcome::Skipped).count();
            add!(
                self,
                "<details>\n<summary>{number} skipped</summary>\n<div class=\"inner\">\n"
            );
            for (reason, findings) in skipped {
                let reason = if reason.is_empty() {
                    "No reason is known."
                } else {
                    reason
                };
                add!(self, "<p class=\"reason\">{}</p>\n<ul>\n", Message(reason));
                for finding in findings {
                    add!(
                        self,
                        "<li><code class=\"check\">{}</code></li>\n",
                        finding.check.name()
                    );
                }
                self.out.push_str("</ul>\n");
            }
            self.out.push_str("</div>\n</details>\n");
        }
        if !passed.is_empty() {
            add!(
                self,
                "<details>\n<summary>{} passed</summary>\n<div class=\"inner\">\n<table>\n<thead><tr><th scope=\"col\">What was seen</th><th scope=\"col\">Check</th></tr></thead>\n<tbody>\n",
                passed.len()
            );
            for finding in passed {
                let seen = match finding.message() {
                    "" => finding.check.title(),
                    seen => seen,
                };
                add!(
                    self,
                    "<tr><td>{}</td><th scope=\"row\"><code class=\"check\">{}</code></th></tr>\n",
                    Message(seen),
                    finding.check.name()
                );
            }
            self.out
                .push_str("</tbody>\n</table>\n</div>\n</details>\n");
        }
        self.out.push_str("</div>\n</section>\n");
    }
}
