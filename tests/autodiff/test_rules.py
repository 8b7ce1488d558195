"""Every function that the engine knows, against JAX: forward, backward, and one inside the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import arraylosses as al
from arraylosses.autodiff import functions
from arraylosses.autodiff.compositions import CONSTANTS, QUESTIONS

x = np.asarray([[0.3, -0.7, 0.45], [0.6, 0.25, -0.15]])
y = np.asarray([[0.5, 0.2, -0.35], [-0.9, 0.75, 0.1]])
square = np.asarray([[0.4, -0.2, 0.9], [0.1, 0.8, -0.6], [0.7, 0.35, 0.15]])

Function = Callable[..., Any]

ONE: dict[str, Function] = {
    **{
        name: lambda xp, x, name=name: getattr(xp, name)(x)
        for name in (
            "abs acos asin asinh atan atanh cos cosh exp expm1 log1p negative positive reciprocal sin sinh "
            "square tan tanh matrix_transpose sum mean max min prod std var"
        ).split()
    },
    "acosh": lambda xp, x: xp.acosh(1.5 + x),
    "log": lambda xp, x: xp.log(1 + x),
    "log2": lambda xp, x: xp.log2(1 + x),
    "log10": lambda xp, x: xp.log10(1 + x),
    "sqrt": lambda xp, x: xp.sqrt(1 + x),
    "astype": lambda xp, x: xp.astype(x, xp.float64) * x,
    "asarray": lambda xp, x: xp.asarray(x) * x,
    "clip": lambda xp, x: xp.clip(x, -0.5, 0.5),
    "broadcast_to": lambda xp, x: xp.broadcast_to(x, (4, 2, 3)) ** 2,
    "broadcast_arrays": lambda xp, x: xp.broadcast_arrays(x, x[:, :1])[1] * x,
    "concat": lambda xp, x: xp.concat([x, x * x], axis=1),
    "cumulative_sum": lambda xp, x: xp.cumulative_sum(x * x, axis=1),
    "diff": lambda xp, x: xp.diff(x * x, axis=0),
    "expand_dims": lambda xp, x: xp.expand_dims(x, axis=1) ** 2,
    "flip": lambda xp, x: xp.flip(x, axis=1) * x,
    "meshgrid": lambda xp, x: xp.meshgrid(x[0, :], x[1, :])[0] * xp.meshgrid(x[1, :], x[0, :])[1],
    "moveaxis": lambda xp, x: xp.moveaxis(x, 0, 1) ** 3,
    "permute_dims": lambda xp, x: xp.permute_dims(x, (1, 0)) ** 3,
    "repeat": lambda xp, x: xp.repeat(x, 3, axis=1) ** 2,
    "reshape": lambda xp, x: xp.reshape(x, (-1,)) ** 2,
    "roll": lambda xp, x: xp.roll(x, 1, axis=1) * x,
    "sort": lambda xp, x: xp.sort(x, axis=1) * x,
    "squeeze": lambda xp, x: xp.squeeze(x[:, :1], axis=1) ** 2,
    "stack": lambda xp, x: xp.stack([x, x * x], axis=1),
    "take": lambda xp, x: xp.take(x, xp.asarray([2, 0, 2]), axis=1) ** 2,
    "take_along_axis": lambda xp, x: xp.take_along_axis(x, xp.asarray([[2, 2], [0, 1]]), axis=1) ** 2,
    "tile": lambda xp, x: xp.tile(x, (2, 1, 2)) ** 2,
    "tril": lambda xp, x: xp.tril(x) ** 2,
    "triu": lambda xp, x: xp.triu(x) ** 2,
    "unstack": lambda xp, x: xp.unstack(x, axis=1)[1] * xp.unstack(x, axis=1)[2],
    "power of a number": lambda xp, x: (x + 2) ** 2.5 + x**3 + x**2 + x**1 + x**0,
    "number to a power": lambda xp, x: 2.0**x,
    "slices": lambda xp, x: x[0, 1:] * x[1, :2] + x[1, ::-1][:2],
    "new axes": lambda xp, x: x[:, None, :] * x[None, ..., 1:2],
    "iteration": lambda xp, x: sum(row * row for row in x),
}
TWO: dict[str, Function] = {
    **{
        name: lambda xp, x, y, name=name: getattr(xp, name)(x, y)
        for name in "add subtract multiply divide maximum minimum hypot atan2 logaddexp vecdot".split()
    },
    "copysign": lambda xp, x, y: xp.copysign(x, y),
    "pow": lambda xp, x, y: (x + 1.5) ** y,
    "remainder": lambda xp, x, y: xp.remainder(x, y + 2),
    "where": lambda xp, x, y: xp.where(x > 0, x * y, y),
    "matmul": lambda xp, x, y: x @ xp.matrix_transpose(y),
    "matmul of vectors": lambda xp, x, y: (x[0, :] @ y[1, :]) * (x @ y[0, :]),
    "tensordot": lambda xp, x, y: xp.tensordot(x, y, axes=((1,), (1,))),
    "outer": lambda xp, x, y: x[0, :][:, None] * y[0, :][None, :],
    "broadcasting": lambda xp, x, y: x[:1, :] * y + y[:, :1] / (2 + x),
    "reflected operators": lambda xp, x, y: (1 - x) * (2 / (y + 2)) + (3 + x) - 2.0**y,
}


def scalar(f: Function, xp: Any) -> Function:
    """A number that depends on every element of the result in a way of its own."""

    def g(*args: Any) -> Any:
        z = f(xp or args[0].__array_namespace__(), *args)
        n = args[0].__array_namespace__() if xp is None else xp
        flat = n.reshape(z, (-1,))
        weight = n.arange(1, flat.shape[0] + 1, dtype=flat.dtype)
        return n.sum(n.sin(flat) * weight)

    return g


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_array(name: str) -> None:
    ours, theirs = scalar(ONE[name], None), scalar(ONE[name], jnp)
    agree(ours, theirs, (square if name in ("tril", "triu") else x,))


@pytest.mark.parametrize("name", TWO)
def test_functions_of_two_arrays(name: str) -> None:
    agree(scalar(TWO[name], None), scalar(TWO[name], jnp), (x, y))


def agree(ours: Function, theirs: Function, args: tuple[np.ndarray, ...]) -> None:
    n = tuple(range(len(args)))
    v = np.cos(np.arange(args[0].size)).reshape(args[0].shape)
    rest = args[1:]
    value, gradients = al.value_and_grad(ours, n)(*args)
    expected, expected_gradients = jax.value_and_grad(theirs, n)(*map(jnp.asarray, args))
    close(value, expected)
    for g, e in zip(gradients, expected_gradients, strict=True):
        close(g, e)
    along = (v, *(None for _ in rest))
    close(al.jvp(ours, args, along)[1], np.sum(expected_gradients[0] * v))
    hessian = jax.jvp(lambda z: jax.grad(theirs)(z, *rest), (jnp.asarray(args[0]),), (jnp.asarray(v),))[1]
    close(al.hvp(ours, args[0], v, *rest), hessian)
    # Reverse over forward.
    close(al.grad(lambda z: al.jvp(ours, (z, *rest), along)[1])(args[0]), hessian)


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-12, atol=1e-13)


def test_every_function_with_a_derivative_is_here() -> None:
    tested = {name.partition(" of ")[0] for name in (*ONE, *TWO)}
    assert set(functions()) - CONSTANTS - QUESTIONS - tested == set()
