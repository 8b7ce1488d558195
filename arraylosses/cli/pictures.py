"""`arraylosses plot`: a picture of a loss in a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import arraylosses
from arraylosses.plotting.settings import read

from .validation import refuse

KINDS = (".png", ".svg", ".pdf")


def check(path: Path) -> None:
    """Refuse a file that cannot be written, before any work."""
    if path.suffix.lower() not in KINDS:
        refuse(f"plot: --output must end in {', '.join(KINDS)}, got {str(path)!r}")
    if not path.parent.is_dir():
        refuse(f"{path} cannot be written: there is no folder {path.parent}")
    if path.is_dir():
        refuse(f"{path} cannot be written: it is a folder")
    if not os.access(path.parent, os.W_OK):
        refuse(f"{path} cannot be written: the folder {path.parent} does not allow it")


def draw(loss: str, given: list[str], dark: bool, path: Path) -> None:
    """The picture, whole or not at all."""
    check(path)
    try:
        figure = arraylosses.plot(loss, param=read(given), dark=dark)
    except (ModuleNotFoundError, TypeError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != "matplotlib":
            raise
        refuse(error)
    write(figure, path)


def write(figure: Any, path: Path) -> None:
    """Write beside the file, and then put it in its place."""
    kind = path.suffix.lower().removeprefix(".")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}")
    try:
        with os.fdopen(handle, "wb") as file:
            figure.savefig(file, format=kind, dpi=192)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}")
    finally:
        Path(name).unlink(missing_ok=True)
