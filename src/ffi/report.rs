//! `dcs_diagnose` and its report.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::OnceLock;

use super::cancellation::dcs_cancellation;
use super::code::dcs_code;
use super::config::dcs_config;
use super::error::{code_and_error, dcs_error};
use super::{guard, text};
use crate::diagnose::{Finding, Report, Step, diagnose, diagnose_until};

/// Holds what a diagnosis found. Owned by the caller, who frees it with `dcs_report_free`; its texts live until then. It
/// never changes, so several threads may read it at once. It holds no key material and no password;
/// `dcs_report_redacted` also removes paths and names.
///
/// ```c
/// dcs_report *report = NULL;
/// dcs_error *error = NULL;
/// if (dcs_diagnose(config, &report, &error) == DCS_OK) {
///     fputs(dcs_report_text(report), stderr);
///     if (dcs_report_cause(report) >= 0) {
///         fprintf(stderr, "do first: %s\n",
///                 dcs_report_finding_advice(report, (size_t)dcs_report_cause(report)));
///     }
/// }
/// dcs_report_free(report);
/// dcs_error_free(error);
/// ```
pub struct dcs_report {
    report: Report,
    findings: Vec<FindingTexts>,
    steps: Vec<StepTexts>,
    // The documents are long, and few callers want all three: each is made when it is first asked for.
    text: OnceLock<CString>,
    json: OnceLock<CString>,
    html: OnceLock<CString>,
}

struct FindingTexts {
    check: CString,
    outcome: CString,
    severity: CString,
    subject: CString,
    title: CString,
    message: CString,
    advice: CString,
}

struct StepTexts {
    name: CString,
    outcome: CString,
    message: CString,
}

/// The compiler checks here that threads may read a report without a lock.
const _: fn() = || {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<dcs_report>();
};

impl dcs_report {
    fn into_raw(report: Report) -> *mut dcs_report {
        Box::into_raw(Box::new(dcs_report {
            findings: report.findings().iter().map(FindingTexts::new).collect(),
            steps: report.steps().iter().map(StepTexts::new).collect(),
            text: OnceLock::new(),
            json: OnceLock::new(),
            html: OnceLock::new(),
            report,
        }))
    }
}

impl FindingTexts {
    fn new(finding: &Finding) -> Self {
        FindingTexts {
            check: finding.check().c_name().to_owned(),
            outcome: text::owned(finding.outcome().name()),
            severity: text::owned(finding.severity().name()),
            subject: text::owned(finding.subject().name()),
            title: text::owned(finding.check().title()),
            message: text::owned(finding.message()),
            advice: text::owned(finding.advice()),
        }
    }
}

impl StepTexts {
    fn new(step: &Step) -> Self {
        StepTexts {
            name: text::owned(step.name()),
            outcome: text::owned(step.outcome().name()),
            message: text::owned(step.message()),
        }
    }
}

/// Checks a configuration from the files to the service's answer, and reports what is wrong.
///
/// Returns `DCS_OK` for every diagnosis, even if it found that calls fail: the report describes that.
/// It works on a configuration from which no client can be created, and makes every check that is still
/// possible.
///
/// It connects to the service and makes the status call, in the calling thread, within the
/// configuration's timeouts. It reads the three files and, if the server's certificate is not trusted,
/// the CA certificates that this machine trusts. It writes nothing. The configuration is only borrowed.
///
/// On success `report` receives a report, which the caller frees.
///
/// Errors: `DCS_ERR_INVALID_ARGUMENT` if `config` or `report` is NULL, or if a setter rejected a value
/// and the option was not set since; `DCS_ERR_INTERNAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_diagnose(
    config: *const dcs_config,
    report: *mut *mut dcs_report,
    error: *mut *mut dcs_error,
) -> dcs_code {
    code_and_error(error, || {
        // SAFETY: the caller's duty, see the module.
        unsafe {
            guard::clear(report);
            let config = guard::required(config, "config")?;
            if report.is_null() {
                return Err(guard::is_null("report"));
            }
            *report = dcs_report::into_raw(diagnose(&config.config)?);
        }
        Ok(())
    })
}

