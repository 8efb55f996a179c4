//! The version resource of `dcs.exe`.

#[allow(dead_code)]
#[path = "../build.rs"]
mod library;

fn main() {
    println!("cargo::rerun-if-changed=../build.rs");
    library::link_version_resource("bin=dcs", "dcs.exe", "Document Checking Service command");
}
