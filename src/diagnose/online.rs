//! The checks that need the network: DNS lookup, TCP, proxy, TLS and the status call, one step each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::explain::{advice_without_cause, unknown_issuer};
use super::format::{clock, count};
use super::offline::OfflineChecks;
use super::report::{ConnectionSummary, Finding, Outcome, Step};
use crate::config::Config;
use crate::credentials::x509::{Certificate, name_text};
use crate::credentials::{CaBundle, CertificateSummary};
use crate::datetime::{day, unix_seconds};
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

/// The checks on every connection to the service, in their order.
const CONNECTION_CHECKS: [Check; 9] = [
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

/// The results of the checks that need the network.
#[derive(Default)]
pub(crate) struct OnlineChecks {
    pub(crate) steps: Vec<Step>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) connection: ConnectionSummary,
    /// The service responded to the call with HTTP 200.
    pub(crate) is_answered: bool,
    /// The caller cancelled a step.
    pub(crate) is_interrupted: bool,
}

struct Probe<'a> {
    connector: Connector,
    has_proxy: bool,
    offline: &'a OfflineChecks,
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
    let mut probe = Probe {
        connector: Connector::new(connector_config)?,
        has_proxy: config.proxy.is_some(),
        offline,
        checks: OnlineChecks::default(),
        progress,
    };
    let deadline = Deadline::new(config.timeout, token);
    if probe.reach(&deadline, config.connect_timeout).is_some() {
        probe.handshake_and_call(&deadline);
    }
    for check in CONNECTION_CHECKS {
        let findings = &mut probe.checks.findings;
        if !findings.iter().any(|finding| finding.check == check) {
            let reason = "The connection did not get this far.";
            findings.push(Finding::skipped(check, subject_of(check), reason));
        }
    }
    Ok(probe.checks)
}

