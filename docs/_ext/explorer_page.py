"""The explorer, one page that is built by `docs/explorer` and stands beside the others."""

from __future__ import annotations

import importlib
from pathlib import Path

from sphinx.application import Sphinx


def build_explorer(app: Sphinx, problem: Exception | None) -> None:
    if problem is None and app.builder.format == "html" and not app.tags.has("quick"):
        importlib.import_module("docs.explorer").build(Path(app.outdir) / "explorer" / "index.html")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", build_explorer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
