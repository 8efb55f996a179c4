# make demo    the main job on the built-in sandbox, from C, Python and Java, the three documented errors, a diagnosis
# make test    everything that CI runs
# make bench   the race against other clients on a real nginx (benches/README.md)
# make sweep   breaks an exchange at its every byte, which make test does at every seventh (some minutes)
# make help    the other targets

.DEFAULT_GOAL := help
SHELL := /bin/bash

CARGO ?= cargo
PYTHON ?= python3
MVN ?= mvn

# One folder for all that is built, so that nothing is left in the source tree.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
RELEASE := $(CARGO_TARGET_DIR)/release
LIBRARY := $(RELEASE)/libdcs.so
VENV := $(CARGO_TARGET_DIR)/venv
WHEELS := $(CARGO_TARGET_DIR)/wheels
TESTBED := $(CARGO_TARGET_DIR)/debug/dcs-testbed

.PHONY: help setup library demo test sweep lint test-rust test-python test-java bench bench-quick \
	instructions bench-scaling bench-scaling-quick bench-memory bench-memory-quick bench-size torture header \
	clean abi install package package-linux reproducible test-packages test-package-linux python-environment fork-soak soak soak-quick leaks sanitize fuzz coverage mutants deny \
	deny-advisories package-python package-java test-package-python test-package-java test-python-versions \
	test-java-versions \
	package-windows test-windows test-package-rust \
	reference site test-docs test-examples bench-check

help:
	@sed -n 's/^# make /make /p' $(MAKEFILE_LIST)
	@echo 'make lint | test-rust | test-python | test-java   parts of make test'
	@echo 'make fork-soak   a client made before fork(), in eight processes with a thousand calls each'
	@echo 'make setup     installs what make test needs (Debian and Ubuntu, as root)'
	@echo 'make soak-quick   part of make test: each kind of harm of make soak once'
	@echo 'make bench-quick   the race in under two minutes, for a look'
	@echo 'make library   $(LIBRARY)'
	@echo 'make instructions   counts anew what a call costs, for benches/instructions/expected.json'
	@echo 'make bench-scaling | bench-memory | bench-size   what limits, what it holds, what it is made of; see benches. The first two with -quick for a look'
	@echo 'make torture   has every system call fail, and go on failing; minutes'
	@echo 'make soak      a million calls while the server is killed, frozen and reloaded (benches/soak.md)'
	@echo 'make leaks     what 100 000 calls of every kind, failing ones included, leave behind: heap, descriptors, threads'
	@echo 'make sanitize  AddressSanitizer, UBSan, ThreadSanitizer (nightly Rust) and memcheck on the C ABI'
	@echo 'make fuzz      any bytes as files, answers and calls of the C ABI; FUZZ_SECONDS (600) for each target; needs nightly Rust'
	@echo 'make coverage  how much of src the Rust tests run through; ARGS=--missing lists the rest (tests/coverage.md)'
	@echo 'make mutants   changes the core and sees whether a test notices; FILES=src/client.rs (tests/mutants.md)'
	@echo 'make deny      licences, sources and duplicates of what the library is built from (deny.toml)'
	@echo 'make deny-advisories   the same for known weaknesses; needs a network that reaches the RustSec database'
	@echo 'make package-windows   the Windows DLL and commands as a zip in dist (docs/windows.md)'
	@echo 'make test-windows   runs them under Wine against the real servers; many minutes'
	@echo 'make header    writes include/dcs.h anew from the source'
	@echo 'make reference writes docs/reference anew from the tables in the source'
	@echo 'make site      the documentation with each language'"'"'s API reference, in target/site; the first time takes minutes'
	@echo 'make test-docs | bench-check   parts of make test: the examples in the pages; the contenders in Java compile'
	@echo 'make test-examples   starts the examples that have requirements of their own (Flask, Django, FastAPI, CMake, Kubernetes)'
	@echo 'make abi       adds what is new to the kept ABI and names in tests/abi (docs/versioning.md)'
	@echo 'make install   the library, its headers, pkg-config and CMake files; PREFIX=/usr/local DESTDIR='
	@echo 'make package-linux   the Linux archive and Debian packages in dist (docs/linux.md)'
	@echo 'make test-package-linux   installs them in a Debian without Rust and uses them there; as root'
	@echo 'make package-python | package-java   wheels and sdist, jars and a Maven repository, of what package-linux has built'
	@echo 'make test-package-python | test-package-java | test-package-rust   installs and uses them as their users do'
	@echo 'make test-python-versions | test-java-versions   runs their tests in every version to be had'
	@echo 'make package | test-packages   all artefacts in dist; installs and uses those for Linux, Python, Java and Rust'
	@echo 'make reproducible   builds the Linux artefacts in two folders and compares the bytes; ARTEFACTS="linux windows python java"'
	@echo 'make clean     removes all that was built'

# Installs what the machine lacks (Debian and Ubuntu; as root, otherwise it prints the line to run).
setup:
	@scripts/setup.sh

# Without the crate type rlib, beside which cargo leaves link-time optimisation out. The loader looks for the SONAME.
library:
	$(CARGO) rustc --release --locked --lib --crate-type cdylib,staticlib
	ln -sf libdcs.so $(RELEASE)/libdcs.so.0

