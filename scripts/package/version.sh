#!/bin/sh
# Prints the version of all artefacts: Cargo.toml's, the one place that says it.
exec sed -n 's/^version = "\(.*\)"/\1/p;/^version/q' "$(dirname "$0")/../../Cargo.toml"
