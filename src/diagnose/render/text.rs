//! The report for a terminal or a ticket.

use super::outline::{self, Tone, number_of, validity};
use crate::credentials::CertificateSummary;
use crate::datetime::day;
use crate::diagnose::format::{common_name, cut, duration};
use crate::diagnose::report::{FileSummary, Finding, Outcome, Report};
use crate::sanitize::sanitize;

/// Lines end before this column, unless a word is too long.
const WIDTH: usize = 100;
/// The column where the text after a label starts.
const LABEL: usize = 22;
/// The length of the whole timeline.
const BAR: usize = 20;
/// The longest name or path that is shown.
const MAX_NAME: usize = 300;
/// How many certificates of a file, and names of accepted CAs, are shown.
const MAX_LISTED: usize = 20;

impl Report {
    /// Returns the report as plain text of about 100 columns, with the most likely cause and its advice first.
    pub fn text(&self) -> String {
        Page::new(self, false).out
    }

    /// Returns [`Report::text`] with the colours of an ANSI terminal.
    pub fn text_with_colour(&self) -> String {
        Page::new(self, true).out
    }
}

struct Page {
    out: String,
    has_colour: bool,
}

impl Page {
    fn new(report: &Report, has_colour: bool) -> Self {
        let mut page = Page {
            out: String::new(),
            has_colour,
        };
        page.verdict(report);
        page.problems(report);
        page.files(report);
        page.chain(report);
        page.steps(report);
        page.server(report);
        page.checks(report);
        page
    }

    /// Returns text with a control sequence (ECMA-48, SGR) around it, if there are colours.
    fn styled(&self, code: &str, text: &str) -> String {
        if self.has_colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        self.styled("1", text)
    }

