"""The code blocks of the pages, and the comments that say how to run them.

An HTML comment directly before a block, which no reader sees, may contain:

    <!-- example: not run: REASON -->      is not run, for this reason
    <!-- example: file NAME -->            is written to this file, for a later block of the page
    <!-- example: answer NAME -->          the sandbox gives this answer
    <!-- example: exits N -->              exits with this status
    <!-- example: prints -->               is the output of the block before it

"; " separates several of them. In an output numbers may differ, and "..." stands for any lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import ROOT

RUNNABLE = frozenset({"c", "console", "cpp", "java", "python", "rust", "sh"})
"""The languages whose blocks are run."""

SHOWN = frozenset({"cmake", "dockerfile", "json", "text", "toml", "xml", "yaml"})
"""The languages whose blocks are not run. JSON and XML are parsed."""

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
        """The page and the line, in the form that editors understand."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return every page of the documentation."""
    patterns = (
        "*.md",
        "docs/**/*.md",
        "bindings/*/README.md",
        "examples/*/README.md",
        "benches/*.md",
        "tests/*.md",
    )
    return sorted(page for pattern in patterns for page in ROOT.glob(pattern))


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        block = Block(page, text.count("\n", 0, match.start()) + 1, match[1].strip(), match[2])
        comment = max(text.rfind("<!-- example: ", 0, match.start()), 0)
        directive = _DIRECTIVE.search(text, comment, match.start())
        if directive is not None:
            apply(directive[1], block)
        found.append(block)
    return found


def apply(directive: str, block: Block) -> None:
    """Set the fields of a block from its comment."""
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
