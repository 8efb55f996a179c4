"""Builds and runs every example of the pages against the sandbox. blocks.py describes the comments on a page.

The blocks of a page run in order, in one folder that contains the three files. A whole program runs as it
is. A fragment is put into a program that has created `config` and `client` from the environment.

A URL in a program is replaced by that of the running sandbox. A program without a URL, which would call the
DCS, also gets the sandbox's URL. The pages in getting-started are the exception: their programs must work as
they are printed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from blocks import RUNNABLE, SHOWN, Block, blocks, pages
from sandbox import ROOT

PRINTED_URLS = (
    "https://localhost:8443/checks/passport",
    "https://dcs-integration.ida.digital.cabinet-office.gov.uk/checks/passport",
)
"""The URLs in the pages: the sandbox as getting-started/index.md starts it, and the default."""

C_PRELUDE = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <inttypes.h>
#include <dcs.h>
"""

C_SANDBOX = """
static dcs_config *sandbox_config(void) {
    dcs_config *config = dcs_config_new();
    dcs_config_set_url(config, getenv("DCS_URL"));
    return config;
}
#define dcs_config_new sandbox_config
"""

C_FRAGMENT = """
%s
int main(void) {
    dcs_error *error = NULL;
    dcs_config *config = dcs_config_new();
    dcs_client *client = NULL;
    if (dcs_config_load_env(config, &error) != DCS_OK || dcs_client_new(config, &client, &error) != DCS_OK) {
        fputs(dcs_error_message(error), stderr);
        return 1;
    }
    {
%s
    }
    dcs_client_free(client);
    dcs_config_free(config);
    return 0;
}
"""

CPP_FRAGMENT = """
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>
#include <dcs.hpp>
%s
int main() {
    dcs::config config;
    config.load_env();
    const dcs::client client(config);
    {
%s
    }
}
"""

PYTHON_FRAGMENT = """
import logging, threading, time
import libdcs
client = libdcs.Client.from_env()
%s
"""

JAVA_FRAGMENT = """
import io.github.libdcs.*;
import java.net.URI;
import java.nio.file.*;
import java.security.*;
import java.security.spec.*;
import java.time.*;
import java.util.*;
import java.util.concurrent.*;
%s
final class Example {
    static DcsClient client = DcsClient.fromEnvironment();
    public static void main(String[] arguments) throws Exception {
        fragment();
    }
    static void fragment() throws Exception {
%s
    }
}
"""

RUST_FRAGMENT = """
#[allow(unused)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
let mut config = dcs::Config::new();
config.load_env()?;
let client = dcs::Client::new(&config)?;
{
%s
}
Ok(())
}
"""

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused", "-Wno-unused-parameter"]


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command and capture its output."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


def split_imports(code: str, pattern: str) -> tuple[str, str]:
    """Return the lines that must stand outside of a function, and the other lines."""
    lines = code.splitlines()
    top = [line for line in lines if re.match(pattern, line)]
    return "\n".join(top), "\n".join(line for line in lines if line not in top)


def adds_url(page: Path) -> bool:
    """Return whether programs without a URL get the sandbox's on this page."""
    return page.parent.name != "getting-started"


def with_url(code: str, url: str) -> str:
    """Replace the URL in a program."""
    for printed in PRINTED_URLS:
        code = code.replace(f'"{printed}"', json.dumps(url))
    return code


class Example:
    """Runs one block."""

    def __init__(self, block: Block, folder: Path, environment: dict[str, str]) -> None:
        self.block = block
        self.folder = folder
        self.environment = environment
        if block.answer is not None:
            url = f"{environment['DCS_URL']}?answer={block.answer}"
            self.environment = {**environment, "DCS_URL": url}
        self.program = with_url(block.code, self.environment["DCS_URL"])
        self.adds_url = adds_url(block.page)

    def __call__(self) -> str:
        """Run the block and return its output."""
        return {
            "c": self.c,
            "cpp": self.cpp,
            "python": self.python,
            "java": self.java,
            "sh": self.sh,
            "console": self.console,
        }[self.block.language]()

    def execute(self, command: list[str], exits: int = 0) -> str:
        """Run a command that must exit with this status, and return its output."""
        result = run(command, self.folder, self.environment)
        if result.returncode != exits:
            pytest.fail(
                f"{self.block.place} exited with {result.returncode}:\n{result.stdout}", pytrace=False
            )
        return result.stdout

    def compile_and_run(self, compiler: list[str], name: str, fragment: str) -> str:
        code = self.program
        if "int main(" not in code:
            code = fragment % split_imports(code, "#include")
        prelude = C_PRELUDE + C_SANDBOX if self.adds_url else C_PRELUDE
        (self.folder / "prelude.h").write_text(prelude, encoding="utf-8")
        (self.folder / name).write_text(code, encoding="utf-8")
        flags = [*WARNINGS, f"-I{ROOT}/include", f"-L{self.environment['LD_LIBRARY_PATH']}"]
        self.execute(
            [*compiler, "-include", "prelude.h", *flags, "-o", "example", name, "-ldcs", "-lpthread"]
        )
        return self.execute(["./example"], self.block.exits)

    def c(self) -> str:
        return self.compile_and_run(["cc", "-std=gnu11"], "example.c", C_FRAGMENT)

    def cpp(self) -> str:
        return self.compile_and_run(["c++", "-std=c++17"], "example.cpp", CPP_FRAGMENT)

    def python(self) -> str:
        code = self.program
        if "import libdcs" not in code:
            code = PYTHON_FRAGMENT % code
        (self.folder / "example.py").write_text(code, encoding="utf-8")
        site = ["env"] if self.adds_url else ["env", "--unset=PYTHONPATH"]
        return self.execute([*site, "python", "-W", "error", "example.py"], self.block.exits)

    def java(self) -> str:
        code = self.program
        if not re.search(r"^(public )?(final )?class ", code, re.MULTILINE):
            code = JAVA_FRAGMENT % split_imports(code, "import ")
        if self.adds_url and ".url(" not in code:
            code = code.replace(".builder()", '.builder().url(java.net.URI.create(System.getenv("DCS_URL")))')
        (self.folder / "Example.java").write_text(code, encoding="utf-8")
        options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
        return self.execute(["java", *options, "Example.java"], self.block.exits)

    def sh(self) -> str:
        check_make_targets(self.block)
        code = "\n".join(line for line in self.block.code.splitlines() if not line.startswith("make "))
        return self.execute(["bash", "-euo", "pipefail", "-c", code], self.block.exits)

    def console(self) -> str:
        commands = re.split(r"^\$ ", self.block.code, flags=re.MULTILINE)
        assert commands.pop(0) == "", f"{self.block.place} does not start with a command"
        assert commands, f"{self.block.place} has no command"
        for command in commands[:-1]:
            self.check_command(command, 0)
        return self.check_command(commands[-1], self.block.exits)

    def check_command(self, text: str, exits: int) -> str:
        command, _, expected = text.partition("\n")
        printed = self.execute(["bash", "-euo", "pipefail", "-c", command], exits)
        assert_prints(self.block, printed, expected)
        return printed


