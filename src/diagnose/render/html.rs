//! A report as one page for a browser: no script, nothing from outside, and all that comes from files and
//! the network escaped.

use std::fmt::{self, Display};
use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::format::{
    self, Link, Validity, chain_to_root, clock, common_name, contents, count, count_of, cut,
    duration, validity, yes_no,
};
use crate::credentials::CertificateSummary;
use crate::datetime::day;
use crate::diagnose::report::{FileSummary, Finding, Outcome, Report, Step};
use crate::error::Severity;
use crate::error::Subject;
use crate::sanitize::sanitize;

const STYLE: &str = include_str!("report.css");
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

/// Text as part of a page.
struct Plain<'a>(&'a str);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = sanitize(self.0);
        let mut rest = &*text;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// A message: what is between backticks is code. A text with a stray backtick is left as it is.
struct Message<'a>(&'a str);

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

/// A long command has lines of its own. Words with hyphens are kept whole, because a line that is broken in
/// `-out` misleads.
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

/// A message as a heading: names of certificates in parentheses stand back.
struct Headline<'a>(&'a str);

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

/// A name or path, which may be in a script that runs from right to left.
struct Name<'a>(&'a str, usize);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<bdi>{}</bdi>", Plain(&cut(self.0, self.1)))
    }
}

/// A symbol, which differs by shape as well as by colour. The words beside it say the same.
struct Icon(&'static str);

impl Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drawing = match self.0 {
            "error" => {
                r#"<circle class="disc" cx="12" cy="12" r="11"/><path class="mark" d="M8 8l8 8M16 8l-8 8"/>"#
            }
            "warning" => {
                r#"<path class="disc" d="M12 1.5L23.5 22H.5z"/><path class="mark" d="M12 9v6M12 18.4v.1"/>"#
            }
            "note" => {
                r#"<circle class="disc" cx="12" cy="12" r="11"/><path class="mark" d="M12 11v6M12 7v.1"/>"#
            }
            "ok" => {
                r#"<circle class="disc" cx="12" cy="12" r="11"/><path class="mark" d="M7 12.5l3.5 3.5L17 8.5"/>"#
            }
            _ => r#"<circle cx="12" cy="12" r="10"/><path d="M8 12h8"/>"#,
        };
        write!(
            f,
            r#"<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{drawing}</svg>"#
        )
    }
}

fn class_of_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "ok",
        Outcome::Failed => "error",
        Outcome::Skipped => "none",
    }
}

fn class_of_validity(validity: Validity) -> &'static str {
    match validity {
        Validity::Valid => "ok",
        Validity::ExpiresSoon => "warning",
        Validity::NotYet | Validity::Expired => "error",
    }
}

