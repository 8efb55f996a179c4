"""Checks the links within a built site: each must lead to a file and, in a page, to an anchor."""

from __future__ import annotations

import re
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Scripts of doxygen and rustdoc create these anchors when the page is shown, among them lines of source.
MADE_BY_SCRIPTS = re.compile(r"(impl-|method\.|tymethod\.|associatedtype\.).*|\d+(-\d+)?")
# rustdoc's own pages, which link to an index of several crates.
WITHOUT_INDEX = ("api/rust/help.html", "api/rust/settings.html")
# doxygen links to this section from a class's head, but leaves it out if it is empty.
EMPTY_SECTION = "nested-classes"


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        """Parse the page."""
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the anchor and the link of an element."""
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value)
            elif name in {"href", "src"} and tag in {"a", "img", "link", "script"}:
                self.links.append(value)


@cache
def read(path: Path) -> Page:
    """Return a page, which is parsed once."""
    return Page(path.read_text(encoding="utf-8", errors="replace"))


def broken(site: Path, page: Path, link: str) -> str | None:
    """Return what is wrong with a link, or None."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or link.startswith(("javascript:", "#!")):
        return None
    target = page
    if parts.path:
        base = site if parts.path.startswith("/") else page.parent
        target = (base / unquote(parts.path).lstrip("/")).resolve()
        if site not in target.parents and target != site:
            return "leaves the site"
        if target.is_dir():
            target = target / "index.html"
        if not target.is_file():
            return "no such file"
    anchor = unquote(parts.fragment)
    if not anchor or target.suffix != ".html" or anchor == EMPTY_SECTION or MADE_BY_SCRIPTS.fullmatch(anchor):
        return None
    return None if anchor in read(target).anchors else "no such anchor on that page"


def main(site: Path) -> int:
    """Check every page and report each broken link."""
    site = site.resolve()
    links = faults = 0
    for page in sorted(site.rglob("*.html")):
        if str(page.relative_to(site)) in WITHOUT_INDEX:
            continue
        for link in read(page).links:
            links += 1
            fault = broken(site, page, link)
            if fault is not None:
                faults += 1
                print(f"{page.relative_to(site)}: {link}: {fault}", file=sys.stderr)
    print(f"{links} links, {faults} of them broken")
    return 1 if faults or not links else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
