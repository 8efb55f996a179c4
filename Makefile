# The two commands to know are `make demo` and `make test`. `make help` lists all targets.

.DEFAULT_GOAL := help
SHELL := /bin/bash

CARGO ?= cargo
PYTHON ?= python3
export MVN ?= mvn

# Cargo, Python and the scripts build below this folder, so that the source tree stays clean.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
RELEASE := $(CARGO_TARGET_DIR)/release
LIBRARY := $(RELEASE)/libdcs.so
VENV := $(CARGO_TARGET_DIR)/venv
WHEELS := $(CARGO_TARGET_DIR)/wheels
TESTBED := $(CARGO_TARGET_DIR)/debug/dcs-testbed

# Runs a command beside the test servers, with the release library for the C programs.
IN_TESTBED := DCS_LIBRARY=$(LIBRARY) $(TESTBED) --
CARGO_TEST := $(CARGO) test --workspace --all-features --locked
MAVEN := scripts/maven.sh -Dlibdcs.prebuilt=$(LIBRARY)

##@ Start here

help: ## List the targets
	@awk -f make/help.awk $(MAKEFILE_LIST)

setup: ## Install what make test needs (Debian, Ubuntu); without root, print the command
	@scripts/setup.sh

demo: ## Call the sandbox from C, Python and Java; show the documented errors, a diagnosis
	@scripts/setup.sh --demo
	@scripts/demo.sh

test: setup lint test-rust soak-quick test-python test-java bench-check test-docs ## Run everything that CI runs
	@echo 'All tests passed.'

clean: ## Remove everything that was built
	rm -rf $(CARGO_TARGET_DIR) dist bindings/java/target

##@ Parts of make test, beside soak-quick and bench-check

lint: ## Check format, clippy, API documentation and module layers of the Rust code
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --locked --lib
	$(PYTHON) scripts/layers.py

$(TESTBED): FORCE
	$(CARGO) build --locked -p dcs-testbed

# The C and C++ programs link with the release library.
test-rust: library $(TESTBED) ## Run the Rust, C and C++ tests
	$(IN_TESTBED) $(CARGO_TEST)

test-one: test-name library $(TESTBED) ## Run the Rust tests whose name contains NAME: NAME=reload
	set -o pipefail; $(IN_TESTBED) $(CARGO_TEST) -- $(NAME) | tee $(CARGO_TARGET_DIR)/test-one.log
	@grep -q '^test .* \.\.\.' $(CARGO_TARGET_DIR)/test-one.log || { echo "No test's name contains $(NAME)." >&2; exit 1; }

test-name:
	@[ -n '$(NAME)' ] || { echo 'usage: make test-one NAME=PART_OF_A_NAME' >&2; exit 2; }

