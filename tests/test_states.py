"""Losses with a state: what goes in comes out, counted once, and nothing is kept in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses._core.registry import LOSSES

from .backends import LIBRARIES, Backend
from .calls import Call, ordinary

Z = np.asarray([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3], [0.0, 1.0, -1.0], [1.0, 2.0, 0.5], [0.5, 0.0, 0.25]])
Y = np.asarray([0, 2, 2, 1, 0])
GHM = {"bins": 4}
LOGITS, TARGET = np.asarray([-2.0, 0.5, 1.0, 3.0, -0.25]), np.asarray([0.0, 0.0, 1.0, 1.0, 1.0])
PLACES = np.asarray([0, 2, 1, 0, 2])  # of the gradients 0.12, 0.62, 0.27, 0.05 and 0.56 in four bins
NAN, INF = float("nan"), float("inf")

STATEFUL = [name for name, spec in LOSSES.items() if "state" in spec.parts]
every_library = pytest.mark.parametrize("backend", LIBRARIES, ids=str)
every_stateful_loss = pytest.mark.parametrize("name", STATEFUL)


def state_of(backend: Backend, call: Call) -> Any:
    with backend.context():
        arrays, options = backend.arguments(call, backend.widest)
        return backend.numpy(call.spec.function(*arrays, **options).state)


def seesaw(logits: Any, labels: Any, **options: Any) -> Call:
    return Call(LOSSES["seesaw_loss"], {"logits": logits, "labels": labels}, options)


def ghm(logits: Any, target: Any, **options: Any) -> Call:
    arrays = {"logits": logits, "target": target}
    return Call(LOSSES["ghm_classification_loss"], arrays, GHM | options)


def with_state(name: str) -> Call:
    """The ordinary call, after another."""
    call = ordinary(name)
    return call.having(state=call.spec.function(*call.arrays.values(), **call.options).state)


@every_library
def test_labels_are_counted(backend: Backend) -> None:
    assert state_of(backend, seesaw(Z, Y)).tolist() == [2, 1, 2]
    assert state_of(backend, seesaw(Z, Y, state=np.asarray([5.0, 0.0, 0.5]))).tolist() == [7, 1, 2.5]
    assert state_of(backend, seesaw(Z[0], np.asarray(1))).tolist() == [0, 1, 0]
    by_axis = state_of(backend, seesaw(Z.T, Y, axis=0))
    assert by_axis.tolist() == [2, 1, 2]


@every_library
def test_gradients_are_counted(backend: Backend) -> None:
    number = np.bincount(PLACES, minlength=4)
    np.testing.assert_array_equal(state_of(backend, ghm(LOGITS, TARGET)), number)
    before = np.asarray([8.0, 3.0, 0.0, 6.0])
    for options, want in (
        ({}, [2, 1, 2, 6]),  # what nothing was added to stays
        ({"momentum": 0.75}, [6.5, 2.5, 0.5, 6]),
        ({"momentum": 0.75, "bias_correction": True}, [6.5, 2.5, 2, 6]),
        ({"momentum": 1.0}, before),
    ):
        got = state_of(backend, ghm(LOGITS, TARGET, state=before, **options))
        np.testing.assert_array_equal(got, want)


@every_library
def test_what_does_not_count_is_not_counted(backend: Backend) -> None:
    mask = np.asarray([True, False, True, True, True])
    weight = np.asarray([2.0, 0.0, 0.5, 1.0, 1.0])
    for options in ({"where": mask}, {"sample_weight": weight}):
        logits, target = LOGITS.copy(), TARGET.copy()
        logits[1] = target[1] = NAN
        assert state_of(backend, ghm(logits, target, **options)).tolist() == [2, 1, 1, 0]
        assert state_of(backend, seesaw(Z, Y, **options)).tolist() == [2, 1, 1]
    for label in (-100, -1, 3):
        labels = np.where(mask, Y, label)
        assert state_of(backend, seesaw(Z, labels)).tolist() == [2, 1, 1]
    assert state_of(backend, seesaw(Z, Y, ignore_index=0)).tolist() == [0, 1, 2]
    alike = np.broadcast_to(False, (1,))
    assert state_of(backend, seesaw(Z, Y, where=alike)).tolist() == [0, 0, 0]
    assert state_of(backend, ghm(LOGITS, TARGET, where=alike)).tolist() == [0, 0, 0, 0]


@every_library
def test_no_number_has_no_bin(backend: Backend) -> None:
    logits = LOGITS.copy()
    logits[1] = NAN
    call = ghm(logits, TARGET, reduction="none")
    assert state_of(backend, call).tolist() == [2, 1, 1, 0]
    assert np.isnan(backend.value(call)).tolist() == [False, True, False, False, False]


@every_stateful_loss
@every_library
def test_state_is_of_the_dtype_of_the_loss_beside_its_arrays(name: str, backend: Backend) -> None:
    call = with_state(name)
    for dtype in (*backend.dtypes, *backend.halves):
        with backend.context():
            arrays, options = backend.arguments(call, dtype)
            result = call.spec.function(*arrays, **options)
            assert result._fields == ("loss", "state") == call.spec.parts
            assert result.state.dtype == result.loss.dtype
            start = al.initial_state(call.spec.function, arrays[0])
            assert start.dtype == result.state.dtype
            assert start.shape == result.state.shape
            begin = call.spec.rules["state"].start or 0
            np.testing.assert_array_equal(backend.numpy(start), np.broadcast_to(begin, start.shape))
            assert type(start) is type(result.state)


@every_stateful_loss
@every_library
def test_a_state_of_nothing_is_none(name: str, backend: Backend) -> None:
    call = ordinary(name).having(reduction="none")
    with backend.context():
        arrays, options = backend.arguments(call, backend.widest)
        start = al.initial_state(call.spec.function, arrays[0])
        after, alone = (call.spec.function(*arrays, **options | {"state": state}) for state in (start, None))
        for one, other in zip(after, alone, strict=True):
            np.testing.assert_array_equal(backend.numpy(one), backend.numpy(other))


@every_stateful_loss
@every_library
def test_gradient_comes_with_the_state(name: str, backend: Backend) -> None:
    call = with_state(name)
    with backend.context():
        arrays, options = backend.arguments(call, backend.widest)
        for loss in (call.spec.function, al.compile(call.spec.function)):
            result, gradient = al.value_and_grad(loss)(*arrays, **options)
            np.testing.assert_allclose(backend.numpy(result.loss), backend.value(call), rtol=1e-14)
            np.testing.assert_array_equal(backend.numpy(result.state), state_of(backend, call))
            np.testing.assert_allclose(
                backend.numpy(gradient),
                al.grad(call.spec.function)(*call.arrays.values(), **call.options),
                rtol=1e-12,
                atol=1e-15,
            )


def test_trees_are_boosted_by_the_loss_alone() -> None:
    gradient, curvature = al.objective(al.seesaw_loss)(Y.astype(float), Z)
    np.testing.assert_allclose(gradient, al.grad(al.seesaw_loss)(Z, Y, reduction="sum"), rtol=1e-14)
    assert (curvature > 0).all()
    gradient, _ = al.objective(al.ghm_classification_loss)(TARGET, LOGITS)
    want = al.grad(al.ghm_classification_loss)(LOGITS, TARGET, reduction="sum")
    np.testing.assert_allclose(gradient, want, rtol=1e-14)


@every_stateful_loss
def test_state_is_a_constant(name: str) -> None:
    torch = pytest.importorskip("torch")
    call = with_state(name)
    first, *rest = (torch.asarray(x) for x in call.arrays.values())
    state = torch.asarray(call.options["state"]).requires_grad_()
    result = call.spec.function(first.requires_grad_(), *rest, state=state)
    assert result.loss.requires_grad
    assert not result.state.requires_grad


@every_stateful_loss
def test_a_scan_carries_the_state(name: str) -> None:
    jax = pytest.importorskip("jax")
    call = ordinary(name)
    with jax.enable_x64(True):
        arrays = [jax.numpy.asarray(x) for x in call.arrays.values()]
        loss = call.spec.function

        def step(state: Any, _: Any) -> Any:
            result, gradient = al.value_and_grad(loss)(*arrays, state=state)
            return result.state, (result.loss, gradient)

        _, (losses, _) = jax.lax.scan(step, al.initial_state(loss, arrays[0]), length=3)
        state, want = None, []
        for _ in range(3):
            value, state = loss(*arrays, state=state)
            want.append(value)
        np.testing.assert_allclose(losses, want, rtol=1e-13)


def test_shape_of_a_state_is_that_of_the_options() -> None:
    assert al.initial_state(al.ghm_regression_loss, LOGITS).shape == (10,)
    assert al.initial_state(al.ghm_regression_loss, Z, bins=30).shape == (30,)
    assert al.initial_state(al.seesaw_loss, Z).shape == (3,)
    assert al.initial_state(al.seesaw_loss, Z, axis=0).shape == (5,)


@pytest.mark.parametrize(
    ("loss", "first", "options", "message"),
    [
        (al.huber_loss, Z, {}, "initial_state: loss must be a loss that has a state, got huber_loss"),
        (len, Z, {}, "initial_state: loss must be a loss that has a state, got len"),
        (al.seesaw_loss, [1.0], {}, "seesaw_loss: logits must be an array, got list"),
        (al.seesaw_loss, Z, {"bins": 3}, "initial_state: seesaw_loss has no option bins"),
        (
            al.seesaw_loss,
            Z,
            {"axis": 2},
            "seesaw_loss: axis must name distinct axes of logits, which has 2 dimensions, got 2",
        ),
        (al.seesaw_loss, Z[0, 0], {}, "seesaw_loss: logits must have shape (*n, c), got ()"),
        (
            al.ghm_regression_loss,
            Z,
            {"bins": 0},
            "ghm_regression_loss: bins must be a positive integer, got 0",
        ),
    ],
)
def test_what_has_no_state(loss: Any, first: Any, options: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        al.initial_state(loss, first, **options)
    assert str(error.value) == message
