#!/usr/bin/env bash
# Installs Debian packages as root; otherwise does nothing, and the caller reports what is missing.
#
#     install.sh PACKAGE...
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0
{ apt-get update -qq && apt-get install -y --no-install-recommends "$@"; } >/dev/null || true
