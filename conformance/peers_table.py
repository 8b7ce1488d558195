"""What the libraries of docs/peers.html come to, in README.md and docs/conformance.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .marks import between
from .outcomes import IMPRECISE, PASS
from .page import data_of

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "docs" / "peers.html"
PAGES = (ROOT / "README.md", ROOT / "docs" / "conformance.md")
HEAD = """\
| library | losses | cases | right | rounded | by convention | wrong, NaN or an error |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""


def main(_: list[str]) -> int:
    report = data_of(REPORT.read_text(encoding="utf-8"))["report"]
    for page in PAGES:
        page.write_text(anew(page.read_text(encoding="utf-8"), report), encoding="utf-8")
    return 0


def anew(page: str, report: dict[str, Any]) -> str:
    """A page with the table of a report in it."""
    return between(page, "peers", HEAD + "".join(_rows(report)))


def _rows(report: dict[str, Any]) -> Iterator[str]:
    for library in report["implementations"]:
        outcomes = [o for o in report["outcomes"] if o["implementation"] == library["name"] and o["cases"]]
        cases = sum(o["cases"] for o in outcomes)
        right, rounded = (sum(o["counts"].get(kind, 0) for o in outcomes) for kind in (PASS, IMPRECISE))
        meant = sum(map(_meant, outcomes))
        name = library["name"] if library["is_peer"] else f"arraylosses on {library['name']}"
        shares = (right, rounded, meant, cases - right - rounded - meant)
        cells = (
            f"{name} {library['version']}",
            f"{len(outcomes)}",
            f"{cases}",
            *(_share(n, cases) for n in shares),
        )
        yield f"| {' | '.join(cells)} |\n"


def _meant(outcome: dict[str, Any]) -> int:
    """The cases of an outcome that are off, for no reason but a documented or deliberate convention."""
    causes: dict[tuple[str, str], set[str]] = {}
    for finding in outcome["findings"]:
        if finding["kind"] != IMPRECISE and finding["deviation"]:
            cases = causes.setdefault((finding["case"], finding["dtype"]), set())
            cases.add(finding["deviation"]["kind"])
    return sum(kinds == {"convention"} for kinds in causes.values())


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}".replace("%", " %") if part else "–"