    fn coloured(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Ok => "32",
            Tone::Note => "36",
            Tone::Warning => "33",
            Tone::Error => "31",
            Tone::None => "2",
        };
        self.styled(code, text)
    }

    /// Adds a paragraph. Its first line starts with `first`, which takes up `first_width` columns; the other lines
    /// start at `indent`.
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
        // A label without text leaves no space at the end of the line.
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
        let title = self.bold(title);
        self.out.push_str(&title);
        self.out.push('\n');
    }

    fn spaces(&mut self, number: usize) {
        self.out.extend(std::iter::repeat_n(' ', number));
    }

    fn verdict(&mut self, report: &Report) {
        let end = if report.cause().is_some() { ':' } else { '.' };
        let headline = format!("{}{end}", outline::headline(report));
        let width = headline.chars().count() + 1;
        let first = format!(
            "{} ",
            self.bold(&self.coloured(outline::tone(report), &headline))
        );
        match report.cause() {
            None => self.paragraph(&first, width, 2, &outline::passed_sentence(report)),
            Some(cause) => {
                self.paragraph(&first, width, 2, cause.message());
                if !cause.advice().is_empty() {
                    let label = format!("  {} ", self.bold("What to do:"));
                    self.paragraph(&label, 14, 14, cause.advice());
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
        let version = env!("CARGO_PKG_VERSION");
        let created = format!("{}, libdcs {version}", report.created_rfc3339());
        self.labelled("created", &created);
    }

    fn problems(&mut self, report: &Report) {
        let problems = outline::other_problems(report);
        if problems.is_empty() {
            return;
        }
        self.heading("Other findings");
        for finding in problems {
            let name = finding.severity.name();
            let first = format!(
                "  {}",
                self.bold(&self.coloured(finding.severity.into(), name))
            );
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
        self.at(LABEL, &outline::contents(file));
        for repair in &file.repairs {
            self.at(LABEL, &format!("repaired: it {repair}"));
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
        let (tone, description) = validity(certificate, report.created);
        let description = self.coloured(tone, &description);
        let (from, to) = (day(certificate.not_before), day(certificate.not_after));
        self.out.push_str(&format!("{from} to {to}, {description}"));
    }

    fn more<T>(&mut self, list: &[T], indent: usize) {
        if list.len() > MAX_LISTED {
            self.at(indent, &format!("and {} more", list.len() - MAX_LISTED));
        }
    }

    fn chain(&mut self, report: &Report) {
        let links = outline::chain_to_root(report);
        if links.is_empty() {
            return;
        }
        self.heading("Certificate chain");
        for (index, link) in links.into_iter().enumerate() {
            self.spaces(2 + 3 * index.saturating_sub(1));
            self.out.push_str(if index == 0 { "" } else { "`- " });
            let name = cut(common_name(link.name()), 60);
            self.out.push_str(&sanitize(&name));
            self.out.push_str(&format!(" ({}", link.origin()));
            if let Some(certificate) = link.certificate() {
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
        let timeline = outline::timeline(&report.steps);
        for (step, (start, part)) in report.steps.iter().zip(timeline) {
            let outcome = format!("{:<7}", step.outcome.name());
            let outcome = self.coloured(step.outcome.into(), &outcome);
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
        let facts = outline::server_facts(report);
        if facts.is_empty() && connection.server_chain.is_empty() {
            return;
        }
        self.heading("Server");
        for (label, fact) in facts {
            self.labelled(label, &fact);
        }
        if let Some(certificate) = connection.server_chain.first() {
            let (_, description) = validity(certificate, report.created);
            let name = cut(certificate.subject.as_str(), MAX_NAME);
            self.labelled("certificate", &format!("{name} ({description})"));
        }
        if !connection.accepted_cas.is_empty() {
            self.labelled("accepted CAs", &connection.accepted_cas.len().to_string());
            for name in connection.accepted_cas.iter().take(MAX_LISTED) {
                self.at(LABEL, &cut(name.as_str(), MAX_NAME));
            }
            self.more(&connection.accepted_cas, LABEL);
        }
    }

    fn checks(&mut self, report: &Report) {
        if report.findings.is_empty() {
            return;
        }
        self.heading("Checks");
        let [passed, failed, skipped] = [Outcome::Passed, Outcome::Failed, Outcome::Skipped]
            .map(|outcome| number_of(report, outcome));
        self.at(
            2,
            &format!("{passed} passed, {failed} failed, {skipped} skipped"),
        );
        for (reason, findings) in outline::skipped_by_reason(report) {
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

/// Returns a step's part of the whole time as a bar. A step that took time has at least one mark.
fn bar(start: f64, part: f64) -> String {
    // The parts are at most 1, so the products fit.
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

/// Returns the words of a text. Text between backticks stays in one piece, so that a command can be copied.
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
    fn starts_with_the_cause_and_what_to_do() {
        let expected = "\
Calls fail: The client certificate /etc/dcs/client.pem (CN=dcs-integration-tls.example.org,O=Example
  Insurance Ltd,L=Leeds,C=GB) expired on 2026-04-30, 12 days ago.
  What to do: Request a new certificate from the DCS team, with a new key:
              `openssl req -new -newkey rsa:2048 -nodes -keyout /etc/dcs/new.key -out request.csr`
  [DCS_CHECK_CERT_NOT_EXPIRED, client certificate]

  URL                 https://dcs-integration.example.org/checks/passport
  proxy               proxy.example.org:3128
  created             2026-05-12T09:30:00Z, libdcs VERSION

Other findings
  error    The server answered with HTTP 400 and nginx's page `400 The SSL certificate error`.
           Fix the most likely cause first, then try again.
           [DCS_CHECK_CLIENT_CERT_ACCEPTED, connection]
  warning  Every user of this machine may read /etc/dcs/client.key (mode 0644).
           Remove the permissions of all other users: `chmod o-rwx /etc/dcs/client.key`
           [DCS_CHECK_FILE_PERMISSIONS, private key]
  note     /etc/dcs/client.pem has lost its line ends.
           Copy the file again as plain text: this library can read it as it is, but other programs
           may not.
           [DCS_CHECK_FILE_INTACT, client certificate]
"
        .replace("VERSION", env!("CARGO_PKG_VERSION"));
        let text = test_reports::expired().text();
        assert!(text.starts_with(&expected), "{text}");
    }

    #[test]
    fn has_every_section() {
        let text = test_reports::expired().text();
        for part in [
            "
  client certificate  /etc/dcs/client.pem
                      PEM: 2 certificates
                      repaired: it has lost its line ends
                      CN=dcs-integration-tls.example.org,O=Example Insurance Ltd,L=Leeds,C=GB
                        2025-04-30 to 2026-04-30, expired 12 days ago
                        thumbprint n2mF0c6H1rQ8kVbT4yZpXwJ3sLdUa9eGiMoRhNqPfEw
",
            "
Certificate chain
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
  client certificate  requested and sent
  local clock         42 seconds ahead of the server's
",
            "
  accepted CAs        2
                      CN=DCS Integration Issuing CA,O=Document Checking Service,C=GB
",
            "
  Skipped: The connection did not get this far.
    DCS_CHECK_STATUS_BODY
    DCS_CHECK_AVAILABLE
",
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
    }

    #[test]
    fn first_line_has_the_result() {
        let first = |report: Report| report.text().lines().next().unwrap().to_owned();
        let checks = crate::Check::ALL.len();
        assert_eq!(
            first(test_reports::all_passed()),
            format!("Calls work. All {checks} checks passed.")
        );
        assert!(
            first(test_reports::expires_soon())
                .starts_with("Calls work, with a warning: The client")
        );
        assert_eq!(
            first(test_reports::unresolved()),
            "Calls fail: The host dcs-integration.example.org cannot be resolved: no such host."
        );
        assert_eq!(
            first(test_reports::empty()),
            "Nothing was checked. No check could be performed."
        );
    }

    #[test]
    fn lines_are_short_and_contain_no_control_characters() {
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
    fn colour_changes_only_the_colour() {
        for (name, report) in test_reports::all() {
            let mut text = report.text_with_colour();
            assert!(text.contains("\u{1b}[1m\u{1b}["), "{name}");
            while let Some(start) = text.find('\u{1b}') {
                let end = start + text[start..].find('m').unwrap();
                text.replace_range(start..=end, "");
            }
            assert_eq!(text, report.text(), "{name}");
        }
    }

    #[test]
    fn redacted_report_has_no_path_and_no_name() {
        for report in [test_reports::expired(), test_reports::hostile()] {
            let mut report = report.redacted();
            // It is neither a path nor a name, and hostile on purpose.
            report.url = test_reports::URL.into();
            let text = report.text();
            for private in test_reports::PRIVATE {
                assert!(!text.contains(private), "{private} in {text}");
            }
            assert!(text.contains("[path]"));
        }
    }
}
