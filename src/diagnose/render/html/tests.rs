use super::*;
use crate::diagnose::render::test_reports;

const TAGS: &[&str] = &[
    "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "div", "header", "main",
    "section", "article", "footer", "p", "b", "h1", "h2", "h3", "span", "code", "bdi", "time",
    "ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "table", "thead", "tbody", "tr",
    "th", "td", "svg", "rect", "circle", "path",
];
const ATTRIBUTES: &[&str] = &[
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "id",
    "aria-label",
    "aria-labelledby",
    "aria-hidden",
    "role",
    "scope",
    "datetime",
    "open",
    "viewBox",
    "d",
    "x",
    "y",
    "cx",
    "cy",
    "r",
    "rx",
    "width",
    "height",
];

/// Parses the page as strictly as XML: tags are closed in order, attributes are quoted, and only the listed names
/// occur, none of which loads, links to or runs anything. Returns the text.
fn read(html: &str) -> String {
    let mut text = String::new();
    let mut open = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        if open.last() != Some(&"style") {
            let part = &rest[..at];
            assert!(
                !part.contains(['>', '"', '\'']) || open.is_empty(),
                "{part}"
            );
            text.push_str(part);
        }
        let end = at + rest[at..].find('>').expect("a tag is closed");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{}", &rest[..rest.len().min(200)]);
            continue;
        }
        let tag = tag.strip_suffix('/').unwrap_or(tag);
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(TAGS.contains(&name), "<{tag}>");
        while !attributes.is_empty() && name != "!DOCTYPE" {
            let name_end = attributes.find(['=', ' ']).unwrap_or(attributes.len());
            assert!(ATTRIBUTES.contains(&&attributes[..name_end]), "<{tag}>");
            attributes = &attributes[name_end..];
            if let Some(value) = attributes.strip_prefix("=\"") {
                attributes = &value[value.find('"').expect("a value is closed") + 1..];
            }
            attributes = attributes.trim_start();
        }
        if !["!DOCTYPE", "meta", "rect", "circle", "path"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    text
}

#[test]
fn pages_are_well_formed_and_self_contained() {
    for (name, report) in test_reports::all() {
        let html = report.html();
        read(&html);
        assert!(html.contains("default-src 'none'"), "{name}");
        assert!(!html.contains("<script"), "{name}");
        assert!(!html.contains('\u{202e}'), "{name}");
    }
    for word in ["url(", "@import", "expression", "</"] {
        assert!(!STYLE.contains(word), "{word}");
    }
}

#[test]
fn ids_are_unique_and_headings_in_order() {
    for (name, report) in test_reports::all() {
        let html = report.html();
        let ids: Vec<_> = html.split(" id=\"").skip(1).collect();
        for label in html.split("aria-labelledby=\"").skip(1) {
            let label = label.split('"').next().unwrap();
            let with_it = ids.iter().filter(|id| id.split('"').next() == Some(label));
            assert_eq!(with_it.count(), 1, "{name} {label}");
        }
        let levels: Vec<u32> = html
            .match_indices("<h")
            .filter_map(|(at, _)| html[at + 2..].chars().next()?.to_digit(10))
            .collect();
        assert_eq!(levels[0], 1, "{name}");
        assert!(levels[1..].iter().all(|level| *level > 1), "{name}");
        assert!(
            levels.windows(2).all(|pair| pair[1] <= pair[0] + 1),
            "{name}"
        );
    }
}

#[test]
fn banner_has_the_cause_and_what_to_do() {
    let html = test_reports::expired().html();
    assert!(html.contains("<section class=\"verdict error\""));
    assert!(html.contains("<h1 id=\"cause\">The client certificate /etc/dcs/client.pem <span class=\"aside\">(CN=dcs-integration-tls.example.org,O=Example Insurance Ltd,L=Leeds,C=GB)</span> expired on 2026-04-30, 12 days ago.</h1>"));
    assert!(html.contains("with a new key: <code class=\"command\">openssl req <span>-new</span> <span>-newkey</span> rsa:2048 "));
    assert!(html.contains("<code class=\"check\">DCS_CHECK_CERT_NOT_EXPIRED</code>"));
    let html = test_reports::all_passed().html();
    assert!(html.contains("<section class=\"verdict ok\""));
    assert!(
        test_reports::expires_soon()
            .html()
            .contains("<section class=\"verdict warning\"")
    );
    assert!(test_reports::empty().html().contains("Nothing was checked"));
}

#[test]
fn has_every_check_and_certificate() {
    for (name, report) in test_reports::all() {
        let text = read(&report.html());
        for finding in report.findings() {
            assert!(text.contains(finding.check().name()), "{name}");
        }
        for file in &report.files {
            for certificate in &file.certificates {
                assert!(text.contains(&certificate.thumbprint), "{name}");
            }
        }
    }
    let text = read(&test_reports::expired().html());
    for part in [
        "21.4&nbsp;ms",
        "203.0.113.11:443",
        "expired 12 days ago",
        "HTTP 400",
        "Accepted CAs2",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn markup_in_names_is_escaped() {
    assert_eq!(
        Message("<a href=\"x\">'&` `b<` c").to_string(),
        "&lt;a href=&quot;x&quot;&gt;&#39;&amp;` `b&lt;` c"
    );
    assert_eq!(
        Message("run `a <b>` or ``.").to_string(),
        "run <code>a &lt;b&gt;</code> or ."
    );
    let text = read(&test_reports::hostile().html());
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;amp;"));
    assert!(!text.contains(&"x".repeat(MAX_TEXT)));
}

#[test]
fn redacted_report_has_no_path_and_no_name() {
    for report in [test_reports::expired(), test_reports::hostile()] {
        let mut report = report.redacted();
        // It is neither a path nor a name, and hostile on purpose.
        report.url = test_reports::URL.into();
        let html = report.html();
        for private in test_reports::PRIVATE {
            assert!(!html.contains(private), "{private} in {html}");
        }
        assert!(html.contains("[path]"));
    }
}

/// `DCS_SAMPLES=FOLDER cargo test --lib write_samples -- --ignored`
#[test]
#[ignore = "writes the sample reports into a folder, for a look at them"]
fn write_samples() {
    let folder = std::path::PathBuf::from(std::env::var_os("DCS_SAMPLES").unwrap());
    for (name, report) in test_reports::all() {
        for (ending, content) in [
            ("html", report.html()),
            ("txt", report.text()),
            ("json", report.json()),
        ] {
            std::fs::write(folder.join(format!("{name}.{ending}")), content).unwrap();
        }
    }
}
