//! Compiles C and C++ programs against the header and runs them with the built library.
//!
//! `make test` sets `DCS_LIBRARY`, the libdcs.so to test. `make test-windows` sets it to a dcs.dll, whose programs MinGW
//! compiles, and sets `DCS_RUNNER`, which runs them (Wine).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

pub const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the folder of the compiled programs.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

pub fn library() -> PathBuf {
    let path = std::env::var_os("DCS_LIBRARY")
        .expect("DCS_LIBRARY must name the built libdcs.so: run the tests with `make test`");
    PathBuf::from(path)
}

/// Returns whether the library is a DLL.
pub fn is_windows() -> bool {
    library()
        .extension()
        .is_some_and(|extension| extension == "dll")
}

/// Returns the command that runs a compiled program.
pub fn run(program: &Path) -> Command {
    match std::env::var_os("DCS_RUNNER") {
        Some(runner) if is_windows() => {
            let mut command = Command::new(runner);
            command.arg(program);
            command
        }
        _ => Command::new(program),
    }
}

/// Returns further compiler options, for a library that was built with a sanitizer.
fn more_flags() -> Vec<String> {
    let flags = std::env::var("DCS_CFLAGS").unwrap_or_default();
    flags.split_whitespace().map(str::to_owned).collect()
}

/// Compiles a program against the header and links it with the shared library. Does so once for all tests.
pub fn compile(compiler: &str, standard: &str, source: &str) -> PathBuf {
    compile_with(compiler, standard, source, &[])
}

/// Does the same with further arguments.
pub fn compile_with(compiler: &str, standard: &str, source: &str, more: &[&str]) -> PathBuf {
    static COMPILED: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    compiled
        .entry(source.to_owned())
        .or_insert_with(|| {
            let name = source.replace(['/', '.'], "_");
            let program = folder().join(if is_windows() { name + ".exe" } else { name });
            link(
                &library(),
                &program,
                compiler,
                standard,
                &root().join(source),
                more,
            );
            program
        })
        .clone()
}

/// Compiles a program and links it with a library.
pub fn link(
    library: &Path,
    program: &Path,
    compiler: &str,
    standard: &str,
    source: &Path,
    more: &[&str],
) {
    let folder = library.parent().unwrap();
    let mut command = if is_windows() {
        // Windows searches for a DLL beside the program first. The copy is renamed into place, because the program of
        // another test may have the former one mapped.
        let copy = program.with_extension("dll");
        fs::copy(library, &copy).unwrap();
        fs::rename(copy, program.with_file_name("dcs.dll")).unwrap();
        Command::new(match compiler {
            "cc" => "x86_64-w64-mingw32-gcc-posix",
            _ => "x86_64-w64-mingw32-g++-posix",
        })
    } else {
        // The loader searches for the SONAME.
        let soname = folder.join("libdcs.so.0");
        if !soname.exists() {
            let linked = std::os::unix::fs::symlink(library, &soname);
            assert!(linked.is_ok() || soname.exists(), "{linked:?}");
        }
        Command::new(compiler)
    };
    command
        .arg(standard)
        .args(STRICT)
        .args(["-g", "-I"])
        .arg(root().join("include"))
        .arg("-o")
        .arg(program)
        .arg(source);
    if is_windows() {
        command
            .arg(folder.with_file_name("lib").join("libdcs.dll.a"))
            // Without DLLs of the compiler's own libraries.
            .args(["-static", "-lpthread", "-lws2_32"])
            .args(more);
    } else {
        command
            .arg("-L")
            .arg(folder)
            .args(["-ldcs", "-lpthread"])
            .args(more)
            .args(more_flags())
            .arg(format!("-Wl,-rpath,{}", folder.display()))
            // Searched before LD_LIBRARY_PATH, in which cargo lists its own folders with another build.
            .arg("-Wl,--disable-new-dtags");
    }
    run_compiler(command);
}

/// Compiles a library for LD_PRELOAD. Does so once for all tests.
pub fn compile_preload(source: &str) -> PathBuf {
    static COMPILED: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    compiled
        .entry(source.to_owned())
        .or_insert_with(|| {
            let library = folder().join(source.replace(['/', '.'], "_") + ".so");
            let mut command = Command::new("cc");
            command
                // Without -Wpedantic: the GNU declarations of the replaced functions violate it.
                .args(["-std=gnu11", "-shared", "-fPIC", "-g"])
                .args(["-Wall", "-Wextra", "-Werror"])
                .arg("-o")
                .arg(&library)
                .arg(root().join(source))
                .args(["-ldl", "-lpthread"]);
            run_compiler(command);
            library
        })
        .clone()
}

fn run_compiler(mut command: Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        text(&output.stderr)
    );
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A function that the header declares.
pub struct Function {
    pub name: String,
    /// The return type, such as `const char *`.
    pub returns: String,
    /// The parameters: type and name.
    pub parameters: Vec<(String, String)>,
}

/// Returns the functions that the header declares.
pub fn functions() -> Vec<Function> {
    functions_of(&root().join("include/dcs.h"))
}

/// Returns the functions that another header declares.
pub fn functions_of(header: &Path) -> Vec<Function> {
    let header = fs::read_to_string(header).unwrap();
    let (_, declarations) = header.split_once("extern \"C\" {").unwrap();
    let mut code = String::new();
    let mut rest = declarations;
    while let Some((before, comment)) = rest.split_once("/**") {
        code.push_str(before);
        rest = comment.split_once("*/").unwrap().1;
    }
    code.push_str(rest);
    code.split(';').filter_map(function).collect()
}

fn function(declaration: &str) -> Option<Function> {
    let lines = declaration.lines().filter(|line| !line.starts_with('#'));
    let declaration = lines.collect::<Vec<_>>().join(" ");
    let (head, parameters) = declaration.trim().split_once('(')?;
    let (returns, name) = typed(head);
    let parameters = parameters.strip_suffix(')')?;
    Some(Function {
        name,
        returns,
        parameters: parameters
            .split(',')
            .map(str::trim)
            .filter(|parameter| *parameter != "void")
            .map(typed)
            .collect(),
    })
}

/// Splits `const char *name` into type and name.
fn typed(text: &str) -> (String, String) {
    let at = text.rfind([' ', '*']).unwrap() + 1;
    (text[..at].trim().to_owned(), text[at..].to_owned())
}

/// Returns the names of the functions that the header declares.
pub fn declared() -> BTreeSet<String> {
    functions()
        .into_iter()
        .map(|function| function.name)
        .collect()
}
