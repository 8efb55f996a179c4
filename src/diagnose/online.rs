//! The checks that need the network: DNS lookup, TCP, proxy, TLS and the status call, one step each.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::explain::{advice_without_cause, unknown_issuer};
use super::format::{clock, count};
use super::offline::OfflineChecks;
use super::report::{ConnectionSummary, Finding, Outcome, Step};
use crate::config::Config;
use crate::credentials::x509::Certificate;
use crate::credentials::{CaBundle, CertificateSummary};
use crate::datetime::day;
use crate::error::{Check, Code, Error, Subject};
use crate::handshake::HandshakeCapture;
use crate::redact::{self, Message};
use crate::response;
use crate::sanitize::printable;
use crate::status::Status;
use crate::transport::interception;
use crate::transport::probe::Timed;
use crate::transport::{
    Call, CancelToken, Connector, ConnectorConfig, Deadline, HandshakeInfo, header_text,
};

/// By how much two clocks may differ without a finding.
const MAX_CLOCK_SKEW_SECONDS: i64 = 120;

/// How long an address is tried if another one has already accepted a connection.
const OTHER_ADDRESS_TIMEOUT: Duration = Duration::from_millis(500);

/// How many of the accepted CAs are kept; a server with a public store can name hundreds.
const MAX_ACCEPTED_CAS: usize = 500;

/// The results of the checks that need the network.
#[derive(Default)]
pub(crate) struct OnlineChecks {
    pub(crate) steps: Vec<Step>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) connection: ConnectionSummary,
    /// The service responded to the call with HTTP 200.
    pub(crate) is_answered: bool,
    pub(crate) tls_alert: Option<u8>,
    /// The caller cancelled a step.
    pub(crate) is_interrupted: bool,
}

struct Probe<'a> {
    connector: Arc<Connector>,
    offline: &'a OfflineChecks,
    has_proxy: bool,
    checks: OnlineChecks,
    progress: &'a mut dyn FnMut(&Step),
}

/// Connects to the service step by step, as far as possible, within the configured timeouts.
pub(crate) fn check(
    config: &Config,
    offline: &OfflineChecks,
    token: CancelToken,
    progress: &mut dyn FnMut(&Step),
) -> Result<OnlineChecks, Error> {
    let bundle = offline.files.ca_bundle.as_ref().ok();
    let anchors = bundle.map_or_else(Vec::new, CaBundle::anchors);
    let bundle_name = bundle.map_or("the CA bundle", |bundle| &bundle.name);
    let identity = offline.identity.clone();
    let connector_config = ConnectorConfig::new(config, anchors, bundle_name, identity);
    let connector = Connector::new(connector_config)?;
    let mut probe = Probe {
        connector: Arc::new(connector),
        offline,
        has_proxy: config.proxy.is_some(),
        checks: OnlineChecks::default(),
        progress,
    };
    let deadline = Deadline::new(config.timeout, token);
    if probe.look_up_and_connect(&deadline, config.connect_timeout) {
        probe.handshake_and_call(&deadline);
    }
    probe.skip_unreached();
    Ok(probe.checks)
}

/// The checks on every connection to the service, in their order.
const NETWORK_CHECKS: [Check; 9] = [
    Check::Connect,
    Check::Handshake,
    Check::ServerTrusted,
    Check::ServerValid,
    Check::ServerName,
    Check::ClientCertificateAsked,
    Check::Answer,
    Check::StatusBody,
    Check::Available,
];

