"""The engine beyond single derivatives: threads, blocks, other libraries' arrays, code around a loss."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import arraylosses as al
from arraylosses.autodiff import blocks


def test_threads_do_not_meet() -> None:
    rng = np.random.default_rng(0)
    logits, target = rng.normal(size=(64, 5)), (rng.random(5) < 0.5).astype(float)

    def work(z: Any) -> Any:
        return al.hvp(al.binary_cross_entropy_with_logits, z, np.ones(5), target, reduction="sum")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, np.repeat(logits, 8, axis=0)))
    p = 1 / (1 + np.exp(-np.repeat(logits, 8, axis=0)))
    np.testing.assert_allclose(found, p * (1 - p), rtol=1e-13)


@pytest.mark.parametrize("shape", [(2 * blocks.BLOCK + 5,), (3, blocks.BLOCK)])
def test_blocks_are_the_whole(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=shape), rng.random(shape)
    weight = rng.random(shape)
    f = al.binary_cross_entropy_with_logits
    whole = al.derivatives(f, z, y, pos_weight=2.0, sample_weight=weight)
    half = shape[0] // 2 if len(shape) == 1 else 1
    parts = [
        al.derivatives(f, z[here], y[here], pos_weight=2.0, sample_weight=weight[here])
        for here in (slice(half), slice(half, None))
    ]
    for got, *want in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(got, np.concatenate(want))


def test_arrays_that_do_not_go_along_are_not_cut() -> None:
    z = np.zeros((2, 2 * blocks.BLOCK))
    weight = np.asarray([[1.0], [2.0]])
    _, gradient, _ = al.derivatives(al.squared_error, z, np.float64(1.0), sample_weight=weight)
    np.testing.assert_array_equal(gradient, np.broadcast_to(-2 * weight, z.shape))


@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_of_transposed_arrays(order: Any) -> None:
    z = np.asarray(np.random.default_rng(0).normal(size=(4, blocks.BLOCK)), order=order)
    value, gradient, curvature = al.derivatives(al.squared_error, z, np.zeros_like(z))
    np.testing.assert_array_equal(gradient, 2 * z)
    np.testing.assert_array_equal(value, z * z)
    assert (curvature == 2).all()


def test_our_engine_under_the_transformations_of_jax() -> None:
    x = jnp.asarray([0.5, -1.5])
    ours = al.grad(al.huber_loss, engine="own")
    with jax.enable_x64(True):
        np.testing.assert_array_equal(jax.jit(ours)(x, jnp.zeros(2)), [0.25, -0.5])
        curvature = jax.jacfwd(lambda z: ours(z, jnp.zeros(2)))(x)
    np.testing.assert_array_equal(curvature, [[0.5, 0], [0, 0]])


def test_our_engine_under_torch_autograd() -> None:
    x = torch.tensor([0.5, -1.5], requires_grad=True)
    gradient = al.grad(al.huber_loss, engine="own")(x, torch.zeros(2))
    (curvature,) = torch.autograd.grad(gradient.sum(), x)
    assert curvature.tolist() == [0.5, 0.0]


def test_slices_of_arrays_of_many_chunks_on_dask() -> None:
    da = pytest.importorskip("dask.array")
    x = np.random.default_rng(0).normal(size=(7, 9))

    def neighbours(x: Any) -> Any:
        xp = x.__array_namespace__() if hasattr(x, "__array_namespace__") else da
        return xp.sum((x[1:, :] - x[:-1, 2:3]) ** 2) + xp.sum(x[-1, ..., ::2] * x[0, 0])

    want = al.grad(neighbours)(x)
    for chunks in ((7, 9), (3, 4), (1, 9)):
        np.testing.assert_allclose(al.grad(neighbours)(da.from_array(x, chunks)).compute(), want, rtol=1e-13)
    large = da.zeros((6000, 6000))  # of which an array that is empty along one axis has no chunks
    assert large.numblocks != (1, 1)
    assert al.grad(neighbours)(large).chunks == large.chunks
