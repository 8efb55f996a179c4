#!/usr/bin/env bash
# Copies the documentation into a folder, in the repository's structure, so that the links between the pages work:
#
#     documents.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
to=$1

find README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE docs examples benches/*.md benches/soak.json \
    tests/*.md bindings/*/README.md -name target -prune -o -name __pycache__ -prune -o -type f -print0 |
    while IFS= read -r -d '' file; do
        install -D -m 644 "$file" "$to/$file"
    done
