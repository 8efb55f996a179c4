//! A report for a terminal or a ticket.

use super::format::{
    self, Link, Validity, chain_to_root, clock, common_name, contents, count_of, cut, duration,
    validity, yes_no,
};
use crate::credentials::CertificateSummary;
use crate::datetime::day;
use crate::diagnose::report::{FileSummary, Finding, Outcome, Report};
use crate::error::Severity;
use crate::sanitize::sanitize;

/// Lines are broken before this column where words allow.
const WIDTH: usize = 100;
/// Where the text begins in a line with a label.
const LABEL: usize = 22;
/// The length of the whole timeline.
const BAR: usize = 20;
/// The longest name or path that is shown.
const MAX_NAME: usize = 300;
/// How many certificates of a file, and how many names of accepted CAs, are shown.
const MAX_LISTED: usize = 20;

impl Report {
    /// The report as text of at most about 100 columns, without colour: what is wrong and what to do first.
    pub fn text(&self) -> String {
        render(self, Style::plain())
    }

    /// As [`Report::text`], with the colours of an ANSI terminal.
    pub fn text_with_colour(&self) -> String {
        render(self, Style::ansi())
    }
}

/// Control sequences (ECMA-48, SGR) about words that carry meaning; the words say it without them too.
#[derive(Clone, Copy)]
struct Style {
    has_colour: bool,
}

impl Style {
    fn plain() -> Self {
        Style { has_colour: false }
    }

    fn ansi() -> Self {
        Style { has_colour: true }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.has_colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn severity(self, severity: Option<Severity>, text: &str) -> String {
        let code = match severity {
            Some(Severity::Error) => "1;31",
            Some(Severity::Warning) => "1;33",
            Some(Severity::Note) => "1;36",
            None => "1;32",
        };
        self.paint(code, text)
    }

    fn validity(self, validity: Validity, text: &str) -> String {
        let code = match validity {
            Validity::Expired | Validity::NotYet => "31",
            Validity::ExpiresSoon => "33",
            Validity::Valid => "32",
        };
        self.paint(code, text)
    }

    fn outcome(self, outcome: Outcome, text: &str) -> String {
        let code = match outcome {
            Outcome::Failed => "31",
            Outcome::Skipped => "2",
            Outcome::Passed => "32",
        };
        self.paint(code, text)
    }
}

struct Page {
    out: String,
    style: Style,
}

fn render(report: &Report, style: Style) -> String {
    let mut page = Page {
        out: String::new(),
        style,
    };
    page.verdict(report);
    page.problems(report);
    page.files(report);
    page.chain(report);
    page.steps(report);
    page.server(report);
    page.checks(report);
    page.out
}

impl Page {
    /// A paragraph whose first line begins with `first`, which takes up `first_width` columns, and whose
    /// others begin at `indent`.
    fn paragraph(&mut self, first: &str, first_width: usize, indent: usize, text: &str) {
        self.out.push_str(first);
        let mut column = first_width;
        if column < indent {
            self.spaces(indent - column);
            column = indent;
        }
        let text = sanitize(text);
        let mut is_first = true;
        for word in words_of(&text) {
            let width = word.chars().count();
            if !is_first && column + 1 + width > WIDTH {
                self.out.push('\n');
                self.spaces(indent);
                column = indent;
            } else if !is_first {
                self.out.push(' ');
                column += 1;
            }
            self.out.push_str(word);
            column += width;
            is_first = false;
        }
        // A label without a text leaves no blank at the end of its line.
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
    }

    fn labelled(&mut self, label: &str, text: &str) {
        let label = format!("  {label}");
        let width = label.chars().count();
        self.paragraph(&label, width, LABEL, text);
    }

    fn at(&mut self, indent: usize, text: &str) {
        self.paragraph("", 0, indent, text);
    }

    fn heading(&mut self, title: &str) {
        self.out.push('\n');
        let title = self.style.bold(title);
        self.out.push_str(&title);
        self.out.push('\n');
    }

    fn spaces(&mut self, number: usize) {
        self.out.extend(std::iter::repeat_n(' ', number));
    }

