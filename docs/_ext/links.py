"""Links of the site: those within it have to lead somewhere, and what a page consists of has to be in it."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

AFTER_ALL_PAGES = 900


class Page(HTMLParser):
    """What can be linked of a page, what it links, and what it consists of."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.parts: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attributes if value}
        self.anchors.update(found[name] for name in ("id", "name") if name in found)
        self.links.update(found[name] for name in ("href", "src") if name in found)
        if tag in ("script", "img", "iframe") or found.get("rel") == "stylesheet":
            self.parts.update(found[name] for name in ("href", "src") if name in found)


def dead(site: Path) -> Iterator[str]:
    """The links that lead nowhere, and the parts of pages that would need a network."""
    pages = {path: Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.parts and parts.scheme != "data":
                    yield f"{path.relative_to(site)}: {link}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            known = pages[target].anchors if target in pages else None
            if not target.exists() or (anchor and known is not None and anchor not in known):
                yield f"{path.relative_to(site)}: {link}"


def check(app: Sphinx, problem: Exception | None) -> None:
    if problem is None and app.builder.format == "html":
        found = sorted(dead(Path(app.outdir).resolve()))
        if app.tags.has("quick"):  # which has no explorer
            found = [link for link in found if not link.endswith("explorer/index.html")]
        if found:
            raise ExtensionError("links that lead nowhere, or out of the site:\n" + "\n".join(found))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", check, priority=AFTER_ALL_PAGES)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
