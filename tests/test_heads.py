"""Softmax heads with a margin: numbers, and what they have in common."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

from .laws import Library, assert_same

# Cosines of 0.8, 0.3 and -0.1, as cosines and as vectors; two embeddings of the plane.
COSINES, OWN = np.asarray([0.8, 0.3, -0.1]), np.asarray(0)
APART = (
    np.asarray([[1.0, 0.0]]),
    np.asarray([[0.8, 0.6], [0.3, math.sqrt(0.91)], [-0.1, math.sqrt(0.99)]]),
    np.asarray([0]),
)
PLANE = (
    np.asarray([[3.0, 4.0], [0.0, 2.0]]),
    np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]),
    np.asarray([0, 1]),
)
RANDOM = np.random.default_rng(7)
BATCH = (RANDOM.normal(size=(6, 4)), RANDOM.normal(size=(5, 4)), RANDOM.integers(0, 5, 6))
SUB = (BATCH[0], RANDOM.normal(size=(5, 3, 4)), BATCH[2])
LONG = (BATCH[0] * 20, *BATCH[1:])

HEADS: dict[str, tuple[Any, dict[str, Any]]] = {
    "normface": (al.normface_loss, {"scale": 8.0}),
    "coco": (al.coco_loss, {"alpha": 8.0}),
    "coco, mask": (al.coco_loss, {"alpha": 8.0, "class_mask": np.asarray([True] * 4 + [False])}),
    "l2": (al.l2_softmax_loss, {"alpha": 4.0}),
    "l2, bias": (al.l2_softmax_loss, {"alpha": 4.0, "bias": np.asarray([0.5, 0.0, -1.0, 2.0, 0.25])}),
    "am": (al.am_softmax_loss, {}),
    "cosface": (al.cosface_loss, {}),
    "arcface": (al.arcface_loss, {}),
    "combined": (al.combined_margin_loss, {"scale": 8.0}),
    "combined, factor": (al.combined_margin_loss, {"scale": 8.0, "m1": 0.9, "m2": 0.4, "m3": 0.15}),
    "sub-centre": (al.sub_center_arcface_loss, {"scale": 8.0}),
    "l-softmax": (al.l_softmax_loss, {}),
    "a-softmax": (al.a_softmax_loss, {}),
    "a-softmax, 1.7": (al.a_softmax_loss, {"margin": 1.7, "normalize": True, "scale": 30.0}),
    "curricular": (al.curricular_face_loss, {"scale": 8.0, "state": np.asarray(0.25)}),
    "mag": (al.mag_face_loss, {"scale": 8.0}),
    "ada": (al.ada_face_loss, {"scale": 8.0, "h": 2.0, "state": np.asarray([40.0, 9.0])}),
    "ada, held": (al.ada_face_loss, {"scale": 8.0, "cos_eps": 0.5}),
}
every_head = pytest.mark.parametrize("name", HEADS)
# Those that do not look at the length of embeddings, nor at that of weights.
UNSCALED = ("l-softmax", "a-softmax", "mag", "ada", "ada, held")
FREE_WEIGHTS = ("l2", "l2, bias", "l-softmax")


def batch_of(name: str) -> tuple[Any, ...]:
    x, w, y = SUB if name == "sub-centre" else LONG if name in ("mag", "ada") else BATCH
    return x, w, np.where(y == 4, 0, y) if name == "coco, mask" else y


def items(name: str, *arrays: Any, **options: Any) -> np.ndarray:
    loss, own = HEADS[name]
    found = loss(*arrays, **own | options, reduction="none")
    return found[0] if isinstance(found, tuple) else found


def gradients(name: str, *arrays: Any, **options: Any) -> tuple[np.ndarray, ...]:
    loss, own = HEADS[name]
    return al.grad(loss, argnums=(0, 1))(*arrays, **own | options, reduction="sum")


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "arrays", "options", "expected"),
    [
        (al.normface_loss, APART, {"scale": 8.0}, 0.0188828),
        (al.normface_loss, APART, {"scale": 30.0}, 3.059042e-7),
        (al.coco_loss, (PLANE[0][:1], PLANE[1], PLANE[2][:1]), {"alpha": 6.25}, 1.502052),
        (
            al.l2_softmax_loss,
            (PLANE[0][:1], PLANE[1], PLANE[2][:1]),
            {"alpha": 4.0, "bias": np.asarray([0.1, 0.0, 0.0])},
            1.105654,
        ),
        (al.am_softmax_loss, APART, {}, 0.0110478),
        (al.cosface_loss, APART, {}, 6.772644e-5),
        (al.cosface_loss, APART, {"scale": 8.0}, 0.272674),
        (al.cosface_loss, PLANE, {"scale": 8.0}, 2.211594),
        (al.arcface_loss, APART, {}, 6.604318e-4),
        (al.arcface_loss, APART, {"scale": 8.0}, 0.348347),
        (al.arcface_loss, PLANE, {"scale": 8.0}, 2.631464),
        (al.combined_margin_loss, APART, {"scale": 8.0}, 0.418103),
        (al.combined_margin_loss, APART, {}, 0.00382130),
        (al.combined_margin_loss, APART, {"scale": 8.0, "m1": 0.9, "m2": 0.4, "m3": 0.15}, 0.364373),
        (al.l_softmax_loss, PLANE, {}, 5.012256),
        (al.l_softmax_loss, PLANE, {"lam": 5.0}, 1.393026),
        (al.a_softmax_loss, PLANE, {}, 5.012256),
        (al.mag_face_loss, (APART[0] * 60, *APART[1:]), {"scale": 8.0}, 1.479587),
        (al.mag_face_loss, (APART[0] * 60, *APART[1:]), {"scale": 8.0, "lambda_g": 0.0}, 0.722699),
    ],
)
def test_worked_numbers(
    loss: Any, arrays: Any, options: dict[str, Any], expected: float, xp: Library
) -> None:
    assert xp.items(loss, *arrays, **options, reduction="mean") == pytest.approx(expected, rel=2e-6)


def test_worked_numbers_of_l_softmax(xp: Library) -> None:
    np.testing.assert_allclose(xp.items(al.l_softmax_loss, *PLANE), [9.784968, 0.239545], rtol=2e-6)


@pytest.mark.parametrize(
    ("cos", "psi"), [(1.0, 1.0), (0.9, -0.2312), (0.6, -1.1568), (0.0, -3.0), (-0.5, -4.5), (-1.0, -7.0)]
)
@pytest.mark.parametrize("margin", [4, 4.0, np.asarray(4.0)])
def test_the_cosine_that_keeps_falling(cos: float, psi: float, margin: Any, xp: Library) -> None:
    """Beside an only other class with a logit of 0 the loss is log(1 + exp(-ψ))."""
    x, w = [[1.0, 0.0, 0.0]], [[cos, math.sqrt(1 - cos * cos), 0.0], [0.0, 0.0, 1.0]]
    loss = al.l_softmax_loss if isinstance(margin, int) else al.a_softmax_loss
    found = xp.items(loss, np.asarray(x), np.asarray(w), np.asarray([0]), margin=margin)
    np.testing.assert_allclose(found, [math.log1p(math.exp(-psi))], rtol=1e-12)


def test_worked_numbers_of_sub_centres(xp: Library) -> None:
    def to(*cosines: float) -> list[list[float]]:
        return [[c, math.sqrt(1 - c * c)] for c in cosines]

    centres = np.asarray([to(0.8, 0.2), to(0.3, 0.5), to(-0.1, 0.1)])
    got = xp.items(al.sub_center_arcface_loss, APART[0], centres, APART[2], scale=8.0)
    np.testing.assert_allclose(got, [1.119736], rtol=1e-6)


def test_worked_numbers_of_a_curriculum(xp: Library) -> None:
    first, second = (0.5, 0.6, -0.2), (0.9, 0.1, 0.3)
    along = [(b - a / 2) / math.sqrt(0.75) for a, b in zip(first, second, strict=True)]
    w = np.asarray([[a, b, math.sqrt(1 - a * a - b * b)] for a, b in zip(first, along, strict=True)])
    x, y = np.asarray([[1.0, 0.0, 0.0], [0.5, math.sqrt(0.75), 0.0]]), np.asarray([0, 1])
    found = xp.items(al.curricular_face_loss, x, w, y, scale=8.0)
    np.testing.assert_allclose(found, [2.780735, 9.618881], rtol=1e-6)
    assert xp.items(al.curricular_face_loss, x, w, y, scale=8.0, reduction="mean") == pytest.approx(6.199808)
    assert xp.state(al.curricular_face_loss, x, w, y, scale=8.0) == pytest.approx(0.003)
    z = al.curricular_face_logits(np.asarray([first, second]), y, 0.003, scale=1.0)
    expected = [[0.0235966, 0.3618, -0.2], [0.8127, -0.389264, 0.0909]]
    np.testing.assert_allclose(z, expected, rtol=2e-6)


@pytest.mark.parametrize(
    ("length", "margin", "g"), [(5, 0.45, 0.100826), (60, 0.625, 0.0216253), (200, 0.8, 0.0181818)]
)
def test_margin_by_magnitude(length: float, margin: float, g: float, xp: Library) -> None:
    x, w, y = APART[0] * length, *APART[1:]
    arcface = xp.items(al.arcface_loss, x, w, y, margin=margin)
    np.testing.assert_allclose(xp.items(al.mag_face_loss, x, w, y), arcface + 35 * g, rtol=1e-5)


def test_worked_numbers_of_the_margin_by_quality(xp: Library) -> None:
    x, y = np.asarray([[10.0, 0.0], [20.0, 0.0], [30.0, 0.0]]), np.asarray([0, 0, 0])
    options = {"eps": 0.0, "t_alpha": 1.0}
    found = xp.items(al.ada_face_loss, x, APART[1], y, scale=8.0, **options)
    np.testing.assert_allclose(found, [0.279565, 0.383659, 0.564973], rtol=2e-6)
    np.testing.assert_allclose(xp.state(al.ada_face_loss, x, APART[1], y, **options), [20, 10], rtol=1e-12)


# --- what is one and the same ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "other", "others"),
    [
        ("combined", {"m2": 0.5, "m3": 0.0}, "arcface", {"scale": 8.0}),
        ("combined", {"m2": 0.0, "m3": 0.35}, "cosface", {"scale": 8.0}),
        ("combined", {"m1": np.asarray(1.0), "m2": 0.5, "m3": 0.0}, "arcface", {"scale": 8.0}),
        ("arcface", {"margin": 0.0}, "normface", {"scale": 64.0}),
        ("cosface", {"margin": 0.0}, "normface", {"scale": 64.0}),
        ("am", {"scale": 64.0}, "cosface", {}),
        ("coco", {}, "normface", {}),
        ("a-softmax", {"margin": 1.0, "normalize": True, "scale": 8.0}, "normface", {}),
        ("a-softmax", {"margin": 4.0}, "a-softmax", {"margin": np.asarray(4.0)}),
        ("a-softmax", {"margin": 3.0, "lam": 2.0}, "a-softmax", {"margin": np.asarray(3.0), "lam": 2.0}),
        ("mag", {"l_m": 0.5, "u_m": 0.5, "lambda_g": 0.0}, "arcface", {"scale": 8.0}),
        ("ada", {"h": 0.0, "margin": 0.35}, "cosface", {"scale": 8.0}),
    ],
)
def test_corners_that_meet(name: str, options: dict[str, Any], other: str, others: dict[str, Any]) -> None:
    arrays = batch_of(name)
    assert_same([items(name, *arrays, **options)], [items(other, *arrays, **others)])
    assert_same(gradients(name, *arrays, **options), gradients(other, *arrays, **others))


def test_a_factor_alone_is_a_softmax_up_to_pi(xp: Library) -> None:
    x, _, y = APART
    for degrees in (10, 60, 100):
        a = math.radians(degrees)
        w = np.asarray([[math.cos(a), math.sin(a)], *APART[1][1:]])
        combined = xp.both(al.combined_margin_loss, x, w, y, scale=8.0, m1=1.7, m2=0.0, m3=0.0)
        sphere = xp.both(al.a_softmax_loss, x, w, y, scale=8.0, margin=1.7, normalize=True)
        assert_same(combined, sphere)


def test_without_a_factor_l_softmax_is_a_linear_classifier(xp: Library) -> None:
    x, w, y = BATCH
    for some in (x, np.where(np.arange(6)[:, None] == 2, 0.0, x)):
        plain = xp.both(al.linear_cross_entropy, some, w, y)
        assert_same(xp.both(al.l_softmax_loss, some, w, y, margin=1), plain)


def test_a_linear_classifier_of_unit_vectors(xp: Library) -> None:
    x, w, y = BATCH
    b = np.asarray([0.5, 0.0, -1.0, 2.0, 0.25])
    u = 4 * x / np.linalg.norm(x, axis=-1, keepdims=True)
    assert_same(
        [xp.items(al.l2_softmax_loss, x, w, y, alpha=4.0, bias=b)],
        [xp.items(al.linear_cross_entropy, u, w, y, b)],
    )


def test_one_centre_for_a_class_is_arcface(xp: Library) -> None:
    x, w, y = BATCH
    found, slope = xp.both(al.sub_center_arcface_loss, x, w[:, None, :], y, scale=8.0)
    assert_same((found, slope), xp.both(al.arcface_loss, x, w, y, scale=8.0))


def test_copies_of_a_centre_change_nothing(xp: Library) -> None:
    x, w, y = BATCH
    copies = np.repeat(w[:, None, :], 2, axis=1)
    assert_same(
        xp.both(al.sub_center_arcface_loss, x, copies, y, scale=8.0),
        xp.both(al.arcface_loss, x, w, y, scale=8.0),
    )
    loss = al.grad(al.sub_center_arcface_loss, argnums=1)
    shared = loss(x, copies, y, scale=8.0)
    np.testing.assert_allclose(shared[:, 0], shared[:, 1], rtol=1e-12)
    np.testing.assert_allclose(shared.sum(axis=1), al.grad(al.arcface_loss, argnums=1)(x, w, y, scale=8.0))


def test_without_hard_negatives_a_curriculum_is_arcface(xp: Library) -> None:
    arrays = (APART[0], np.asarray([[0.8, 0.6], [0.3, 0.954], [-0.5, 0.8]]), APART[2])
    for state in (0.0, 0.5):
        options = {"scale": 8.0, "state": np.asarray(state)}
        assert_same(
            xp.both(al.curricular_face_loss, *arrays, **options), xp.both(al.arcface_loss, *arrays, scale=8.0)
        )


@pytest.mark.parametrize("name", [name for name in HEADS if name not in ("coco, mask", "l2, bias")])
def test_one_class_costs_nothing(name: str, xp: Library) -> None:
    x, w, _ = batch_of(name)
    loss, own = HEADS[name]
    more = {"lambda_g": 0.0} if name == "mag" else {}
    found, slope = xp.both(loss, x, w[:1], np.zeros(6, dtype=int), **own | more)
    assert (found == 0).all()
    assert (slope == 0).all()


# --- invariances ----------------------------------------------------------------------------------


@every_head
def test_length_of_embeddings_and_centres(name: str) -> None:
    x, w, y = batch_of(name)
    longer = x if name in UNSCALED else x * np.asarray([[2.0], [0.5], [1e3], [1e-3], [1e150], [1e-150]])
    if name not in FREE_WEIGHTS:
        w = w * np.asarray([1e-150, 1e150, 3.0, 0.25, 7.0]).reshape((5,) + (1,) * (w.ndim - 1))
    np.testing.assert_allclose(items(name, longer, w, y), items(name, *batch_of(name)), rtol=1e-11)


@every_head
@settings(max_examples=3, deadline=None)
@given(st.permutations(range(5)), st.permutations(range(6)))
def test_order_of_classes_and_embeddings(name: str, classes: list[int], rows: list[int]) -> None:
    x, w, y = batch_of(name)
    before = items(name, x, w, y)
    loss, own = HEADS[name]
    own = {k: v[classes] if isinstance(v, np.ndarray) and v.shape == (5,) else v for k, v in own.items()}
    found = loss(x[rows], w[classes], np.argsort(classes)[y][rows], **own, reduction="none")
    found = found[0] if isinstance(found, tuple) else found
    np.testing.assert_allclose(found, before[rows], rtol=1e-11)


@every_head
@settings(max_examples=3, deadline=None)
@given(st.floats(0.1, 6.2))
def test_turning_everything(name: str, angle: float) -> None:
    x, w, y = batch_of(name)
    turn = np.eye(4)
    turn[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    np.testing.assert_allclose(items(name, x @ turn, w @ turn, y), items(name, x, w, y), rtol=1e-10)


@every_head
def test_rows_that_are_masked_have_no_part(name: str, xp: Library) -> None:
    x, w, y = batch_of(name)
    loss, own = HEADS[name]
    padded = np.concat([x, np.full((2, 4), np.nan)]), w, np.concat([y, [0, 99]])
    where = np.asarray([True] * 6 + [False] * 2)
    found, slope = xp.both(loss, *padded, **own, where=where, reduction="mean")
    expected, plain = xp.both(loss, x, w, y, **own, reduction="mean")
    assert_same([found, slope[:6]], [expected, plain])
    assert (slope[6:] == 0).all()


# --- classes at a time ----------------------------------------------------------------------------


@every_head
@pytest.mark.parametrize("size", [1, 2, 5])
def test_any_number_of_classes_at_a_time(name: str, size: int, xp: Library) -> None:
    loss, own = HEADS[name]
    arrays = batch_of(name)
    dense, dense_slope = xp.both(loss, *arrays, **own)
    some, some_slope = xp.both(loss, *arrays, **own, chunk_size=size)
    eps = np.finfo(float).eps
    np.testing.assert_allclose(some, dense, rtol=4 * eps, atol=4 * eps)
    np.testing.assert_allclose(some_slope, dense_slope, rtol=0, atol=8 * eps * np.abs(dense_slope).max())


@every_head
def test_gradient_by_centres_some_classes_at_a_time(name: str) -> None:
    arrays = batch_of(name)
    dense, some = (gradients(name, *arrays, chunk_size=size)[1] for size in (None, 2))
    np.testing.assert_allclose(some, dense, rtol=0, atol=8 * np.finfo(float).eps * np.abs(dense).max())


# --- angles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["arcface", "combined", "combined, factor", "a-softmax", "a-softmax, 1.7", "mag", "ada", "curricular"],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_on_the_centre_and_opposite_to_it(name: str, sign: int, xp: Library) -> None:
    """Where peers take an arc cosine and get NaN."""
    loss, own = HEADS[name]
    w = np.asarray([[1.0, 2.0, 3.0], [3.0, -1.0, 0.5], [0.0, 1.0, 1.0]])
    for option in ({}, {"overflow": "none"}) if "overflow" in loss.loss.rules else ({},):
        found, slope = xp.both(loss, sign * w * 20, w, np.arange(3), **own | option)
        assert np.isfinite(found).all()
        assert np.isfinite(slope).all()


def test_a_small_angle_keeps_its_digits() -> None:
    """An arc cosine in single precision would give cos(m), and NaN for the derivative."""
    theta, m = 1e-4, 0.5
    x = np.asarray([[math.cos(theta), math.sin(theta)]], np.float32)
    w, y = np.asarray([[1.0, 0.0], [-1.0, 0.0]], np.float32), np.asarray([0])
    value, slope = al.value_and_grad(al.arcface_loss)(x, w, y, scale=1.0, margin=m)
    z = math.cos(theta + m) + math.cos(theta)  # beside the other class, opposite to the first
    assert float(value) == pytest.approx(math.log1p(math.exp(-z)), rel=1e-6)
    share = 1 / (1 + math.exp(z))
    assert slope[0, 1] == pytest.approx(share * (math.sin(theta + m) + math.sin(theta)), rel=1e-5)


@pytest.mark.parametrize("overflow", ["linear", "clip"])
def test_loss_grows_with_the_angle(overflow: str) -> None:
    angles = np.linspace(0, math.pi, 181)
    x = np.stack([np.cos(angles), np.sin(angles), np.zeros(181)], axis=-1)
    w, y = np.asarray([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), np.zeros(181, dtype=int)
    found = al.arcface_loss(x, w, y, overflow=overflow, scale=8.0, reduction="none")
    assert (np.diff(found) >= (-1e-14 if overflow == "clip" else 0)).all()


def test_beyond_pi() -> None:
    cosine, y = np.asarray([math.cos(2.9), 0.0]), np.asarray(0)
    expected = {"linear": -1.210671, "none": -0.966798, "clip": -1.0, "easy": -0.970958}
    for overflow, target in expected.items():
        found = al.arcface_logits(cosine, y, scale=1.0, overflow=overflow)
        assert found[0] == pytest.approx(target, rel=1e-6)


def test_straight_through_is_another_gradient(xp: Library) -> None:
    """Peers compute the margin outside of the graph: 1 stands for sin(θ + m) / sin θ = 1.516817."""
    slope = xp.call(
        al.grad(lambda c, y, **how: al.arcface_logits(c, y, **how)[0]), (COSINES, OWN), {"scale": 1.0}
    )
    np.testing.assert_allclose(xp.numpy(slope), [1.516817, 0, 0], rtol=1e-6)
    straight = {"scale": 1.0, "gradient": "straight_through"}
    slope = xp.call(al.grad(lambda c, y, **how: al.arcface_logits(c, y, **how)[0]), (COSINES, OWN), straight)
    np.testing.assert_array_equal(xp.numpy(slope), [1, 0, 0])


def test_half_a_radian_is_not_its_degrees() -> None:
    """A peer's default of 28.6 degrees is 0.499164."""
    ours, theirs = (al.arcface_loss(*PLANE, scale=8.0, margin=m) for m in (0.5, math.radians(28.6)))
    assert ours == pytest.approx(2.631464, rel=1e-6)
    assert abs(ours - theirs) > 1e-4


