"""Formulas as MathML, which browsers set by themselves: no script, and nothing to fetch.

docutils does the conversion. What of LaTeX it does not know is an error of the build, not a red mark on
a page.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

# What formulas here use and docutils does not know, in words that it does.
SPELLED = {
    r"\\dots(?![a-z])": r"\\ldots",
    "½": r"\\tfrac{1}{2}",
    r"\\mathbin\{\*\}": "*",
    r"\\textstyle": "",
}


def convert(tex: str, block: bool = False) -> str:
    """The MathML of a formula; lines that are aligned at & are a table."""
    for pattern, words in SPELLED.items():
        tex = re.sub(pattern, words, tex)
    tex = " ".join(tex.split())
    without = re.sub(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", "", tex)
    if "&" in without or r"\\" in without:
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    return tex2mathml(tex, as_block=block)


def _mathml(self: Any, node: nodes.Element, block: bool) -> None:
    try:
        math = convert(node.astext(), block)
    except Exception as problem:
        logger.warning("the formula %r is none to docutils: %s", node.astext(), problem, location=node)
        math = f"<code>{self.encode(node.astext())}</code>"
    self.body.append(f'<div class="math">{math}</div>' if block else f'<span class="math">{math}</span>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(lambda self, node: _mathml(self, node, False), None),
        block_renderers=(lambda self, node: _mathml(self, node, True), None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
