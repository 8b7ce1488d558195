"""What tests of laws share: calls on the arrays of one framework, in double precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses.cli import kit


class Library:
    """Calls of losses on the arrays of one framework: what is NumPy's array becomes its own."""

    def __init__(self, framework: Any) -> None:
        self.framework = framework

    def array(self, x: Any) -> Any:
        x = np.asarray(x)
        return self.framework.asarray(x, "float64" if x.dtype.kind == "f" else None)

    def numpy(self, x: Any) -> Any:
        return self.framework.numpy(x)

    def call(self, loss: Any, arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
        options = {k: self.array(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        return loss(*map(self.array, arrays), **options)

    def items(self, loss: Any, *arrays: Any, **options: Any) -> Any:
        """The items of a loss, or with another `reduction` its mean or sum."""
        result = self.call(loss, arrays, {"reduction": "none"} | options)
        return self.numpy(result[0] if isinstance(result, tuple) else result)

    def both(self, loss: Any, *arrays: Any, **options: Any) -> tuple[Any, Any]:
        """The items of a loss, or what they are reduced to, and the gradient of that or of their sum."""
        slope = self.call(al.grad(loss), arrays, options | {"reduction": _scalar(options)})
        return self.items(loss, *arrays, **options), self.numpy(slope)

    def state(self, loss: Any, *arrays: Any, **options: Any) -> Any:
        return self.numpy(self.call(loss, arrays, options).state)


def _scalar(options: dict[str, Any]) -> str:
    reduction = options.get("reduction", "none")
    return "sum" if reduction == "none" else reduction


# One without derivatives of its own and one with them; that the others agree the vectors show, in less time.
FEW = [f for f in kit.module("frameworks").installed() if f.name in ("numpy", "torch")]


@pytest.fixture(params=FEW, ids=lambda f: f.name)
def xp(request: pytest.FixtureRequest) -> Iterator[Library]:
    with request.param.session("float64"):
        yield Library(request.param)


def assert_same(one: Any, other: Any) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
