#!/usr/bin/env bash
# Writes the CycloneDX SBOMs of the library and of the command, and the licence texts of all linked crates:
#
#     sbom.sh DIR [TARGET]
#
# DIR gets libdcs.cdx.json, dcs-tools.cdx.json and THIRD-PARTY-LICENCES. TARGET is Rust's name of the platform.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

[ $# -ge 1 ] || fail 'usage: sbom.sh DIR [TARGET]'
dir=$1
triple=${2:-x86_64-unknown-linux-gnu}
mkdir -p "$dir"
"$python" scripts/package/inventory.py sbom libdcs "$triple" libdcs "$dir/libdcs.cdx.json"
"$python" scripts/package/inventory.py sbom dcs-tools "$triple" dcs-cli "$dir/dcs-tools.cdx.json"
"$python" scripts/package/inventory.py notices "$triple" dcs-cli "$dir/THIRD-PARTY-LICENCES"
