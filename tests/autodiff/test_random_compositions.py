"""Functions composed at random have the derivatives that JAX finds."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

# Smooth and bounded, so that any composition is well conditioned.
UNARY = {
    "sin": lambda xp, a: xp.sin(a),
    "tanh": lambda xp, a: xp.tanh(a),
    "exp of -square": lambda xp, a: xp.exp(-xp.square(a)),
    "log1p of square": lambda xp, a: xp.log1p(xp.square(a)),
    "sqrt": lambda xp, a: xp.sqrt(1 + xp.square(a)),
    "reciprocal": lambda xp, a: xp.reciprocal(2 + xp.square(a)),
    "transposed": lambda xp, a: xp.matrix_transpose(a),
    "flip": lambda xp, a: xp.flip(a, axis=0),
    "mean": lambda xp, a: xp.broadcast_to(xp.mean(a, axis=1, keepdims=True), a.shape),
    "cumulative sum": lambda xp, a: xp.cumulative_sum(a, axis=0) / 3,
    "halves": lambda xp, a: xp.concat([a[1:, :], a[:1, :]], axis=0),
    "rows": lambda xp, a: xp.stack(xp.unstack(a, axis=1), axis=0),
}
BINARY = {
    "add": lambda xp, a, b: (a + b) / 2,
    "subtract": lambda xp, a, b: a - b / 2,
    "multiply": lambda xp, a, b: a * b,
    "divide": lambda xp, a, b: a / (2 + xp.square(b)),
    "matmul": lambda xp, a, b: (a @ b) / 3,
    "where": lambda xp, a, b: xp.where(a > 0.1, a * b, b),
    "logaddexp": lambda xp, a, b: xp.logaddexp(a, b),
    "atan2": lambda xp, a, b: xp.atan2(a, 1 + xp.square(b)),
}
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(UNARY)), st.integers(0, 9)),
        st.tuples(st.sampled_from(sorted(BINARY)), st.integers(0, 9), st.integers(0, 9)),
    ),
    min_size=1,
    max_size=8,
)
START = np.asarray([[0.3, -0.7, 0.45], [0.6, 0.25, -0.15], [-0.5, 0.8, 0.05]])
DIRECTION = np.asarray([[0.2, 0.1, -0.6], [1.0, -0.3, 0.4], [0.7, -0.9, 0.3]])


def composed(program: list[Any], xp: Any) -> Any:
    def f(x: Any) -> Any:
        n = x.__array_namespace__() if xp is None else xp
        values = [x, x * x - 0.2]
        for name, *places in program:
            picked = [values[p % len(values)] for p in places]
            values.append((UNARY.get(name) or BINARY[name])(n, *picked))
        return n.sum(values[-1] * n.asarray(DIRECTION)) + n.sum(values[-2])

    return f


@settings(max_examples=40, deadline=None, derandomize=True)
@given(steps)
def test_they_agree_with_jax(program: list[Any]) -> None:
    ours, theirs = composed(program, None), composed(program, jnp)
    with jax.enable_x64(True):
        x, v = jnp.asarray(START), jnp.asarray(DIRECTION)
        value, gradient = jax.jit(jax.value_and_grad(theirs))(x)
        hessian = jax.jit(lambda x, v: jax.jvp(jax.grad(theirs), (x,), (v,))[1])(x, v)
    found, found_gradient = al.value_and_grad(ours)(START)
    for ours_is, theirs_is in (
        (found, value),
        (found_gradient, gradient),
        (al.hvp(ours, START, DIRECTION), hessian),
        (al.grad(lambda x: al.jvp(ours, (x,), (DIRECTION,))[1])(START), hessian),
    ):
        np.testing.assert_allclose(ours_is, np.asarray(theirs_is), rtol=1e-10, atol=1e-11)
