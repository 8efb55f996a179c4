//! Properties of every file, whatever its content: nothing panics, and no error contains any of its content.
//!
//! Independent of the testbed, because `fuzz/` compiles this too.

use dcs::{Client, Config, Error, diagnose, inspect, private_key_to_pkcs8_der};

/// A part of inputs that no error may contain. It is not base64, so it is never content.
pub const MARKER: &str = "hunter2~secret~hunter2";

/// The other files of a configuration, which are valid, and a password.
pub struct Companions<'a> {
    pub ca_bundle: &'a [u8],
    pub certificate: &'a [u8],
    pub private_key: &'a [u8],
    pub password: &'a str,
}

/// The files of the fuzz targets.
pub const FUZZED: Companions<'static> = Companions {
    ca_bundle: include_bytes!("../../fuzz/pki/ca.pem"),
    certificate: include_bytes!("../../fuzz/pki/client.pem"),
    private_key: include_bytes!("../../fuzz/pki/client.key"),
    password: "hunter2~secret",
};

/// Passes the content to each function that reads a file, and checks the errors.
pub fn assert_is_harmless(content: &[u8], companions: &Companions<'_>) {
    let mut errors = Vec::new();
    for password in [None, Some(companions.password)] {
        for slot in 0..3 {
            errors.extend(Client::new(&config(slot, content, companions, password)).err());
        }
        errors.extend(inspect(content, password).err());
        errors.extend(private_key_to_pkcs8_der(content, password).err());
    }
    for error in errors {
        assert_error_is_harmless(&error, content, companions.password);
    }
}

/// Diagnoses the content as each file, and checks the reports. Nothing listens on the port.
pub fn assert_is_harmless_to_a_diagnosis(content: &[u8], companions: &Companions<'_>) {
    for slot in 0..3 {
        let config = config(slot, content, companions, Some(companions.password));
        let report = diagnose(&config).unwrap();
        assert!(!report.ok());
        let redacted = report.redacted();
        for text in [report.text(), report.json(), report.html(), redacted.text()] {
            assert_nothing_of(content, &text, companions.password);
        }
    }
}

fn config(slot: u8, content: &[u8], companions: &Companions<'_>, password: Option<&str>) -> Config {
    let mut config = Config::new();
    config.set_url("https://127.0.0.1:1/").unwrap();
    config.set_private_key_password(password);
    config.set_ca_bundle(companions.ca_bundle);
    config.set_certificate(companions.certificate);
    config.set_private_key(companions.private_key);
    match slot {
        0 => config.set_ca_bundle(content),
        1 => config.set_certificate(content),
        _ => config.set_private_key(content),
    }
    config
}

fn assert_error_is_harmless(error: &Error, content: &[u8], password: &str) {
    assert!(error.check().is_some(), "{error}");
    let message = error.message();
    assert!(message.ends_with('.'), "{error}");
    assert!(!message.chars().any(char::is_control), "{error:?}");
    assert_nothing_of(content, &format!("{error} {error:?}"), password);
}

fn assert_nothing_of(content: &[u8], text: &str, password: &str) {
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!text.contains(password), "{text}");
    for line in content.split(|byte| *byte == b'\n') {
        // The message itself may contain a shorter line, or one with spaces.
        if let Ok(line) = std::str::from_utf8(line)
            && line.len() >= 40
            && !line.starts_with("-----")
        {
            let part: String = line.chars().take(24).collect();
            assert!(part.contains(' ') || !text.contains(&part), "{text}");
        }
    }
}
