"""The explorer: one page to look around in, with everything in it that it shows.

`curves`, `boxes` and `worst` compute the tables, by the library; `page/` looks them up and draws. There
is no formula of a loss on the page, so that it cannot say anything else than the library does.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import numpy as np
from plotly.offline import get_plotlyjs

import arraylosses

from . import boxes, curves, worst

FOLDER = Path(__file__).parent / "page"
SCRIPTS = ("shared.js", "curves.js", "boxes.js", "worst.js", "start.js")


def build(path: str | Path) -> None:
    """Compute the tables and write the page, in some seconds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(), encoding="utf-8")


def page() -> str:
    """The page as text, the same for the same library."""
    drawn, curve_table = curves.tables()
    slid, box_table = boxes.tables()
    data = {
        "version": arraylosses.__version__,
        "curves": drawn,
        "boxes": slid,
        "worst": worst.rows(),
    }
    plotly, script = get_plotlyjs(), "\n".join(map(_file, SCRIPTS))
    parts = {
        # Plotly writes style sheets of its own; nothing may be fetched, and no other script run.
        "policy": "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
        f"script-src {_hash(plotly)} {_hash(script)}",
        "style": _file("explorer.css"),
        "script": script,
        "data": _packed(json.dumps(data, separators=(",", ":"), allow_nan=False).encode()),
        "curves": _packed(_halves(curve_table)),
        "boxes": _packed(_halves(box_table)),
        "plotly": _packed(plotly.encode()),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _file("explorer.html"))


def _halves(table: np.ndarray) -> bytes:
    """As float16: three digits, which is what a picture has. What it cannot hold is infinite."""
    with np.errstate(over="ignore"):
        return table.astype("<f2").tobytes()


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _file(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a browser asks for before it runs a script of the page, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
