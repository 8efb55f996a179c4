#!/usr/bin/env bash
# Runs the Java tests with the packaged jar in every Java 11 or newer of this machine and, as root, of other Debian
# releases.
#
#     TESTBED=/path/to/dcs-testbed java-versions.sh [JAVA...]
#
# JAVA is a program to use instead of all these, such as /opt/jdk-27/bin/java.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/../package/common.sh"
# shellcheck source=scripts/test-packages/systems.sh
. scripts/test-packages/systems.sh

[ -n "${TESTBED:-}" ] || fail 'TESTBED does not name the program dcs-testbed: run make test-java-versions'
jar=$dist/libdcs-$version.jar
[ -e "$jar" ] || fail "${jar#"$root/"} is missing: run make package-java"
work=$target/java-versions
rm -rf "$work"
mkdir -p "$work"
passed=0
failed=()

# maven ARGUMENT...: runs Maven on the binding.
maven() {
    scripts/maven.sh --file bindings/java -Dlibdcs.natives="$target/package/java" "$@"
}
# The tests, their dependencies, and JUnit's launcher, because Maven does not run in every Java.
maven -DskipITs -Dmaven.javadoc.skip -Dmaven.source.skip pre-integration-test \
    dependency:copy-dependencies -DincludeScope=test -DoutputDirectory="$work/lib"
platform=$(basename "$work"/lib/junit-platform-engine-*.jar .jar)
maven dependency:copy -Dartifact="org.junit.platform:junit-platform-console-standalone:${platform##*-}" \
    -DoutputDirectory="$work" -Dmdep.stripVersion
cp -R bindings/java/target/test-classes bindings/java/target/old-jna "$work"

# run_tests NAME JAVA [WITHIN...]: WITHIN is the command that runs another one in its system.
run_tests() {
    local name=$1 java=$2 within=("${@:3}") log=$work/$1.log what
    what=$("${within[@]}" "$java" -version 2>&1 | sed -n '2p')
    # The launcher contains JUnit; the class path adds the libraries of the tests.
    if "$TESTBED" -- "${within[@]}" env --chdir="$root/bindings/java" "$java" \
        -Dlibdcs.jar="$jar" -Dlibdcs.version="$version" -Dlibdcs.root="$root" -Dlibdcs.header="$root/include/dcs.h" \
        -Djna.old="$work/old-jna" \
        -cp "$work/test-classes:$jar:$work/lib/*:$work/junit-platform-console-standalone.jar" \
        org.junit.platform.console.ConsoleLauncher execute --scan-classpath "$work/test-classes" \
        --include-classname '.*IT' --disable-banner --details=summary >"$log" 2>&1; then
        echo "$what ($name): $(grep -o '[0-9]* tests successful' "$log")"
        passed=$((passed + 1))
    else
        echo "$what ($name): failed; see $log" >&2
        failed+=("$name")
    fi
}

if [ $# -gt 0 ]; then
    programs=("$@")
else
    programs=(${JAVA_HOME:+"$JAVA_HOME/bin/java"} java /usr/lib/jvm/*/bin/java
        "$HOME"/.sdkman/candidates/java/*/bin/java)
fi
declare -A seen
for program in "${programs[@]}"; do
    file=$(command -v "$program") || continue
    # One program may have several names.
    file=$(realpath "$file")
    release=$("$file" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
    [ "${release:-0}" -ge 11 ] && [ -z "${seen[$file]:-}" ] || continue
    seen[$file]=yes
    run_tests "$(tr / - <<<"${file#/}")" "$file"
done

if [ $# = 0 ] && can_have_systems; then
    inside=scripts/test-packages/in-system.sh
    for suite in "${!packages_of[@]}"; do
        set_up_system "$suite"
        for program in "$systems/$suite"/usr/lib/jvm/java-[0-9]*/bin/java; do
            [ ! -L "$(dirname "$(dirname "$program")")" ] || continue
            name=$(basename "${program%/bin/java}")
            run_tests "$suite-$name" "/usr/lib/jvm/$name/bin/java" $inside "$systems/$suite"
        done
    done
elif [ $# = 0 ]; then
    echo 'Skips the Java versions of other Debian releases, which need root.' >&2
fi

[ ${#failed[@]} -eq 0 ] || fail "${#failed[@]} of $((passed + ${#failed[@]})) failed: ${failed[*]}"
[ $passed -gt 0 ] || fail 'no Java 11 or newer was found'
echo "All $passed passed."
