"""Every vector holds, on every framework that is installed; and the vectors are what the evidence says."""

from __future__ import annotations

from typing import Any

import pytest

from arraylosses._core.registry import LOSSES
from arraylosses.cli import kit

frameworks = kit.module("frameworks").installed()


@pytest.mark.parametrize("framework", frameworks, ids=lambda f: f.name)
@pytest.mark.parametrize("loss", LOSSES)
def test_vectors_hold(loss: str, framework: Any) -> None:
    # Every dtype on NumPy. Elsewhere half precision is a cast at the door, which the contracts look at.
    # JAX and Dask would take half an hour: there float64, whose errors show most, has to do, and the cases
    # of a loss's own, since the contracts go through weights, masks and reductions on every library.
    slow = framework.name in ("jax", "dask")
    dtypes = framework.dtypes if framework.name == "numpy" else ("float64", "float32")[: 1 if slow else 2]
    outcome = kit.module("runner").run(loss, framework, dtypes=dtypes, derived=not slow)
    assert outcome.cases
    assert outcome.holds, "\n\n".join(
        f"{f.case} ({f.dtype}): {f.what}\n{f.call}\nexpected {f.expected}\ngot      {f.got}"
        for f in outcome.failures
    )


@pytest.mark.parametrize("loss", ["huber_loss", "cross_entropy", "dice_loss"])
def test_vectors_are_what_the_evidence_says(loss: str) -> None:
    """To the byte; for all losses, `nox -s vectors` leaves nothing to commit."""
    schema = kit.module("schema")
    written = (schema.FOLDER / f"{loss}.json").read_text(encoding="utf-8")
    assert schema.text_of(kit.module("generate").generate(loss)) == written
