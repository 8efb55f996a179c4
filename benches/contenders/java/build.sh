#!/usr/bin/env bash
# Puts the contenders in Java, this library's jar and the peers from Maven Central into $BENCH_DIR/java/jars. As root,
# installs a JDK and Maven if they are missing.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$source/../../.." && pwd)
out=$BENCH_DIR/java
library=${DCS_LIBRARY:-$root/target/release/libdcs.so}
mvn=${MVN:-mvn}

{ command -v javac && command -v "$mvn"; } >/dev/null || "$source/../install.sh" default-jdk-headless maven
if ! { command -v javac && command -v "$mvn"; } >/dev/null; then
    echo 'Java is skipped: a JDK or Maven is missing (Debian: default-jdk-headless maven)' >&2
    exit 1
fi
# Built anew each time, because old jars would stay on the class path.
rm -rf "$out"
mkdir -p "$out"
if ! "$root/scripts/maven.sh" --file "$source/reactor.xml" -Dlibdcs.prebuilt="$library" -Dbench.out="$out" \
    -Dmaven.javadoc.skip=true clean package; then
    echo 'Maven failed to build the contenders in Java; see its messages above' >&2
    exit 1
fi
