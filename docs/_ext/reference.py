"""The reference in Sphinx: its pages are written before any is read, and losses are linked by name."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import pages
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode

import arraylosses as al
from arraylosses._core.registry import LOSSES

logger = logging.getLogger(__name__)
PAGE = "page of the reference"


class LossRole(SphinxRole):
    """`huber_loss` in code type, linked to its page."""

    def run(self) -> tuple[list[nodes.Node], list[Any]]:
        if self.text not in LOSSES:
            logger.warning("there is no loss %r", self.text, location=self.get_location())
        link = pending_xref(
            "", nodes.literal(self.text, self.text), reftype=PAGE, refdomain="", reftarget=self.text
        )
        return [link], []


def link_to_pages(app: Sphinx, doctree: nodes.document) -> None:
    """What names a function of ours leads to the top of its page, where its picture is."""
    for link in doctree.findall(pending_xref):
        name = link.get("reftarget", "").removeprefix("arraylosses.")
        if link["refdomain"] == "py" and name in al.__all__:
            link["refdomain"], link["reftype"], link["reftarget"] = "", PAGE, name


def resolve(app: Sphinx, env: Any, node: pending_xref, content: nodes.Element) -> nodes.Node | None:
    name = node["reftarget"]
    if node["reftype"] != PAGE or name not in al.__all__:
        return None
    about = pages.summary(getattr(al, name)).replace("`", "")
    return make_refnode(app.builder, env.docname, f"reference/{name}", "", content, about)


def write_pages(app: Sphinx) -> None:
    if not app.tags.has("quick"):
        run_examples()
    pages.write_all(Path(app.srcdir) / "reference")


def run_examples() -> None:
    """What a page shows below the prompt is what comes out."""
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner(verbose=False)
    for name in al.__all__:
        function = getattr(al, name)
        for test in finder.find(function, name, globs={}):
            if runner.run(test).failed:
                logger.warning("the example of %s gives something else", name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_role("loss", LossRole())
    app.connect("builder-inited", write_pages)
    app.connect("doctree-read", link_to_pages)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
