//! The report for programs. `docs/report.md` and `docs/report.schema.json` describe it; a test checks it against the
//! latter.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::credentials::CertificateSummary;
use crate::diagnose::report::{ConnectionSummary, FileSummary, Finding, Report, Step};
use crate::error::Severity;
use crate::redact::Message;

/// Changes if a field is removed or changes its meaning, but not if one is added.
const SCHEMA: u32 = 1;

impl Report {
    /// Returns the report as JSON, in the form that `docs/report.md` describes. Later versions of the library may add
    /// fields; `schema` changes if a field is removed or changes its meaning.
    pub fn json(&self) -> String {
        let value = json!({
            "schema": SCHEMA,
            "libdcs": env!("CARGO_PKG_VERSION"),
            "created": self.created_rfc3339(),
            "ok": self.ok(),
            "worst": self.worst().map(Severity::name),
            "url": self.url,
            "proxy": self.proxy,
            "cause": self.cause().map(|cause| cause.check.name()),
            "findings": self.findings.iter().map(finding).collect::<Value>(),
            "steps": self.steps.iter().map(step).collect::<Value>(),
            "files": self.files.iter().map(|read| file(read, self.created)).collect::<Value>(),
            "chain": certificates(&self.chain, self.created),
            "connection": connection(&self.connection, self.created),
        });
        format!("{value:#}\n")
    }
}

fn finding(finding: &Finding) -> Value {
    json!({
        "check": finding.check.name(),
        "outcome": finding.outcome.name(),
        "severity": finding.severity.name(),
        "subject": finding.subject.name(),
        "title": finding.check.title(),
        "message": finding.message(),
        "advice": finding.advice(),
    })
}

fn step(step: &Step) -> Value {
    json!({
        "name": step.name,
        "outcome": step.outcome.name(),
        "duration_us": u64::try_from(step.duration.as_micros()).unwrap_or(u64::MAX),
        "message": step.message(),
    })
}

fn file(file: &FileSummary, now: SystemTime) -> Value {
    json!({
        "subject": file.subject.name(),
        "source": file.source.as_str(),
        "format": file.format,
        "repairs": file.repairs,
        "certificates": certificates(&file.certificates, now),
        "key": file.key,
    })
}

fn connection(connection: &ConnectionSummary, now: SystemTime) -> Value {
    json!({
        "address": connection.address,
        "tls_version": connection.tls_version,
        "tls_cipher": connection.tls_cipher,
        "tls_alert": connection.tls_alert,
        "server_chain": certificates(&connection.server_chain, now),
        "client_certificate_asked": connection.client_certificate_asked,
        "client_certificate_sent": connection.client_certificate_sent,
        "accepted_cas": connection.accepted_cas.iter().map(Message::as_str).collect::<Value>(),
        "http_status": connection.http_status,
        "clock_skew_seconds": connection.clock_skew_seconds,
    })
}

