//! Generates the tables of options and the snippets that set every option, in README.md and docs/configuration.md.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use dcs::ConfigOption;

/// The kinds of options, which differ in how each language passes them.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    File,
    Text,
    Milliseconds,
    Switch,
}

/// Returns the option's kind, by its setters in the header.
fn kind(option: &ConfigOption) -> Kind {
    let header = include_str!("../../include/dcs.h");
    let setter = |end: &str| header.contains(&format!("dcs_config_set_{}{end}", option.name()));
    let is_switch = header
        .split_once(&format!("dcs_config_set_{}(", option.name()))
        .and_then(|(_, rest)| rest.split(')').next())
        .is_some_and(|arguments| arguments.contains("int32_t"));
    if setter("_file(") {
        Kind::File
    } else if option.name().ends_with("_ms") {
        Kind::Milliseconds
    } else if is_switch {
        Kind::Switch
    } else {
        Kind::Text
    }
}

/// Returns the words of the name without the unit, such as `["connect", "timeout"]`; the password has a short name.
fn words(option: &ConfigOption) -> Vec<&'static str> {
    match option.name() {
        "private_key_password" => vec!["password"],
        name => name
            .strip_suffix("_ms")
            .unwrap_or(name)
            .split('_')
            .collect(),
    }
}

fn snake(option: &ConfigOption) -> String {
    words(option).join("_")
}

fn camel(option: &ConfigOption) -> String {
    let capitalised = |word: &&str| word[..1].to_uppercase() + &word[1..];
    let words = words(option);
    words[0].to_owned() + &words[1..].iter().map(capitalised).collect::<String>()
}

/// The file of the examples.
fn example_file(option: &ConfigOption) -> &'static str {
    match option.name() {
        "ca_bundle" => "ca-bundle.pem",
        "certificate" => "client.pem",
        _ => "client.key",
    }
}

/// Returns the default as a literal: quoted text, or `none`.
fn text_or(option: &ConfigOption, none: &str) -> String {
    match option.default_text().as_str() {
        "none" => none.to_owned(),
        text => format!("\"{text}\""),
    }
}

