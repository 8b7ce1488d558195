"""A sidebar that opens where the reader is, and nowhere else.

The theme lists every page of the site on every page, which for hundreds of them takes most of a build.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

BEFORE_THE_THEME = 100


def open_where_the_reader_is(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    if whole := context.get("toctree"):
        context["toctree"] = lambda **options: whole(**options | {"collapse": True})


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", open_where_the_reader_is, priority=BEFORE_THE_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
