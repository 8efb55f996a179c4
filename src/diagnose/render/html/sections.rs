//! The sections of the page on files, the chain, the connection and the server.

use std::fmt::Display;
use std::time::{SystemTime, UNIX_EPOCH};

use super::markup::{Icon, Message, Name, Plain};
use super::{MAX_LISTED, MAX_NAME, MAX_WHOLE_NAME, Page};
use crate::credentials::CertificateSummary;
use crate::credentials::source::capitalise;
use crate::datetime::day;
use crate::diagnose::format::{common_name, cut, duration};
use crate::diagnose::render::outline::{self, Tone, validity};
use crate::diagnose::report::{FileSummary, Outcome};
use crate::error::Subject;

impl Page<'_> {
    pub(super) fn files(&mut self) {
        let files = &self.report.files;
        if files.is_empty() {
            return;
        }
        self.section("files", "Files", |page| {
            files.iter().for_each(|file| page.file(file));
        });
    }

    fn file(&mut self, file: &FileSummary) {
        add!(
            self,
            "<article class=\"file\">\n<header><h3>{}</h3><span class=\"mono\">{}</span></header>\n<p class=\"small\">{}</p>\n",
            capitalise(file.subject.title()),
            Name(file.source.as_str(), MAX_WHOLE_NAME),
            Plain(&outline::contents(file))
        );
        for repair in &file.repairs {
            add!(self, "<p class=\"repairs\">Repaired: it {repair}.</p>\n");
        }
        for (index, certificate) in file.certificates.iter().take(MAX_LISTED).enumerate() {
            let is_leaf = file.subject == Subject::Certificate && index == 0;
            self.certificate(certificate, is_leaf);
        }
        self.more(&file.certificates);
        self.out.push_str("</article>\n");
    }

    fn more<T>(&mut self, list: &[T]) {
        if let Some(rest) = list.len().checked_sub(MAX_LISTED + 1) {
            add!(
                self,
                "<p class=\"small soft\">and {} more, which the JSON report lists</p>\n",
                rest + 1
            );
        }
    }

    fn certificate(&mut self, certificate: &CertificateSummary, is_open: bool) {
        let (tone, description) = validity(certificate, self.report.created);
        add!(
            self,
            "<details{}>\n<summary><span class=\"line\"><b>{}</b><span class=\"badge {tone}\">{description}</span></span></summary>\n",
            if is_open { " open" } else { "" },
            Name(common_name(certificate.subject.as_str()), MAX_NAME)
        );
        self.lifetime(certificate, tone);
        self.out.push_str("<dl class=\"facts\">\n");
        for (label, name) in [
            ("Subject", &certificate.subject),
            ("Issuer", &certificate.issuer),
        ] {
            self.fact(label, &Name(name.as_str(), MAX_WHOLE_NAME));
        }
        if !certificate.alternative_names.is_empty() {
            let names: Vec<_> = certificate
                .alternative_names
                .iter()
                .take(MAX_LISTED)
                .map(|name| Name(name.as_str(), MAX_WHOLE_NAME).to_string())
                .collect();
            self.fact("Names", &names.join(", "));
        }
        let key = format!(
            "{}, signed with {}",
            certificate.key, certificate.signature_algorithm
        );
        self.fact("Key", &Plain(&key));
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
        for (label, number) in [
            ("Serial number", &certificate.serial),
            ("Thumbprint", &certificate.thumbprint),
        ] {
            let number = cut(number, MAX_NAME);
            self.fact(
                label,
                &format_args!("<span class=\"mono\">{}</span>", Plain(&number)),
            );
        }
        self.out.push_str("</dl>\n</details>\n");
    }

    /// Adds a row to a list of facts. `fact` is markup.
    fn fact(&mut self, label: &str, fact: &dyn Display) {
        add!(self, "<dt>{label}</dt><dd>{fact}</dd>\n");
    }

    /// Adds a bar from the first to the last day, with the day of the report in it, before it or after it.
    fn lifetime(&mut self, certificate: &CertificateSummary, tone: Tone) {
        let now = seconds(self.report.created);
        let from = seconds(certificate.not_before);
        let to = seconds(certificate.not_after);
        let (first, last) = (from.min(now), to.max(now));
        let at = |time: f64| {
            if last > first {
                (time - first) / (last - first) * 100.0
            } else {
                0.0
            }
        };
        let rect = |class: &str, begin: f64, end: f64| {
            let (begin, end) = (at(begin), at(end));
            // One day too many must be visible in a span of years, too.
            let width = (end - begin).max(if class == "over" { 1.5 } else { 0.0 });
            let x = begin.min(100.0 - width);
            format!(
                r#"<rect class="{class}" x="{x:.2}%" y="3" width="{width:.2}%" height="8" rx="2"/>"#
            )
        };
        let mut bars = rect("track", first, last);
        if now < to {
            bars += &rect("left", now.max(from), to);
        }
        if now > from && to > from {
            bars += &rect("spent", from, now.min(to));
        }
        if now > to {
            bars += &rect("over", to, now);
        }
        let mark = at(now).clamp(0.0, 99.6);
        add!(
            self,
            "<div class=\"life {tone}\"><svg height=\"14\" aria-hidden=\"true\">{bars}<rect class=\"now\" x=\"{mark:.2}%\" y=\"0\" width=\"2.5\" height=\"14\" rx=\"1\"/></svg><p class=\"ends\"><span>valid from {}</span><span>until {}</span></p></div>\n",
            day(certificate.not_before),
            day(certificate.not_after)
        );
    }

    pub(super) fn chain(&mut self) {
        let links = outline::chain_to_root(self.report);
        if links.is_empty() {
            return;
        }
        self.section("chain", "Certificate chain", |page| {
            page.out.push_str("<ol class=\"chain\">\n");
            for (index, link) in links.iter().enumerate() {
                let (class, role, description) = match link.certificate() {
                    None => ("missing warning".into(), "Issuer", "missing".into()),
                    Some(certificate) => {
                        let (tone, description) = validity(certificate, page.report.created);
                        let role = match (certificate.is_self_issued, certificate.is_ca, index) {
                            (true, true, _) => "Root",
                            (true, false, _) => "Self-signed",
                            (false, _, 0) => "Client certificate",
                            _ => "Intermediate",
                        };
                        (tone.to_string(), role, description)
                    }
                };
                add!(page, "<li class=\"{class}\">");
                if index > 0 {
                    page.out.push_str(r#"<svg class="arrow" viewBox="0 0 24 24" role="img" aria-label="is issued by"><path d="M2 12h19M15 6l6 6-6 6"/></svg>"#);
                }
                add!(
                    page,
                    "<div class=\"box\"><p class=\"role\">{role}, {}</p><p class=\"name\">{}</p><p class=\"badge\">{description}</p></div></li>\n",
                    link.origin(),
                    Name(common_name(link.name()), MAX_NAME)
                );
            }
            page.out.push_str("</ol>\n");
        });
    }

    pub(super) fn steps(&mut self) {
        let steps = &self.report.steps;
        if steps.is_empty() {
            return;
        }
        self.section("steps", "Connection", |page| {
            page.out.push_str("<div class=\"panel\">\n<table class=\"steps\">\n<thead><tr><th scope=\"col\">Step</th><th scope=\"col\">Outcome</th><th scope=\"col\" class=\"time\">Time</th><th scope=\"col\">Result</th></tr></thead>\n<tbody>\n");
            for (step, (start, part)) in steps.iter().zip(outline::timeline(steps)) {
                let tone = Tone::from(step.outcome);
                let time = match step.outcome {
                    Outcome::Skipped => "&ndash;".into(),
                    _ => duration(step.duration).replace("us", "&micro;s").replace(' ', "&nbsp;"),
                };
                add!(
                    page,
                    "<tr class=\"{tone}\"><th scope=\"row\">{}</th><td><span class=\"status\">{}{}</span></td><td class=\"time\">{time}</td><td>{}{}</td></tr>\n",
                    Plain(step.name),
                    Icon(tone),
                    step.outcome.name(),
                    lane(start, part),
                    Message(step.message())
                );
            }
            page.out.push_str("</tbody>\n</table>\n</div>\n");
        });
    }

    pub(super) fn server(&mut self) {
        let report = self.report;
        let connection = &report.connection;
        let facts = outline::server_facts(report);
        if facts.is_empty() && connection.server_chain.is_empty() {
            return;
        }
        self.section("server", "Server", |page| {
            page.out
                .push_str("<div class=\"panel\">\n<dl class=\"facts\">\n");
            for (label, fact) in facts {
                page.fact(&capitalise(label), &Plain(&fact));
            }
            for (index, certificate) in connection.server_chain.iter().take(MAX_LISTED).enumerate()
            {
                let (tone, description) = validity(certificate, report.created);
                page.fact(
                    if index == 0 { "Certificate" } else { "Issuer" },
                    &format_args!(
                        "{} <span class=\"badge {tone}\">{description}</span>",
                        Name(certificate.subject.as_str(), MAX_WHOLE_NAME)
                    ),
                );
            }
            if !connection.accepted_cas.is_empty() {
                let names: String = connection
                    .accepted_cas
                    .iter()
                    .take(MAX_LISTED)
                    .map(|name| format!("<li>{}</li>", Name(name.as_str(), MAX_WHOLE_NAME)))
                    .collect();
                page.fact(
                    "Accepted CAs",
                    &format_args!(
                        "{}<ul class=\"names\">{names}</ul>",
                        connection.accepted_cas.len()
                    ),
                );
            }
            page.out.push_str("</dl>\n");
            page.more(&connection.accepted_cas);
            page.out.push_str("</div>\n");
        });
    }
}

/// Returns a step's part of the whole time as a picture, so that it is printed, too. The number is beside it.
fn lane(start: f64, part: f64) -> String {
    let width = (part * 100.0).clamp(0.0, 100.0);
    let drawn = if width > 0.0 { width.max(0.6) } else { 0.0 };
    let x = (start * 100.0).clamp(0.0, 100.0 - drawn);
    format!(
        r#"<svg class="lane" height="8" aria-hidden="true"><rect class="track" width="100%" height="8" rx="2"/><rect class="ran" x="{x:.2}%" width="{drawn:.2}%" height="8" rx="2"/></svg>"#
    )
}

/// Returns the seconds since 1970, negative before it.
fn seconds(time: SystemTime) -> f64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_secs_f64(),
        Err(error) => -error.duration().as_secs_f64(),
    }
}
