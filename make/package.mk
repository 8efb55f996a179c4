# Packages in dist, and tests that install and use them. docs/linux.md and docs/windows.md explain them.

##@ Packages

# One after the other, also with -j: the later ones use what the earlier ones have built.
package: ## Build all packages in dist
	$(MAKE) package-linux
	$(MAKE) package-windows
	$(MAKE) package-python
	$(MAKE) package-java

package-linux: ## Build the Linux archive and the Debian packages
	scripts/package/linux.sh

package-windows: ## Build the Windows DLL and programs as a zip (docs/windows.md)
	scripts/package/windows.sh

package-python: ## Build the wheels and the sdist from what package-linux and package-windows built
	scripts/package/python.sh

package-java: ## Build the jars and a Maven repository from the same
	scripts/package/java.sh

reproducible: ## Build packages twice and compare the bytes; ARTEFACTS='linux windows python java'
	scripts/package/reproducible.sh $(ARTEFACTS)

##@ Tests of the packages

LINUX_PACKAGES := test-package-python test-package-java test-package-linux test-package-rust
test-packages: $(LINUX_PACKAGES) ## Run the four tests below

test-package-linux: ## Install the Linux packages in a Debian without Rust, and use them; as root
	scripts/package/test-linux.sh

test-package-python: ## Use the wheel with pip, pipx, uv and PyInstaller, the sdist with cargo; minutes
	scripts/test-packages/python.sh

test-package-java: ## Use the jar from dist/maven in a plain program and with Spring Boot
	scripts/test-packages/java.sh

test-package-rust: ## Use the crate, packed as for crates.io, from a new crate
	scripts/test-packages/rust.sh

# In those of this machine and, as root, of other Debian releases.
test-python-versions: $(TESTBED) ## Run the Python tests in every Python from 3.9; PYTHONS=/path/python3
	TESTBED=$(TESTBED) scripts/test-packages/python-versions.sh $(PYTHONS)

test-java-versions: $(TESTBED) ## Run the Java tests in every Java from 11; JAVAS=/path/java
	TESTBED=$(TESTBED) scripts/test-packages/java-versions.sh $(JAVAS)

test-windows: package-windows $(TESTBED) ## Run the Windows programs and tests under Wine; ARGS='c-abi rust'
	TESTBED=$(TESTBED) scripts/package/test-windows.sh $(ARGS)