/// Adds a formatted piece to the page.
macro_rules! add {
    ($page:expr, $($part:tt)+) => { $page.out.push_str(&format!($($part)+)) };
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

    fn files(&mut self) {
        if self.report.files.is_empty() {
            return;
        }
        self.out
            .push_str("<section aria-labelledby=\"files\">\n<h2 id=\"files\">Files</h2>\n");
        for file in &self.report.files {
            self.file(file);
        }
        self.out.push_str("</section>\n");
    }

    fn file(&mut self, file: &FileSummary) {
        add!(
            self,
            "<article class=\"file\">\n<header><h3>{}</h3><span class=\"mono\">{}</span></header>\n<p class=\"small\">{}</p>\n",
            capital(file.subject.title()),
            Name(file.source.as_str(), MAX_WHOLE_NAME),
            Plain(&contents(file))
        );
        for repair in &file.repairs {
            add!(self, "<p class=\"repairs\">{}</p>\n", Plain(repair));
        }
        for (index, certificate) in file.certificates.iter().take(MAX_LISTED).enumerate() {
            let is_leaf = file.subject == Subject::Certificate && index == 0;
            self.certificate(certificate, is_leaf);
        }
        self.more(&file.certificates);
        self.out.push_str("</article>\n");
    }

    fn more<T>(&mut self, list: &[T]) {
        if let Some(rest) = list.get(MAX_LISTED..).filter(|rest| !rest.is_empty()) {
            add!(
                self,
                "<p class=\"small soft\">and {} more, which the report as JSON holds</p>\n",
                rest.len()
            );
        }
    }

    fn certificate(&mut self, certificate: &CertificateSummary, is_open: bool) {
        let (state, words) = validity(certificate, self.report.created);
        let class = class_of_validity(state);
        add!(
            self,
            "<details{}>\n<summary><span class=\"line\"><b>{}</b><span class=\"badge {class}\">{words}</span></span></summary>\n",
            if is_open { " open" } else { "" },
            Name(common_name(certificate.subject.as_str()), MAX_NAME)
        );
        self.lifetime(certificate, class);
        self.out.push_str("<dl class=\"facts\">\n");
        self.fact(
            "Subject",
            &Name(certificate.subject.as_str(), MAX_WHOLE_NAME),
        );
        self.fact("Issuer", &Name(certificate.issuer.as_str(), MAX_WHOLE_NAME));
        if !certificate.alternative_names.is_empty() {
            let names: Vec<_> = certificate
                .alternative_names
                .iter()
                .take(MAX_LISTED)
                .map(|name| Name(name.as_str(), MAX_WHOLE_NAME).to_string())
                .collect();
            self.fact("Names", &names.join(", "));
        }
        self.fact(
            "Key",
            &Plain(&format!(
                "{}, signed with {}",
                certificate.key, certificate.signature_algorithm
            )),
        );
        let uses: Vec<&str> = certificate
            .is_ca
            .then_some("CA")
            .into_iter()
            .chain(certificate.key_usage.iter().copied())
            .chain(certificate.extended_key_usage.iter().map(String::as_str))
            .collect();
        if !uses.is_empty() {
            self.fact("Uses", &Plain(&uses.join(", ")));
        }
        self.fact(
            "Serial number",
            &format!(
                "<span class=\"mono\">{}</span>",
                Plain(&cut(&certificate.serial, MAX_NAME))
            ),
        );
        self.fact(
            "Thumbprint",
            &format!(
                "<span class=\"mono\">{}</span>",
                Plain(&certificate.thumbprint)
            ),
        );
        self.out.push_str("</dl>\n</details>\n");
    }

    /// `fact` is markup.
    fn fact(&mut self, label: &str, fact: &dyn Display) {
        add!(self, "<dt>{label}</dt><dd>{fact}</dd>\n");
    }

    /// The time from the first to the last day, with today in it, before it or behind it.
    fn lifetime(&mut self, certificate: &CertificateSummary, class: &str) {
        let created = self.report.created.as_second() as f64;
        let (from, to) = (
            seconds(certificate.not_before),
            seconds(certificate.not_after),
        );
        let (first, last) = (from.min(created), to.max(created));
        let at = |time: f64| {
            if last > first {
                (time - first) / (last - first) * 100.0
            } else {
                0.0
            }
        };
        let rect = |class: &str, begin: f64, end: f64| {
            let (begin, end) = (at(begin), at(end));
            // A day too many must be seen in a span of years, too.
            let width = (end - begin).max(if class == "over" { 1.5 } else { 0.0 });
            let x = begin.min(100.0 - width);
            format!(
                r#"<rect class="{class}" x="{x:.2}%" y="3" width="{width:.2}%" height="8" rx="2"/>"#
            )
        };
        let now = at(created).clamp(0.0, 99.6);
        let mut bars = rect("track", first, last);
        if created < to {
            bars += &rect("left", created.max(from), to);
        }
        if created > from && to > from {
            bars += &rect("spent", from, created.min(to));
        }
        if created > to {
            bars += &rect("over", to, created);
        }
        add!(
            self,
            "<div class=\"life {class}\"><svg height=\"14\" aria-hidden=\"true\">{bars}<rect class=\"now\" x=\"{now:.2}%\" y=\"0\" width=\"2.5\" height=\"14\" rx=\"1\"/></svg><p class=\"ends\"><span>valid from {}</span><span>until {}</span></p></div>\n",
            day(certificate.not_before),
            day(certificate.not_after)
        );
    }

    fn chain(&mut self) {
        let links = chain_to_root(self.report);
        if links.is_empty() {
            return;
        }
        self.out.push_str("<section aria-labelledby=\"chain\">\n<h2 id=\"chain\">From the client certificate to the root</h2>\n<ol class=\"chain\">\n");
        for (index, link) in links.into_iter().enumerate() {
            let (name, class, role, words) = match link {
                Link::Sent(certificate) | Link::InBundle(certificate) => {
                    let (state, words) = validity(certificate, self.report.created);
                    let origin = match link {
                        Link::Sent(_) => "sent",
                        _ => "in the CA bundle",
                    };
                    let role = format!("{}, {origin}", capital(format::role(index, certificate)));
                    let class = class_of_validity(state);
                    (&certificate.subject, class, role, words)
                }
                Link::Missing(name) => (
                    name,
                    "missing warning",
                    "Issuer".into(),
                    "in none of the files".into(),
                ),
            };
            add!(self, "<li class=\"{class}\">");
            if index > 0 {
                self.out.push_str(r#"<svg class="arrow" viewBox="0 0 24 24" role="img" aria-label="is issued by"><path d="M2 12h19M15 6l6 6-6 6"/></svg>"#);
            }
            add!(
                self,
                "<div class=\"box\"><p class=\"role\">{role}</p><p class=\"name\">{}</p><p class=\"badge\">{words}</p></div></li>\n",
                Name(common_name(name.as_str()), MAX_NAME)
            );
        }
        self.out.push_str("</ol>\n</section>\n");
    }

    fn steps(&mut self) {
        let steps = &self.report.steps;
        if steps.is_empty() {
            return;
        }
        self.out.push_str("<section aria-labelledby=\"steps\">\n<h2 id=\"steps\">On the way to the answer</h2>\n<div class=\"panel\">\n<table class=\"steps\">\n<thead><tr><th scope=\"col\">Step</th><th scope=\"col\">Result</th><th scope=\"col\" class=\"time\">Time</th><th scope=\"col\">What was seen</th></tr></thead>\n<tbody>\n");
        for (step, (start, part)) in steps.iter().zip(format::timeline(steps)) {
            let class = class_of_outcome(step.outcome);
            add!(
                self,
                "<tr class=\"{class}\"><th scope=\"row\">{}</th><td><span class=\"status\">{}{}</span></td><td class=\"time\">{}</td><td>{}{}</td></tr>\n",
                Plain(step.name),
                Icon(class),
                step.outcome.name(),
                time(step),
                lane(start, part),
                Message(step.message())
            );
        }
        self.out
            .push_str("</tbody>\n</table>\n</div>\n</section>\n");
    }

    fn server(&mut self) {
        let connection = &self.report.connection;
        let start = self.out.len();
        self.out.push_str("<section aria-labelledby=\"server\">\n<h2 id=\"server\">The server</h2>\n<div class=\"panel\">\n<dl class=\"facts\">\n");
        let before = self.out.len();
        if let Some(address) = &connection.address {
            self.fact("Address", &Plain(address));
        }
        if let Some(version) = connection.tls_version {
            let cipher = connection.tls_cipher.unwrap_or_default();
            self.fact("TLS", &format!("{} {}", Plain(version), Plain(cipher)));
        }
        if let Some(alert) = connection.tls_alert {
            self.fact("TLS alert", &alert);
        }
        if let Some(status) = connection.http_status {
            self.fact("HTTP status", &status);
        }
        for (index, certificate) in connection.server_chain.iter().take(MAX_LISTED).enumerate() {
            let (state, words) = validity(certificate, self.report.created);
            let label = if index == 0 {
                "Its certificate"
            } else {
                "with"
            };
            self.fact(
                label,
                &format!(
                    "{} <span class=\"badge {}\">{words}</span>",
                    Name(certificate.subject.as_str(), MAX_WHOLE_NAME),
                    class_of_validity(state)
                ),
            );
        }
        if let Some(asked) = connection.client_certificate_asked {
            self.fact("Asks for yours", &yes_no(Some(asked)));
        }
        if let Some(sent) = connection.client_certificate_sent {
            self.fact("Got yours", &yes_no(Some(sent)));
        }
        if !connection.accepted_cas.is_empty() {
            let names: String = connection
                .accepted_cas
                .iter()
                .take(MAX_LISTED)
                .map(|name| format!("<li>{}</li>", Name(name.as_str(), MAX_WHOLE_NAME)))
                .collect();
            let number = count_of(&connection.accepted_cas, "CA", "CAs");
            self.fact(
                "Accepts yours by",
                &format!("{number}<ul class=\"names\">{names}</ul>"),
            );
        }
        if let Some(skew) = connection.clock_skew_seconds {
            self.fact("This clock", &Plain(&clock(skew)));
        }
        if self.out.len() == before {
            self.out.truncate(start);
            return;
        }
        self.out.push_str("</dl>\n");
        self.more(&connection.accepted_cas);
        self.out.push_str("</div>\n</section>\n");
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

fn time(step: &Step) -> String {
    match step.outcome {
        Outcome::Skipped => "&ndash;".into(),
        _ => duration(step.duration)
            .replace("us", "&micro;s")
            .replace(' ', "&nbsp;"),
    }
}

/// A step's part of the whole time. A picture, so that it is printed, too; the number is beside it.
fn lane(start: f64, part: f64) -> String {
    let width = (part * 100.0).clamp(0.0, 100.0);
    let drawn = if width > 0.0 { width.max(0.6) } else { 0.0 };
    let x = (start * 100.0).clamp(0.0, 100.0 - drawn);
    format!(
        r#"<svg class="lane" height="8" aria-hidden="true"><rect class="track" width="100%" height="8" rx="2"/><rect class="ran" x="{x:.2}%" width="{drawn:.2}%" height="8" rx="2"/></svg>"#
    )
}

fn seconds(time: SystemTime) -> f64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// With its first letter in upper case.
fn capital(words: &str) -> String {
    let mut chars = words.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::render::test_reports;

    const TAGS: &[&str] = &[
        "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "div", "header", "main",
        "section", "article", "footer", "p", "b", "h1", "h2", "h3", "span", "code", "bdi", "time",
        "ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "table", "thead", "tbody", "tr",
        "th", "td", "svg", "rect", "circle", "path",
    ];
    const ATTRIBUTES: &[&str] = &[
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "aria-label",
        "aria-labelledby",
        "aria-hidden",
        "role",
        "scope",
        "datetime",
        "open",
        "viewBox",
        "d",
        "x",
        "y",
        "cx",
        "cy",
        "r",
        "rx",
        "width",
        "height",
    ];

    /// Goes through the page as strictly as XML is read: every tag is closed in turn, attributes are quoted,
    /// and only what is listed above occurs, none of which loads, links to or runs anything. Gives the text.
    fn read(html: &str) -> String {
        let mut text = String::new();
        let mut open = Vec::new();
        let mut rest = html;
        while let Some(at) = rest.find('<') {
            if open.last() != Some(&"style") {
                let part = &rest[..at];
                assert!(
                    !part.contains(['>', '"', '\'']) || open.is_empty(),
                    "{part}"
                );
                text.push_str(part);
            }
            let end = at + rest[at..].find('>').expect("a tag is closed");
            let tag = &rest[at + 1..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "{}", &rest[..rest.len().min(200)]);
                continue;
            }
            let tag = tag.strip_suffix('/').unwrap_or(tag);
            let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(TAGS.contains(&name), "<{tag}>");
            while !attributes.is_empty() && name != "!DOCTYPE" {
                let name_end = attributes.find(['=', ' ']).unwrap_or(attributes.len());
                assert!(ATTRIBUTES.contains(&&attributes[..name_end]), "<{tag}>");
                attributes = &attributes[name_end..];
                if let Some(value) = attributes.strip_prefix("=\"") {
                    attributes = &value[value.find('"').expect("a value is closed") + 1..];
                }
                attributes = attributes.trim_start();
            }
            if !["!DOCTYPE", "meta", "rect", "circle", "path"].contains(&name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
        text
    }

    #[test]
    fn pages_are_well_formed_and_refer_to_nothing() {
        for (name, report) in test_reports::all() {
            let html = report.html();
            read(&html);
            assert!(html.contains("default-src 'none'"), "{name}");
            assert!(!html.contains("<script"), "{name}");
            assert!(!html.contains('\u{202e}'), "{name}");
        }
        for word in ["url(", "@import", "expression", "</"] {
            assert!(!STYLE.contains(word), "{word}");
        }
    }

    #[test]
    fn ids_are_there_once_and_headings_in_order() {
        for (name, report) in test_reports::all() {
            let html = report.html();
            let ids: Vec<_> = html.split(" id=\"").skip(1).collect();
            for label in html.split("aria-labelledby=\"").skip(1) {
                let label = label.split('"').next().unwrap();
                let with_it = ids.iter().filter(|id| id.split('"').next() == Some(label));
                assert_eq!(with_it.count(), 1, "{name} {label}");
            }
            let levels: Vec<u32> = html
                .match_indices("<h")
                .filter_map(|(at, _)| html[at + 2..].chars().next()?.to_digit(10))
                .collect();
            assert_eq!(levels[0], 1, "{name}");
            assert!(levels[1..].iter().all(|level| *level > 1), "{name}");
            assert!(
                levels.windows(2).all(|pair| pair[1] <= pair[0] + 1),
                "{name}"
            );
        }
    }

    #[test]
    fn the_banner_tells_the_cause_and_what_to_do() {
        let html = test_reports::expired().html();
        assert!(html.contains("<section class=\"verdict error\""));
        assert!(html.contains("<h1 id=\"cause\">The client certificate /etc/dcs/client.pem <span class=\"aside\">(CN=dcs-integration-tls.example.org,O=Example Insurance Ltd,L=Leeds,C=GB)</span> expired on 2026-04-30, 12 days ago.</h1>"));
        assert!(html.contains("from a new key: <code class=\"command\">openssl req <span>-new</span> <span>-newkey</span> rsa:2048 "));
        assert!(html.contains("<code class=\"check\">DCS_CHECK_CERT_NOT_EXPIRED</code>"));
        let html = test_reports::all_passed().html();
        assert!(html.contains("<section class=\"verdict ok\""));
        assert!(
            test_reports::expires_soon()
                .html()
                .contains("<section class=\"verdict warning\"")
        );
        assert!(test_reports::empty().html().contains("Nothing was checked"));
    }

    #[test]
    fn everything_that_was_found_is_on_the_page() {
        for (name, report) in test_reports::all() {
            let text = read(&report.html());
            for finding in report.findings() {
                assert!(text.contains(finding.check().name()), "{name}");
            }
            for file in &report.files {
                for certificate in &file.certificates {
                    assert!(text.contains(&certificate.thumbprint), "{name}");
                }
            }
        }
        let text = read(&test_reports::expired().html());
        for part in [
            "21.4&nbsp;ms",
            "203.0.113.11:443",
            "expired 12 days ago",
            "HTTP 400",
            "2 CAs",
        ] {
            assert!(text.contains(part), "{part}");
        }
    }

    #[test]
    fn markup_in_names_stays_text() {
        assert_eq!(
            Message("<a href=\"x\">'&` `b<` c").to_string(),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;` `b&lt;` c"
        );
        assert_eq!(
            Message("run `a <b>` or ``.").to_string(),
            "run <code>a &lt;b&gt;</code> or ."
        );
        let text = read(&test_reports::hostile().html());
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;amp;"));
        assert!(!text.contains(&"x".repeat(MAX_TEXT)));
    }

    #[test]
    fn redacted_it_names_nobody() {
        for report in [test_reports::expired(), test_reports::hostile()] {
            let mut report = report.redacted();
            // Neither path nor name, and hostile there on purpose.
            report.url = test_reports::URL.into();
            let html = report.html();
            for private in test_reports::PRIVATE {
                assert!(!html.contains(private), "{private} in {html}");
            }
            assert!(html.contains("[path]"));
        }
    }

    /// `DCS_SAMPLES=FOLDER cargo test --lib samples -- --ignored`
    #[test]
    #[ignore = "writes the sample reports into a folder, to be looked at"]
    fn samples_are_written() {
        let folder = std::path::PathBuf::from(std::env::var_os("DCS_SAMPLES").unwrap());
        for (name, report) in test_reports::all() {
            for (ending, content) in [
                ("html", report.html()),
                ("txt", report.text()),
                ("json", report.json()),
            ] {
                std::fs::write(folder.join(format!("{name}.{ending}")), content).unwrap();
            }
        }
    }
}
