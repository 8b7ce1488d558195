"""The picture of the ratios."""
from __future__ import annotations
from pathlib import Path
from typing import Any
def draw(results: Any, path: Path) -> None:
    pass
