# Benchmarks; benches/README.md explains what they measure.

##@ Benchmarks

bench: ## Race against other clients on a real nginx; ARGS='--only C floor'
	@scripts/setup.sh --bench
	$(PYTHON) benches/race.py $(ARGS)

bench-quick: ## The same with fewer calls, in under two minutes
	@scripts/setup.sh --bench
	$(PYTHON) benches/race.py --quick $(ARGS)

# Adds round-trip time only as root.
bench-scaling: library $(TESTBED) ## Measure calls per second by threads, clients and round-trip time
	$(PYTHON) benches/scaling.py

bench-scaling-quick: library $(TESTBED) ## The same with fewer points, in about a minute
	$(PYTHON) benches/scaling.py --quick

bench-memory: library $(TESTBED) ## Measure the heap of a client, a connection and a call
	$(TESTBED) -- $(PYTHON) benches/memory.py

bench-memory-quick: library $(TESTBED) ## The same with 50 000 calls instead of a million
	$(TESTBED) -- $(PYTHON) benches/memory.py --calls 50000

bench-size: ## Show which crates the bytes of libdcs.so come from
	$(PYTHON) benches/size.py

# No other target compiles the Java contenders. Their dependencies come from Maven Central.
bench-check: library python-environment ## Test the benchmarks' own code; part of make test
	$(VENV)/bin/python -m unittest discover --start-directory benches
	$(MAVEN) --file benches/contenders/java/reactor.xml -Dbench.out=$(CARGO_TARGET_DIR)/bench-check \
		-Dmaven.javadoc.skip=true compile