# A fresh virtual environment with the wheel, as a user would install it.
python-environment: library $(TESTBED)
	rm -rf $(VENV) $(WHEELS)
	$(PYTHON) -m venv $(VENV)
	LIBDCS_PREBUILT=$(LIBRARY) $(VENV)/bin/pip wheel --quiet --no-deps --wheel-dir $(WHEELS) ./bindings/python
	$(VENV)/bin/pip install --quiet $(WHEELS)/*.whl -r bindings/python/requirements-dev.txt

# bindings/python/pyproject.toml has the settings of ruff and mypy. mypy needs a separate run for each folder with modules
# of the same name.
PYTHON_FOLDERS := bindings/python benches examples scripts tests
BENCH_MODULES := $(wildcard $(CURDIR)/benches/*.py)
OTHER_MODULES := $(foreach folder,scripts scripts/package tests/docs tests/abi,$(wildcard $(CURDIR)/$(folder)/*.py))
lint-python: python-environment ## Check the format, style and types of all Python code
	$(VENV)/bin/ruff check $(PYTHON_FOLDERS)
	$(VENV)/bin/ruff format --check $(PYTHON_FOLDERS)
	cd bindings/python && $(VENV)/bin/mypy
	cd bindings/python && $(VENV)/bin/mypy $(BENCH_MODULES)
	cd bindings/python && $(VENV)/bin/mypy $(OTHER_MODULES)

test-python: lint-python ## Run the Python tests with the built wheel; some of them: ARGS='-k name'
	$(TESTBED) -- $(VENV)/bin/pytest bindings/python/tests $(ARGS)

test-java: library $(TESTBED) ## Run the Java tests with the packaged jar; some of them: ARGS='-Dit.test=NAME'
	$(TESTBED) -- $(MAVEN) --file bindings/java $(ARGS) clean verify

# The programs are those that test-rust has built.
JAR := bindings/java/target/libdcs-$(shell scripts/package/version.sh).jar
test-docs: python-environment ## Run the examples of the pages against the sandbox, and check all links
	$(CARGO_TEST) --test command --no-run
	test $(JAR) -nt $(LIBRARY) || $(MAVEN) --file bindings/java -Dmaven.javadoc.skip=true -DskipITs package
	$(VENV)/bin/pytest tests/docs $(ARGS)

##@ Build and install

# Cargo skips link-time optimisation if the crate type rlib is built too. The loader looks for the SONAME.
library: ## Build the shared and the static library in target/release
	$(CARGO) rustc --release --locked --lib --crate-type cdylib,staticlib
	ln -sf libdcs.so $(RELEASE)/libdcs.so.0

# Takes an existing library as it is, so that `make library && sudo make install` builds nothing as root. LIBDIR is for
# systems that use lib64 or a multiarch folder.
DESTDIR ?=
PREFIX ?= /usr/local
LIBDIR ?= lib
install: $(LIBRARY) ## Install the library with headers, pkg-config and CMake files; PREFIX= LIBDIR= DESTDIR=
	scripts/package/layout.sh $(LIBRARY) $(RELEASE)/libdcs.a "$(DESTDIR)$(PREFIX)" $(LIBDIR)
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ] && command -v ldconfig >/dev/null; then ldconfig; fi

$(LIBRARY):
	$(MAKE) library

site: library ## Build the documentation with the API references in target/site; minutes at first
	@scripts/setup.sh --docs
	@scripts/site.sh

##@ Generated files

header: ## Rewrite include/dcs.h from the source
	DCS_WRITE_HEADER=1 $(CARGO_TEST) --test generated -- header::

reference: ## Rewrite docs/reference from the tables in the source
	DCS_WRITE_REFERENCE=1 $(CARGO_TEST) --test generated -- reference::

# The tests that compare the bindings with the header write the differences instead.
bindings: python-environment ## Rewrite the bindings' tables from include/dcs.h, and the log in the Python README
	DCS_WRITE_BINDINGS=1 $(VENV)/bin/pytest --noconftest bindings/python/tests/test_header.py
	DCS_WRITE_BINDINGS=1 $(TESTBED) -- $(VENV)/bin/pytest bindings/python/tests/test_logging.py -k readme
	DCS_WRITE_BINDINGS=1 $(MAVEN) --file bindings/java -Dit.test=HeaderIT -Dmaven.javadoc.skip=true verify

abi: library $(TESTBED) ## Add new functions and names to the kept ABI in tests/abi
	DCS_WRITE_ABI=1 $(IN_TESTBED) $(CARGO_TEST) --test integration --test compat -- abi_compat:: keeps_exit_codes

instructions: library $(TESTBED) ## Rewrite benches/instructions/expected.json
	DCS_WRITE_INSTRUCTIONS=1 $(IN_TESTBED) $(CARGO_TEST) --test integration -- instructions::
	@cat benches/instructions/expected.json

include make/checks.mk make/bench.mk make/package.mk

# All targets of the help, and those that have no line there.
.PHONY: $(shell awk -F: '/^[a-z][a-z-]*:.*## / { print $$1 }' $(MAKEFILE_LIST)) test-name python-environment FORCE