impl Probe<'_> {
    /// Adds a step that was performed. `message` says what it achieved if it passed.
    fn step<T>(
        &mut self,
        name: &'static str,
        timed: &Timed<T>,
        message: impl FnOnce(&T) -> String,
    ) {
        let (outcome, message) = match &timed.outcome {
            Ok(result) => (Outcome::Passed, message(result).into()),
            Err(error) => {
                self.checks.is_interrupted |= error.code() == Code::Interrupted;
                (Outcome::Failed, error.message_text().clone())
            }
        };
        let step = Step {
            name,
            outcome,
            duration: timed.duration,
            message,
        };
        (self.progress)(&step);
        self.checks.steps.push(step);
    }

    fn add(&mut self, finding: Finding) {
        self.checks.findings.push(finding);
    }

    fn passed(&mut self, check: Check, message: impl Into<Message>) {
        self.add(Finding::passed(check, subject_of(check), message));
    }

    fn holds(&mut self, check: Check) {
        self.add(Finding::holds(check, subject_of(check)));
    }

    fn failed(&mut self, check: Check, message: impl Into<Message>) {
        self.add(Finding::failed(check, subject_of(check), message));
    }

    fn failed_with(&mut self, check: Check, error: &Error) {
        self.add(Finding::of_error(check, subject_of(check), error));
    }

    /// Looks up the host, connects to each of its addresses, and opens the proxy's tunnel. Returns `None` if one of
    /// these fails.
    fn reach(&mut self, call: &Deadline, connect_timeout: Duration) -> Option<()> {
        let deadline = call.for_connect(connect_timeout);
        let addresses = self.look_up(&deadline)?;
        let address = self.connect(&addresses, &deadline)?;
        self.checks.connection.address = Some(address.to_string());
        if self.has_proxy {
            self.open_tunnel(address, &call.for_connect(connect_timeout))?;
        }
        Some(())
    }

    fn look_up(&mut self, deadline: &Deadline) -> Option<Arc<[SocketAddr]>> {
        let host = self.connector.config.first_hop().host.clone();
        let lookup = self.connector.probe_lookup(deadline);
        let message = |addresses: &Arc<[SocketAddr]>| {
            let list: Vec<_> = addresses
                .iter()
                .map(|address| address.ip().to_string())
                .collect();
            let number = count(list.len(), "address");
            format!("{host} resolves to {number}: {}.", list.join(", "))
        };
        self.step("dns", &lookup, message);
        match lookup.outcome {
            Ok(addresses) => {
                self.passed(Check::Resolve, message(&addresses));
                Some(addresses)
            }
            Err(error) => {
                self.failed_with(Check::Resolve, &error);
                None
            }
        }
    }

    /// Connects to each address, and returns the first one that accepts a connection.
    fn connect(&mut self, addresses: &[SocketAddr], deadline: &Deadline) -> Option<SocketAddr> {
        let mut reachable = None;
        let mut errors: Vec<Error> = Vec::new();
        for (index, address) in addresses.iter().enumerate() {
            let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let mut share = deadline.remaining().unwrap_or_default() / left;
            if reachable.is_some() {
                // One address works: a dead one must not use up the time for the steps that follow.
                share = share.min(OTHER_ADDRESS_TIMEOUT);
            }
            let attempt = self.connector.probe_tcp(*address, &deadline.at_most(share));
            self.step("tcp", &attempt, |()| format!("Connected to {address}."));
            match attempt.outcome {
                Ok(()) => reachable = reachable.or(Some(*address)),
                Err(error) => errors.push(error),
            }
        }
        match (reachable, errors.first()) {
            (Some(address), None) => {
                let message = format!("A connection to {address} can be opened.");
                self.passed(Check::Connect, message);
            }
            (Some(_), Some(_)) => {
                let message = format!(
                    "{} of the {} addresses accept connections; the others may delay new connections.",
                    addresses.len() - errors.len(),
                    addresses.len()
                );
                self.passed(Check::Connect, message);
            }
            (None, Some(first)) => {
                let messages: Vec<&str> = errors.iter().map(Error::message).collect();
                let mut message = messages.join(" ");
                let mut check = Check::Connect;
                if self.has_proxy {
                    let proxy = self.connector.config.first_hop();
                    message = format!("The proxy {proxy} cannot be reached: {message}");
                    check = Check::Proxy;
                }
                let finding = Finding::failed(check, Subject::Connection, message);
                self.add(finding.with_advice(first.hint_text().clone()));
            }
            (None, None) => {}
        }
        reachable
    }

    fn open_tunnel(&mut self, address: SocketAddr, deadline: &Deadline) -> Option<()> {
        let tunnel = self.connector.probe_proxy(address, deadline);
        let message = format!(
            "{} opened a tunnel to {}.",
            self.connector.config.first_hop().host,
            self.connector.peer.name
        );
        self.step("proxy", &tunnel, |()| message.clone());
        match &tunnel.outcome {
            Ok(()) => self.passed(Check::Proxy, message),
            Err(error) => self.failed_with(Check::Proxy, error),
        }
        tunnel.outcome.ok()
    }

    fn handshake_and_call(&mut self, deadline: &Deadline) {
        let (mut handshake, capture) = self.connector.probe_handshake(deadline);
        self.record_capture(&capture);
        if let Ok(connection) = &handshake.outcome {
            handshake.duration = connection.info.tls;
        }
        let message = |info: HandshakeInfo| format!("{}, {}.", info.version, info.cipher);
        self.step("tls", &handshake, |connection| message(connection.info));
        let connection = match handshake.outcome {
            Ok(connection) => connection,
            Err(error) => return self.handshake_failed(&error, &capture),
        };
        let info = connection.info;
        self.checks.connection.tls_version = Some(info.version);
        self.checks.connection.tls_cipher = Some(info.cipher);
        self.passed(Check::Handshake, message(info));
        self.server_certificate_passed(&capture);
        self.check_certificate_request(info, &capture);

        let call = Call::new(deadline.clone());
        let sent = Instant::now();
        let response = self.connector.exchange(Box::new(connection), false, &call);
        let duration = sent.elapsed();
        let outcome = response.and_then(|response| {
            self.checks.connection.http_status = Some(response.status);
            self.check_clock(header_text(&response.headers, "date"));
            response::read(response, &call, &self.connector.peer)
        });
        let exchange = Timed { outcome, duration };
        self.step("http", &exchange, |_| "HTTP 200, with the status.".into());
        match &exchange.outcome {
            Ok(status) => self.call_succeeded(status),
            Err(error) => self.call_failed(error),
        }
    }

    fn record_capture(&mut self, capture: &HandshakeCapture) {
        let connection = &mut self.checks.connection;
        if capture.client_auth.asked {
            connection.client_certificate_asked = Some(true);
            connection.client_certificate_sent = Some(capture.client_auth.sent);
        }
        connection.server_chain = capture
            .server_chain
            .iter()
            .filter_map(|der| CertificateSummary::of(&Certificate::new(der.clone())))
            .collect();
        connection.accepted_cas = capture
            .accepted_cas
            .iter()
            .take(MAX_ACCEPTED_CAS)
            .filter_map(|name| name_text(name))
            .map(|name| redact::name(name).into())
            .collect();
    }

    /// Adds the checks on the server's certificate as passed.
    fn server_certificate_passed(&mut self, capture: &HandshakeCapture) {
        let leaf = capture.server_chain.first();
        let Some(fields) = leaf.and_then(|der| Certificate::new(der.clone()).fields) else {
            return;
        };
        let (subject, issuer) = (&fields.subject, &fields.issuer);
        if !self.check_inspecting_issuer() {
            let message = format!("The server presents {subject}.");
            self.passed(Check::ServerNotIntercepted, message);
        }
        let message =
            format!("{subject} was issued by {issuer} and chains to a CA in the CA bundle.");
        self.passed(Check::ServerTrusted, message);
        let until = day(fields.not_after);
        let message = format!("The server's certificate is valid until {until}.");
        self.passed(Check::ServerValid, message);
        let host = &self.connector.config.endpoint.target.host;
        let message = format!("The server's certificate is for {host}.");
        self.passed(Check::ServerName, message);
    }

    /// Checks whether a successful handshake requested the client certificate, and from which CAs.
    fn check_certificate_request(&mut self, info: HandshakeInfo, capture: &HandshakeCapture) {
        let auth = info.client_auth;
        self.checks.connection.client_certificate_asked = Some(auth.asked);
        self.checks.connection.client_certificate_sent = Some(auth.sent);
        if !auth.asked {
            let peer = &self.connector.peer.name;
            let message = format!("{peer} did not request a client certificate.");
            return self.failed(Check::ClientCertificateAsked, message);
        }
        let accepted = match capture.accepted_cas.len() {
            0 => "names no CAs".into(),
            number => format!("accepts {}", count(number, "CA")),
        };
        let message = format!("The server requests a client certificate, and {accepted}.");
        self.passed(Check::ClientCertificateAsked, message);
        match self.connector.issuer_known() {
            Some(true) => self.passed(
                Check::ClientCertificateIssuer,
                "One of the certificate's issuers is among the CAs that the server accepts.",
            ),
            Some(false) => self.fail_unknown_issuer(),
            None => {}
        }
        if auth.sent {
            self.holds(Check::ClientCertificateSent);
        }
    }

    fn fail_unknown_issuer(&mut self) {
        let certificate_checks = self.offline.certificate_checks.as_ref();
        let finding = unknown_issuer(certificate_checks, &self.checks.connection.accepted_cas);
        self.add(finding);
    }

    fn handshake_failed(&mut self, error: &Error, capture: &HandshakeCapture) {
        self.checks.connection.tls_alert = error.tls_alert();
        match error.code() {
            Code::ServerUntrusted => self.server_untrusted(error, capture),
            Code::ServerName => {
                self.holds(Check::ServerTrusted);
                self.failed_with(Check::ServerName, error);
            }
            Code::ClientCertRequired | Code::ClientCertRejected => {
                // The server judged the client's certificate, so its own had passed.
                self.server_certificate_passed(capture);
                if self.connector.issuer_known() == Some(false) {
                    self.fail_unknown_issuer();
                }
                self.call_failed(error);
            }
            _ => self.failed_with(error.check().unwrap_or(Check::Handshake), error),
        }
    }

    fn server_untrusted(&mut self, error: &Error, capture: &HandshakeCapture) {
        if self.offline.files.ca_bundle.is_err() {
            return self.add(Finding::skipped(
                Check::ServerTrusted,
                Subject::Connection,
                "There is no CA bundle to verify the server's certificate with.",
            ));
        }
        if !self.check_inspecting_issuer()
            && interception::is_trusted_by_system(
                &capture.server_chain,
                &self.connector.config.endpoint.server_name,
            )
        {
            let top = self.checks.connection.server_chain.last();
            let message = format!(
                "{} presents a certificate issued by {}, a CA that this machine trusts but the CA bundle does not contain: either a proxy or firewall inspects TLS, or the host in the URL is not the DCS's.",
                self.connector.peer.name,
                top.map_or("(unknown)", |top| top.issuer.marked())
            );
            self.failed(Check::ServerNotIntercepted, message);
        }
        self.failed_with(Check::ServerTrusted, error);
    }

    /// Adds a finding if an issuer in the server's chain is a TLS inspection product, and returns whether one is.
    fn check_inspecting_issuer(&mut self) -> bool {
        let mut chain = self.checks.connection.server_chain.iter();
        let Some(inspecting) =
            chain.find(|certificate| interception::is_inspector(certificate.issuer.as_str()))
        else {
            return false;
        };
        let message = format!(
            "{} presents a certificate issued by {}, which is a TLS inspection product according to its name: a proxy or firewall intercepts the connection.",
            self.connector.peer.name,
            inspecting.issuer.marked()
        );
        self.failed(Check::ServerNotIntercepted, message);
        true
    }

    fn check_clock(&mut self, date: Option<&str>) {
        let server = date.and_then(|date| jiff::fmt::rfc2822::parse(date.trim()).ok());
        let (Some(server), Some(now)) = (server, unix_seconds(SystemTime::now())) else {
            return;
        };
        let skew = now - server.timestamp().as_second();
        self.checks.connection.clock_skew_seconds = Some(skew);
        let message = format!("This machine's clock is {}.", clock(skew));
        if skew.abs() <= MAX_CLOCK_SKEW_SECONDS {
            self.passed(Check::Clock, message);
        } else {
            self.failed(Check::Clock, message);
        }
    }

    fn call_succeeded(&mut self, status: &Status) {
        self.checks.is_answered = true;
        if self.checks.connection.client_certificate_sent == Some(true) {
            self.holds(Check::ClientCertificateAccepted);
        }
        self.passed(Check::Answer, "HTTP 200.");
        self.holds(Check::StatusBody);
        if status.available() {
            return self.holds(Check::Available);
        }
        let reason = status
            .message()
            .map_or_else(String::new, |message| format!(": {}", printable(message)));
        let message = format!("The DCS reports that it is not available{reason}.");
        self.failed(Check::Available, message);
    }

    /// Adds the finding of a call that failed after the server's certificate had passed.
    fn call_failed(&mut self, error: &Error) {
        let alert = error.tls_alert().or(self.checks.connection.tls_alert);
        self.checks.connection.tls_alert = alert;
        let offline = self.offline;
        match error.code() {
            Code::ClientCertRequired if offline.identity.is_none() && offline.is_unusable => {
                self.add(Finding::skipped(
                    Check::ClientCertificateSent,
                    Subject::Certificate,
                    "The server requires a client certificate, and there is no usable one to send.",
                ));
            }
            Code::ClientCertRejected => {
                let advice = advice_without_cause(alert, offline.certificate_checks.as_ref());
                let check = Check::ClientCertificateAccepted;
                self.add(Finding::of_error(check, subject_of(check), error).with_advice(advice));
            }
            _ => self.failed_with(error.check().unwrap_or(Check::Answer), error),
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
