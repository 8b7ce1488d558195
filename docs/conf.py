"""How the site is built: `nox -s docs`."""

from __future__ import annotations

import sys
from pathlib import Path

import arraylosses
from arraylosses._core.registry import LOSSES

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "benchmarks"), str(HERE.parent)]

project = "arraylosses"
author = "the arraylosses developers"
version = release = arraylosses.__version__

extensions = [
    "explorer_page",
    "links",
    "mathml",
    "picture",
    "reference",
    "sidebar",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
]
html_math_renderer = "mathml"
exclude_patterns = ["_build", "_ext", "explorer", "programs"]
nitpicky = True
add_function_parentheses = False
default_role = "code"  # of the names of parameters in docstrings
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist", "substitution"]
myst_substitutions = {"losses": len(LOSSES)}
myst_heading_anchors = 3
# `-t quick` checks every page and link, but runs no tutorial and draws no picture.
nb_execution_mode = "off" if tags.has("quick") else "force"  # noqa: F821
nb_execution_raise_on_error = True
suppress_warnings = ["myst-nb.lexer"] if tags.has("quick") else []  # noqa: F821  (cells that did not run)
nb_execution_timeout = 120

html_theme = "furo"
html_title = "arraylosses"
html_show_copyright = html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css", "calls.css"]
# A page of its own, which `nox -s peers` writes.
html_extra_path = [name for name in ("peers.html",) if (HERE / name).exists()]
