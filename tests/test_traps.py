"""Every known way to fail is shown by something that exists, and the vectors say so themselves."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from arraylosses._core.registry import LOSSES
from arraylosses.cli import kit

schema, tags, traps = kit.module("schema"), kit.module("tags"), kit.module("traps")
ROOT = Path(__file__).parents[1]
TRAPS = traps.traps()


@pytest.fixture(scope="module")
def vectors() -> dict[str, dict[str, Any]]:
    """The cases of every loss, by their names."""
    return {loss: {case["name"]: case for case in schema.read(loss)["cases"]} for loss in schema.names()}


def test_ids_are_unique_and_sorted() -> None:
    places = [tuple(map(int, trap.id.split("."))) for trap in TRAPS]
    assert places == sorted(set(places))


def test_every_trap_is_shown_or_says_why_not() -> None:
    for trap in TRAPS:
        assert bool(trap.shown_by) != bool(trap.not_a_case), trap.id


def test_every_pattern_names_a_case(vectors: dict[str, dict[str, Any]]) -> None:
    pairs = [(loss, name) for loss, cases in vectors.items() for name in cases]
    for trap in TRAPS:
        for loss, case in trap.cases:
            found = any(fnmatchcase(a, loss) and fnmatchcase(b, case) for a, b in pairs)
            assert found, f"trap {trap.id}: there is no case {loss}: {case}"


def test_every_relation_exists() -> None:
    known = {relation.name for relation in kit.module("relations.laws").RELATIONS}
    named = {name for trap in TRAPS for name in trap.of_kind("relation")}
    assert not named - known, f"conformance/relations has no relation {sorted(named - known)}"


def test_every_contract_exists() -> None:
    for trap in TRAPS:
        for name in trap.of_kind("contract"):
            assert (ROOT / name).is_file(), f"trap {trap.id}: {name}"


@pytest.mark.parametrize("loss", LOSSES)
def test_tags_are_those_of_the_case(loss: str, vectors: dict[str, dict[str, Any]]) -> None:
    """Tags given by hand stay, so that to tag a case again changes nothing."""
    for name, case in vectors[loss].items():
        of_traps = [tag for tag in case["tags"] if tag.startswith("trap ")]
        assert of_traps == [f"trap {trap}" for trap in traps.traps_of(loss, name)], name
        rest = [tag for tag in case["tags"] if tag not in of_traps]
        assert tags.tags_of(LOSSES[loss], case | {"tags": rest}) == case["tags"], name


def test_the_page_is_made_of_the_file() -> None:
    assert (ROOT / "docs" / "traps.md").read_text(encoding="utf-8") == traps.page()
