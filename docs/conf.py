"""How the site is built: `nox -s docs`."""

from __future__ import annotations

import arraylosses

project = "arraylosses"
author = "the arraylosses developers"
version = release = arraylosses.__version__

extensions = ["myst_nb", "sphinx_copybutton", "sphinx_design"]
exclude_patterns = ["_build", "programs"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120

html_theme = "furo"
html_title = "arraylosses"
html_show_sourcelink = False
