#!/usr/bin/env bash
# Makes the status call from a new crate that depends on this one as it would be published.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/sandbox.sh
. scripts/sandbox.sh

target=${CARGO_TARGET_DIR:-$PWD/target}
cargo=${CARGO:-cargo}
work=$target/test-packages/rust
rm -rf "$work"
mkdir -p "$work/consumer/src"

"$cargo" package --package libdcs --quiet --locked --no-verify --allow-dirty --target-dir "$work/target"
tar --extract --gzip --file "$work"/target/package/libdcs-*.crate --directory "$work"
mv "$work"/libdcs-* "$work/libdcs"

cat >"$work/consumer/Cargo.toml" <<'TOML'
[package]
name = "consumer"
version = "0.0.0"
edition = "2021"

[dependencies]
libdcs = { path = "../libdcs" }

[workspace]
TOML
cat >"$work/consumer/src/main.rs" <<'RUST'
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut config = dcs::Config::new();
    config.load_env()?;
    let client = dcs::Client::new(&config)?;
    let status = client.status()?;
    println!("available: {}", status.available());
    Ok(())
}
RUST
# The dependencies that the library is tested with, not newer ones.
cp Cargo.lock "$work/consumer/Cargo.lock"
"$cargo" build --quiet --manifest-path "$work/consumer/Cargo.toml" --target-dir "$work/target"
RUSTDOCFLAGS='-D warnings' "$cargo" doc --quiet --no-deps --package libdcs \
    --manifest-path "$work/consumer/Cargo.toml" --target-dir "$work/target"

"$cargo" build --quiet --release --locked -p dcs-cli
start_sandbox "$work/sandbox" "$target/release/dcs"
test "$("$work/target/debug/consumer")" = 'available: true'
echo 'The Rust package works.'
