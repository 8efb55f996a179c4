#!/usr/bin/env bash
# Builds the packages for Java:
#
#     dist/libdcs-VERSION.jar       with the libraries for Linux and, if it was built, Windows
#     dist/libdcs-VERSION-sources.jar, -javadoc.jar, -cyclonedx.json (the SBOM), libdcs-VERSION.pom
#     dist/maven/                   the same as a repository, for Maven, Gradle and others
#
# The native files come from linux.sh and windows.sh.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

scripts/setup.sh --package
linux=$target/package/linux windows=$target/package/windows natives=$target/package/java
[ -e "$linux/lib/libdcs.so" ] || fail 'the library is missing: run make package-linux'
in_pom=$(sed -n 's|^  <version>\(.*\)</version>|\1|p' bindings/java/pom.xml)
[ "$in_pom" = "$version" ] || fail "the version is $in_pom in bindings/java/pom.xml, but $version in Cargo.toml"

rm -rf "$natives" "$dist/maven"
rm -f "$dist/libdcs-$version"{{,-sources,-javadoc}.jar,.pom,-cyclonedx.json}
mkdir -p "$natives/META-INF" "$dist"
texts=share/doc/libdcs
sboms=("$linux/$texts/libdcs.cdx.json")
# JNA's names of the platforms.
install -D -m 644 "$(realpath "$linux/lib/libdcs.so")" "$natives/linux-x86-64/libdcs.so"
if [ -e "$windows/bin/dcs.dll" ]; then
    install -D -m 644 "$windows/bin/dcs.dll" "$natives/win32-x86-64/dcs.dll"
    [ ! -e "$windows/$texts/libdcs.cdx.json" ] || sboms+=("$windows/$texts/libdcs.cdx.json")
else
    echo 'The jar lacks the library for Windows: make package-windows was not run.' >&2
fi
cp "$linux/$texts/THIRD-PARTY-LICENCES" "$natives/META-INF"
"$python" scripts/package/java_sbom.py "$natives/META-INF/sbom/libdcs.cdx.json" "${sboms[@]}"

# "clean", because the jar would contain files of earlier builds.
scripts/maven.sh --file bindings/java \
    -Dlibdcs.natives="$natives" -Dproject.build.outputTimestamp="$SOURCE_DATE_EPOCH" \
    -DskipITs -Dmaven.install.skip=true -DaltDeploymentRepository="dist::file://${dist// /%20}/maven" clean deploy
# Maven writes the current time into the repository's metadata.
find "$dist/maven" -name maven-metadata.xml | while IFS= read -r file; do
    sed -i "s|<lastUpdated>[0-9]*<|<lastUpdated>$(date --date="@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S)<|" "$file"
    for sum in md5 sha1; do
        "${sum}sum" "$file" | cut -d' ' -f1 | tr -d '\n' >"$file.$sum"
    done
done
deployed=$dist/maven/io/github/libdcs/libdcs/$version/libdcs-$version
cp "$deployed"{{,-sources,-javadoc}.jar,.pom,-cyclonedx.json} "$dist"
print_paths "$dist/libdcs-$version"{{,-sources,-javadoc}.jar,.pom,-cyclonedx.json} "$dist/maven"
