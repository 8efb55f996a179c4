# make demo    the main job on the built-in sandbox, from C, Python and Java, the three documented errors, a diagnosis
# make test    everything that CI runs
# make bench   the race against other clients on a real nginx (benches/README.md)
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

.PHONY: help setup library demo test lint test-rust test-python test-java bench bench-quick instructions \
	bench-scaling bench-scaling-quick bench-memory bench-memory-quick bench-size header clean \
	coverage mutants deny deny-advisories

help:
	@sed -n 's/^# make /make /p' $(MAKEFILE_LIST)
	@echo 'make lint | test-rust | test-python | test-java   parts of make test'
	@echo 'make bench-quick   the race in under two minutes, for a look'
	@echo 'make library   $(LIBRARY)'
	@echo 'make instructions   counts anew what a call costs, for benches/instructions/expected.json'
	@echo 'make bench-scaling | bench-memory | bench-size   what limits, what it holds, what it is made of; see benches'
	@echo 'make coverage  how much of src the Rust tests run through; ARGS=--missing lists the rest (docs/coverage.md)'
	@echo 'make mutants   changes the core and sees whether a test notices; FILES=src/client.rs (docs/mutants.md)'
	@echo 'make deny      licences, sources and duplicates of what the library is built from (deny.toml)'
	@echo 'make deny-advisories   the same for known weaknesses; needs a network that reaches the RustSec database'
	@echo 'make header    writes include/dcs.h anew from the source'
	@echo 'make clean     removes all that was built'

# Installs what the machine lacks (Debian and Ubuntu; as root, otherwise it prints the line to run).
setup:
	@scripts/setup.sh

# The loader looks for the SONAME.
library:
	$(CARGO) build --release --locked --lib
	ln -sf libdcs.so $(RELEASE)/libdcs.so.0

demo:
	@scripts/setup.sh --demo
	@scripts/demo.sh

test: setup lint test-rust test-python test-java
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

# Against the installed wheel, in an environment of its own.
test-python: library $(TESTBED)
	rm -rf $(VENV) $(WHEELS)
	$(PYTHON) -m venv $(VENV)
	LIBDCS_PREBUILT=$(LIBRARY) $(VENV)/bin/pip wheel --quiet --no-deps --wheel-dir $(WHEELS) ./bindings/python
	$(VENV)/bin/pip install --quiet $(WHEELS)/*.whl -r bindings/python/requirements-dev.txt
	cd bindings/python && $(VENV)/bin/ruff check . ../../examples ../../benches && $(VENV)/bin/ruff format --check . ../../examples ../../benches && $(VENV)/bin/mypy && $(VENV)/bin/mypy $(wildcard $(CURDIR)/benches/*.py $(CURDIR)/benches/memory/*.py)
	$(VENV)/bin/python -m unittest discover --start-directory benches
	$(TESTBED) -- $(VENV)/bin/pytest bindings/python/tests

# Against the packaged jar.
test-java: library $(TESTBED)
	MAVEN_OPTS=-Djansi.mode=strip $(TESTBED) -- $(MVN) --batch-mode --quiet -Dstyle.color=never --file bindings/java -Dlibdcs.prebuilt=$(LIBRARY) clean verify

# Builds the contenders, starts the testbed and races. Options of race.py: make bench ARGS='--only C floor'.
bench:
	@scripts/setup.sh --bench
	$(PYTHON) benches/race.py $(ARGS)

bench-quick:
	@scripts/setup.sh --bench
	$(PYTHON) benches/race.py --quick $(ARGS)

# The release library's instructions per call, which a test compares.
instructions: library $(TESTBED)
	DCS_LIBRARY=$(LIBRARY) DCS_WRITE_INSTRUCTIONS=1 $(TESTBED) -- $(CARGO) test --locked --test instructions
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

bench-size:
	$(PYTHON) benches/size.py

coverage:
	scripts/coverage.sh $(ARGS)

mutants:
	scripts/mutants.sh $(FILES)

deny:
	@$(CARGO) deny --version || $(CARGO) install --locked cargo-deny
	$(CARGO) deny check bans licenses sources

deny-advisories:
	@$(CARGO) deny --version || $(CARGO) install --locked cargo-deny
	$(CARGO) deny check advisories

header:
	DCS_WRITE_HEADER=1 $(CARGO) test --locked --test header

clean:
	rm -rf $(CARGO_TARGET_DIR) bindings/java/target
