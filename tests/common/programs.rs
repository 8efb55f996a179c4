//! C and C++ programs that are linked with the built library.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

pub const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn library() -> PathBuf {
    let path = std::env::var_os("DCS_LIBRARY")
        .expect("DCS_LIBRARY must name the built libdcs.so: run the tests with `make test`");
    PathBuf::from(path)
}

/// More options for the compilers, for a library that was built with a sanitizer.
fn more_flags() -> Vec<String> {
    let flags = std::env::var("DCS_CFLAGS").unwrap_or_default();
    flags.split_whitespace().map(str::to_owned).collect()
}

/// Compiles a program against the header and links it with the shared library, once for all tests.
pub fn compile(compiler: &str, standard: &str, source: &str) -> PathBuf {
    static COMPILED: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    compiled
        .entry(source.to_owned())
        .or_insert_with(|| compile_now(compiler, standard, source))
        .clone()
}

fn compile_now(compiler: &str, standard: &str, source: &str) -> PathBuf {
    let library = library();
    let folder = library.parent().unwrap();
    // The loader looks for the SONAME.
    let soname = folder.join("libdcs.so.0");
    let name = source.replace(['/', '.'], "_");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !soname.exists() {
        std::os::unix::fs::symlink(&library, &soname).unwrap();
    }
    let output = Command::new(compiler)
        .arg(standard)
        .args(STRICT)
        .args(["-g", "-I"])
        .arg(root().join("include"))
        .arg("-o")
        .arg(&program)
        .arg(root().join(source))
        .arg("-L")
        .arg(folder)
        .arg("-ldcs")
        .arg("-lpthread")
        .arg(format!("-Wl,-rpath,{}", folder.display()))
        // Before LD_LIBRARY_PATH, in which cargo names its own folders: another build may lie there.
        .arg("-Wl,--disable-new-dtags")
        .args(more_flags())
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    assert!(
        output.status.success(),
        "{source}: {}",
        text(&output.stderr)
    );
    program
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
