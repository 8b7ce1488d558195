"""`chunk_size`: what is worked through piece by piece is what it is in one piece."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses._core.registry import LOSSES

from .calls import NAMES, Call, ordinary
from .laws import Library

CHUNKED = [name for name in NAMES if "chunk_size" in LOSSES[name].rules]


@pytest.mark.parametrize("name", CHUNKED)
@pytest.mark.parametrize("size", [1, 3, "all"])
def test_chunks_change_nothing(xp: Library, name: str, size: Any) -> None:
    call = ordinary(name)
    whole = results(xp, call)
    chunked = results(xp, call.having(chunk_size=64 if size == "all" else size))
    for i, (got, want) in enumerate(zip(chunked, whole, strict=True)):
        # A gradient is a sum over the pieces, of terms that may be greater than it.
        ulp = 4 if i < 2 else 16
        assert np.max(np.abs(got - want), initial=0) <= ulp * np.spacing(np.max(np.abs(want), initial=0))


def results(xp: Library, call: Call) -> list[Any]:
    """The mean, the items, and the gradient of the mean in each array."""
    loss, arrays = call.spec.function, tuple(call.arrays.get(k) for k in call.spec.arrays)
    given = tuple(x for x in arrays if x is not None)
    places = tuple(i for i, k in enumerate(call.spec.arrays) if k in call.differentiable)
    mean = xp.items(loss, *given, **call.options | {"reduction": "mean"})
    slopes = xp.call(al.grad(loss, argnums=places), given, call.options | {"reduction": "mean"})
    return [mean, xp.items(loss, *given, **call.options), *map(xp.numpy, slopes)]