    fn verdict(&mut self, report: &Report) {
        let end = if report.cause().is_some() { ':' } else { '.' };
        let headline = format!("{}{end}", format::headline(report));
        let width = headline.chars().count() + 1;
        let first = format!("{} ", self.style.severity(report.worst(), &headline));
        match report.cause() {
            None => self.paragraph(&first, width, 2, &format::good_news(report)),
            Some(cause) => {
                self.paragraph(&first, width, 2, cause.message());
                if !cause.advice().is_empty() {
                    let what = format!("  {} ", self.style.bold("What to do:"));
                    self.paragraph(&what, 14, 14, cause.advice());
                }
                self.at(2, &about(cause));
            }
        }
        self.out.push('\n');
        if !report.url.is_empty() {
            self.labelled("URL", &report.url);
        }
        if let Some(proxy) = &report.proxy {
            self.labelled("proxy", proxy);
        }
        let made = format!(
            "{}, libdcs {}",
            format::rfc3339_of(report.created),
            env!("CARGO_PKG_VERSION")
        );
        self.labelled("made", &made);
    }

    fn problems(&mut self, report: &Report) {
        let problems = format::other_problems(report);
        if problems.is_empty() {
            return;
        }
        self.heading("Other findings");
        for finding in problems {
            let name = finding.severity.name();
            let first = format!("  {}", self.style.severity(Some(finding.severity), name));
            self.paragraph(&first, 2 + name.len(), 11, finding.message());
            if !finding.advice().is_empty() {
                self.at(11, finding.advice());
            }
            self.at(11, &about(finding));
        }
    }

    fn files(&mut self, report: &Report) {
        if report.files.is_empty() {
            return;
        }
        self.heading("Files");
        for file in &report.files {
            self.file(file, report);
        }
    }

    fn file(&mut self, file: &FileSummary, report: &Report) {
        self.labelled(file.subject.title(), &cut(file.source.as_str(), MAX_NAME));
        self.at(LABEL, &contents(file));
        for repair in &file.repairs {
            self.at(LABEL, repair);
        }
        for certificate in file.certificates.iter().take(MAX_LISTED) {
            self.certificate(certificate, report);
        }
        self.more(&file.certificates, LABEL);
    }

    fn certificate(&mut self, certificate: &CertificateSummary, report: &Report) {
        self.at(LABEL, &cut(certificate.subject.as_str(), MAX_NAME));
        self.spaces(LABEL + 2);
        self.validity(certificate, report);
        self.out.push('\n');
        self.at(LABEL + 2, &format!("thumbprint {}", certificate.thumbprint));
    }

    fn validity(&mut self, certificate: &CertificateSummary, report: &Report) {
        let (state, words) = validity(certificate, report.created);
        let words = self.style.validity(state, &words);
        let (from, to) = (day(certificate.not_before), day(certificate.not_after));
        self.out.push_str(&format!("{from} to {to}, {words}"));
    }

    fn more<T>(&mut self, list: &[T], indent: usize) {
        if let Some(rest) = list.get(MAX_LISTED..).filter(|rest| !rest.is_empty()) {
            self.at(indent, &format!("and {} more", rest.len()));
        }
    }

    fn chain(&mut self, report: &Report) {
        let links = chain_to_root(report);
        if links.is_empty() {
            return;
        }
        self.heading("The way to the root");
        for (index, link) in links.into_iter().enumerate() {
            let arm = if index == 0 { "" } else { "`- " };
            let indent = 2 + 3 * index.saturating_sub(1);
            let (name, origin) = match link {
                Link::Sent(certificate) => (&certificate.subject, "sent"),
                Link::InBundle(certificate) => (&certificate.subject, "in the CA bundle"),
                Link::Missing(name) => (name, "in none of the files"),
            };
            self.spaces(indent);
            self.out.push_str(arm);
            let name = cut(common_name(name.as_str()), 60).into_owned();
            self.out.push_str(&sanitize(&name));
            self.out.push_str(&format!(" ({origin}"));
            if let Link::Sent(certificate) | Link::InBundle(certificate) = link {
                self.out.push_str(", ");
                self.validity(certificate, report);
            }
            self.out.push_str(")\n");
        }
    }

    fn steps(&mut self, report: &Report) {
        if report.steps.is_empty() {
            return;
        }
        self.heading("Connection");
        let timeline = format::timeline(&report.steps);
        for (step, (start, part)) in report.steps.iter().zip(timeline) {
            let outcome = self
                .style
                .outcome(step.outcome, &format!("{:<7}", step.outcome.name()));
            let time = match step.outcome {
                Outcome::Skipped => "-".to_owned(),
                _ => duration(step.duration),
            };
            let first = format!(
                "  {:<5} {outcome} {time:>9}  {}  ",
                step.name,
                bar(start, part)
            );
            let width = 2 + 5 + 1 + 7 + 1 + time.len().max(9) + 2 + BAR + 2 + 2;
            self.paragraph(&first, width, width, step.message());
        }
    }

