"""Formulas as MathML, which browsers set by themselves, in a font that comes with the site: nothing to fetch.

docutils does the conversion. What of LaTeX it does not know is an error of the build, not a red mark on
a page.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

FONT = "STIXTwoMath-Regular.ttf"
APPLIED, THIN = "<mo>&ApplyFunction;</mo>", '<mspace width="0.1667em"></mspace>'
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
    math = tex2mathml(tex, as_block=block)
    # Fractions and sums in lines that are aligned are as large as elsewhere.
    return spaced(math.replace('class="ams-align"', 'class="ams-align" displaystyle="true"'))


def spaced(math: str) -> str:
    """With thin spaces around functions such as ln, unless in front of brackets, and none around bars."""
    math = re.sub(r"<mo([^>]*)>([|‖])</mo>", r'<mo\1 lspace="0" rspace="0">\2</mo>', math)
    math = re.sub(rf"({APPLIED})(?!\s*<mo[^>]*>[(\[|])", rf"\1{THIN}", math)
    return re.sub(
        rf"(</m(?:i|n|sub|sup|subsup|frac)>)(\s*<mi[^>]*>\w\w+</mi>\s*{APPLIED})", rf"\1{THIN}\2", math
    )


def _mathml(self: Any, node: nodes.Element, block: bool) -> None:
    try:
        math = convert(node.astext(), block)
    except Exception as problem:
        logger.warning("the formula %r is none to docutils: %s", node.astext(), problem, location=node)
        math = f"<code>{self.encode(node.astext())}</code>"
    self.body.append(f'<div class="math">{math}</div>' if block else f'<span class="math">{math}</span>')
    raise nodes.SkipNode


def bring_font(app: Sphinx, problem: Exception | None) -> None:
    """Beside the style sheet that names it."""
    if problem is None and app.builder.format == "html":
        font = files("ziamath") / "fonts" / FONT
        (Path(app.outdir) / "_static" / FONT).write_bytes(font.read_bytes())


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(lambda self, node: _mathml(self, node, False), None),
        block_renderers=(lambda self, node: _mathml(self, node, True), None),
    )
    app.connect("build-finished", bring_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
