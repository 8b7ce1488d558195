"""A compiled loss is the loss: the same numbers, from fewer passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses.compiling import cutting

from .backends import NumPy, first_field
from .calls import ordinary, weights
from .compare import assert_agree
from .suite import every_loss


@pytest.fixture
def tiny_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "BLOCK", 2)


def arguments(call: Any) -> Any:
    return NumPy().arguments(call, "float64")


@every_loss
@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_are_the_whole(call: Any, reduction: str, weighted: bool) -> None:
    if weighted:
        call = call.having(sample_weight=weights(call.weight_shape), where=call_mask(call))
    arrays, options = arguments(call.having(reduction=reduction))
    got = first_field(call.spec, al.compile(call.spec.function)(*arrays, **options))
    want = first_field(call.spec, call.spec.function(*arrays, **options))
    assert_agree(got, want, "float64")
    assert (got.shape, got.dtype) == (want.shape, want.dtype)


@every_loss
@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_in_one_pass(call: Any, reduction: str, weighted: bool) -> None:
    if weighted:
        call = call.having(sample_weight=weights(call.weight_shape), where=call_mask(call))
    arrays, options = arguments(call.having(reduction=reduction))
    loss = call.spec.function
    for argnums in (0, tuple(call.spec.arrays.index(name) for name in call.differentiable)):
        value, gradient = al.value_and_grad(al.compile(loss), argnums)(*arrays, **options)
        expected, slope = al.value_and_grad(loss, argnums)(*arrays, **options)
        assert_agree(first(value), first(expected), "float64")
        for g, s in zip(*((x if isinstance(x, tuple) else (x,)) for x in (gradient, slope)), strict=True):
            assert_agree(g, s, "float64", ulp=64)


def first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


def call_mask(call: Any) -> Any:
    mask = np.ones(call.mask_shape, dtype=bool)
    if mask.ndim:
        mask[..., :1] = mask.size == 1
    return mask


def test_most_losses_can_be_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "BLOCK", 1)
    for loss in (al.huber_loss, al.cross_entropy, al.giou_loss, al.kl_divergence, al.hinge_loss):
        arrays, options = arguments(ordinary(loss.__name__))
        assert "blocks" in al.compile(loss).plan(*arrays, **options)


def test_what_cannot_be_cut_is_said() -> None:
    big = np.zeros(2 * cutting.BLOCK)
    fast = al.compile(al.huber_loss)
    assert fast.plan(big, big) == "NumPy: in 2 blocks"
    assert fast.plan(big[:9], big[:9]) == "NumPy: as it is, being small"
    assert fast.plan(big, np.zeros(3)) == "NumPy: as it is, an array broadcasting or not fitting"
    assert fast.plan(big, big, normalizer=3.0) == "NumPy: as it is, because of the reduction"
    rows = big.reshape(2, -1)
    weight = np.ones((2, 1))
    assert fast.plan(rows, rows, sample_weight=weight).endswith("an array broadcasting or not fitting")
    labels = np.zeros(cutting.BLOCK, dtype=int)
    by_axis = al.compile(al.cross_entropy, axis=0)
    assert by_axis.plan(rows, labels) == "NumPy: as it is, because of axis"
    triplet = al.compile(al.triplet_batch_hard_loss)
    assert triplet.plan(rows.T, labels) == "NumPy: as it is, its items depending on one another"
    assert al.compile(lambda x: x).plan(big) == "NumPy: as it is, not being a loss with one result"
    dask = pytest.importorskip("dask.array")
    assert fast.plan(dask.zeros(9), dask.zeros(9)) == "dask: as it is"


def test_errors_are_those_of_the_loss() -> None:
    big = np.zeros(2 * cutting.BLOCK)
    fast = al.compile(al.huber_loss)
    with pytest.raises(ValueError, match="huber_loss: target must have shape"):
        fast(big, np.zeros(3))
    with pytest.raises(ValueError, match=r"huber_loss: delta must be positive, got -1\.0"):
        fast(big, big, delta=-1.0)
    with pytest.raises(ValueError, match="huber_loss: reduction must be"):
        fast(big, big, reduction="avg")


def test_what_is_no_function() -> None:
    with pytest.raises(TypeError, match="compile: loss must be a function, got str"):
        al.compile("huber_loss")


def test_it_is_still_the_loss() -> None:
    fast = al.compile(al.huber_loss, delta=2.0)
    assert fast.__name__ == "huber_loss"
    assert fast(np.asarray([3.0]), np.asarray([0.0])) == 4.0
    assert fast(np.asarray([3.0]), np.asarray([0.0]), delta=1.0) == 2.5


def test_double_precision_of_long_sums() -> None:
    x = np.full(2**20, 0.1, dtype=np.float32)
    value = al.compile(al.absolute_error)(x, np.zeros_like(x), reduction="sum")
    assert value == np.float32(np.float64(np.float32(0.1)) * 2**20)


def test_nothing_to_average() -> None:
    x = np.ones(2 * cutting.BLOCK)
    value, gradient = al.value_and_grad(al.compile(al.squared_error))(x, 2 * x, where=x < 0)
    assert value == 0
    assert (gradient == 0).all()


def test_jax_is_jitted_whole() -> None:
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    traced = []

    def loss(pred: Any, target: Any, *, mode: str, scale: float) -> Any:
        traced.append(mode)
        return al.huber_loss(scale * pred, target)

    fast = al.compile(loss, mode="first")
    x, y = jnp.asarray([0.5, 3.0]), jnp.zeros(2)
    for _ in range(3):
        assert fast(x, y, scale=1.0) == 1.3125
        value, gradient = al.value_and_grad(fast)(x, y, scale=1.0)
        assert value == 1.3125
        assert gradient.tolist() == [0.25, 0.5]
    assert traced == ["first", "first"]  # once for the value, once for both
    assert fast.plan(x, y) == "JAX: jax.jit"
    assert jax.grad(lambda z: fast(z, y, scale=1.0))(x).tolist() == [0.25, 0.5]


def test_jax_is_compiled_for_the_type_of_an_option() -> None:
    jnp = pytest.importorskip("jax.numpy")
    fast = al.compile(al.huber_loss)
    x, y = jnp.asarray([0.5, 3.0]), jnp.zeros(2)
    assert fast(x, y, delta=1.0) == 1.3125
    with pytest.raises(TypeError, match="huber_loss: delta must be positive, got True"):
        fast(x, y, delta=True)


def test_torch_is_compiled() -> None:
    torch = pytest.importorskip("torch")
    fast = al.compile(al.binary_cross_entropy_with_logits, pos_weight=2.0)
    x, y = torch.tensor([0.5, -3.0], requires_grad=True), torch.tensor([1.0, 0.0])
    value = fast(x, y)
    want = al.binary_cross_entropy_with_logits(x, y, pos_weight=2.0)
    torch.testing.assert_close(value, want)
    (slope,) = torch.autograd.grad(want, x)
    (got,) = torch.autograd.grad(value, x)
    torch.testing.assert_close(got, slope)
    both = al.value_and_grad(fast)(x.detach(), y)
    torch.testing.assert_close(both, (want.detach(), slope))
    assert fast.plan(x, y) == "PyTorch: torch.compile"
    assert al.compile(al.huber_loss).plan(x, y) == "PyTorch: torch.compile"


def test_a_number_may_change() -> None:
    torch = pytest.importorskip("torch")
    fast, x = al.compile(al.huber_loss), torch.linspace(-2, 2, 8)
    for target in (0.0, 1.0, 2.5):  # the second of which Dynamo makes symbolic
        torch.testing.assert_close(fast(x, target), al.huber_loss(x, target))


def test_what_inductor_makes_of_expm1_keeps_its_digits() -> None:
    torch = pytest.importorskip("torch")
    x = torch.logspace(-8, 1, 64, dtype=torch.float32)  # as many as are computed at once
    fast = al.compile(al.welsch_loss, reduction="none")(x, 0.0)
    torch.testing.assert_close(fast, al.welsch_loss(x, 0.0, reduction="none"), rtol=1e-6, atol=0)


@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
def test_a_gradient_is_of_a_scalar(library: str) -> None:
    xp = pytest.importorskip("jax.numpy" if library == "jax" else library)
    x = xp.zeros(2 * cutting.BLOCK if library == "numpy" else 3)
    with pytest.raises(ValueError, match="value_and_grad: the function must return a scalar, got shape"):
        al.value_and_grad(al.compile(al.huber_loss))(x, x, reduction="none")