def test_all_three_margins_count() -> None:
    """A peer drops the second of (1.0, 0.3, 0.2), and refuses a first that is not 1."""
    ours = al.combined_margin_loss(*APART, scale=8.0)
    assert ours != pytest.approx(al.cosface_loss(*APART, scale=8.0, margin=0.2))
    assert np.isfinite(al.combined_margin_loss(*APART, m1=0.9, m2=0.4, m3=0.0))


# --- zero vectors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in HEADS if n not in ("l-softmax", "a-softmax", "sub-centre")])
def test_zero_vectors(name: str, xp: Library) -> None:
    loss, own = HEADS[name]
    x, w, y = batch_of(name)
    found, slope = xp.both(loss, 0 * x, w, y, **own)
    assert np.isfinite(found).all()
    assert (slope == 0).all()
    w = np.where(np.arange(5)[:, None] < 2, 0.0, w)
    found, slope = xp.both(loss, x, w, y, **own)
    assert np.isfinite(found).all()
    assert np.isfinite(slope).all()


def test_a_zero_vector_stands_at_a_right_angle(xp: Library) -> None:
    w = np.asarray([[1.0, 2.0], [3.0, -1.0]])
    found = xp.items(al.arcface_loss, np.zeros((1, 2)), w, np.asarray([0]), scale=8.0)
    np.testing.assert_allclose(found, [math.log1p(math.exp(8 * math.sin(0.5)))], rtol=1e-13)


