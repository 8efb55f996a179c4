//! Linker options of the shared library for which cargo has no setting.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let os = variable("CARGO_CFG_TARGET_OS");
    if matches!(
        os.as_str(),
        "linux" | "android" | "freebsd" | "netbsd" | "openbsd"
    ) {
        // Programs record this name, so that an incompatible version can be installed beside this one.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libdcs.so.0");
        // Without it, thread-local destructors and a lookup that outlives its call would crash after dlclose.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // Makes the library's tables read-only after loading.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,relro,-z,now");
    }
    link_version_resource("cdylib", "dcs.dll", "Document Checking Service client");
}

/// Links the version resource, which Explorer and installers show, into an artefact of the given kind on Windows.
pub fn link_version_resource(kind: &str, file: &str, description: &str) {
    if variable("CARGO_CFG_TARGET_OS") == "windows"
        && variable("CARGO_CFG_TARGET_ENV") == "gnu"
        && let Some(object) = version_resource(file, description)
    {
        println!("cargo::rustc-link-arg-{kind}={}", object.display());
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// Compiles the version resource. Returns `None` if its compiler is missing, because the build works without it.
fn version_resource(file: &str, description: &str) -> Option<PathBuf> {
    println!("cargo::rerun-if-env-changed=WINDRES");
    let windres = env::var("WINDRES").unwrap_or_else(|_| {
        // MinGW uses the short name on Windows only.
        if cfg!(windows) {
            "windres".to_owned()
        } else {
            format!("{}-w64-mingw32-windres", variable("CARGO_CFG_TARGET_ARCH"))
        }
    });
    let version = variable("CARGO_PKG_VERSION");
    let numbers = ["MAJOR", "MINOR", "PATCH"]
        .map(|part| variable(&format!("CARGO_PKG_VERSION_{part}")))
        .join(",");
    let kind = if file.ends_with(".dll") { 2 } else { 1 };
    // 0x40004 is Windows NT, 0x409 and 1200 are American English in UTF-16.
    let source = format!(
        r#"1 VERSIONINFO
FILEVERSION {numbers},0
PRODUCTVERSION {numbers},0
FILEOS 0x40004
FILETYPE {kind}
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "040904b0"
    BEGIN
      VALUE "FileDescription", "{description}"
      VALUE "FileVersion", "{version}"
      VALUE "InternalName", "{file}"
      VALUE "LegalCopyright", "MIT licence"
      VALUE "OriginalFilename", "{file}"
      VALUE "ProductName", "libdcs"
      VALUE "ProductVersion", "{version}"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x409, 1200
  END
END
"#
    );
    let folder = PathBuf::from(env::var_os("OUT_DIR")?);
    let script = folder.join(format!("{file}.rc"));
    let object = folder.join(format!("{file}.res.o"));
    std::fs::write(&script, source).ok()?;
    let outcome = Command::new(&windres)
        .arg("--input")
        .arg(&script)
        .args(["--output-format", "coff", "--output"])
        .arg(&object)
        .status();
    if outcome.is_ok_and(|status| status.success()) {
        return Some(object);
    }
    println!("cargo::warning={file} has no version resource: {windres} cannot be run");
    None
}
