#!/usr/bin/env bash
# Builds packages twice, in two folders and two environments, and compares all files in dist:
#
#     reproducible.sh [ARTEFACT...]
#
# An artefact is what make package-ARTEFACT builds: linux (the default), windows, python, java. Later ones use the
# results of earlier ones. It takes as long as two clean builds.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

artefacts=("$@")
[ $# -gt 0 ] || artefacts=(linux)
base=$(mktemp --directory --tmpdir libdcs-reproducible.XXXXXX)
trap 'rm -rf --one-file-system "$base"' EXIT
trap 'exit 130' INT TERM

# The source in its current state, committed or not.
git ls-files --cached --others --exclude-standard -z |
    tar --create --null --files-from=- --ignore-failed-read --file="$base/source.tar"

# build FOLDER [NAME=VALUE...]: builds the artefacts from a copy of the source.
build() {
    local folder=$1 artefact
    shift
    mkdir -p "$folder"
    tar --extract --file="$base/source.tar" --directory="$folder"
    for artefact in "${artefacts[@]}"; do
        echo "building $artefact in $folder"
        env "$@" CARGO_TARGET_DIR="$folder/target" DIST="$folder/dist" \
            make --directory="$folder" --no-print-directory "package-$artefact" >"$base/log" 2>&1 || {
            tail -30 "$base/log" >&2
            fail "make package-$artefact failed in $folder"
        }
    done
}

# unpack FILE FOLDER: unpacks an archive, to show which part of it differs.
unpack() {
    mkdir -p "$2"
    case $1 in
    *.tar.gz) tar --extract --file="$1" --directory="$2" ;;
    *.deb) dpkg-deb --raw-extract "$1" "$2" ;;
    *.zip | *.jar | *.whl) "$python" -m zipfile --extract "$1" "$2" ;;
    *) return 1 ;;
    esac
}

(umask 022 && build "$base/one")
(umask 077 && build "$base/a second folder" TZ=Asia/Tokyo LANG=C LC_ALL=C USER=nobody)

differ=0
cd "$base"
diff <(cd one/dist && find . -type f | sort) <(cd 'a second folder/dist' && find . -type f | sort) ||
    fail 'the two builds have different files'
while IFS= read -r file; do
    if cmp --silent "one/dist/$file" "a second folder/dist/$file"; then
        sha256sum "one/dist/$file" | sed 's|one/dist/||'
        continue
    fi
    differ=1
    echo "differs: $file" >&2
    rm -rf parts
    if unpack "one/dist/$file" parts/1 && unpack "a second folder/dist/$file" parts/2; then
        diff --recursive --brief --no-dereference parts/1 parts/2 >&2 || true
    fi
done < <(cd one/dist && find . -type f -printf '%P\n' | sort)
if [ $differ != 0 ]; then
    # Keeps the results for inspection, without the sources.
    trap - EXIT
    find . -mindepth 2 -maxdepth 2 ! -name dist -exec rm -rf {} +
    rm -rf parts source.tar
    fail "two builds of the same source differ; they are kept in $base"
fi
echo 'Both builds are identical.'