# --- states ---------------------------------------------------------------------------------------


def test_a_state_begins_where_its_loss_says() -> None:
    assert al.initial_state(al.curricular_face_loss, BATCH[0]).shape == ()
    assert al.initial_state(al.curricular_face_loss, BATCH[0]) == 0
    np.testing.assert_array_equal(al.initial_state(al.ada_face_loss, BATCH[0]), [20, 100])


def test_rows_that_do_not_count_do_not_move_a_state(xp: Library) -> None:
    x, w, y = LONG
    plain = [xp.state(loss, x[:4], w, y[:4]) for loss in (al.curricular_face_loss, al.ada_face_loss)]
    for how in ({"where": np.arange(6) < 4}, {"sample_weight": np.where(np.arange(6) < 4, 2.0, 0.0)}):
        for loss, expected in zip((al.curricular_face_loss, al.ada_face_loss), plain, strict=True):
            np.testing.assert_allclose(xp.state(loss, x, w, y, **how), expected, rtol=1e-14)
    for label in (-100, 99):
        labels = np.where(np.arange(6) < 4, y, label)
        for loss, expected in zip((al.curricular_face_loss, al.ada_face_loss), plain, strict=True):
            np.testing.assert_allclose(xp.state(loss, x, w, labels), expected, rtol=1e-14)