/// As `dcs_diagnose`. Also ends with `DCS_ERR_INTERRUPTED` and without a report when `cancellation` is
/// cancelled: within 100 ms if it is waiting for the network. The cancellation is only borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_diagnose_until(
    config: *const dcs_config,
    cancellation: *const dcs_cancellation,
    report: *mut *mut dcs_report,
    error: *mut *mut dcs_error,
) -> dcs_code {
    code_and_error(error, || {
        // SAFETY: the caller's duty, see the module.
        unsafe {
            guard::clear(report);
            let config = guard::required(config, "config")?;
            let handle = guard::required(cancellation, "cancellation")?;
            if report.is_null() {
                return Err(guard::is_null("report"));
            }
            let made = diagnose_until(&config.config, &handle.cancellation)?;
            *report = dcs_report::into_raw(made);
        }
        Ok(())
    })
}

/// Returns 1 if no check of severity "error" failed, otherwise 0. Warnings and notes do not count. -1
/// for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_ok(report: *const dcs_report) -> i32 {
    guard::read(report, -1, |r| i32::from(r.report.ok()))
}

/// Returns the index of the finding that is the most likely cause of what is wrong. -1 if nothing is
/// wrong (notes do not count), and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_cause(report: *const dcs_report) -> i32 {
    guard::read(report, -1, |r| r.report.cause().map_or(-1, |_| 0))
}

/// Returns the whole report for a terminal or a log: lines of plain text, the most likely cause first.
/// NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_text(report: *const dcs_report) -> *const c_char {
    guard::read(report, ptr::null(), |r| {
        r.text
            .get_or_init(|| text::owned(&r.report.text()))
            .as_ptr()
    })
}

/// Returns the whole report for a program: one JSON object, whose member `schema` is the version of its
/// layout. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_json(report: *const dcs_report) -> *const c_char {
    guard::read(report, ptr::null(), |r| {
        r.json
            .get_or_init(|| text::owned(&r.report.json()))
            .as_ptr()
    })
}

/// Returns the whole report for a browser: one HTML document that loads nothing else. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_html(report: *const dcs_report) -> *const c_char {
    guard::read(report, ptr::null(), |r| {
        r.html
            .get_or_init(|| text::owned(&r.report.html()))
            .as_ptr()
    })
}

/// Creates the same report without paths and without the names in certificates: `[path]` and `[name]`
/// replace them. The caller frees the new report too; the first one stays as it is.
///
/// Errors: `DCS_ERR_INVALID_ARGUMENT` if `report` or `redacted` is NULL; `DCS_ERR_INTERNAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_redacted(
    report: *const dcs_report,
    redacted: *mut *mut dcs_report,
    error: *mut *mut dcs_error,
) -> dcs_code {
    code_and_error(error, || {
        // SAFETY: the caller's duty, see the module.
        unsafe {
            guard::clear(redacted);
            let report = guard::required(report, "report")?;
            if redacted.is_null() {
                return Err(guard::is_null("redacted"));
            }
            *redacted = dcs_report::into_raw(report.report.redacted());
        }
        Ok(())
    })
}

/// Returns the pointer to a text of a finding.
fn finding_text(
    report: *const dcs_report,
    index: usize,
    field: impl FnOnce(&FindingTexts) -> &CString,
) -> *const c_char {
    guard::read(report, ptr::null(), |r| {
        text::pointer(r.findings.get(index).map(field))
    })
}

/// Returns the pointer to a text of a step.
fn step_text(
    report: *const dcs_report,
    index: usize,
    field: impl FnOnce(&StepTexts) -> &CString,
) -> *const c_char {
    guard::read(report, ptr::null(), |r| {
        text::pointer(r.steps.get(index).map(field))
    })
}