demo:
	@scripts/setup.sh --demo
	@scripts/demo.sh

test: setup lint test-rust soak-quick test-python test-java bench-check test-docs
	@echo 'All tests passed.'

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --locked --lib

$(TESTBED): FORCE
	$(CARGO) build --locked -p dcs-testbed
.PHONY: FORCE

# The C and C++ programs link with the release library.
test-rust: library $(TESTBED)
	DCS_LIBRARY=$(LIBRARY) $(TESTBED) -- $(CARGO) test --workspace --all-features --locked

sweep: $(TESTBED)
	DCS_SWEEP=every $(TESTBED) -- $(CARGO) test --all-features --locked --test sweep -- --nocapture

# The installed wheel, in an environment of its own.
python-environment: library $(TESTBED)
	rm -rf $(VENV) $(WHEELS)
	$(PYTHON) -m venv $(VENV)
	LIBDCS_PREBUILT=$(LIBRARY) $(VENV)/bin/pip wheel --quiet --no-deps --wheel-dir $(WHEELS) ./bindings/python
	$(VENV)/bin/pip install --quiet $(WHEELS)/*.whl -r bindings/python/requirements-dev.txt

test-python: python-environment
	cd bindings/python && $(VENV)/bin/ruff check . ../../examples ../../benches ../../scripts ../../tests && $(VENV)/bin/ruff format --check . ../../examples ../../benches ../../scripts ../../tests && $(VENV)/bin/mypy && $(VENV)/bin/mypy $(wildcard $(CURDIR)/benches/*.py $(CURDIR)/benches/memory/*.py) && $(VENV)/bin/mypy $(wildcard $(CURDIR)/scripts/*.py $(CURDIR)/scripts/package/*.py $(CURDIR)/tests/docs/*.py $(CURDIR)/tests/abi/*.py)
	$(VENV)/bin/python -m unittest discover --start-directory benches
	$(TESTBED) -- $(VENV)/bin/pytest bindings/python/tests

# One client in eight forked processes, a thousand calls in each, by hand and under gunicorn.
fork-soak: python-environment
	$(TESTBED) -- $(VENV)/bin/pytest -m soak bindings/python/tests

# Against the packaged jar.
test-java: library $(TESTBED)
	MAVEN_OPTS=-Djansi.mode=strip $(TESTBED) -- $(MVN) --batch-mode --quiet -Dstyle.color=never --file bindings/java -Dlibdcs.prebuilt=$(LIBRARY) clean verify

# The contenders of the race in Java, which nothing else compiles. Their peers come from Maven Central.
bench-check: library
	MAVEN_OPTS=-Djansi.mode=strip $(MVN) --batch-mode --quiet -Dstyle.color=never --file benches/contenders/java/reactor.xml -Dlibdcs.prebuilt=$(LIBRARY) -Dbench.out=$(CARGO_TARGET_DIR)/bench-check -Dmaven.javadoc.skip=true compile

# Every example in docs and the READMEs, against the sandbox (tests/docs). The programs are those that test-rust has built.
JAR := bindings/java/target/libdcs-$(shell scripts/package/version.sh).jar
test-docs: python-environment
	$(CARGO) test --workspace --all-features --locked --test command --test sandbox --no-run
	test $(JAR) -nt $(LIBRARY) || MAVEN_OPTS=-Djansi.mode=strip $(MVN) --batch-mode --quiet -Dstyle.color=never --file bindings/java -Dlibdcs.prebuilt=$(LIBRARY) -Dmaven.javadoc.skip=true -DskipITs package
	$(VENV)/bin/pytest tests/docs

# In an environment of their own, with what each requirements.txt names.
test-examples: python-environment
	@scripts/setup.sh --docs
	$(CARGO) build --locked --features sandbox --bin dcs-sandbox
	$(PYTHON) -m venv $(CARGO_TARGET_DIR)/examples-venv
	$(CARGO_TARGET_DIR)/examples-venv/bin/pip install --quiet --force-reinstall --no-deps $(WHEELS)/*.whl
	$(CARGO_TARGET_DIR)/examples-venv/bin/pip install --quiet -r tests/examples/requirements.txt
	$(CARGO_TARGET_DIR)/examples-venv/bin/pytest tests/examples

site: library
	@scripts/setup.sh --docs
	@scripts/site.sh

# Builds the contenders, starts the testbed and races. Options of race.py: make bench ARGS='--only C floor'.
bench:
	@scripts/setup.sh --bench
	$(PYTHON) benches/race.py $(ARGS)

bench-quick:
	@scripts/setup.sh --bench
	$(PYTHON) benches/race.py --quick $(ARGS)

# The release library's instructions per call, which a test compares.
instructions: library $(TESTBED)
	DCS_LIBRARY=$(LIBRARY) DCS_WRITE_INSTRUCTIONS=1 $(TESTBED) -- $(CARGO) test --all-features --locked --test instructions
	@cat benches/instructions/expected.json

# The benchmarks below need nothing but what the tests need; bench-scaling adds round-trip time as root only.
bench-scaling: library $(TESTBED)
	$(PYTHON) benches/scaling.py

bench-scaling-quick: library $(TESTBED)
	$(PYTHON) benches/scaling.py --quick

bench-memory: library $(TESTBED)
	$(TESTBED) -- $(PYTHON) benches/memory/memory.py

bench-memory-quick: library $(TESTBED)
	$(TESTBED) -- $(PYTHON) benches/memory/memory.py --calls 50000

# A million calls, or as many as ARGS says: make soak ARGS='--calls 100000'.
soak: library $(TESTBED)
	$(TESTBED) -- $(PYTHON) benches/soak.py $(ARGS)

# Each kind of harm once, in some seconds.
soak-quick: library $(TESTBED)
	$(TESTBED) -- $(PYTHON) benches/soak.py --quick

bench-size:
	$(PYTHON) benches/size.py

# Every system call that fails, and fails from then on, which takes minutes; `make test` has the first half.
torture: library $(TESTBED)
	DCS_LIBRARY=$(LIBRARY) DCS_TORTURE=full $(TESTBED) -- $(CARGO) test --all-features --locked --test torture

# `make test` does the same with 3000 calls.
leaks: library $(TESTBED)
	DCS_LIBRARY=$(LIBRARY) DCS_LEAK_CALLS=$${DCS_LEAK_CALLS:-100000} $(TESTBED) -- $(CARGO) test --locked --test leaks -- --nocapture

sanitize: library $(TESTBED)
	DCS_LIBRARY=$(LIBRARY) TESTBED=$(TESTBED) scripts/sanitize.sh $(PARTS)

# TARGETS names some of them: make fuzz TARGETS='answer status' FUZZ_SECONDS=60
fuzz:
	@scripts/fuzz.sh $(TARGETS)

coverage:
	scripts/coverage.sh $(ARGS)

mutants:
	scripts/mutants.sh $(FILES)

deny:
	. scripts/cargo_tool.sh && cargo_tool deny && $(CARGO) deny check bans licenses sources

deny-advisories:
	. scripts/cargo_tool.sh && cargo_tool deny && $(CARGO) deny check advisories

# Adds to tests/abi what is new; what is kept there and has changed is an error (docs/versioning.md).
abi: library $(TESTBED)
	DCS_LIBRARY=$(LIBRARY) DCS_WRITE_ABI=1 $(TESTBED) -- $(CARGO) test --all-features --locked --test stability

# The library that is built already, so that `make library && sudo make install` builds nothing as root. No root is needed with DESTDIR; LIBDIR is for systems that want lib64 or a
# multiarch folder.
DESTDIR ?=
PREFIX ?= /usr/local
LIBDIR ?= lib
install: $(LIBRARY)
	scripts/package/layout.sh $(LIBRARY) $(RELEASE)/libdcs.a "$(DESTDIR)$(PREFIX)" $(LIBDIR)
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ] && command -v ldconfig >/dev/null; then ldconfig; fi

$(LIBRARY):
	$(MAKE) library

package-linux:
	scripts/package/linux.sh

# One after the other also with -j: the later ones take what the earlier ones have built.
package:
	$(MAKE) package-linux
	$(MAKE) package-windows
	$(MAKE) package-python
	$(MAKE) package-java

# Of what package-linux and package-windows have built.
package-python:
	scripts/package/python.sh

package-java:
	scripts/package/java.sh

# With pip, pipx and uv, in Debian 11, and from the sdist with cargo, which takes minutes.
test-package-python:
	scripts/test-packages/python.sh

# With Maven from dist/maven: a plain program, and one with Spring Boot.
test-package-java:
	scripts/test-packages/java.sh

test-packages: test-package-python test-package-java

# In the interpreters of this machine and, as root, of other Debian releases.
test-python-versions: $(TESTBED)
	TESTBED=$(TESTBED) scripts/test-packages/python-versions.sh $(PYTHONS)

test-java-versions: $(TESTBED)
	TESTBED=$(TESTBED) scripts/test-packages/java-versions.sh $(JAVAS)

# Two builds of the artefacts in two folders, compared byte by byte. Takes as long as two builds from nothing.
reproducible:
	scripts/package/reproducible.sh $(ARTEFACTS)

# The Linux artefacts in a Debian without Rust, of the oldest glibc to be had. Needs root, for chroot.
test-package-linux:
	scripts/package/test-linux.sh

test-packages: test-package-linux

# A crate that depends on this one as it would be published.
test-package-rust:
	scripts/test-packages/rust.sh

test-packages: test-package-rust

package-windows:
	scripts/package/windows.sh

# The DLL and the Rust tests as Windows programs, under Wine, with the servers on this side.
test-windows: package-windows $(TESTBED)
	TESTBED=$(TESTBED) scripts/package/test-windows.sh $(ARGS)

header:
	DCS_WRITE_HEADER=1 $(CARGO) test --all-features --locked --test header

reference:
	DCS_WRITE_REFERENCE=1 $(CARGO) test --all-features --locked --test reference

clean:
	rm -rf $(CARGO_TARGET_DIR) dist bindings/java/target
