"""The code blocks of the documentation, with what the comment before each says about running it.

A block stands on its own line between fences. An HTML comment right before it, which no reader sees, may say:

    <!-- example: not run: REASON -->      shown only, and why that is
    <!-- example: file NAME -->            written to NAME in the page's folder, for a later block of the page
    <!-- example: answer NAME -->          the sandbox gives this answer
    <!-- example: exits N -->              it ends with this exit status
    <!-- example: prints -->               what the block before printed, numbers aside; "..." is any lines

Several are joined by "; ".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import ROOT

RUNNABLE = frozenset({"c", "console", "cpp", "java", "python", "rust", "sh"})
"""The languages whose blocks are run."""

SHOWN = frozenset({"cmake", "dockerfile", "json", "text", "toml", "xml", "yaml"})
"""The languages whose blocks are only shown; JSON and XML are parsed."""

_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
_DIRECTIVE = re.compile(r"<!-- example: ((?:(?!-->).)*) -->\s*\Z", re.DOTALL)


@dataclass
class Block:
    """One code block."""

    page: Path
    line: int
    language: str
    code: str
    not_run: str | None = None
    file: str | None = None
    answer: str | None = None
    exits: int = 0
    prints: bool = False
    unknown: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Where it stands, as an editor understands it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page with examples."""
    found = [ROOT / "README.md", ROOT / "SECURITY.md", *ROOT.glob("docs/**/*.md")]
    found += [*ROOT.glob("bindings/*/README.md"), *ROOT.glob("examples/*/README.md")]
    found += [*ROOT.glob("benches/*.md"), *ROOT.glob("tests/*.md")]
    return sorted(found)


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        block = Block(page, text.count("\n", 0, match.start()) + 1, match[1].strip(), match[2])
        directive = _DIRECTIVE.search(
            text, max(text.rfind("<!-- example: ", 0, match.start()), 0), match.start()
        )
        if directive is not None:
            read(block, directive[1])
        found.append(block)
    return found


def read(block: Block, directive: str) -> None:
    """Take what the comment says."""
    if directive.startswith("not run: "):
        block.not_run = directive.partition(": ")[2].strip()
        return
    for part in directive.split("; "):
        word, _, value = part.strip().partition(" ")
        if word == "file":
            block.file = value
        elif word == "answer":
            block.answer = value
        elif word == "exits":
            block.exits = int(value)
        elif word == "prints":
            block.prints = True
        else:
            block.unknown.append(part)
