//! What holds for every file, whatever is in it: nothing panics, and nothing of its content gets into an error.
//!
//! Without anything of the testbed, because `fuzz/` compiles this too.

use super::diagnose;
use dcs::{Client, Config, Error, inspect, private_key_to_pkcs8_der};

/// Put into inputs; it must not come out in an error. It is no base64, so nothing takes it for content.
pub const MARKER: &str = "hunter2~secret~hunter2";

/// The other files of a configuration, which are in order, and the password to try.
pub struct Companions<'a> {
    pub ca_bundle: &'a [u8],
    pub certificate: &'a [u8],
    pub private_key: &'a [u8],
    pub password: &'a str,
}

/// Those of the fuzz targets.
pub const FUZZED: Companions<'static> = Companions {
    ca_bundle: include_bytes!("../../fuzz/pki/ca.pem"),
    certificate: include_bytes!("../../fuzz/pki/client.pem"),
    private_key: include_bytes!("../../fuzz/pki/client.key"),
    password: "hunter2~secret",
};

/// Puts the content into each place that reads a file, and looks at what is said of it.
pub fn assert_is_harmless(content: &[u8], companions: &Companions<'_>) {
    let mut said = Vec::new();
    for password in [None, Some(companions.password)] {
        for slot in 0..3 {
            said.extend(Client::new(&config(slot, content, companions, password)).err());
        }
        said.extend(inspect(content, password).err());
        said.extend(private_key_to_pkcs8_der(content, password).err());
    }
    for error in said {
        assert_tells_nothing(&error, content, companions.password);
    }
}

/// Has a diagnosis look at the content in each place. It comes to no connection: nobody listens on the port.
pub fn assert_is_harmless_to_a_diagnosis(content: &[u8], companions: &Companions<'_>) {
    for slot in 0..3 {
        let config = config(slot, content, companions, Some(companions.password));
        let report = diagnose(&config);
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

fn assert_tells_nothing(error: &Error, content: &[u8], password: &str) {
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
        // Shorter lines and those with blanks can be words of the message's own.
        if let Ok(line) = std::str::from_utf8(line)
            && line.len() >= 40
            && !line.starts_with("-----")
        {
            let part: String = line.chars().take(24).collect();
            assert!(part.contains(' ') || !text.contains(&part), "{text}");
        }
    }
}
