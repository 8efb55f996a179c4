"""Copies the pages and the files that they link to into a folder for mdBook, in this repository's structure.

A link then works on the site, in a clone and in a web view of the repository.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# The files that pages link to, beside other pages. docs/SUMMARY.md lists the pages.
FILES = (".cargo/config.toml", "benches/soak.json", "docs", "examples", "include", "LICENSE")

BOOK = """\
[book]
title = "libdcs"
language = "en"
src = "."

[output.html]
no-section-label = true
hash-files = false

[output.html.playground]
runnable = false

# The one page for printing would need other links.
[output.html.print]
enable = false
"""


def main(to: Path) -> None:
    """Write the source into a folder that does not exist yet."""
    to.mkdir(parents=True)
    (to / "book.toml").write_text(BOOK, encoding="utf-8")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *FILES],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        if not name.endswith(".md"):
            copy(name, to)

    summary = (ROOT / "docs" / "SUMMARY.md").read_text(encoding="utf-8")
    summary = re.sub(r"\]\((?!\.\./)", "](docs/", summary).replace("](../", "](")
    pages = re.findall(r"\]\((.+?)\)", summary)
    # The examples' pages are short and many, so they go below one entry of the summary.
    examples = sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("examples/*/README.md"))
    entry = "- [Examples](docs/examples.md)\n"
    if entry not in summary:
        sys.exit("docs/SUMMARY.md has no line for the examples")
    below = "".join(f"  - [{heading(ROOT / page)}]({page})\n" for page in examples)
    (to / "SUMMARY.md").write_text(linked(summary.replace(entry, entry + below)), encoding="utf-8")
    for page in [*pages, *examples]:
        copy(page, to)


def linked(text: str) -> str:
    """Return a page's text for the site, where a folder's README.md is its index.md."""
    return re.sub(r"(\]\((?:[^)#]*/)?)README\.md", r"\1index.md", text)


def copy(name: str, to: Path) -> None:
    """Copy a file of the repository to the same path in a folder."""
    target = to / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".md":
        if target.name == "README.md":
            target = target.with_name("index.md")
        target.write_text(linked((ROOT / name).read_text(encoding="utf-8")), encoding="utf-8")
    else:
        shutil.copyfile(ROOT / name, target)


def heading(page: Path) -> str:
    """Return a page's first heading."""
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