fn certificates(list: &[CertificateSummary], now: SystemTime) -> Value {
    list.iter()
        .map(|certificate| {
            let mut value = json!(certificate);
            value["days_left"] = json!(certificate.days_left(now));
            value
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::diagnose::render::test_reports;

    fn parsed(report: &Report) -> Value {
        serde_json::from_str(&report.json()).unwrap()
    }

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../../docs/report.schema.json")).unwrap()
    }

    /// Checks a value against the keywords of JSON Schema 2020-12 that the report's schema uses. Any other keyword is
    /// an error, so that none is ignored, and so is a field that the schema does not describe.
    fn validate(root: &Value, schema: &Value, value: &Value, at: &str) {
        for (keyword, expected) in schema.as_object().unwrap() {
            match keyword.as_str() {
                "$schema" | "$id" | "$defs" | "title" | "description" | "examples" | "format" => {}
                "additionalProperties" => assert_eq!(expected, true, "{at}"),
                "$ref" => {
                    let pointer = expected.as_str().unwrap().strip_prefix('#').unwrap();
                    validate(root, root.pointer(pointer).unwrap(), value, at);
                }
                "const" => assert_eq!(value, expected, "{at}"),
                "enum" => assert!(
                    expected.as_array().unwrap().contains(value),
                    "{at}: {value}"
                ),
                "minimum" => assert!(
                    value.is_null() || value.as_f64() >= expected.as_f64(),
                    "{at}: {value}"
                ),
                "type" => {
                    let kinds: Vec<_> = match expected {
                        Value::Array(kinds) => kinds.iter().collect(),
                        kind => vec![kind],
                    };
                    assert!(
                        kinds.iter().any(|kind| has_type(value, kind)),
                        "{at}: {value}"
                    );
                }
                "required" => {
                    for name in expected.as_array().unwrap() {
                        assert!(value.get(name.as_str().unwrap()).is_some(), "{at}.{name}");
                    }
                }
                "properties" => {
                    for (name, value) in value.as_object().unwrap() {
                        let schema = expected
                            .get(name)
                            .unwrap_or_else(|| panic!("{at}.{name} is not in the schema"));
                        validate(root, schema, value, &format!("{at}.{name}"));
                    }
                }
                "items" => {
                    for (index, value) in value.as_array().unwrap().iter().enumerate() {
                        validate(root, expected, value, &format!("{at}[{index}]"));
                    }
                }
                other => panic!("the test does not support the keyword {other} ({at})"),
            }
        }
    }

    fn has_type(value: &Value, kind: &Value) -> bool {
        match kind.as_str().unwrap() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("the test does not support the type {other}"),
        }
    }

    #[test]
    fn reports_match_the_schema() {
        let schema = schema();
        for (name, report) in test_reports::all() {
            validate(&schema, &schema, &parsed(&report), name);
        }
    }

    /// Collects the names of all fields, at any depth.
    fn fields(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    into.insert(name.clone());
                    fields(value, into);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| fields(item, into)),
            _ => {}
        }
    }

    #[test]
    fn every_field_is_required_and_documented() {
        let mut names = BTreeSet::new();
        fields(&parsed(&test_reports::expired()), &mut names);
        let documentation = include_str!("../../../docs/report.md");
        for name in &names {
            assert!(
                documentation.contains(&format!("| `{name}` |")),
                "{name} is not in docs/report.md"
            );
        }
        let schema = schema();
        let mut objects: Vec<_> = schema["$defs"].as_object().unwrap().values().collect();
        objects.push(&schema);
        for object in objects.iter().filter(|object| object["type"] == "object") {
            let described: BTreeSet<_> = object["properties"].as_object().unwrap().keys().collect();
            let required: BTreeSet<_> = object["required"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap())
                .collect();
            assert!(described.iter().map(|name| name.as_str()).eq(required));
            assert!(described.iter().all(|name| names.contains(*name)));
            let described = object["properties"].as_object().unwrap().values();
            for field in described {
                let description = field["description"].as_str();
                assert!(
                    description.is_some_and(|text| text.ends_with('.')),
                    "{field}"
                );
            }
        }
    }

    #[test]
    fn has_what_was_found() {
        let report = parsed(&test_reports::expired());
        assert_eq!(report["schema"], 1);
        assert_eq!(report["created"], "2026-05-12T09:30:00Z");
        assert_eq!(report["ok"], false);
        assert_eq!(report["worst"], "error");
        assert_eq!(report["cause"], "DCS_CHECK_CERT_NOT_EXPIRED");
        assert_eq!(report["findings"][0]["check"], report["cause"]);
        assert_eq!(report["findings"][2]["severity"], "warning");
        assert_eq!(report["steps"][1]["duration_us"], 21_450);
        assert_eq!(report["steps"][1]["outcome"], "failed");
        assert_eq!(report["files"][2]["key"], "RSA 2048");
        assert_eq!(report["chain"][0]["days_left"], -12);
        assert_eq!(report["chain"][0]["not_after"], "2026-04-30T09:30:00Z");
        assert_eq!(report["connection"]["http_status"], 400);
        assert_eq!(report["connection"]["tls_alert"], Value::Null);

        let report = parsed(&test_reports::all_passed());
        assert_eq!(report["ok"], true);
        assert_eq!(report["worst"], Value::Null);
        assert_eq!(report["cause"], Value::Null);
        assert_eq!(report["proxy"], Value::Null);
        assert_eq!(parsed(&test_reports::expires_soon())["worst"], "warning");
    }

    #[test]
    fn texts_are_complete() {
        let report = parsed(&test_reports::hostile());
        let subject = report["chain"][0]["subject"].as_str().unwrap();
        assert!(subject.contains("<script>alert(1)</script>\"'&amp;"));
        assert!(report["chain"][0]["issuer"].as_str().unwrap().len() > 5_000);
    }

    #[test]
    fn redacted_report_has_no_path_and_no_name() {
        for report in [test_reports::expired(), test_reports::hostile()] {
            let mut report = report.redacted();
            // It is neither a path nor a name, and hostile on purpose.
            report.url = test_reports::URL.into();
            let json = report.json();
            for private in test_reports::PRIVATE {
                assert!(!json.contains(private), "{private} in {json}");
            }
            assert!(json.contains("[path]"));
        }
    }
}
