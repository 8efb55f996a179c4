"""The links between the pages, and from them to files. `make site` checks those of the built site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blocks import pages
from sandbox import ROOT

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```\s*$", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def places(page: Path) -> set[str]:
    """What headings are called as targets, as GitHub and mdBook make it."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    for link in (first or second for first, second in LINK.findall(prose(page))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: no such file"
        if place and target.suffix == ".md":
            assert place in places(target), f"{link}: no such heading"


def test_every_page_is_in_the_summary() -> None:
    summary = ROOT / "docs" / "SUMMARY.md"
    listed = {(summary.parent / link).resolve() for link, _ in LINK.findall(prose(summary))}
    missing = [page for page in ROOT.glob("docs/**/*.md") if page != summary and page not in listed]
    assert missing == []
