"""What `docs/relations.md` says of each relation; its beginning is written by hand."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from arraylosses._core.registry import LOSSES

from .laws import RELATIONS
from .relation import Relation

PAGE = Path(__file__).parents[2] / "docs" / "relations.md"
WIDTH = 120
FEW = 5


def main(_: list[str]) -> int:
    PAGE.write_text(anew(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def anew(page: str) -> str:
    """The page with its sections written anew."""
    beginning = page.partition("\n## ")[0].rstrip()
    return "\n\n".join([beginning, *(part for relation in RELATIONS for part in _section(relation))]) + "\n"


def _section(relation: Relation) -> Iterator[str]:
    yield f"## {relation.name}"
    yield f"{relation.says}{'' if any(relation.ulp) else ' Exactly.'}"
    held = [f"`{loss}`" for loss in sorted(LOSSES) if relation.applies_to(loss)]
    rest = [f"`{loss}`" for loss in sorted(LOSSES) if f"`{loss}`" not in held]
    but = f" but {', '.join(rest)}" if rest else ""
    losses = ", ".join(held) if len(rest) > FEW else f"all losses{but}"
    yield textwrap.fill(f"Of {losses}.", WIDTH, break_long_words=False)