def test_of_one_row_there_is_no_deviation(xp: Library) -> None:
    """It would be NaN, and stay so."""
    state = np.asarray([30.0, 7.0])
    x, w, y = np.asarray([[6.0, 8.0]]), np.asarray([[1.0, 0.0], [0.0, 1.0]]), np.asarray([0])
    got = xp.state(al.ada_face_loss, x, w, y, state=state, t_alpha=0.5)
    np.testing.assert_array_equal(got, [20, 7])
    got = xp.state(al.ada_face_loss, x, w, np.asarray([-100]), state=state, t_alpha=0.5)
    np.testing.assert_array_equal(got, [30, 7])
    got = xp.state(al.curricular_face_loss, x, w, np.asarray([-100]), state=np.asarray(0.5), momentum=0.5)
    np.testing.assert_array_equal(got, 0.5)


@pytest.mark.parametrize(("quality", "g_add"), [(-1, 0.0), (0, 0.4), (1, 0.8)])
def test_corners_of_quality(quality: int, g_add: float) -> None:
    x, w, y = APART[0] * (20 + 10 * quality), *APART[1:]
    state = np.asarray([20.0, 1.0])
    found = al.ada_face_loss(x, w, y, state=state, scale=8.0, h=1.0, t_alpha=0.0).loss
    target = math.cos(math.acos(0.8) - 0.4 * quality) - g_add
    z = 8 * np.asarray([target, 0.3, -0.1])
    assert found == pytest.approx(math.log(np.exp(z).sum()) - z[0], rel=1e-12)
    if quality == -1:
        assert found == pytest.approx(al.arcface_loss(x, w, y, scale=8.0, margin=0.4), rel=1e-12)


