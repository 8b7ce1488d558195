"""Every vector holds, on every framework that is installed; and the vectors are what the evidence says."""

from __future__ import annotations

import functools
import zlib
from typing import Any

import pytest

from arraylosses._core.registry import LOSSES
from arraylosses.cli import kit

frameworks = kit.module("frameworks").installed()


def dtypes_on(framework: Any) -> tuple[str, ...]:
    """Every dtype on NumPy. Elsewhere half precision is a cast at the door, which the contracts look at."""
    few = {"numpy": framework.dtypes, "jax": ("float64",), "dask": ("float64",)}
    return few.get(framework.name, ("float64", "float32"))


ONE_IN = {"numpy": 3, "jax": 40, "dask": 60, "torch": 6, "strict": 8}


def is_wanted_on(framework: Any, case: dict[str, Any]) -> bool:
    """The ordinary case, and one in so many: on NumPy `arraylosses validate`, a session of its own, has all.

    Of a loss's own, since the contracts go through weights, masks and reductions on every library.
    """
    if framework.name not in ONE_IN or case["name"] == "ordinary":
        return True
    return "derived" not in case["tags"] and zlib.crc32(case["name"].encode()) % ONE_IN[framework.name] == 0


@pytest.mark.parametrize("framework", frameworks, ids=lambda f: f.name)
@pytest.mark.parametrize("loss", LOSSES)
def test_vectors_hold(loss: str, framework: Any) -> None:
    wanted = functools.partial(is_wanted_on, framework)
    ours = kit.module("implementations").ours(framework.name)
    outcome = kit.module("runner").run(loss, ours, dtypes_on(framework), wanted)
    assert outcome.cases
    assert outcome.holds, "\n\n".join(
        f"{f.case} ({f.dtype}): {f.what}\n{f.call}\nexpected {f.expected}\ngot      {f.got}"
        for f in outcome.findings
    )


@pytest.mark.parametrize("loss", ["huber_loss", "nll_loss", "iou_loss"])
def test_vectors_are_what_the_evidence_says(loss: str) -> None:
    """To the byte; for all losses, `nox -s vectors` leaves nothing to commit."""
    schema = kit.module("schema")
    written = (schema.FOLDER / f"{loss}.json").read_text(encoding="utf-8")
    assert schema.text_of(kit.module("generate").generate(loss)) == written
