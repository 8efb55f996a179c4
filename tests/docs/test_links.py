"""The links between the pages, and from pages to files. `make site` checks the links of the built site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blocks import pages
from sandbox import ROOT

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```\s*$", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """Return the text of a page without its code blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub and mdBook form them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in (first or second for first, second in LINK.findall(prose(page))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: no such file"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{link}: no such heading"


def test_the_summary_lists_every_page() -> None:
    summary = ROOT / "docs" / "SUMMARY.md"
    listed = {(summary.parent / link).resolve() for link, _ in LINK.findall(prose(summary))}
    missing = [page for page in ROOT.glob("docs/**/*.md") if page != summary and page not in listed]
    assert missing == []