/// Returns the number of findings: one for each check, also for those that could not be made. 0 for
/// NULL.
///
/// Failed checks come first, and the most likely cause is the first of them; see `dcs_report_cause`.
/// Skipped and passed checks follow, in the order in which they are made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_finding_count(report: *const dcs_report) -> usize {
    guard::read(report, 0, |r| r.findings.len())
}

/// Returns the name of the check, such as "DCS_CHECK_CERT_NOT_EXPIRED". Names are only ever added, so
/// monitoring may rely on them. NULL for an index that is too large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_finding_check(
    report: *const dcs_report,
    index: usize,
) -> *const c_char {
    finding_text(report, index, |finding| &finding.check)
}

/// Returns the outcome of the check: "passed", "failed", or "skipped" if something that it needs is
/// missing. NULL for an index that is too large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_finding_outcome(
    report: *const dcs_report,
    index: usize,
) -> *const c_char {
    finding_text(report, index, |finding| &finding.outcome)
}

/// Returns how severe a failure of the check is. "error": calls fail. "warning": calls succeed for now
/// or may succeed, but something should be done. "note": nothing has to be done. NULL for an index that
/// is too large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_finding_severity(
    report: *const dcs_report,
    index: usize,
) -> *const c_char {
    finding_text(report, index, |finding| &finding.severity)
}

/// Returns what the finding is about: "ca_bundle", "certificate", "private_key", "connection" or
/// "service". NULL for an index that is too large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_finding_subject(
    report: *const dcs_report,
    index: usize,
) -> *const c_char {
    finding_text(report, index, |finding| &finding.subject)
}

/// Returns the condition under which the check passes, as a sentence. NULL for an index that is too
/// large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_finding_title(
    report: *const dcs_report,
    index: usize,
) -> *const c_char {
    finding_text(report, index, |finding| &finding.title)
}

/// Returns what the check found, with the file or host it concerns. NULL for an index that is too
/// large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_finding_message(
    report: *const dcs_report,
    index: usize,
) -> *const c_char {
    finding_text(report, index, |finding| &finding.message)
}

/// Returns what to do about it; "" if nothing has to be done. NULL for an index that is too large, and
/// for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_finding_advice(
    report: *const dcs_report,
    index: usize,
) -> *const c_char {
    finding_text(report, index, |finding| &finding.advice)
}

/// Returns the number of steps of the status call, from the lookup to the answer. Their indexes follow
/// the order in which they were made. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_step_count(report: *const dcs_report) -> usize {
    guard::read(report, 0, |r| r.steps.len())
}

/// Returns "dns", "tcp" (once for each address), "proxy", "tls" or "http". NULL for an index that is
/// too large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_step_name(
    report: *const dcs_report,
    index: usize,
) -> *const c_char {
    step_text(report, index, |step| &step.name)
}

/// Returns how the step ended: "passed", "failed" or "skipped". NULL for an index that is too large,
/// and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_step_outcome(
    report: *const dcs_report,
    index: usize,
) -> *const c_char {
    step_text(report, index, |step| &step.outcome)
}

/// Returns what the step found, such as the addresses, or the TLS version and cipher suite. NULL for an
/// index that is too large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_step_message(
    report: *const dcs_report,
    index: usize,
) -> *const c_char {
    step_text(report, index, |step| &step.message)
}

/// Returns how long the step took, in microseconds. 0 for a step that was not made. -1 for an index
/// that is too large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_step_us(report: *const dcs_report, index: usize) -> i64 {
    guard::read(report, -1, |r| {
        r.report.steps().get(index).map_or(-1, |step| {
            i64::try_from(step.duration().as_micros()).unwrap_or(i64::MAX)
        })
    })
}

/// Frees a report. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_report_free(report: *mut dcs_report) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(report) };
}
