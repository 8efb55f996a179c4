"""Checks the links within a built site: that there is such a file, and in a page such a place."""

from __future__ import annotations

import re
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# doxygen's and rustdoc's own scripts make these places when the page is shown, lines of source among them.
MADE_BY_SCRIPTS = re.compile(r"(impl-|method\.|tymethod\.|associatedtype\.).*|\d+(-\d+)?")
# rustdoc's pages of its own, which lead to an index of several crates.
WITHOUT_INDEX = ("api/rust/help.html", "api/rust/settings.html")
# doxygen names this section in a class's head and leaves it out where it is empty.
EMPTY_SECTION = "nested-classes"


class Page(HTMLParser):
    """The links and the places of a page."""

    def __init__(self, text: str) -> None:
        """Read it."""
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element is called and where it leads."""
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (name == "name" and tag == "a"):
                self.places.add(value)
            elif name in {"href", "src"} and tag in {"a", "img", "link", "script"}:
                self.links.append(value)


@cache
def read(path: Path) -> Page:
    """Read each page once."""
    return Page(path.read_text(encoding="utf-8", errors="replace"))


def broken(site: Path, page: Path, link: str) -> str | None:
    """What is wrong with a link."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or link.startswith(("javascript:", "#!")):
        return None
    target = page
    if parts.path:
        base = site if parts.path.startswith("/") else page.parent
        target = (base / unquote(parts.path).lstrip("/")).resolve()
        if site not in target.parents and target != site:
            return "leads out of the site"
        if target.is_dir():
            target = target / "index.html"
        if not target.is_file():
            return "no such file"
    place = unquote(parts.fragment)
    if not place or target.suffix != ".html" or place == EMPTY_SECTION or MADE_BY_SCRIPTS.fullmatch(place):
        return None
    return None if place in read(target).places else "no such place on that page"


def main(site: Path) -> int:
    """Check every page; tell each broken link."""
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