    fn server(&mut self, report: &Report) {
        let connection = &report.connection;
        let facts: Vec<(&str, String)> = [
            ("address", connection.address.clone()),
            (
                "TLS",
                connection.tls_version.map(|version| {
                    let cipher = connection.tls_cipher;
                    [Some(version), cipher]
                        .into_iter()
                        .flatten()
                        .collect::<Vec<_>>()
                        .join(", ")
                }),
            ),
            (
                "TLS alert",
                connection.tls_alert.map(|alert| alert.to_string()),
            ),
            (
                "HTTP status",
                connection.http_status.map(|status| status.to_string()),
            ),
            (
                "its certificate",
                connection.server_chain.first().map(|certificate| {
                    let (_, words) = validity(certificate, report.created);
                    let name = cut(certificate.subject.as_str(), MAX_NAME);
                    format!("{name} ({words})")
                }),
            ),
            (
                "asks for yours",
                connection
                    .client_certificate_asked
                    .map(|asked| yes_no(Some(asked)).into()),
            ),
            (
                "got yours",
                connection
                    .client_certificate_sent
                    .map(|sent| yes_no(Some(sent)).into()),
            ),
            (
                "accepts yours by",
                (!connection.accepted_cas.is_empty())
                    .then(|| count_of(&connection.accepted_cas, "CA", "CAs")),
            ),
        ]
        .into_iter()
        .filter_map(|(label, fact)| Some((label, fact?)))
        .collect();
        let skew = connection.clock_skew_seconds.map(clock);
        if facts.is_empty() && skew.is_none() {
            return;
        }
        self.heading("Server");
        for (label, fact) in facts {
            self.labelled(label, &fact);
        }
        for name in connection.accepted_cas.iter().take(MAX_LISTED) {
            self.at(LABEL, &cut(name.as_str(), MAX_NAME));
        }
        self.more(&connection.accepted_cas, LABEL);
        if let Some(skew) = skew {
            self.labelled("this clock", &skew);
        }
    }

    fn checks(&mut self, report: &Report) {
        if report.findings.is_empty() {
            return;
        }
        self.heading("Checks");
        let count = |outcome| format::with_outcome(report, outcome).count();
        self.at(
            2,
            &format!(
                "{} passed, {} failed, {} skipped",
                count(Outcome::Passed),
                count(Outcome::Failed),
                count(Outcome::Skipped)
            ),
        );
        for (reason, findings) in format::skipped_by_reason(report) {
            let reason = if reason.is_empty() {
                "no reason known"
            } else {
                reason
            };
            self.at(2, &format!("Skipped: {reason}"));
            for finding in findings {
                self.at(4, finding.check.name());
            }
        }
    }
}

fn about(finding: &Finding) -> String {
    format!("[{}, {}]", finding.check.name(), finding.subject.title())
}

/// A step's part of the whole time; a step that took time has a mark.
fn bar(start: f64, part: f64) -> String {
    // Parts of at most the whole, so the products fit.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let column = |of: f64| (of * BAR as f64).round().clamp(0.0, BAR as f64) as usize;
    let mut begin = column(start);
    let mut end = column(start + part);
    if part > 0.0 && end == begin {
        begin = begin.min(BAR - 1);
        end = begin + 1;
    }
    format!(
        "|{}{}{}|",
        " ".repeat(begin),
        "#".repeat(end - begin),
        " ".repeat(BAR - end)
    )
}

/// The words of a text. What is between backticks stays in one piece, so that a command can be copied.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let is_paired = text.matches('`').count().is_multiple_of(2);
    let mut is_code = false;
    text.split(move |c| {
        if c == '`' && is_paired {
            is_code = !is_code;
        }
        c == ' ' && !is_code
    })
    .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::render::test_reports;

    #[test]
    fn the_cause_comes_first_with_what_to_do() {
        let expected = "\
Calls fail: The client certificate /etc/dcs/client.pem (CN=dcs-integration-tls.example.org,O=Example
  Insurance Ltd,L=Leeds,C=GB) expired on 2026-04-30, 12 days ago.
  What to do: Ask the DCS team for a new one, made from a new key:
              `openssl req -new -newkey rsa:2048 -nodes -keyout /etc/dcs/new.key -out request.csr`
  [DCS_CHECK_CERT_NOT_EXPIRED, client certificate]

