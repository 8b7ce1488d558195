"""Rotated boxes: what is known of the distances of their Gaussians, and the Gaussians."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

from .laws import Library

PRED, TARGET = [0.0, 0.0, 4.0, 2.0, 0.0], [1.0, 0.5, 3.0, 2.0, math.pi / 6]
TURNED = [0.0, 0.0, 4.0, 2.0, math.pi / 2]
RAW: dict[str, Any] = {"fun": "none", "tau": 0}
LOSSES: dict[str, tuple[Any, dict[str, Any]]] = {
    "gwd": (al.gwd_loss, {}),
    "gwd, squared": (al.gwd_loss, RAW),
    "gwd, normalized": (al.gwd_loss, {"normalize": True, "tau": 0}),
    "kld": (al.kld_loss, {}),
    "kld, raw": (al.kld_loss, RAW),
    "kld, root": (al.kld_loss, {"sqrt": True, **RAW}),
    **{f"kld, {way}": (al.kld_loss, {"direction": way, **RAW}) for way in ("tp", "jeffreys", "max", "min")},
    "kfiou": (al.kfiou_loss, {}),
    "kfiou, rescaled": (al.kfiou_loss, {"rescale": True}),
    "kfiou, ln": (al.kfiou_loss, {"fun": "ln"}),
    "kfiou, exp": (al.kfiou_loss, {"fun": "exp"}),
}
LEAST = {"kfiou": 2 / 3, "kfiou, ln": math.log(3), "kfiou, exp": math.expm1(2 / 3)}
every_loss = pytest.mark.parametrize("name", LOSSES)
SYMMETRIC = [name for name in LOSSES if name not in ("kld", "kld, raw", "kld, root", "kld, tp")]
WITHOUT_SCALE = [name for name in LOSSES if name not in ("gwd", "gwd, squared")]
FINITE = [name for name in LOSSES if "kld" not in name and name not in ("gwd, normalized", "kfiou, ln")]


def items(name: str, pred: Any, target: Any, **options: Any) -> Any:
    loss, own = LOSSES[name]
    return loss(np.asarray(pred), np.asarray(target), **own | options, reduction="none")


def gradients(name: str, pred: Any, target: Any) -> tuple[np.ndarray, ...]:
    loss, own = LOSSES[name]
    return al.grad(loss, argnums=(0, 1))(np.asarray(pred), np.asarray(target), **own)


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "pair", "options", "expected"),
    [
        (al.gwd_loss, (PRED, TARGET), RAW, 1.737913),
        (al.gwd_loss, (PRED, TARGET), {"alpha": 0.0, **RAW}, 1.25),
        (al.gwd_loss, ([1.0, 0.5, *PRED[2:]], TARGET), RAW, 0.487913),
        (al.gwd_loss, (PRED, TARGET), {}, 0.501793),
        (al.gwd_loss, (PRED, TARGET), {"fun": "sqrt"}, 0.568649),
        (al.gwd_loss, (PRED, TURNED), RAW, 2.0),
        (al.kld_loss, (PRED, TARGET), RAW, 0.588564),
        (al.kld_loss, (PRED, TARGET), {"direction": "tp", **RAW}, 0.436120),
        (al.kld_loss, (PRED, TARGET), {}, 0.316394),
        (al.kld_loss, (PRED, TURNED), RAW, 1.125),
        (al.kfiou_loss, (PRED, TARGET), {}, 1 - 0.305188),
        (al.kfiou_loss, (PRED, TURNED), {}, 0.75),
        (al.kfiou_loss, (PRED, TURNED), {"rescale": True}, 0.25),
        (al.kfiou_loss, (PRED, PRED), {}, 2 / 3),
        (al.kfiou_loss, (PRED, PRED), {"fun": "ln"}, 1.098612),
        (al.kfiou_loss, (PRED, PRED), {"fun": "exp"}, 0.947734),
    ],
)
def test_worked_numbers(loss: Any, pair: Any, options: Any, expected: float, xp: Library) -> None:
    assert xp.items(loss, *pair, **options) == pytest.approx(expected, abs=6e-7)


def test_a_box_that_is_a_little_wider_in_single_precision():
    """The textbook subtracts traces of 80200, and has nothing right of the 0.000025 that is left."""
    box, wider = (np.asarray([0.0, 0.0, w, 20.0, 0.0], np.float32) for w in (400.0, 400.01))
    exact = (float(wider[2]) - 400) ** 2 / 4
    found = al.gwd_loss(box, wider, **RAW)
    assert found.dtype == np.float32
    assert float(found) == pytest.approx(exact, rel=1e-6)
    assert exact == pytest.approx(2.5e-5, rel=3e-3)

    m, m_t = (al.gaussian_from_rotated_box(x)[1] for x in (box, wider))
    root = np.sqrt(np.linalg.det(m) * np.linalg.det(m_t))
    textbook = np.trace(m) + np.trace(m_t) - 2 * np.sqrt(np.trace(m @ m_t) + 2 * root)
    assert textbook.dtype == np.float32
    assert textbook == pytest.approx(-0.0078, abs=1e-4)


def test_settings_of_mmrotate():
    """Its bounded distance, with its constants, of which the one under the root is not exact."""
    assert al.gwd_loss(np.asarray(PRED), np.asarray(PRED), fun="sqrt", tau=2) == 0.5
    assert 1 - 1 / (2 + math.sqrt(1e-7)) != pytest.approx(0.5, abs=1e-5)

    (u, m), (v, m_t) = (al.gaussian_from_rotated_box(np.asarray(x)) for x in (PRED, TARGET))
    inverse = np.linalg.inv(m)
    logs = [np.log(np.linalg.det(x)) for x in (m, m_t)]
    theirs = ((u - v) @ inverse @ (u - v) + np.trace(inverse @ m_t) + logs[0] - logs[1]) / 2 - 1
    assert items("kld, tp", PRED, TARGET) == pytest.approx(theirs, rel=1e-12)
    assert items("kld, tp", PRED, TARGET, sqrt=True) == pytest.approx(math.sqrt(theirs), rel=1e-12)
    assert items("kld, raw", PRED, TARGET) != pytest.approx(theirs, abs=0.1)

    w = math.sqrt(items("gwd, squared", PRED, TARGET))
    size = 2 * (np.linalg.det(m) * np.linalg.det(m_t)) ** (1 / 8)
    assert items("gwd", PRED, TARGET, fun="sqrt", tau=0, normalize=True) == pytest.approx(w / size, rel=1e-12)
    assert items("gwd, normalized", PRED, TARGET) == pytest.approx(math.log1p((w / size) ** 2), rel=1e-12)


# --- the textbook, and invariances ----------------------------------------------------------------

eighths = st.integers(-32, 32).map(lambda n: n / 8)
sides = st.integers(1, 32).map(lambda n: n / 8)
angles = st.floats(-4, 4)
any_box = st.tuples(eighths, eighths, sides, sides, angles).map(np.asarray)
# Among them are empty ones, those with negative sides, and those whose angles are the same.
odd_box = st.tuples(*[st.integers(-3, 3).map(float)] * 5).map(np.asarray)
few = settings(max_examples=12, deadline=None)


def square_root(m: Any) -> Any:
    values, vectors = np.linalg.eigh(m)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


@few
@given(p=any_box, t=any_box)
def test_they_are_those_of_the_matrices(p: Any, t: Any) -> None:
    (u, m), (v, m_t) = map(al.gaussian_from_rotated_box, (p, t))
    way, root, inside = u - v, square_root(m), np.linalg.inv(m_t)
    det = np.linalg.det
    squared = way @ way + np.trace(m + m_t - 2 * square_root(root @ m_t @ root))
    divergence = (way @ inside @ way + np.trace(inside @ m) - 2 + np.log(det(m_t) / det(m))) / 2
    shared = 4 * np.sqrt(det(m @ np.linalg.inv(m + m_t) @ m_t))
    assert items("gwd, squared", p, t) == pytest.approx(squared, rel=1e-6, abs=1e-6)
    assert items("kld, raw", p, t) == pytest.approx(divergence, rel=1e-8, abs=1e-10)
    assert items("kfiou", p, t) == pytest.approx(1 - shared / (p[2] * p[3] + t[2] * t[3] - shared), rel=1e-10)


@every_loss
@few
@given(p=any_box, t=any_box, x=eighths, y=eighths, turn=angles)
def test_place_and_direction_do_not_matter(
    name: str, p: Any, t: Any, x: float, y: float, turn: float
) -> None:
    expected = items(name, p, t)
    moved = np.asarray([x, y, 0.0, 0.0, 0.0])
    assert items(name, p + moved, t + moved) == expected
    c, s = math.cos(turn), math.sin(turn)
    turned = [np.asarray([c * b[0] - s * b[1], s * b[0] + c * b[1], b[2], b[3], b[4] + turn]) for b in (p, t)]
    np.testing.assert_allclose(items(name, *turned), expected, rtol=1e-9, atol=1e-12)


@every_loss
@few
@given(p=any_box, t=any_box, quarters=st.integers(-4, 4))
def test_a_box_has_several_names(name: str, p: Any, t: Any, quarters: int) -> None:
    x, y, w, h, angle = p
    again = np.asarray([x, y, *((h, w) if quarters % 2 else (w, h)), angle + quarters * math.pi / 2])
    np.testing.assert_allclose(items(name, again, t), items(name, p, t), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", WITHOUT_SCALE)
@few
@given(p=any_box, t=any_box, log2=st.integers(-60, 60))
def test_scale_does_not_matter(name: str, p: Any, t: Any, log2: int) -> None:
    scale = np.asarray([2.0**log2] * 4 + [1.0])
    np.testing.assert_allclose(items(name, scale * p, scale * t), items(name, p, t), rtol=1e-13, atol=0)


@every_loss
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_no_scale_is_too_large_or_small_in_single_precision(name: str, size: float) -> None:
    p, t = (np.asarray([size * x for x in b[:4]] + b[4:], np.float32) for b in (PRED, TARGET))
    with np.errstate(over="ignore"):
        found, expected = items(name, p, t), items(name, PRED, TARGET)
    if name in WITHOUT_SCALE:
        np.testing.assert_allclose(found, expected, rtol=2e-6)
        for got, want in zip(gradients(name, p, t), gradients(name, PRED, TARGET), strict=True):
            scaled = got * np.asarray([size] * 4 + [1.0])
            np.testing.assert_allclose(scaled, want, rtol=1e-5, atol=1e-6)
    assert not np.isnan(found)
    identical = gradients(name, p, p)
    assert not any(gradient.any() for gradient in identical)


def test_a_distance_whose_square_would_overflow():
    p, t = np.asarray([0.0, 0, 1, 1, 0], np.float32), np.asarray([1e30, 0, 1, 1, 0], np.float32)
    assert al.gwd_loss(p, t, tau=0) == pytest.approx(2 * math.log(1e30), rel=1e-6)
    assert al.gwd_loss(p, t, fun="sqrt", tau=0) == np.float32(1e30)
    assert al.kld_loss(p, t, tau=0) == pytest.approx(math.log(2) + 2 * math.log(1e30), rel=1e-6)
    assert al.kld_loss(p, t, tau=0, fun="sqrt") == pytest.approx(math.sqrt(2) * 1e30, rel=1e-6)
    tiny = np.asarray([1e-30, 0, 1, 1, 0], np.float32)
    assert al.gwd_loss(p, tiny, fun="sqrt", tau=0) == np.float32(1e-30)
    assert al.kld_loss(p, tiny, fun="sqrt", tau=0) == pytest.approx(math.sqrt(2) * 1e-30, rel=1e-6)
    for fun in ("none", "sqrt", "log1p"):
        for box in (t, tiny):
            slope = al.grad(al.gwd_loss)(p, box, fun=fun, tau=0)
            expected = {"none": -2 * box[0], "sqrt": -1.0, "log1p": -2 * min(box[0], 1 / box[0])}[fun]
            assert slope[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", SYMMETRIC)
@few
@given(p=any_box, t=any_box)
def test_prediction_and_target_may_be_exchanged(name: str, p: Any, t: Any) -> None:
    np.testing.assert_allclose(items(name, p, t), items(name, t, p), rtol=1e-12, atol=1e-15)


@few
@given(p=any_box, t=any_box)
def test_directions_of_the_divergence(p: Any, t: Any) -> None:
    pt, tp = items("kld, raw", p, t), items("kld, tp", p, t)
    assert tp == items("kld, raw", t, p)
    assert items("kld, max", p, t) == max(pt, tp)
    assert items("kld, min", p, t) == min(pt, tp)
    np.testing.assert_allclose(items("kld, jeffreys", p, t), (pt + tp) / 2, rtol=1e-13, atol=1e-300)


@few
@given(p=any_box, t=any_box)
def test_the_overlap_is_at_most_a_third(p: Any, t: Any) -> None:
    missing = items("kfiou, rescaled", p, t)
    assert 0 <= missing <= 1
    np.testing.assert_allclose(items("kfiou", p, t), (2 + missing) / 3, rtol=1e-15)
    np.testing.assert_allclose(items("kfiou, ln", p, t), math.log(3) - np.log1p(-missing), rtol=1e-12)
    np.testing.assert_allclose(items("kfiou, exp", p, t), np.expm1((2 + missing) / 3), rtol=1e-15)


# --- identical, square and empty boxes ------------------------------------------------------------


@every_loss
@few
@given(box=any_box)
def test_a_box_is_at_no_distance_of_itself(name: str, box: Any) -> None:
    assert items(name, box, box) == LEAST.get(name, 0)
    assert not any(gradient.any() for gradient in gradients(name, box, box))


@every_loss
def test_the_angle_of_a_square_has_no_gradient(name: str) -> None:
    square = [0.5, 0.25, 3.0, 3.0, 0.75]
    assert items(name, square, [*square[:4], -1.25]) == LEAST.get(name, 0)
    assert abs(gradients(name, square, TARGET)[0][4]) < 1e-15
    assert abs(gradients(name, TARGET, square)[1][4]) < 1e-15


@every_loss
@few
@given(p=odd_box, t=odd_box)
def test_no_box_gives_nan(name: str, p: Any, t: Any) -> None:
    value, slopes = items(name, p, t), gradients(name, p, t)
    assert value >= 0
    assert all(np.isfinite(slope).all() for slope in slopes)
    if name in FINITE:
        assert value < math.inf
    empty = min(*p[2:4], *t[2:4]) <= 0
    if empty and ("kld" in name or "kfiou" in name):
        lost = math.expm1(1) if name == "kfiou, exp" else math.inf
        wanted = 1 if name in ("kld", "kfiou", "kfiou, rescaled") else lost
        assert value == pytest.approx(wanted, rel=2**-52, abs=0)  # NumPy's expm1 depends on the processor
        assert not any(slope.any() for slope in slopes)


def test_a_negative_side_is_a_side_of_zero():
    for name in LOSSES:
        assert items(name, [0.0, 0.0, -1.0, 2.0, 0.5], TARGET) == items(
            name, [0.0, 0.0, 0.0, 2.0, 0.5], TARGET
        )


# --- options --------------------------------------------------------------------------------------


def test_bound_of_a_distance(xp: Library) -> None:
    for loss in (al.gwd_loss, al.kld_loss):
        f = xp.items(loss, PRED, TARGET, tau=0)
        for tau in (1.0, 2.5):
            expected = pytest.approx(1 - 1 / (tau + f), rel=1e-14)
            assert xp.items(loss, PRED, TARGET, tau=tau) == expected
            assert xp.items(loss, PRED, TARGET, tau=np.asarray(tau)) == expected
        assert xp.items(loss, PRED, TARGET, tau=np.asarray(0.0)) == f


def test_loss_of_the_centers_is_added(xp: Library) -> None:
    u, v = np.asarray([[0.5, -0.25], [0.0, 0.125]]), np.asarray([[0.25, -0.25], [0.0, 0.25]])
    pair = [PRED, TURNED], [TARGET, PRED]
    with_centers = xp.items(al.kfiou_loss, *pair, center_pred=u, center_target=v)
    of_centers = xp.items(al.smooth_l1_loss, u, v, beta=1 / 9).sum(axis=-1)
    np.testing.assert_allclose(with_centers, xp.items(al.kfiou_loss, *pair) + of_centers, rtol=1e-14)


def test_a_masked_center_has_no_gradient():
    pred, target = np.asarray([PRED, TURNED]), np.asarray([TARGET, PRED])
    u, v = np.asarray([[0.5, -0.25], [math.nan, math.inf]]), np.zeros((2, 2))

    def of_centers(u: Any, **options: Any) -> Any:
        return al.kfiou_loss(pred, target, center_pred=u, center_target=v, **options)

    for options in ({"where": np.asarray([True, False])}, {"sample_weight": np.asarray([1.0, 0.0])}):
        assert of_centers(u, **options) == of_centers(u[:1].repeat(2, axis=0), **options)
        np.testing.assert_allclose(al.grad(of_centers)(u, **options), [[1, -1], [0, 0]], rtol=1e-15)


# --- Gaussians ------------------------------------------------------------------------------------


def test_gaussians(xp: Library) -> None:
    boxes = np.random.default_rng(0).uniform(0.25, 3, (2, 3, 5))
    for scale in (4.0, 12):
        mean, covariance = map(xp.numpy, al.gaussian_from_rotated_box(xp.array(boxes), scale=scale))
        np.testing.assert_array_equal(mean, boxes[..., :2])
        for i in np.ndindex(2, 3):
            _, _, w, h, angle = boxes[i]
            c, s = math.cos(angle), math.sin(angle)
            rotation = np.asarray([[c, -s], [s, c]])
            expected = rotation @ np.diag([w * w, h * h]) @ rotation.T / scale
            np.testing.assert_allclose(covariance[i], expected, rtol=1e-13, atol=1e-15)
            assert covariance[i][0, 1] == covariance[i][1, 0]


def test_gaussian_of_half_precision_and_of_negative_sides():
    mean, covariance = al.gaussian_from_rotated_box(np.asarray([1.0, 2, 600, -2, 0], np.float16))
    assert mean.dtype == covariance.dtype == np.float32
    assert covariance.tolist() == [[90000, 0], [0, 0]]


def test_gaussians_have_a_gradient():
    box = np.asarray([1.0, 2.0, 4.0, 2.0, 0.5])
    covariance, pull = al.vjp(lambda b: al.gaussian_from_rotated_box(b)[1], box)
    (slope,) = pull(np.ones_like(covariance))
    c, s = math.cos(0.5), math.sin(0.5)
    expected = [0, 0, 2 * (c + s) ** 2, (c - s) ** 2, 6 * (c * c - s * s)]
    np.testing.assert_allclose(slope, expected, rtol=1e-14)


# --- what is refused ------------------------------------------------------------------------------

X = np.asarray([PRED])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: al.gwd_loss(X, X, tau=0.5), "gwd_loss: tau must be 0 or at least 1, got 0.5"),
        (lambda: al.gwd_loss(X, X, alpha=-1), "gwd_loss: alpha must be nonnegative, got -1.0"),
        (lambda: al.gwd_loss(X, X, fun="ln"), "gwd_loss: fun must be 'none', 'sqrt' or 'log1p', got 'ln'"),
        (
            lambda: al.kld_loss(X, X, direction="both"),
            "kld_loss: direction must be 'pt', 'tp', 'jeffreys', 'max' or 'min', got 'both'",
        ),
        (lambda: al.kld_loss(X, X[..., :4]), "kld_loss: target must have shape (1, 5) like pred, got (1, 4)"),
        (
            lambda: al.kfiou_loss(X, X, center_pred=X[..., :2]),
            "kfiou_loss: center_target must be given with center_pred, got None",
        ),
        (
            lambda: al.kfiou_loss(X, X, center_target=X[..., :2]),
            "kfiou_loss: center_pred must be given with center_target, got None",
        ),
        (
            lambda: al.kfiou_loss(X, X, center_pred=X, center_target=X),
            "kfiou_loss: center_pred must have shape (1, 2), got (1, 5)",
        ),
        (
            lambda: al.gaussian_from_rotated_box(X[..., :4]),
            "gaussian_from_rotated_box: boxes must have shape (..., 5), got (1, 4)",
        ),
        (
            lambda: al.gaussian_from_rotated_box(X, scale=0),
            "gaussian_from_rotated_box: scale must be positive, got 0.0",
        ),
        (
            lambda: al.gaussian_from_rotated_box(X, scale=X),
            "gaussian_from_rotated_box: scale must be positive, got ndarray",
        ),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message


def test_debug_says_which_side_is_negative():
    bad = np.asarray([[0.0, 0.0, 1.0, 1.0, -2.0], [-1.0, 0.0, 1.0, -0.5, 0.0]])
    rule = "be rotated boxes with nonnegative width and height"
    with al.debug(), pytest.raises(ValueError) as caught:
        al.kld_loss(np.abs(bad), bad)
    assert str(caught.value) == f"kld_loss: target must {rule}, got -0.5 at index (1, 3)"
