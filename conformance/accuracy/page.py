"""docs/accuracy.md, from what has been measured. Figures come from the files, words stand here."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from ..marks import between
from . import FOLDER, read
from .exhaustive import QUANTITIES
from .reasons import REASONS
from .ulp import MISSED

PAGE = FOLDER.parents[1] / "docs" / "accuracy.md"
BOUND = 4  # in ulp; what is beyond it has a reason
Records = dict[str, dict[str, Any]]


def text(page: str) -> str:
    """The page, with everything between marks written anew."""
    exhaustive, sampled, vectors = (read(kind) for kind in ("exhaustive", "sampled", "vectors"))
    measured = vectors.pop("measured", {})
    on_cards = {framework for framework, r in measured.items() if "card" in r["versions"]}
    settings = [r for records in exhaustive.values() for r in records.values()]
    parts = {
        "exhaustive": [*_summary(settings), "", *_table(_exhaustive_rows(exhaustive))],
        "beyond": _beyond(exhaustive, sampled),
        "sampled": _table(_sampled_rows(sampled)),
        "vectors": _table(_vector_rows(vectors, measured.keys() - on_cards)),
        "vectors on a GPU": _table(_vector_rows(vectors, on_cards)),
        "machines": _machines(settings, sampled, measured),
    }
    for name, lines in parts.items():
        page = between(page, name, "".join(f"{line}\n" for line in lines))
    return page


def ulp(x: float | str | None) -> str:
    """An error as it is printed."""
    if x is None:
        return "–"
    x = float(x)
    return "missed" if x >= MISSED else f"{x:.0f}" if x >= 100 else f"{x:.2g}" if x < 1 else f"{x:.3g}"


def percent(part: int, whole: int) -> str:
    share = 100 * part / whole
    return "0" if not part else "< 0.01 %" if share < 0.01 else f"{share:.2f} %"


def _summary(settings: list[dict[str, Any]]) -> Iterator[str]:
    whole, of_all = sum(r["every"] == 1 for r in settings), len(settings)
    yield f"* {whole} of {of_all} calls have been through all of the 2³² inputs."
    if whole < of_all:
        yield (
            "* Those marked with † have only been sampled so far, one block of 2¹⁷ neighbours in so many. "
            "They may be worse than these figures."
        )
    off = max((float(r[quantity]["float64"]["ulp"]) for r in settings for quantity in QUANTITIES), default=0)
    yield f"* Where it is held against the textbook formula, float64 is off by {off:.1g} ulp of float32."
    given, kept = (sum(r["nan"][k] for r in settings) for k in ("inputs", "value"))
    if given:
        yield f"* Of {given:,} inputs that are NaN, {kept or 'none'} gave a value that is not NaN."


def _exhaustive_rows(found: dict[str, Records]) -> Iterator[list[str]]:
    yield ["loss", "value", "> 0.5", "> 1", "> 2", "> 4", "gradient", "> 0.5", "> 1", "> 2", "> 4"]
    for loss, records in found.items():
        for key, r in records.items():
            cells = [f"`{loss}({key})`" + ("" if r["every"] == 1 else " †")]
            for quantity in QUANTITIES:
                cells.append(ulp(r[quantity]["ulp"]))
                cells += [percent(n, r["inputs"]) for n in r[quantity]["beyond"].values()]
            yield cells


def _sampled_rows(found: dict[str, Records]) -> Iterator[list[str]]:
    yield ["loss", "value", "> 4", "gradient", "> 4"]
    for loss, records in found.items():
        for key, r in records.items():
            slopes = [v for k, v in r.items() if k.startswith("gradient")]
            worst = max(slopes, key=lambda each: float(each["ulp"]))
            cells = [f"`{loss}({key})`"]
            for each in (r["value"], worst):
                cells += [ulp(each["ulp"]), percent(each["beyond"]["4"], r["inputs"])]
            yield cells


def _vector_rows(found: dict[str, Records], frameworks: Container[str]) -> Iterator[list[str]]:
    columns = dict.fromkeys(column for records in found.values() for column in records)
    columns = [column for column in columns if column.split()[0] in frameworks]
    yield ["loss", *columns]
    for loss, records in found.items():
        pairs = (records.get(column) for column in columns)
        yield [loss, *("" if r is None else f"{ulp(r['value'])} · {ulp(r['gradient'])}" for r in pairs)]


def _beyond(exhaustive: dict[str, Records], sampled: dict[str, Records]) -> Iterator[str]:
    """The losses that are worse than they should be, the worst of each, and why."""
    for loss in beyond_bound(exhaustive, sampled):
        records = [*exhaustive.get(loss, {}).values(), *sampled.get(loss, {}).values()]
        worst = {"value": 0.0, "gradient": 0.0}
        for r in records:
            for quantity, each in r.items():
                if isinstance(each, dict) and "beyond" in each:
                    kind = quantity.partition(" ")[0]
                    worst[kind] = max(worst[kind], float(each["ulp"]))
        yield f"* `{loss}`, value {ulp(worst['value'])}, gradient {ulp(worst['gradient'])}. {REASONS[loss]}"


def beyond_bound(*files: dict[str, Records]) -> list[str]:
    """The losses of which something is off by more than the bound."""
    return sorted(
        {
            loss
            for found in files
            for loss, records in found.items()
            for r in records.values()
            for each in r.values()
            if isinstance(each, dict) and "beyond" in each and float(each["ulp"]) > BOUND
        }
    )


def _machines(
    settings: list[dict[str, Any]], sampled: dict[str, Records], measured: Records
) -> Iterator[str]:
    parts = {
        "Every float32": settings,
        "A million inputs": [r for records in sampled.values() for r in records.values()],
        "The vectors": list(measured.values()),
    }
    for what, records in parts.items():
        on: dict[str, list[str]] = {}
        for r in records:
            versions = ", ".join(f"{k} {v}" for k, v in r["versions"].items())
            on.setdefault(f"{r['cpu']}; {versions}", []).append(r["date"])
        for machine, dates in sorted(on.items()):
            yield f"* {what}: {machine}; {min(dates)}" + (
                f" to {max(dates)}" if max(dates) > min(dates) else ""
            )


def _table(rows: Iterator[list[str]]) -> Iterator[str]:
    head, *body = rows
    for cells in (head, ["---"] * len(head), *body):
        yield f"| {' | '.join(cells)} |"
