"""Every example of the documentation is built and run against the sandbox; blocks.py has what a page may say.

The blocks of a page run in order, in one folder, where the three files lie. A whole program is taken as it
is. A fragment finds a `config` and a `client` that were made from the environment. The URL that a program
names becomes that of the sandbox that runs here. Where it names none, and so means the DCS's own, it gets the
sandbox's, but not on the pages about getting started: what is printed there has to run as it is.
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

NAMED = (
    "https://localhost:8443/checks/passport",
    "https://dcs-integration.ida.digital.cabinet-office.gov.uk/checks/passport",
)
"""What programs in the pages call: the sandbox as getting-started/index.md starts it, and the default."""

C_PRELUDE = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <inttypes.h>
#include <dcs.h>
"""

C_SANDBOX = """
static dcs_config *the_sandboxs_config(void) {
    dcs_config *config = dcs_config_new();
    dcs_config_set_url(config, getenv("DCS_URL"));
    return config;
}
#define dcs_config_new the_sandboxs_config
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


def hoisted(code: str, pattern: str) -> tuple[str, str]:
    """Lines that must stand before a fragment's function, and the others."""
    lines = code.splitlines()
    top = [line for line in lines if re.match(pattern, line)]
    return "\n".join(top), "\n".join(line for line in lines if line not in top)


def gets_a_url(page: Path) -> bool:
    """Whether programs on this page that name no URL get the sandbox's."""
    return page.parent.name != "getting-started"


def calling(code: str, url: str) -> str:
    """Have a program call this URL in the place of the one that it names."""
    for named in NAMED:
        code = code.replace(f'"{named}"', json.dumps(url))
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
        self.program = calling(block.code, self.environment["DCS_URL"])
        self.gets_a_url = gets_a_url(block.page)

    def __call__(self) -> str:
        """Run it and return what it printed."""
        return {
            "c": self.c,
            "cpp": self.cpp,
            "python": self.python,
            "java": self.java,
            "sh": self.sh,
            "console": self.console,
        }[self.block.language]()

    def done(self, command: list[str], exits: int = 0) -> str:
        result = run(command, self.folder, self.environment)
        if result.returncode != exits:
            pytest.fail(f"{self.block.place} ended with {result.returncode}:\n{result.stdout}", pytrace=False)
        return result.stdout

    def compiled(self, compiler: list[str], name: str, fragment: str) -> str:
        code = self.program
        if "int main(" not in code:
            code = fragment % hoisted(code, "#include")
        prelude = C_PRELUDE + C_SANDBOX if self.gets_a_url else C_PRELUDE
        (self.folder / "prelude.h").write_text(prelude, encoding="utf-8")
        (self.folder / name).write_text(code, encoding="utf-8")
        flags = [*WARNINGS, f"-I{ROOT}/include", f"-L{self.environment['LD_LIBRARY_PATH']}"]
        self.done([*compiler, "-include", "prelude.h", *flags, "-o", "example", name, "-ldcs", "-lpthread"])
        return self.done(["./example"], self.block.exits)

    def c(self) -> str:
        return self.compiled(["cc", "-std=gnu11"], "example.c", C_FRAGMENT)

    def cpp(self) -> str:
        return self.compiled(["c++", "-std=c++17"], "example.cpp", CPP_FRAGMENT)

    def python(self) -> str:
        code = self.program
        if "import libdcs" not in code:
            code = PYTHON_FRAGMENT % code
        (self.folder / "example.py").write_text(code, encoding="utf-8")
        site = ["env"] if self.gets_a_url else ["env", "--unset=PYTHONPATH"]
        return self.done([*site, "python", "-W", "error", "example.py"], self.block.exits)

    def java(self) -> str:
        code = self.program
        if not re.search(r"^(public )?(final )?class ", code, re.MULTILINE):
            code = JAVA_FRAGMENT % hoisted(code, "import ")
        if self.gets_a_url and ".url(" not in code:
            code = code.replace(".builder()", '.builder().url(java.net.URI.create(System.getenv("DCS_URL")))')
        (self.folder / "Example.java").write_text(code, encoding="utf-8")
        options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
        return self.done(["java", *options, "Example.java"], self.block.exits)

    def sh(self) -> str:
        check_make_targets(self.block)
        code = "\n".join(line for line in self.block.code.splitlines() if not line.startswith("make "))
        return self.done(["bash", "-euo", "pipefail", "-c", code], self.block.exits)

    def console(self) -> str:
        commands = re.split(r"^\$ ", self.block.code, flags=re.MULTILINE)
        assert commands.pop(0) == "", f"{self.block.place} does not begin with a command"
        assert commands, f"{self.block.place} has no command"
        for command in commands[:-1]:
            self.one_command(command, 0)
        return self.one_command(commands[-1], self.block.exits)

    def one_command(self, text: str, exits: int) -> str:
        command, _, expected = text.partition("\n")
        printed = self.done(["bash", "-euo", "pipefail", "-c", command], exits)
        assert_prints(self.block, printed, expected)
        return printed