  URL                 https://dcs-integration.example.org/checks/passport
  proxy               proxy.example.org:3128
  made                2026-05-12T09:30:00Z, libdcs VERSION

Other findings
  error    The server answered with HTTP 400 and nginx's page `400 The SSL certificate error`.
           Mend the client certificate first; then ask the DCS team whether it is revoked.
           [DCS_CHECK_CLIENT_CERT_ACCEPTED, connection]
  warning  Everybody on this machine may read /etc/dcs/client.key (mode 644).
           Take the rights away: `chmod o-rwx /etc/dcs/client.key`
           [DCS_CHECK_FILE_PERMISSIONS, private key]
  note     /etc/dcs/client.pem has the line ends of Windows (CRLF).
           The library reads it as it is; other programs may not.
           [DCS_CHECK_FILE_INTACT, client certificate]
"
        .replace("VERSION", env!("CARGO_PKG_VERSION"));
        let text = test_reports::expired().text();
        assert!(text.starts_with(&expected), "{text}");
    }

    #[test]
    fn the_rest_is_told_in_turn() {
        let text = test_reports::expired().text();
        for part in [
            "
  client certificate  /etc/dcs/client.pem
                      PEM: 2 certificates
                      It has the line ends of Windows (CRLF).
                      CN=dcs-integration-tls.example.org,O=Example Insurance Ltd,L=Leeds,C=GB
                        2025-04-30 to 2026-04-30, expired 12 days ago
                        thumbprint n2mF0c6H1rQ8kVbT4yZpXwJ3sLdUa9eGiMoRhNqPfEw
",
            "
The way to the root
  dcs-integration-tls.example.org (sent, 2025-04-30 to 2026-04-30, expired 12 days ago)
  `- DCS Integration Issuing CA (sent, 2024-03-03 to 2029-02-27, 1022 days left)
     `- DCS Integration Root CA (in the CA bundle, 2023-01-28 to 2042-10-15, 16 years left)
",
            "
Connection
  dns   passed     3.2 ms  |#                   |  203.0.113.10, 203.0.113.11
  tcp   failed    21.4 ms  | #####              |  203.0.113.10:443: connection refused
  tcp   passed    11.0 ms  |      ##            |  203.0.113.11:443
  tls   passed    38.9 ms  |        #########   |  TLSv1.2, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
  http  failed    12.3 ms  |                 ###|  HTTP 400
",
            "
  asks for yours      yes
  got yours           yes
  accepts yours by    2 CAs
                      CN=DCS Integration Issuing CA,O=Document Checking Service,C=GB
",
            "
  this clock          42 s ahead of the server's
",
            "
  Skipped: The service gave no answer to look at.
    DCS_CHECK_STATUS_BODY
    DCS_CHECK_AVAILABLE
",
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
    }

    #[test]
    fn each_state_has_its_first_line() {
        let first = |report: Report| report.text().lines().next().unwrap().to_owned();
        let checks = crate::Check::ALL.len();
        assert_eq!(
            first(test_reports::all_passed()),
            format!("All is well. All {checks} checks passed.")
        );
        assert!(
            first(test_reports::expires_soon())
                .starts_with("Calls work, with a warning: The client")
        );
        assert_eq!(
            first(test_reports::offline()),
            "Calls fail: The host dcs-integration.example.org cannot be looked up: no such host."
        );
        assert_eq!(
            first(test_reports::empty()),
            "Nothing was checked. No check could be made."
        );
    }

    #[test]
    fn lines_are_short_and_hold_no_control_characters() {
        for (name, report) in test_reports::all() {
            let text = report.text();
            assert!(text.ends_with('\n'));
            for line in text.lines() {
                assert_eq!(line, line.trim_end(), "{name}");
                assert!(!line.contains(char::is_control), "{name}: {line:?}");
                assert!(!line.contains('\u{202e}'), "{name}: {line:?}");
                let is_one_word = words_of(line).any(|word| word.chars().count() > 50);
                assert!(line.chars().count() <= 110 || is_one_word, "{name}: {line}");
            }
        }
    }

    #[test]
    fn colour_changes_nothing_but_the_colour() {
        for (name, report) in test_reports::all() {
            let mut text = report.text_with_colour();
            assert!(text.contains("\u{1b}[1;3"), "{name}");
            while let Some(start) = text.find('\u{1b}') {
                let end = start + text[start..].find('m').unwrap();
                text.replace_range(start..=end, "");
            }
            assert_eq!(text, report.text(), "{name}");
        }
    }

    #[test]
    fn redacted_it_names_nobody() {
        for report in [test_reports::expired(), test_reports::hostile()] {
            let mut report = report.redacted();
            // Neither path nor name, and hostile there on purpose.
            report.url = test_reports::URL.into();
            let text = report.text();
            for private in test_reports::PRIVATE {
                assert!(!text.contains(private), "{private} in {text}");
            }
            assert!(text.contains("[path]"));
        }
    }
}
