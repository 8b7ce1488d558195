"""What cannot be differentiated raises, and says what and what to do; nothing is a silent zero."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import arraylosses as al
from arraylosses.autodiff import NoRule

x = np.asarray([1.0, 2.0])


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda z: z, ValueError, "value_and_grad: the function must return a scalar, got shape (2,): "),
        (lambda z: 3.0, ValueError, "value_and_grad: the function must return a scalar, got float: "),
        (lambda z: float(z[0]), TypeError, "float() of a traced array would drop its derivative"),
        (lambda z: 1 if z[0] else 2, TypeError, "bool() of a traced array would drop its derivative"),
        (lambda z: int(z[0]), TypeError, "int() of a traced array would drop its derivative"),
        (lambda z: np.asarray(z).sum(), TypeError, "a traced array cannot become a NumPy array"),
        (lambda z: np.exp(z), TypeError, "does not support ufuncs"),
        (lambda z: z.__setitem__(0, 1.0), TypeError, "a traced array cannot be changed in place"),
        (
            lambda z: z[np.asarray([0, 0])],
            NotImplementedError,
            "indices of a traced array may repeat: use take",
        ),
        (lambda z: z.__array_namespace__().linalg.norm(z), NoRule, "knows no derivative of linalg"),
        (
            lambda z: z.__array_namespace__().cumulative_prod(z),
            NoRule,
            "knows no derivative of cumulative_prod",
        ),
    ],
)
def test_a_function_that_cannot_be_followed(
    f: Callable[..., Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        al.grad(f)(x)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((np.asarray([1, 2]), x), TypeError, "argument 0 must be a real floating-point array, got int64"),
        ((1.0, x), TypeError, "argument 0 must be an array, got float"),
        ((x, jnp.asarray([1.0, 2.0])), TypeError, "the arrays must be of one library, got jax and numpy"),
    ],
)
def test_arguments_that_have_no_gradient(args: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(f"value_and_grad: {message}")):
        al.value_and_grad(al.squared_error)(*args)


def test_options_of_the_verbs() -> None:
    with pytest.raises(ValueError, match="engine must be None, 'jax', 'torch' or 'own', got 'fortran'"):
        al.grad(al.squared_error, engine="fortran")(x, x)
    with pytest.raises(ValueError, match="argnums must name one of the 2 arguments, got 2"):
        al.grad(al.squared_error, argnums=2)(x, x)
    with pytest.raises(ValueError, match="order must be a positive integer, got 0"):
        al.derivatives(al.squared_error, x, x, order=0)
    with pytest.raises(ValueError, match="tangents must be 2 arrays or None, and not all None, got 1"):
        al.jvp(al.squared_error, (x, x), (x,))
    with pytest.raises(ValueError, match="one item for each element of its first argument"):
        al.derivatives(al.cross_entropy, np.ones((2, 3)), np.asarray([0, 1]))


def test_an_array_that_outlives_its_function() -> None:
    kept = []

    def leak(z: Any) -> Any:
        kept.append(z)
        return al.squared_error(z, x)

    al.grad(leak)(x)
    with pytest.raises(RuntimeError, match="a traced array outlived the function"):
        kept[0] + 1
    with pytest.raises(RuntimeError, match="a traced array outlived the function"):
        al.squared_error(kept[0], x)


def test_an_error_inside_ends_the_trace() -> None:
    kept = []

    def fails(z: Any) -> Any:
        kept.append(z)
        raise KeyError

    with pytest.raises(KeyError):
        al.grad(fails)(x)
    with pytest.raises(RuntimeError, match="outlived"):
        -kept[0]