def check_make_targets(block: Block) -> None:
    """`make TARGET` is not run in here; but there must be such a target."""
    files = [ROOT / "Makefile", *ROOT.glob("make/*.mk")]
    makefile = "".join(file.read_text(encoding="utf-8") for file in files)
    for target in re.findall(r"^make ([\w-]+)", block.code, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{block.place}: no target {target}"


def comparable(line: str) -> str:
    """A line without what differs from run to run: numbers, paths of folders, the length of bars."""
    line = re.sub(r"(/[\w.-]+)+/(?=[\w.-]+\b)", "", line) if "://" not in line else line
    line = re.sub(r"\d[\d,.]*", "0", line)
    line = re.sub(r"(?<=0 )(us|ms|s)\b", "ms", line)
    return re.sub(r"[\s#]+", " ", line).strip()


def assert_prints(block: Block, printed: str, expected: str) -> None:
    """Compare what was printed with what the page shows; a line "..." stands for any lines."""
    shown = [comparable(line) for line in expected.rstrip().splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in shown)
    lines = "".join(f"{comparable(line)}\n" for line in printed.rstrip().splitlines())
    if not re.fullmatch(pattern, lines):
        pytest.fail(f"{block.place} shows\n{expected}\nbut this is printed:\n{printed}", pytrace=False)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_examples(page: Path, folder: Path, environment: dict[str, str]) -> None:
    fences = re.findall(r"^[ >]*```", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(blocks(page)), "a fence is indented, or is not closed"
    printed: str | None = None
    files: dict[str, Block] = {}
    for block in blocks(page):
        assert not block.unknown, f"{block.place}: {block.unknown} says nothing"
        if block.not_run is not None:
            assert len(block.not_run) > 10, f"{block.place}: say why it is not run"
            continue
        for name in [name for name in files if name in block.code]:
            del files[name]
        if block.file is not None:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.code, encoding="utf-8")
            files[block.file] = block
        elif block.prints:
            assert printed is not None, f"{block.place}: no block before it has printed anything"
            assert_prints(block, printed, block.code)
        elif block.language == "rust":
            pass  # test_rust_examples
        elif block.language in RUNNABLE:
            printed = Example(block, folder, environment)()
        else:
            assert block.language in SHOWN, (
                f"{block.place}: of which language is it? '{block.language}' is none"
            )
            parse(block)
    for name, block in files.items():
        pytest.fail(f"{block.place} is written to {name}, and no block uses it", pytrace=False)


def parse(block: Block) -> None:
    """What is only shown is at least well-formed."""
    if block.language == "json":
        json.loads(block.code)
    elif block.language == "xml":
        ElementTree.fromstring(f"<example>{block.code}</example>")


def test_rust_examples(folder: Path, environment: dict[str, str]) -> None:
    """As tests of the crate's documentation, all in one go, with what the other tests have built."""
    document = []
    for page in pages():
        for block in blocks(page):
            if block.language != "rust" or block.not_run is not None:
                continue
            code = calling(block.code, environment["DCS_URL"])
            if "fn main(" not in code:
                code = RUST_FRAGMENT % code
            if gets_a_url(page) and "set_url" not in code:
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
