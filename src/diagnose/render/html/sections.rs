//! The sections of the page on files, the chain, the connection and the server.

use std::fmt::Display;
use std::time::SystemTime;

use super::markup::{Icon, Message, Name, Plain, capital, class_of_outcome, class_of_validity};
use super::{MAX_LISTED, MAX_NAME, MAX_WHOLE_NAME, Page};
use crate::credentials::CertificateSummary;
use crate::datetime::day;
use crate::diagnose::render::format::{
    self, Link, chain_to_root, clock, common_name, contents, count_of, cut, duration, validity,
    yes_no,
};
use crate::diagnose::report::{FileSummary, Outcome, Step};
use crate::error::Subject;

impl Page<'_> {
    pub(super) fn files(&mut self) {
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

    pub(super) fn chain(&mut self) {
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

    pub(super) fn steps(&mut self) {
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

    pub(super) fn server(&mut self) {
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
