"""The function transformations of JAX and torch go through every loss."""

import numpy as np
import pytest

from ..backends import JAX, Torch, first_field
from ..compare import assert_agree
from ..suite import every_loss, every_loss_of_one_piece


def flipped(call):
    """The call with its items, or the elements of one, in reverse order."""
    slots = call.slots(call.mask_dims)
    return call.keeping(slots[0], range(call.size(slots[0]))[::-1]) if slots else call


def stacked(call):
    """Two calls as one batch: the call and the flipped one."""
    return call.holding(**{k: np.stack([x, flipped(call).arrays[k]]) for k, x in call.arrays.items()})


def of_given(call, options):
    """The loss as a function of the arrays that are given, and of no others."""

    def function(*given):
        arrays = dict(zip(call.arrays, given, strict=True))
        return first_field(call.spec, call.spec.function(*map(arrays.get, call.spec.arrays), **options))

    return function


def of_first(call, arrays, options):
    """The loss as a function of the prediction."""
    return lambda pred: first_field(call.spec, call.spec.function(pred, *arrays[1:], **options))


def given(arrays):
    return [x for x in arrays if x is not None]


@every_loss
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_jax_vmap_is_one_call_after_another(call, reduction):
    jax = pytest.importorskip("jax")
    backend = JAX(x64=True)
    call = call.having(reduction=reduction)
    with backend.context():
        arrays, options = backend.arguments(stacked(call), "float64")
        got = jax.jit(jax.vmap(of_given(call, options)))(*given(arrays))
        assert_agree(got, np.stack([backend.value(call), backend.value(flipped(call))]), "float64")


@every_loss
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_torch_vmap_is_one_call_after_another(call, reduction):
    torch = pytest.importorskip("torch")
    backend = Torch()
    call = call.having(reduction=reduction)
    arrays, options = backend.arguments(stacked(call), "float64")
    got = torch.func.vmap(of_given(call, options))(*given(arrays))
    assert_agree(got, np.stack([backend.value(call), backend.value(flipped(call))]), "float64")


@every_loss
def test_torch_func_grad_is_the_gradient(call):
    torch = pytest.importorskip("torch")
    arrays, options = Torch().arguments(call, "float64")
    pred = arrays[0].clone().requires_grad_()
    function = of_first(call, arrays, options)
    (want,) = torch.autograd.grad(function(pred), pred)
    assert_agree(torch.func.grad(function)(arrays[0]), want, "float64")


@every_loss
def test_torch_gradients_per_sample(call):
    torch = pytest.importorskip("torch")
    batch, options = Torch().arguments(stacked(call), "float64")
    function = torch.func.grad(of_given(call, options))
    got = torch.func.vmap(function)(*given(batch))
    want = [function(*given(Torch().arguments(c, "float64")[0])) for c in (call, flipped(call))]
    assert_agree(got, torch.stack(want), "float64", ulp=64)


@every_loss
def test_hessian_is_the_same_in_jax_and_torch(call):
    jax, torch = pytest.importorskip("jax"), pytest.importorskip("torch")
    backend = JAX(x64=True)
    with backend.context():
        arrays, options = backend.arguments(call, "float64")
        in_jax = np.asarray(jax.jit(jax.hessian(of_first(call, arrays, options)))(arrays[0]))
    arrays, options = Torch().arguments(call, "float64")
    in_torch = torch.func.hessian(of_first(call, arrays, options))(arrays[0])
    assert np.isfinite(in_jax).all()
    assert_agree(in_torch, in_jax, "float64", ulp=1024)


@every_loss_of_one_piece
def test_hessian_is_the_slope_of_the_gradient(call):
    torch = pytest.importorskip("torch")
    arrays, options = Torch().arguments(call, "float64")
    function = of_first(call, arrays, options)
    hessian = torch.func.hessian(function)(arrays[0])
    direction = torch.asarray(np.resize(np.asarray([1.0, -0.75, 0.5]), arrays[0].shape))
    step = 2.0**-18
    ahead, behind = (torch.func.grad(function)(arrays[0] + sign * step * direction) for sign in (1, -1))
    want = (ahead - behind) / (2 * step)
    got = torch.tensordot(hessian, direction, dims=direction.ndim)
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-7)
