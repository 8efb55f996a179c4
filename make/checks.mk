# Tests and checks that take minutes or hours, or need tools that make test does without.

##@ Slow tests and checks

sweep: $(TESTBED) ## Cut an exchange at each of its bytes; make test cuts at every seventh; minutes
	DCS_SWEEP=every $(TESTBED) -- $(CARGO_TEST) --test integration -- cut_at_every_byte:: --nocapture

torture: library $(TESTBED) ## Fail every system call, once and from then on; make test does the first half; minutes
	DCS_TORTURE=full $(IN_TESTBED) $(CARGO_TEST) --test integration -- torture::

DCS_LEAK_CALLS ?= 100000
leaks: library $(TESTBED) ## Measure the heap, descriptors and threads that 100 000 calls leave behind
	DCS_LEAK_CALLS=$(DCS_LEAK_CALLS) $(IN_TESTBED) $(CARGO_TEST) --test integration -- leaks:: --nocapture

soak: library $(TESTBED) ## Make a million calls while nginx is killed, frozen and reloaded; ARGS='--calls 100000'
	$(TESTBED) -- $(PYTHON) benches/soak.py $(ARGS)

soak-quick: library $(TESTBED) ## The same with each kind of fault once, in seconds; part of make test
	$(TESTBED) -- $(PYTHON) benches/soak.py --quick

fork-soak: python-environment ## Make a thousand calls in each of eight forked Python processes
	$(TESTBED) -- $(VENV)/bin/pytest -m soak bindings/python/tests

sanitize: library $(TESTBED) ## Run the C tests with memory and thread checkers; PARTS='memcheck address thread'
	DCS_LIBRARY=$(LIBRARY) TESTBED=$(TESTBED) scripts/sanitize.sh $(PARTS)

fuzz: ## Fuzz the parsers and the C ABI; TARGETS='answer status' FUZZ_SECONDS=600
	@scripts/fuzz.sh $(TARGETS)

coverage: ## Measure which lines of src the Rust tests run; the others: ARGS=--missing
	scripts/coverage.sh $(ARGS)

mutants: ## Change the core and check that a test notices; hours; FILES=src/client.rs
	scripts/mutants.sh $(FILES)

deny: ## Check licences, sources and duplicates of the dependencies
	. scripts/cargo_tool.sh && cargo_tool deny && $(CARGO) deny check bans licenses sources

deny-advisories: ## Check the dependencies for known vulnerabilities; needs the RustSec database
	. scripts/cargo_tool.sh && cargo_tool deny && $(CARGO) deny check advisories

test-examples: python-environment ## Start the examples for Flask, Django, FastAPI, CMake and Kubernetes
	@scripts/setup.sh --docs
	$(CARGO) build --locked -p dcs-cli
	$(PYTHON) -m venv $(CARGO_TARGET_DIR)/examples-venv
	$(CARGO_TARGET_DIR)/examples-venv/bin/pip install --quiet --force-reinstall --no-deps $(WHEELS)/*.whl
	$(CARGO_TARGET_DIR)/examples-venv/bin/pip install --quiet -r tests/examples/requirements.txt
	$(CARGO_TARGET_DIR)/examples-venv/bin/pytest tests/examples $(ARGS)