def check_make_targets(block: Block) -> None:
    """Check that the Makefile has the targets of the block's `make` lines, which are not run."""
    files = [ROOT / "Makefile", *ROOT.glob("make/*.mk")]
    makefile = "".join(file.read_text(encoding="utf-8") for file in files)
    for target in re.findall(r"^make ([\w-]+)", block.code, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{block.place}: no target {target}"


def comparable(line: str) -> str:
    """Return a line without the parts that differ between runs: numbers, folders, the length of bars."""
    line = re.sub(r"(/[\w.-]+)+/(?=[\w.-]+\b)", "", line) if "://" not in line else line
    line = re.sub(r"\d[\d,.]*", "0", line)
    line = re.sub(r"(?<=0 )(us|ms|s)\b", "ms", line)
    return re.sub(r"[\s#]+", " ", line).strip()


def assert_prints(block: Block, printed: str, expected: str) -> None:
    """Compare the output with the page. A line "..." stands for any number of lines."""
    shown = [comparable(line) for line in expected.rstrip().splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in shown)
    lines = "".join(f"{comparable(line)}\n" for line in printed.rstrip().splitlines())
    if not re.fullmatch(pattern, lines):
        pytest.fail(f"{block.place} shows\n{expected}\nbut the output is:\n{printed}", pytrace=False)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_a_page(page: Path, folder: Path, environment: dict[str, str]) -> None:
    fences = re.findall(r"^[ >]*```", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(blocks(page)), "a fence is indented or not closed"
    printed: str | None = None
    files: dict[str, Block] = {}
    for block in blocks(page):
        assert not block.unknown, f"{block.place}: unknown words in the comment: {block.unknown}"
        if block.not_run is not None:
            assert len(block.not_run) > 10, f"{block.place}: give the reason why it is not run"
            continue
        for name in [name for name in files if name in block.code]:
            del files[name]
        if block.file is not None:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.code, encoding="utf-8")
            files[block.file] = block
        elif block.prints:
            assert printed is not None, f"{block.place}: no block before it has any output"
            assert_prints(block, printed, block.code)
        elif block.language == "rust":
            pass  # see test_rust_examples
        elif block.language in RUNNABLE:
            printed = Example(block, folder, environment)()
        else:
            assert block.language in SHOWN, f"{block.place}: unknown language '{block.language}'"
            parse(block)
    for name, block in files.items():
        pytest.fail(f"{block.place} is written to {name}, but no block uses that file", pytrace=False)


def parse(block: Block) -> None:
    """Check that a block that is not run is well-formed, if it is JSON or XML."""
    if block.language == "json":
        json.loads(block.code)
    elif block.language == "xml":
        ElementTree.fromstring(f"<example>{block.code}</example>")


def test_rust_examples(folder: Path, environment: dict[str, str]) -> None:
    """Run all Rust examples as documentation tests of the crate, because that reuses its build."""
    document = []
    for page in pages():
        for block in blocks(page):
            if block.language != "rust" or block.not_run is not None:
                continue
            code = with_url(block.code, environment["DCS_URL"])
            if "fn main(" not in code:
                code = RUST_FRAGMENT % code
            if adds_url(page) and "set_url" not in code:
                code = code.replace(
                    "dcs::Config::new();",
                    'dcs::Config::new(); config.set_url(&std::env::var("DCS_URL").unwrap()).unwrap();',
                )
            for name in ("ca-bundle.pem", "client.pem", "expired-client.pem", "client.key"):
                code = code.replace(f'"{name}"', json.dumps(str(folder / name)))
            document.append(f"{block.place}\n\n```rust\n{code}\n```\n")
    assert document
    file = folder / "examples.md"
    file.write_text("\n".join(document), encoding="utf-8")
    command = [os.environ.get("CARGO", "cargo"), "test", "--workspace", "--all-features", "--locked", "--doc"]
    result = run(
        [*command, "examples_of_the_documentation"],
        ROOT,
        {
            **os.environ,
            **{name: value for name, value in environment.items() if name.startswith("DCS_")},
            "RUSTDOCFLAGS": "--cfg documentation",
            "DCS_DOCUMENTATION": str(file),
        },
    )
    if result.returncode != 0 or f"{len(document)} passed" not in result.stdout:
        pytest.fail(f"{result.stdout}\nThe examples:\n{file.read_text(encoding='utf-8')}", pytrace=False)
