#!/usr/bin/env bash
# Puts the contenders in Java, this library's jar and the peers from Maven Central into $BENCH_DIR/java/jars. As root,
# installs a JDK and Maven if they are missing.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$source/../../.." && pwd)
out=$BENCH_DIR/java
library=${DCS_LIBRARY:-$root/target/release/libdcs.so}
mvn=${MVN:-mvn}

if ! { command -v javac && command -v "$mvn"; } >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && apt-get install -y --no-install-recommends default-jdk-headless maven; } >/dev/null || true
fi
if ! { command -v javac && command -v "$mvn"; } >/dev/null; then
    echo 'Java is left out: a JDK or Maven is missing (Debian: default-jdk-headless maven)' >&2
    exit 1
fi
# Built anew each time, because old jars would stay on the class path.
rm -rf "$out"
mkdir -p "$out"
if ! MAVEN_OPTS=-Djansi.mode=strip "$mvn" --batch-mode --quiet -Dstyle.color=never --file "$source/reactor.xml" \
    -Dlibdcs.prebuilt="$library" -Dmaven.javadoc.skip=true -Dbench.out="$out" clean package; then
    echo 'Maven failed to build the contenders in Java; see its messages above' >&2
    exit 1
fi
