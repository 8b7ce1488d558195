"""`al.debug()`: values are looked at only where asked, and the first bad one is named."""

import os
import subprocess
import sys

import numpy as np
import pytest

import arraylosses as al
from arraylosses._core import debugging

from .toys import toy_classes, toy_residual

X = np.asarray([1.0, 2.0, 3.0])
Z = np.zeros((3, 4))


def refusal(loss, *arrays, **options):
    with pytest.raises(ValueError) as caught, al.debug():
        loss(*arrays, **options)
    return str(caught.value)


def test_nan_in_a_prediction():
    bad = np.asarray([[1.0, 2.0], [3.0, np.nan]])
    assert refusal(toy_residual, bad, bad) == "toy_residual: pred must not be NaN, got nan at index (1, 1)"


def test_number_outside_its_domain():
    expected = "toy_residual: var must be positive, got -2.0 at index (1,)"
    assert refusal(toy_residual, X, X, np.asarray([1.0, -2.0, 0.0])) == expected


def test_number_outside_of_the_bins():
    expected = "distribution_focal_loss: target must be between 0 and 3, got 3.5 at index (1,)"
    assert refusal(al.distribution_focal_loss, Z, np.asarray([3.0, 3.5, -1.0])) == expected


@pytest.mark.parametrize("label", [-1, 4])
def test_label_outside_the_classes(label):
    expected = f"toy_classes: target must be class labels from 0 to 3, got {label} at index (2,)"
    assert refusal(toy_classes, Z, np.asarray([0, 1, label])) == expected


def test_ignored_label_is_legal():
    with al.debug():
        toy_classes(Z, np.asarray([0, 1, -100]))


def test_masked_elements_may_hold_anything():
    with al.debug():
        toy_residual(np.asarray([1.0, np.nan, 3.0]), X, where=np.asarray([True, False, True]))


def test_weightless_elements_may_hold_anything():
    with al.debug():
        toy_residual(np.asarray([1.0, np.nan, 3.0]), X, sample_weight=np.asarray([1.0, 0.0, 1.0]))


def test_without_it_values_are_not_looked_at():
    assert np.isnan(toy_residual(np.asarray([1.0, np.nan, 3.0]), X))


def test_it_ends_with_its_block():
    with al.debug():
        assert debugging.active()
    assert not debugging.active()


def test_it_ends_with_an_error_too():
    with pytest.raises(KeyError), al.debug():
        raise KeyError
    assert not debugging.active()


def test_it_may_be_off_inside():
    with al.debug():
        with al.debug(False):
            assert not debugging.active()
        assert debugging.active()


@pytest.mark.parametrize(("setting", "active"), [("1", True), ("0", False), ("", False)])
def test_environment_turns_it_on(setting, active):
    code = "from arraylosses._core import debugging; print(debugging.active())"
    environment = os.environ | {"ARRAYLOSSES_DEBUG": setting, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert run.stdout.strip() == str(active)


def test_tracers_are_not_looked_at():
    jax = pytest.importorskip("jax")
    with al.debug():
        assert np.isnan(jax.jit(toy_residual)(np.asarray([1.0, np.nan, 3.0]), X))


def test_meta_tensors_are_not_looked_at():
    torch = pytest.importorskip("torch")
    with al.debug():
        x = torch.zeros(3, device="meta")
        assert toy_residual(x, x).shape == ()


def test_functorch_tensors_are_not_looked_at():
    torch = pytest.importorskip("torch")
    with al.debug():
        x = torch.asarray([[1.0, float("nan")]])
        assert torch.isnan(torch.func.vmap(toy_residual)(x, x)).all()


def test_lazy_arrays_are_not_computed():
    dask, da = pytest.importorskip("dask"), pytest.importorskip("dask.array")
    x = da.from_array(np.asarray([1.0, np.nan, 3.0]))
    with al.debug(), dask.config.set(scheduler=lambda *a, **k: pytest.fail("computed")):
        lazy = toy_residual(x, x)
    assert np.isnan(lazy.compute())
