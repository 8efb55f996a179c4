//! The HTML report in a real browser, headless Chromium.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{TempFolder, config, config_of, diagnose};
use dcs::Report;
use dcs_testbed::Testbed;

/// Opens the page with a browser profile of its own, and returns the browser's output.
fn browse(folder: &TempFolder, page: &Path, flags: &[&str]) -> String {
    let output = Command::new("timeout")
        .args(["--kill-after=5", "600", "chromium"])
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path("profile").display()
        ))
        // Reports on standard error what the page is not allowed to do.
        .args(["--enable-logging=stderr", "--v=0"])
        .args(flags)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("timeout starts");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "chromium: {errors}");
    assert!(!errors.contains(":CONSOLE"), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the text of the element with this id, without tags.
fn text_of(dom: &str, element: &str, id: &str) -> Option<String> {
    let start = dom.find(&format!("<{element} id=\"{id}\""))?;
    let content = &dom[start + dom[start..].find('>')? + 1..];
    let content = &content[..content.find(&format!("</{element}>"))?];
    let mut text = String::new();
    let mut is_tag = false;
    for c in content.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    Some(text.replace("&nbsp;", "\u{a0}").replace("&amp;", "&"))
}

/// Opens the page of a report, asserts that the browser renders it, and returns its DOM.
fn open(name: &str, report: &Report) -> String {
    let folder = TempFolder::new(&format!("html-report-{name}"));
    let page = folder.path("report.html");
    fs::write(&page, report.html()).unwrap();
    let picture = folder.path("report.png");
    browse(
        &folder,
        &page,
        &[
            &format!("--screenshot={}", picture.display()),
            "--window-size=1100,1400",
        ],
    );
    let picture = fs::read(&picture).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    // An empty page takes about 6 kB.
    assert!(picture.len() > 15_000, "{} bytes", picture.len());
    browse(&folder, &page, &["--dump-dom"])
}

#[track_caller]
fn assert_banner(dom: &str, report: &Report) {
    let cause = report.cause().expect("a cause");
    let plain = |text: &str| text.replace('`', "");
    assert_eq!(text_of(dom, "h1", "cause"), Some(plain(cause.message())));
    if !cause.advice().is_empty() {
        assert_eq!(text_of(dom, "p", "advice"), Some(plain(cause.advice())));
    }
    assert!(dom.contains(cause.check().name()), "{dom}");
}

#[test]
fn banner_shows_the_cause() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/checks/passport");
    let report = diagnose(&config_of(&testbed, &url, "rejected_expired"));
    let dom = open("expired", &report);
    assert_banner(&dom, &report);
    assert!(dom.contains("<section class=\"verdict error\""), "{dom}");
}

#[test]
fn banner_reports_success() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/checks/passport");
    let report = diagnose(&config(&testbed, &url));
    assert!(report.ok(), "{}", report.text());
    let dom = open("well", &report);
    match report.cause() {
        // A test certificate may lead to a warning.
        Some(_) => assert_banner(&dom, &report),
        None => assert!(dom.contains("Calls work"), "{dom}"),
    }
}

#[test]
fn markup_in_a_path_is_shown_as_text() {
    let testbed = Testbed::from_env();
    let mut config = config(&testbed, "https://localhost:1/");
    config.set_certificate_file("/nowhere/<img src=x onerror=document.title=1>\"'<b>");
    let report = diagnose(&config);
    let dom = open("markup", &report);
    assert_banner(&dom, &report);
    assert!(!dom.contains("<img"), "{dom}");
    assert!(dom.contains("&lt;img src=x"), "{dom}");
}
