"""The ways in which released losses fail, of traps.toml, and the cases that show them."""

from __future__ import annotations

import functools
import itertools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from . import schema

FILE = Path(__file__).with_suffix(".toml")
PAGE = Path(__file__).parents[1] / "docs" / "traps.md"
ABOVE = """\
# Traps

How released loss functions fail, and what shows each failure. A line such as `huber_loss: infinite delta*`
names cases of [the vectors](vectors.md), which have the trap among their tags, as "trap 6.2"; `*` stands for
any letters, and in brackets is how many cases there are. A relation holds between several calls, and is one
of `conformance/relations`. A contract is a test, where only a test can show it. This page is made of
`conformance/traps.toml` by `python -m conformance traps`.
"""


@dataclass(frozen=True)
class Trap:
    """What goes wrong, in `title`; what shows it, or why nothing can."""

    id: str
    title: str
    shown_by: tuple[str, ...] = ()
    not_a_case: str = ""

    def of_kind(self, kind: str) -> list[str]:
        """The names of its relations, or the files of its contracts."""
        return [name for k, _, name in (s.partition(": ") for s in self.shown_by) if k == kind]

    @property
    def cases(self) -> list[tuple[str, str]]:
        """The patterns of a loss and of a case."""
        pairs = (s.partition(": ") for s in self.shown_by)
        return [(loss, case) for loss, _, case in pairs if loss not in ("relation", "contract")]

    def is_shown_by(self, loss: str, case: str) -> bool:
        return any(fnmatchcase(loss, a) and fnmatchcase(case, b) for a, b in self.cases)


@functools.cache
def traps() -> tuple[Trap, ...]:
    """All traps, in their order."""
    return tuple(Trap(**entry | {"shown_by": tuple(entry.get("shown_by", ()))}) for entry in _read()["trap"])


@functools.cache
def _read() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def traps_of(loss: str, case: str) -> Iterator[str]:
    """The traps that a case shows, by their ids."""
    return (trap.id for trap in traps() if trap.is_shown_by(loss, case))


def page() -> str:
    """docs/traps.md."""
    chapters = itertools.groupby(traps(), lambda trap: int(trap.id.partition(".")[0]))
    return ABOVE + "".join(_chapter(number, list(of_it)) for number, of_it in chapters)


def _chapter(number: int, of_it: list[Trap]) -> str:
    rows = "".join(f"| {trap.id} | {trap.title} | {_shown(trap)} |\n" for trap in of_it)
    title = _read()["chapters"][number - 1]
    return f"\n## {number}. {title}\n\n| | trap | shown by |\n| --- | --- | --- |\n{rows}"


def _shown(trap: Trap) -> str:
    if trap.not_a_case:
        return f"nothing: {trap.not_a_case}"
    cases = [f"`{loss}: {case}` ({_count(loss, case)})" for loss, case in trap.cases]
    relations = [f"relation “{name}”" for name in trap.of_kind("relation")]
    contracts = [f"contract `{name}`" for name in trap.of_kind("contract")]
    return "; ".join(cases + relations + contracts)


def _count(loss: str, case: str) -> int:
    return sum(fnmatchcase(a, loss) and fnmatchcase(b, case) for a, b in _all_cases())


@functools.cache
def _all_cases() -> list[tuple[str, str]]:
    return [(loss, case["name"]) for loss in schema.names() for case in schema.read(loss)["cases"]]


def main(_: list[str]) -> int:
    """Write the page anew."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0
