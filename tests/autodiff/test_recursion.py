"""CTC as a recursion: of one size in every graph, right in long sums, and to every order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import torch
from functorch.compile import make_boxed_func
from jax.extend.core import jaxprs_in_params
from torch._dynamo.backends.common import aot_autograd

import arraylosses as al
from arraylosses._core import selections
from arraylosses._core.namespaces import namespace

Function = Callable[..., Any]
ENGINES: dict[str, Function] = {"own": lambda x: x, "jax": jnp.asarray, "torch": torch.asarray}
every_engine = pytest.mark.parametrize("engine", ENGINES)
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def in_numpy(x: Any) -> Any:
    return x.numpy(force=True) if isinstance(x, torch.Tensor) else np.asarray(x)


def log_probs(*shape: int) -> Any:
    z = RNG.normal(size=shape)
    return z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True))


def ctc(labels: Any, **options: Any) -> Function:
    return lambda y: al.ctc_loss(y, labels, reduction="sum", **options)


# --- the classes that are taken -------------------------------------------------------------------

TAKEN = np.asarray([[0, 2, 2, 1], [3, 3, 3, 0], [1, 0, 2, 3]])


@every_engine
def test_classes_are_taken_and_put_back(engine: str) -> None:
    array, x, w = ENGINES[engine], RNG.normal(size=(3, 5, 4)), RNG.normal(size=(3, 5, 4))
    x[0, 0, 3] = -math.inf  # not taken, and nothing to the others

    def take(x: Any) -> Any:
        return selections.take_classes(namespace(x), x, array(TAKEN))

    def weighed(x: Any) -> Any:
        return namespace(x).sum(take(x) * array(w))

    want = np.take_along_axis(x, np.broadcast_to(TAKEN[:, None], (3, 5, 4)), axis=-1)
    np.testing.assert_array_equal(in_numpy(take(array(x))), want)
    back = np.stack([[[w[n, t, TAKEN[n] == c].sum() for c in range(4)] for t in range(5)] for n in range(3)])
    np.testing.assert_allclose(in_numpy(al.grad(weighed, engine=engine)(array(x))), back, atol=1e-15)
    t = RNG.normal(size=(3, 5, 4))
    slope = al.jvp(take, (array(x),), (array(t),), engine=engine)[1]
    want = np.take_along_axis(t, np.broadcast_to(TAKEN[:, None], (3, 5, 4)), axis=-1)
    np.testing.assert_array_equal(in_numpy(slope), want)


def test_the_derivative_of_what_is_taken_is_linear_in_the_batch() -> None:
    sizes = []
    for n in (2, 4):
        x, labels = jnp.zeros((n, 5, 4)), jnp.zeros((n, 3), dtype=int)
        jaxpr = jax.make_jaxpr(jax.grad(lambda x, y=labels: selections.take_classes(jnp, x, y).sum()))(x)
        sizes.append(max(v.aval.size for eqn in every_equation(jaxpr.jaxpr) for v in eqn.outvars))
    assert sizes[1] == 2 * sizes[0]


# --- graphs ---------------------------------------------------------------------------------------


def every_equation(jaxpr: Any) -> Iterator[Any]:
    for eqn in jaxpr.eqns:
        yield eqn
        for inner in jaxprs_in_params(eqn.params):
            yield from every_equation(inner)


def test_jax_has_a_graph_of_one_size() -> None:
    def size(frames: int) -> int:
        f = jax.value_and_grad(ctc(jnp.asarray([[1, 2], [2, 2]])))
        return sum(1 for _ in every_equation(jax.make_jaxpr(f)(jnp.zeros((2, frames, 3))).jaxpr))

    assert size(5) == size(50)


@pytest.mark.parametrize("followed", [True, False], ids=["with its gradient", "alone"])
def test_torch_compiles_a_graph_of_one_size(followed: bool) -> None:
    def size(frames: int) -> int:
        torch._dynamo.reset()
        nodes = 0

        def count(graph: Any, _: Any) -> Any:
            nonlocal nodes
            nodes += len(graph.graph.nodes)
            return make_boxed_func(graph.forward)

        loss = ctc(torch.asarray([[1, 2], [2, 2]]))
        y = torch.asarray(log_probs(2, frames, 3)).requires_grad_(followed)
        compiled = torch.compile(loss, fullgraph=True, backend=aot_autograd(fw_compiler=count))
        torch.testing.assert_close(compiled(y), loss(y), rtol=1e-14, atol=0)
        if followed:
            got, want = (torch.autograd.grad(f(y), y) for f in (compiled, loss))
            torch.testing.assert_close(got, want, rtol=1e-14, atol=1e-16)
        return nodes

    assert size(5) == size(50)


def test_torch_knows_the_node() -> None:
    from arraylosses.autodiff.torch_graphs import steps

    p, labels = torch.asarray(log_probs(4, 3, 3)), torch.asarray([[1, 2], [2, 2], [2, 1]])
    for name, results in (("_log_likelihood", 1), ("_with_shares", 2)):
        torch.library.opcheck(steps, (name, results, [p, labels, torch.full((3,), 2)]))


def test_torch_compiles_for_any_number_of_frames() -> None:
    torch._dynamo.reset()
    loss = ctc(torch.asarray([[1, 2], [2, 2]]))
    compiled = torch.compile(loss, fullgraph=True, dynamic=True, backend="aot_eager")
    for frames in (4, 6, 9):
        y = torch.asarray(log_probs(2, frames, 3)).requires_grad_()
        got, want = (torch.autograd.grad(f(y), y) for f in (compiled, loss))
        torch.testing.assert_close(got, want, rtol=1e-14, atol=1e-16)


# --- numbers --------------------------------------------------------------------------------------


def test_torch_checks_and_transforms() -> None:
    loss = ctc(torch.asarray([[1, 2], [2, 2]]))
    y = torch.asarray(log_probs(2, 4, 3))
    given = y.clone().requires_grad_()
    assert torch.autograd.gradcheck(loss, given, check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(loss, given)
    hessian = torch.func.hessian(loss)(y)
    for outer in (torch.func.jacfwd, torch.func.jacrev):
        for inner in (torch.func.jacfwd, torch.func.jacrev):
            torch.testing.assert_close(outer(inner(loss))(y), hessian, rtol=1e-11, atol=1e-13)


@every_engine
def test_third_order_is_that_of_the_sum_over_all_paths(engine: str) -> None:
    y = log_probs(3, 3)
    v = np.cos(np.arange(9.0)).reshape(3, 3)
    paths = [(1, 1, 2), (1, 2, 2), (0, 1, 2), (1, 0, 2), (1, 2, 0)]

    def along(s: Any) -> Any:
        terms = (sum(mpmath.mpf(y[t, c]) + s * mpmath.mpf(v[t, c]) for t, c in enumerate(p)) for p in paths)
        return -mpmath.log(sum(map(mpmath.exp, terms)))

    with mpmath.workdps(60):
        want = [float(mpmath.diff(along, 0, n)) for n in range(1, 4)]
    array = ENGINES[engine]
    loss, x, w = ctc(array(np.asarray([1, 2]))), array(y), array(v)

    def slope(x: Any) -> Any:
        return namespace(x).sum(al.grad(loss, engine=engine)(x) * w)

    def curvature(x: Any) -> Any:
        return al.jvp(slope, (x,), (w,), engine=engine)[1]

    got = slope(x), curvature(x), al.jvp(curvature, (x,), (w,), engine=engine)[1]
    np.testing.assert_allclose([float(x) for x in got], want, rtol=1e-13)


@every_engine
def test_long_sums_keep_their_digits(engine: str) -> None:
    """In float32 over thousands of frames, where the log-likelihood has no more than four digits left."""
    y, labels = log_probs(2, 3000, 8).astype(np.float32), RNG.integers(1, 8, (2, 40))
    exact, gradient = al.value_and_grad(ctc(labels))(y.astype(np.float64))
    value, got = al.value_and_grad(ctc(ENGINES[engine](labels)), engine=engine)(ENGINES[engine](y))
    assert in_numpy(got).dtype == np.float32
    np.testing.assert_allclose(in_numpy(value), exact, rtol=1e-6)
    np.testing.assert_allclose(in_numpy(got), gradient, atol=1e-3)
    np.testing.assert_allclose(in_numpy(got).sum(axis=-1), -1, rtol=1e-5)
