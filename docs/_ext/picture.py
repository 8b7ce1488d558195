"""The directives `picture` and `thumbnail`: al.plot's picture of a loss, for light pages and for dark ones.

    ```{picture} huber_loss
    :param: delta=0.5,1,2
    :alt: What it shows, where that is not what `describe` says.
    ```

Pictures are kept, under a name that tells what they were drawn from, so that the next build is quick.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import io
import warnings
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import arraylosses as al
from arraylosses._core.registry import LOSSES
from arraylosses.plotting import describe
from arraylosses.plotting.settings import read

logger = logging.getLogger(__name__)
PACKAGE = Path(al.__file__).parent
FOLDER = "_build/pictures"  # below the source, where Sphinx looks for what pages show
HEAVY = 120_000  # bytes, from which a picture is drawn in pixels


class Picture(SphinxDirective):
    """A picture of a loss."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"param": directives.unchanged, "alt": directives.unchanged}
    classes: ClassVar[list[str]] = ["picture"]

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        try:
            param = read(part for part in self.options.get("param", "").split(";") if part.strip())
            alt = self.options.get("alt") or describe(name, param)
            if self.env.app.tags.has("quick"):
                return [nodes.paragraph("", "", nodes.emphasis(alt, alt))]
            drawn = [self._image(name, param, alt, dark) for dark in (False, True)]
        except (TypeError, ValueError) as refused:
            raise self.error(f"no picture of {name}: {refused}") from refused
        return [nodes.container("", *drawn, classes=self.classes)]

    def _image(self, name: str, param: dict[str, Any], alt: str, dark: bool) -> nodes.image:
        file = draw(Path(self.env.srcdir) / FOLDER, name, param, dark)
        classes = ["only-dark" if dark else "only-light"]
        return nodes.image(uri=f"/{FOLDER}/{file.name}", alt=alt, classes=classes, loading="lazy")


class Thumbnail(Picture):
    """The same, small, in a card of a list."""

    classes: ClassVar[list[str]] = ["thumbnail"]


def draw(folder: Path, name: str, param: dict[str, Any], dark: bool) -> Path:
    """The file of a picture, drawn unless it is there; those that it takes the place of are removed."""
    asked = _digest(repr((param, dark)))
    stem = f"{name}-{asked}-{_digest(plumbing(), source_of(name))}"
    if found := next(folder.glob(f"{stem}.*"), None):
        return found
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{name}-{asked}-*"):
        old.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = al.plot(name, param=param, dark=dark)
        content, kind = _saved(figure)
    path = folder / f"{stem}.{kind}"
    path.write_bytes(content)
    return path


def _saved(figure: Any) -> tuple[bytes, str]:
    """As SVG, or in pixels for screens of two to a point, if there is too much of it."""
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg")
    if len(svg.getvalue()) <= HEAVY:
        return svg.getvalue(), "svg"
    figure.savefig(png, format="png", dpi=2 * 96)
    return png.getvalue(), "png"


@functools.cache
def plumbing() -> str:
    """The code that every picture depends on."""
    folders = (PACKAGE / name for name in ("_core", "autodiff", "plotting"))
    paths = (path for folder in folders for path in sorted(folder.rglob("*.py")))
    return "".join(path.read_text(encoding="utf-8") for path in paths)


@functools.cache
def source_of(name: str) -> str:
    """The chapter of a loss."""
    return inspect.getsource(inspect.getmodule(LOSSES[name].function)) if name in LOSSES else ""


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:10]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("picture", Picture)
    app.add_directive("thumbnail", Thumbnail)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
