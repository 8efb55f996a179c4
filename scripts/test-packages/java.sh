#!/usr/bin/env bash
# Builds the Java examples as a user would, with Maven and the jar from dist/maven, and runs them against the sandbox:
# the plain program, also from the module path, and the service with Spring Boot.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/../package/common.sh"
# shellcheck source=scripts/sandbox.sh
. scripts/sandbox.sh

[ -e "$dist/maven/io/github/libdcs/libdcs/$version/libdcs-$version.jar" ] ||
    fail 'dist/maven is missing: run make package-java'
work=$target/test-packages/java
# A separate local repository: the user's may contain another build of the same version.
repository=$target/test-packages/m2
rm -rf "$work" "$repository/io/github/libdcs"
mkdir -p "$work"

# maven EXAMPLE GOAL: runs Maven on a copy of the example.
maven() {
    cp -R "examples/$1" "$work"
    # The plain program's source is beside its folder.
    cp examples/Status.java "$work"
    scripts/maven.sh --file "$work/$1" -Dmaven.repo.local="$repository" \
        -Dlibdcs.repository="file://$dist/maven" "$2" >"$work/$1.log" 2>&1 ||
        fail "$1: $(tail -60 "$work/$1.log")"
}

start_sandbox "$work/sandbox" "$target/package/linux/bin/dcs" --answer scheduled-outages
maven java package
expect_answer 'the plain program' java -jar "$work/java/target/dcs-status-1.jar"
mkdir "$work/ein Ärger"
cp -R "$work/java/target" "$work/ein Ärger"
expect_answer 'the same in a folder with a space and an umlaut' java -Djava.io.tmpdir="$work/ein Ärger" \
    -jar "$work/ein Ärger/target/dcs-status-1.jar"
expect_answer 'the same with the libraries as modules' java --module-path "$work/java/target/lib" \
    --add-modules io.github.libdcs --class-path "$work/java/target/classes" Status
maven spring-boot verify
echo 'Spring Boot: its tests pass'
java -jar "$work/spring-boot/target/dcs-spring-boot-1.jar" --server.port=0 >"$work/spring-boot.log" 2>&1 &
service=$!
trap 'kill $service $sandbox 2>/dev/null || true' EXIT
for _ in $(seq 600); do
    port=$(sed -n 's/.*Tomcat started on port \([0-9]*\).*/\1/p' "$work/spring-boot.log")
    [ -z "$port" ] || break
    kill -0 $service 2>/dev/null || fail "the service ended: $(cat "$work/spring-boot.log")"
    sleep 0.1
done
# Here the library is in a jar within a jar.
expect_answer 'Spring Boot from its one jar' "$python" -c "from urllib.request import urlopen
print(urlopen('http://localhost:$port/document-checks/status', timeout=60).read().decode())"
echo 'All Java packages work.'
