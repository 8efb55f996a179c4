#!/bin/sh
# Prints the version of all packages, which Cargo.toml defines.
exec sed -n 's/^version = "\(.*\)"/\1/p;/^version/q' "$(dirname "$0")/../../Cargo.toml"
