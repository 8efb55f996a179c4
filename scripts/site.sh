#!/usr/bin/env bash
# Builds the documentation in target/site: the pages of docs with mdBook, and the API reference of each language. Checks
# the links between them. Open target/site/index.html.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
tools=$target/tools
site=$target/site
source=$target/site-source
library=$target/release/libdcs.so
cargo=${CARGO:-cargo}
python=${PYTHON:-python3}

mdbook_version=0.5.4
pdoc_version=16.0.0

title() {
    printf '== %s\n' "$*"
}

title 'Tools'
if [ "$("$tools/bin/mdbook" --version 2>/dev/null)" != "mdbook v$mdbook_version" ]; then
    # Outside this clone's .cargo/config.toml, and in a temporary target folder: the build takes minutes and half a
    # gigabyte.
    (cd / && "$cargo" install mdbook --version "$mdbook_version" --locked --no-default-features --features search \
        --force --root "$tools" --target-dir "$tools/build-mdbook")
    rm -rf "$tools/build-mdbook"
fi
if ! "$tools/pdoc/bin/pdoc" --version 2>/dev/null | grep -q "^pdoc: $pdoc_version"; then
    "$python" -m venv --clear "$tools/pdoc"
    "$tools/pdoc/bin/pip" install --quiet "pdoc==$pdoc_version"
fi

title 'Pages'
rm -rf "$site" "$source"
"$python" scripts/site_source.py "$source"
"$tools/bin/mdbook" build --dest-dir "$site" "$source"

title 'Rust'
rm -rf "$target/doc"
RUSTDOCFLAGS='-D warnings' "$cargo" doc --quiet --no-deps --locked --lib
mkdir -p "$site/api"
cp -r "$target/doc" "$site/api/rust"

for language in c cpp; do
    title "$language"
    mkdir -p "$site/api/$language"
    {
        cat "docs/doxygen/$language.cfg"
        printf 'OUTPUT_DIRECTORY = "%s"\nHTML_OUTPUT = .\n' "$site/api/$language"
    } | doxygen -
done

title 'Java'
scripts/maven.sh --file bindings/java -Dlibdcs.prebuilt="$library" -DskipITs package
cp -r bindings/java/target/reports/apidocs "$site/api/java"

title 'Python'
# Reads the source and the built library. All modules are private, so the package is one page.
LIBDCS_PATH=$library PYTHONPATH=bindings/python/src \
    "$tools/pdoc/bin/pdoc" --docformat google --no-show-source --output-directory "$site/api/python" libdcs

title 'Links'
"$python" scripts/site_links.py "$site"
echo "The documentation is in $site: open index.html."