/// Joins lines that are made for each option.
fn lines(make: impl Fn(&ConfigOption) -> String) -> String {
    ConfigOption::ALL
        .iter()
        .map(make)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn c() -> String {
    let setters = lines(|option| {
        let (name, value) = (option.name(), option.default_text());
        match kind(option) {
            Kind::File => format!(
                "dcs_config_set_{name}_file(config, \"{}\");",
                example_file(option)
            ),
            Kind::Text => format!(
                "dcs_config_set_{name}(config, {});",
                text_or(option, "NULL")
            ),
            _ => format!("dcs_config_set_{name}(config, {value});"),
        }
    });
    format!(
        "dcs_config *config = dcs_config_new();\n{setters}\n\
         dcs_code code = dcs_client_new(config, &client, &error);\n\
         dcs_config_free(config);\n\
         if (code != DCS_OK) {{\n    \
         fprintf(stderr, \"%s\\n%s\\n\", dcs_error_message(error), dcs_error_hint(error));\n    \
         exit(1);\n}}"
    )
}

fn cpp() -> String {
    let setters = lines(|option| {
        let (name, value) = (snake(option), option.default_text());
        match kind(option) {
            Kind::File => format!("    .{name}_file(\"{}\")", example_file(option)),
            // A text that is not set has no value to pass.
            Kind::Text if value == "none" => String::new(),
            Kind::Text => format!("    .{name}(\"{value}\")"),
            Kind::Milliseconds => format!("    .{name}({value}ms)"),
            Kind::Switch => format!("    .{name}({})", value != "0"),
        }
    });
    format!(
        "using namespace std::chrono_literals;\ndcs::config config;\nconfig\n{setters};\n\
         const dcs::client client(config);"
    )
}

fn python() -> String {
    let arguments = lines(|option| {
        let (name, value) = (snake(option), option.default_text());
        match kind(option) {
            Kind::File => format!("    {name}=\"{}\",", example_file(option)),
            Kind::Text => format!("    {name}={},", text_or(option, "None")),
            Kind::Milliseconds if value == "0" => format!("    {name}=None,"),
            Kind::Milliseconds => format!("    {name}={}.0,", seconds(option)),
            Kind::Switch if value == "0" => format!("    {name}=False,"),
            Kind::Switch => format!("    {name}=True,"),
        }
    });
    format!("import libdcs\n\nclient = libdcs.Client(\n{arguments}\n)")
}

fn java() -> String {
    let setters = lines(|option| {
        let (name, value) = (camel(option), option.default_text());
        let argument = match kind(option) {
            Kind::File => format!("Path.of(\"{}\")", example_file(option)),
            Kind::Text if option.name() == "url" => format!("URI.create({})", text_or(option, "")),
            Kind::Text => text_or(option, "null"),
            Kind::Milliseconds if value == "0" => "Duration.ZERO".into(),
            Kind::Milliseconds => format!("Duration.ofSeconds({})", seconds(option)),
            Kind::Switch => (value != "0").to_string(),
        };
        format!("        .{name}({argument})")
    });
    format!("DcsClient client = DcsClient.builder()\n{setters}\n        .build();")
}

fn rust() -> String {
    let setters = lines(|option| {
        let (name, value) = (option.name(), option.default_text());
        match kind(option) {
            Kind::File => format!("config.set_{name}_file(\"{}\");", example_file(option)),
            Kind::Text if name == "private_key_password" => format!("config.set_{name}(None);"),
            Kind::Text => format!("config.set_{name}({})?;", text_or(option, "None")),
            Kind::Milliseconds if value == "0" => format!("config.set_{name}({value});"),
            Kind::Milliseconds => format!("config.set_{name}({value})?;"),
            Kind::Switch => format!("config.set_{name}({});", value != "0"),
        }
    });
    format!(
        "let mut config = dcs::Config::new();\n{setters}\nlet client = dcs::Client::new(&config)?;"
    )
}

fn seconds(option: &ConfigOption) -> u32 {
    option.default_text().parse::<u32>().unwrap() / 1000
}

/// Returns the table; `page` is the page that describes each option, as seen from the table's own.
fn table(page: &str) -> String {
    let mut table =
        "| Option | Default | Environment variable | Meaning |\n|---|---|---|---|\n".to_owned();
    for option in ConfigOption::ALL {
        let name = option.name();
        let default = match option.default_text() {
            text if text.starts_with("https:") => "the integration endpoint".into(),
            text => text,
        };
        writeln!(
            table,
            "| [`{name}`]({page}#{name}) | {default} | `{}` | {} |",
            option.variable(),
            option.meaning().trim_end_matches('.')
        )
        .unwrap();
    }
    table
}

fn snippets() -> String {
    let block = |language: &str, text: &str| format!("```{language}\n{text}\n```\n");
    [
        block("c", &c()),
        block("cpp", &cpp()),
        block("python", &python()),
        block("java", &java()),
        block("rust", &rust()),
    ]
    .join("\n")
}

/// Compares the part of a page between its markers with what is generated. Writes it if DCS_WRITE_REFERENCE is set.
fn assert_part(page: &str, marker: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = (
        format!("<!-- {marker}:begin -->\n"),
        format!("<!-- {marker}:end -->"),
    );
    let (before, rest) = text.split_once(&begin).expect("the begin marker");
    let (part, after) = rest.split_once(&end).expect("the end marker");
    if std::env::var_os("DCS_WRITE_REFERENCE").is_some() {
        fs::write(&path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
    } else {
        assert_eq!(
            part, wanted,
            "{page} differs: run `make reference` and commit the result"
        );
    }
}

#[test]
fn options_tables_are_up_to_date() {
    assert_part("README.md", "options", &table("docs/configuration.md"));
    assert_part("docs/configuration.md", "options", &table(""));
}

#[test]
fn snippets_are_up_to_date() {
    assert_part("docs/configuration.md", "snippets", &snippets());
}

#[test]
fn every_option_has_a_section() {
    let page = include_str!("../../docs/configuration.md");
    for option in ConfigOption::ALL {
        let heading = format!("\n## {}\n", option.name());
        assert!(page.contains(&heading), "docs/configuration.md:{heading}");
    }
}