def test_no_dead_zone_unless_asked_for(xp: Library) -> None:
    """The authors' code holds cosines below 1 - 0.001, which is as far as 2.563 degrees from a centre."""
    a = math.radians(2.0)
    arrays = np.asarray([[20 * math.cos(a), 20 * math.sin(a)]]), PLANE[1], np.asarray([0])
    slope = al.grad(al.ada_face_loss, argnums=1)
    assert (slope(*arrays, scale=8.0)[0] != 0).any()
    assert (slope(*arrays, scale=8.0, cos_eps=1e-3)[0] == 0).all()
    for eps, held in ((0.0, math.cos(a)), (1e-3, 0.999)):
        z = 8 * np.asarray([held - 0.4, math.sin(a), -held])  # of the mean length, near enough
        found = xp.items(al.ada_face_loss, *arrays, scale=8.0, cos_eps=eps)
        np.testing.assert_allclose(found, [np.log(np.exp(z).sum()) - z[0]], rtol=1e-9)


def test_gradient_through_the_length_ends_at_the_bounds(xp: Library) -> None:
    x = np.asarray([[6.0, 8.0], [30.0, 40.0], [66.0, 88.0], [90.0, 120.0]])
    w, y = PLANE[1], np.zeros(4, dtype=int)
    _, slope = xp.both(al.mag_face_loss, x, w, y, scale=8.0)
    along = (slope * x).sum(axis=-1) / np.linalg.norm(x, axis=-1)
    np.testing.assert_allclose(along[[0, 2, 3]], 0, atol=1e-13)
    a = 50.0
    margin, slope_of_m = 0.45 + 0.35 * 0.4, 0.35 / 100
    theta = math.acos(0.6)
    z = 8 * np.asarray([math.cos(theta + margin), 0.8, -0.6])
    p = np.exp(z[0]) / np.exp(z).sum()
    expected = (1 - p) * 8 * math.sin(theta + margin) * slope_of_m + 35 * (1 / 110**2 - 1 / a**2)
    assert along[1] == pytest.approx(expected, rel=1e-12)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: al.arcface_loss(*BATCH, margin=4.0),
            "arcface_loss: margin must be between 0 and pi, got 4.0",
        ),
        (
            lambda: al.arcface_loss(*BATCH, chunk_size=0),
            "arcface_loss: chunk_size must be a positive integer or None, got 0",
        ),
        (lambda: al.normface_loss(*BATCH, scale=0.0), "normface_loss: scale must be positive, got 0.0"),
        (lambda: al.cosface_loss(*BATCH, margin=-0.1), "cosface_loss: margin must be nonnegative, got -0.1"),
        (
            lambda: al.l_softmax_loss(*BATCH, margin=0),
            "l_softmax_loss: margin must be a positive integer, got 0",
        ),
        (
            lambda: al.a_softmax_loss(*BATCH, margin=0.5),
            "a_softmax_loss: margin must be finite and at least 1, got 0.5",
        ),
        (
            lambda: al.mag_face_loss(*BATCH, l_a=110.0),
            "mag_face_loss: u_a must be above l_a = 110.0, got 110.0",
        ),
        (
            lambda: al.arcface_loss(BATCH[0], BATCH[1][:, :3], BATCH[2]),
            "arcface_loss: weight must have shape (c, 4), got (5, 3)",
        ),
        (
            lambda: al.sub_center_arcface_loss(*BATCH),
            "sub_center_arcface_loss: weight must have shape (c, k, 4), got (5, 4)",
        ),
        (
            lambda: al.l2_softmax_loss(*BATCH, alpha=4.0, bias=np.zeros(4)),
            "l2_softmax_loss: bias must have shape (5,), got (4,)",
        ),
        (
            lambda: al.coco_loss(*BATCH, alpha=4.0, class_mask=np.ones(5)),
            "coco_loss: class_mask must be a boolean array, got float64",
        ),
        (
            lambda: al.ada_face_loss(*BATCH, state=np.zeros(3)),
            "ada_face_loss: state must have shape (2,), got (3,)",
        ),
        (
            lambda: al.curricular_face_loss(*BATCH, state=np.zeros(1)),
            "curricular_face_loss: state must have shape (), got (1,)",
        ),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as refused:
        call()
    assert str(refused.value) == message
