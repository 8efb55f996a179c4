//! Linker options of the shared library that cargo has no setting for.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if matches!(
        os.as_str(),
        "linux" | "android" | "freebsd" | "netbsd" | "openbsd"
    ) {
        // Programs record this name, so that an incompatible library can be installed beside it.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libdcs.so.0");
        // Thread-local destructors and a look-up that outlives its call would crash after dlclose.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // Nothing in the library's tables stays writable after it is loaded.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,relro,-z,now");
    }
}