impl Probe<'_> {
    fn step(
        &mut self,
        name: &'static str,
        outcome: Outcome,
        duration: Duration,
        message: impl Into<Message>,
    ) {
        let step = Step {
            name,
            outcome,
            duration,
            message: message.into(),
        };
        (self.progress)(&step);
        self.checks.steps.push(step);
    }

    fn timed_step<T>(&mut self, name: &'static str, trial: &Timed<T>, message: impl Into<Message>) {
        match &trial.outcome {
            Ok(_) => self.step(name, Outcome::Passed, trial.duration, message),
            Err(error) => {
                self.checks.is_interrupted |= error.code() == Code::Interrupted;
                let message = error.message_text().clone();
                self.step(name, Outcome::Failed, trial.duration, message);
            }
        }
    }

    /// Adds the checks that the connection did not reach as skipped.
    fn skip_unreached(&mut self) {
        for check in NETWORK_CHECKS {
            let findings = &self.checks.findings;
            if !findings.iter().any(|finding| finding.check == check) {
                let reason = "The connection did not get this far.";
                self.add(Finding::skipped(check, subject_of(check), reason));
            }
        }
    }

    fn passed(&mut self, check: Check, message: impl Into<Message>) {
        self.checks
            .findings
            .push(Finding::passed(check, subject_of(check), message));
    }

    fn failed(&mut self, check: Check, error: &Error) {
        self.checks
            .findings
            .push(Finding::of_error(check, subject_of(check), error));
    }

    fn add(&mut self, finding: Finding) {
        self.checks.findings.push(finding);
    }

    /// Performs the lookup, connects to each address, and opens the proxy's tunnel. Returns whether a handshake can
    /// follow.
    fn look_up_and_connect(&mut self, call: &Deadline, connect_timeout: Duration) -> bool {
        let deadline = call.for_connect(connect_timeout);
        let looked_up = self.connector.probe_lookup(&deadline);
        let first_hop = self.connector.config.first_hop().host.clone();
        let addresses = match &looked_up.outcome {
            Ok(addresses) => addresses.clone(),
            Err(error) => {
                self.timed_step("dns", &looked_up, "");
                self.failed(Check::Resolve, error);
                return false;
            }
        };
        let list = addresses
            .iter()
            .map(|address| address.ip().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        let message = format!(
            "{first_hop} resolves to {}: {list}.",
            count(addresses.len(), "address")
        );
        self.timed_step("dns", &looked_up, message.clone());
        self.passed(Check::Resolve, message);

        let mut reachable = None;
        let mut failures: Vec<Error> = Vec::new();
        for (index, address) in addresses.iter().enumerate() {
            let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let mut share = deadline.remaining().unwrap_or_default() / left;
            if reachable.is_some() {
                // One address works: a dead one must not use up the time for the steps that follow.
                share = share.min(OTHER_ADDRESS_TIMEOUT);
            }
            let trial = self.connector.probe_tcp(*address, &deadline.at_most(share));
            self.timed_step("tcp", &trial, format!("Connected to {address}."));
            match trial.outcome {
                Ok(()) => reachable = reachable.or(Some(*address)),
                Err(error) => failures.push(error),
            }
        }
        let Some(address) = reachable else {
            let check = if self.has_proxy {
                Check::Proxy
            } else {
                Check::Connect
            };
            if let Some(error) = failures.first() {
                let messages: Vec<&str> = failures.iter().map(Error::message).collect();
                let mut message = messages.join(" ");
                if self.has_proxy {
                    message = format!(
                        "The proxy {} cannot be reached: {message}",
                        self.connector.config.first_hop()
                    );
                }
                let finding = Finding::failed(check, subject_of(check), message)
                    .with_advice(error.hint_text().clone());
                self.add(finding);
            }
            return false;
        };
        self.checks.connection.address = Some(address.to_string());
        let check = Check::Connect;
        if failures.is_empty() {
            self.passed(check, format!("A connection to {address} can be opened."));
        } else {
            self.passed(
                check,
                format!(
                    "{} of the {} addresses accept connections; the others may delay new connections.",
                    addresses.len() - failures.len(),
                    addresses.len()
                ),
            );
        }
        if !self.has_proxy {
            return true;
        }
        let trial = self
            .connector
            .probe_proxy(address, &call.for_connect(connect_timeout));
        let message = format!(
            "{first_hop} opened a tunnel to {}.",
            self.connector.peer.name
        );
        self.timed_step("proxy", &trial, message.clone());
        match &trial.outcome {
            Ok(()) => {
                self.passed(Check::Proxy, message);
                true
            }
            Err(error) => {
                self.failed(Check::Proxy, error);
                false
            }
        }
    }

    /// Performs the handshake and the status call.
    fn handshake_and_call(&mut self, deadline: &Deadline) {
        let (mut trial, capture) = self.connector.probe_handshake(deadline);
        self.record_capture(&capture);
        let message = match &trial.outcome {
            Ok(connection) => {
                let info = connection.info;
                trial.duration = info.tls;
                format!("{}, {}.", info.version, info.cipher)
            }
            Err(_) => String::new(),
        };
        self.timed_step("tls", &trial, message.clone());
        let connection = match trial.outcome {
            Ok(connection) => connection,
            Err(error) => return self.handshake_failed(&error, &capture),
        };
        let info = connection.info;
        self.checks.connection.tls_version = Some(info.version);
        self.checks.connection.tls_cipher = Some(info.cipher);
        self.passed(Check::Handshake, message);
        self.server_certificate_passed(&capture);
        self.check_certificate_request(info, &capture);

        let call = Call::new(deadline.clone());
        let sent = Instant::now();
        let answer = self.connector.exchange(Box::new(connection), false, &call);
        let duration = sent.elapsed();
        let outcome = answer.and_then(|answer| {
            self.checks.connection.http_status = Some(answer.status);
            self.check_clock(header_text(&answer.headers, "date"));
            response::read(answer, &call, &self.connector.peer)
        });
        let trial = Timed { outcome, duration };
        self.timed_step("http", &trial, "HTTP 200, with the status.");
        match &trial.outcome {
            Ok(status) => self.call_succeeded(status),
            Err(error) => self.call_failed(error),
        }
    }

    fn record_capture(&mut self, capture: &HandshakeCapture) {
        if capture.client_auth.asked {
            self.checks.connection.client_certificate_asked = Some(true);
            self.checks.connection.client_certificate_sent = Some(capture.client_auth.sent);
        }
        let chain = capture.server_chain.iter();
        self.checks.connection.server_chain = chain
            .filter_map(|der| CertificateSummary::of(&Certificate::new(der.clone())))
            .collect();
        self.checks.connection.accepted_cas = capture
            .accepted_cas
            .iter()
            .take(MAX_ACCEPTED_CAS)
            .filter_map(|name| crate::credentials::x509::name_text(name))
            .map(|name| redact::name(name).into())
            .collect();
    }

    /// Adds the checks on the server's certificate as passed.
    fn server_certificate_passed(&mut self, capture: &HandshakeCapture) {
        let leaf = capture.server_chain.first();
        let Some(leaf) = leaf.map(|der| Certificate::new(der.clone())) else {
            return;
        };
        let Some(fields) = &leaf.fields else { return };
        let (subject, issuer) = (&fields.subject, &fields.issuer);
        match self.inspecting_issuer() {
            Some(issuer) => self.fail_intercepted(&issuer),
            None => self.passed(
                Check::ServerNotIntercepted,
                format!("The server presents {subject}."),
            ),
        }
        self.passed(
            Check::ServerTrusted,
            format!("{subject} was issued by {issuer} and chains to a CA in the CA bundle."),
        );
        self.passed(
            Check::ServerValid,
            format!(
                "The server's certificate is valid until {}.",
                day(fields.not_after)
            ),
        );
        let host = self.connector.config.endpoint.target.host.clone();
        self.passed(
            Check::ServerName,
            format!("The server's certificate is for {host}."),
        );
    }

    /// Checks whether a successful handshake requested the client certificate, and from which CAs.
    fn check_certificate_request(&mut self, info: HandshakeInfo, capture: &HandshakeCapture) {
        let auth = info.client_auth;
        self.checks.connection.client_certificate_asked = Some(auth.asked);
        self.checks.connection.client_certificate_sent = Some(auth.sent);
        if !auth.asked {
            self.add(Finding::failed(
                Check::ClientCertificateAsked,
                Subject::Connection,
                format!(
                    "{} did not request a client certificate.",
                    self.connector.peer.name
                ),
            ));
            return;
        }
        let named = capture.accepted_cas.len();
        self.passed(
            Check::ClientCertificateAsked,
            match named {
                0 => "The server requests a client certificate, and names no CAs.".to_owned(),
                _ => format!(
                    "The server requests a client certificate, and accepts {}.",
                    count(named, "CA")
                ),
            },
        );
        match self.connector.issuer_known() {
            Some(true) => self.passed(
                Check::ClientCertificateIssuer,
                "One of the certificate's issuers is among the CAs that the server accepts.",
            ),
            Some(false) => self.fail_unknown_issuer(),
            None => {}
        }
        if auth.sent {
            self.passed(
                Check::ClientCertificateSent,
                "The client certificate was sent.",
            );
        }
    }

    fn fail_unknown_issuer(&mut self) {
        let certificate_checks = self.offline.certificate_checks.as_ref();
        let finding = unknown_issuer(certificate_checks, &self.checks.connection.accepted_cas);
        self.add(finding);
    }

    fn handshake_failed(&mut self, error: &Error, capture: &HandshakeCapture) {
        self.checks.tls_alert = error.tls_alert();
        self.checks.connection.tls_alert = self.checks.tls_alert;
        match error.code() {
            Code::ServerUntrusted => self.server_untrusted(error, capture),
            Code::ServerName => {
                self.passed(Check::ServerTrusted, Check::ServerTrusted.title());
                self.failed(Check::ServerName, error);
            }
            Code::ClientCertRequired | Code::ClientCertRejected => {
                // The server judged the client's certificate, so its own had passed.
                self.server_certificate_passed(capture);
                if self.connector.issuer_known() == Some(false) {
                    self.fail_unknown_issuer();
                }
                self.call_failed(error);
            }
            _ => {
                let check = error.check().unwrap_or(Check::Handshake);
                self.failed(check, error);
            }
        }
    }

    fn server_untrusted(&mut self, error: &Error, capture: &HandshakeCapture) {
        if self.offline.files.ca_bundle.is_err() {
            self.add(Finding::skipped(
                Check::ServerTrusted,
                Subject::Connection,
                "There is no CA bundle to verify the server's certificate with.",
            ));
            return;
        }
        let names = &self.connector.config.endpoint.server_name;
        if let Some(issuer) = self.inspecting_issuer() {
            self.fail_intercepted(&issuer);
        } else if interception::is_trusted_by_system(&capture.server_chain, names) {
            let issuer = self
                .checks
                .connection
                .server_chain
                .last()
                .map(|top| top.issuer.clone());
            let message = format!(
                "{} presents a certificate issued by {}, a CA that this machine trusts but the CA bundle does not contain: either a proxy or firewall inspects TLS, or the host in the URL is not the DCS's.",
                self.connector.peer.name,
                issuer.as_ref().map_or("(unknown)", Message::marked)
            );
            self.add(Finding::failed(
                Check::ServerNotIntercepted,
                Subject::Connection,
                message,
            ));
        }
        self.failed(Check::ServerTrusted, error);
    }

    /// Returns the first issuer in the server's chain that is a TLS inspection product, according to its name.
    fn inspecting_issuer(&self) -> Option<Message> {
        let shown = self.checks.connection.server_chain.iter();
        shown
            .map(|certificate| &certificate.issuer)
            .find(|issuer| interception::is_inspector(issuer.as_str()))
            .cloned()
    }

    fn fail_intercepted(&mut self, issuer: &Message) {
        let message = format!(
            "{} presents a certificate issued by {}, which is a TLS inspection product according to its name: a proxy or firewall intercepts the connection.",
            self.connector.peer.name,
            issuer.marked()
        );
        self.add(Finding::failed(
            Check::ServerNotIntercepted,
            Subject::Connection,
            message,
        ));
    }

    fn check_clock(&mut self, date: Option<&str>) {
        let Some(server_date) = date.and_then(|date| jiff::fmt::rfc2822::parse(date.trim()).ok())
        else {
            return;
        };
        let Ok(now) = jiff::Timestamp::try_from(SystemTime::now()) else {
            return;
        };
        let skew = now.as_second() - server_date.timestamp().as_second();
        self.checks.connection.clock_skew_seconds = Some(skew);
        let message = format!("This machine's clock is {}.", clock(skew));
        if skew.abs() <= MAX_CLOCK_SKEW_SECONDS {
            self.passed(Check::Clock, message);
        } else {
            self.add(Finding::failed(Check::Clock, Subject::Connection, message));
        }
    }

    fn call_succeeded(&mut self, status: &Status) {
        self.checks.is_answered = true;
        if self.checks.connection.client_certificate_sent == Some(true) {
            self.passed(
                Check::ClientCertificateAccepted,
                Check::ClientCertificateAccepted.title(),
            );
        }
        self.passed(Check::Answer, "HTTP 200.");
        self.passed(Check::StatusBody, Check::StatusBody.title());
        if status.available() {
            self.passed(Check::Available, Check::Available.title());
        } else {
            let why = status
                .message()
                .map_or_else(String::new, |message| format!(": {}", printable(message)));
            self.add(Finding::failed(
                Check::Available,
                Subject::Service,
                format!("The DCS reports that it is not available{why}."),
            ));
        }
    }

    /// Adds the finding of a call that failed after the server's certificate had passed.
    fn call_failed(&mut self, error: &Error) {
        if let Some(alert) = error.tls_alert() {
            self.checks.tls_alert = Some(alert);
            self.checks.connection.tls_alert = Some(alert);
        }
        match error.code() {
            Code::ClientCertRequired if self.offline.identity.is_none() => {
                let is_broken = self.offline.is_unusable;
                if is_broken {
                    self.add(Finding::skipped(
                        Check::ClientCertificateSent,
                        Subject::Certificate,
                        "The server requires a client certificate, and there is no usable one to send.",
                    ));
                } else {
                    self.failed(Check::ClientCertificateSent, error);
                }
            }
            Code::ClientCertRequired => self.failed(Check::ClientCertificateSent, error),
            Code::ClientCertRejected => {
                let advice = advice_without_cause(
                    self.checks.tls_alert,
                    self.offline.certificate_checks.as_ref(),
                );
                let check = Check::ClientCertificateAccepted;
                let finding =
                    Finding::of_error(check, Subject::Certificate, error).with_advice(advice);
                self.add(finding);
            }
            _ => {
                let check = error.check().unwrap_or(Check::Answer);
                self.failed(check, error);
            }
        }
    }
}

fn subject_of(check: Check) -> Subject {
    match check {
        Check::ClientCertificateIssuer
        | Check::ClientCertificateSent
        | Check::ClientCertificateAccepted => Subject::Certificate,
        Check::Answer | Check::StatusBody | Check::Available => Subject::Service,
        _ => Subject::Connection,
    }
}
