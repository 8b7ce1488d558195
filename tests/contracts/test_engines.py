"""The three engines agree on every loss to 1e-12: gradient, both nestings of the Hessian, third order."""

import numpy as np
import pytest

import arraylosses as al
from arraylosses._core.namespaces import namespace

from ..backends import JAX, NumPy, Torch, apart, compiled_once, first_field
from ..calls import Call, ordinary
from ..suite import every_loss
from .test_extremes import every_extreme, is_refused
from .test_transformations import of_first


def direction(like):
    """A direction that is aligned with nothing."""
    return np.cos(np.arange(like.size) + 0.5).reshape(like.shape).astype(like.dtype)


def derivatives(function, pred, v, engine):
    """What is compared: each is another order, or the same one reached in another way."""

    def gradient(x):
        return al.grad(function, engine=engine)(x)

    def slope(x):
        return al.jvp(function, (x,), (v,), engine=engine)[1]

    def curvature(x):
        return al.jvp(gradient, (x,), (v,), engine=engine)[1]

    def along(x):
        xp = namespace(x)
        return xp.sum(gradient(x) * v)

    return {
        "gradient": gradient(pred),
        "forward over reverse": curvature(pred),
        "reverse over forward": al.grad(slope, engine=engine)(pred),
        "reverse over reverse": al.grad(along, engine=engine)(pred),
        "forward over forward": al.jvp(slope, (pred,), (v,), engine=engine)[1],
        "third order": al.jvp(curvature, (pred,), (v,), engine=engine)[1],
    }


def in_numpy(call, dtype="float64"):
    arrays, options = NumPy().arguments(call, dtype)
    return derivatives(of_first(call, arrays, options), arrays[0], direction(arrays[0]), "own")


def in_torch(call, engine, dtype="float64"):
    arrays, options = Torch().arguments(call, dtype)
    v = Torch().array(direction(call.arrays[call.first]), dtype)
    found = derivatives(of_first(call, arrays, options), arrays[0], v, engine)
    return {k: x.numpy(force=True) for k, x in found.items()}


def in_jax(call, engine, dtype="float64"):
    backend = JAX(x64=True)
    with backend.context():
        arrays, options = backend.arguments(call, dtype)
        given, static = apart(options)
        v = backend.array(direction(call.arrays[call.first]), dtype)
        found = jitted_derivatives(call.spec, static, engine)(arrays, given, v)
        return {k: np.asarray(x) for k, x in found.items()}


@compiled_once
def jitted_derivatives(spec, static, engine):
    import jax

    def compute(arrays, given, v):
        def of_pred(x):
            return first_field(spec, spec.function(x, *arrays[1:], **given, **dict(static)))

        return derivatives(of_pred, arrays[0], v, engine)

    return jax.jit(compute)


every_other_engine = pytest.mark.parametrize(
    ("library", "engine"), [("torch", "torch"), ("torch", "own"), ("jax", "jax"), ("jax", "own")]
)


def elsewhere(call, library, engine, dtype="float64"):
    pytest.importorskip(library)
    return {"torch": in_torch, "jax": in_jax}[library](call, engine, dtype)


def assert_close(got, expected, name):
    """To 1e-12, of the largest where there are several: the smaller may be what is left of a sum."""
    scale = np.max(np.abs(expected), initial=1.0)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12 * scale, err_msg=name)


@every_loss
@every_other_engine
def test_engines_agree_to_third_order(call, library, engine):
    want, got = in_numpy(call), elsewhere(call, library, engine)
    for name, expected in want.items():
        assert_close(got[name], expected, name)


@every_loss
@every_other_engine
@every_extreme
def test_extremes_to_second_order(call, library, engine, extreme):
    changed = extreme(call)
    want, got = in_numpy(changed), elsewhere(changed, library, engine)
    for name, expected in want.items():
        if name != "third order" and not is_refused(changed):
            assert np.isfinite(expected).all(), name
            assert_close(got[name], expected, name)


inf = np.inf
NOTHING = np.zeros((2, 4))
EXTREMES = [
    ("binary_cross_entropy_with_logits", [[1e4, -1e4, inf, -inf], [1.0, 0.0, 1.0, 0.0]]),
    ("binary_cross_entropy_with_logits", [[1e4, -1e4, inf, -inf], [0.0, 1.0, 0.0, 1.0]]),
    ("sigmoid_focal_loss", [[1e4, -1e4, inf, -inf], [1.0, 0.0, 1.0, 0.0]]),
    ("sigmoid_focal_loss", [[1e4, -1e4, inf, -inf], [0.0, 1.0, 0.0, 1.0]]),
    ("logistic_loss", [[1e4, -1e4, inf, -inf], [1.0, -1.0, -1.0, 1.0]]),
    ("cross_entropy", [[[1e4, -1e4, 0.0], [-inf, 1.0, 0.0], [-1e4, 1e4, 1e4]], np.asarray([0, 1, 2])]),
    ("cross_entropy", [[[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]], np.asarray([1, 0])]),
    ("giou_loss", [[[0.0, 0.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0]]] * 2),
    ("ciou_loss", [[[0.0, 0.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0]]] * 2),
    ("cosine_distance", [NOTHING, NOTHING]),
    ("cosine_distance", [NOTHING, NOTHING + 1]),
    ("dice_loss", [[[0.5, 0.25, 0.0, 1.0]], [[0.0, 0.0, 0.0, 0.0]]]),
    ("dice_loss", [NOTHING, NOTHING]),
    ("lovasz_hinge_loss", [NOTHING, NOTHING]),
    ("triplet_batch_hard_loss", [np.ones((4, 3)), np.asarray([0, 0, 1, 1])]),
    ("arcface_loss", [NOTHING, np.ones((3, 4)), np.asarray([0, 2])]),
]


@pytest.mark.parametrize(("name", "arrays"), EXTREMES)
@every_other_engine
def test_named_extremes_to_second_order(name, arrays, library, engine):
    spec = ordinary(name).spec
    call = Call(spec, dict(zip(spec.arrays, map(np.asarray, arrays), strict=False)), {"reduction": "sum"})
    want, got = in_numpy(call), elsewhere(call, library, engine)
    for order, expected in want.items():
        if order != "third order":
            assert np.isfinite(expected).all(), order
            assert_close(got[order], expected, order)
