"""Boxes: what is known of all their losses, and how much boxes overlap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

from .laws import Library

OVERLAPPING, APART = (
    ([0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 3.0, 3.0]),
    ([0.0, 0.0, 1.0, 1.0], [2.0, 0.0, 3.0, 1.0]),
)
CROSSING, FLUSH = ([0.0, 0.0, 4.0, 2.0], [1.0, 0.0, 3.0, 4.0]), ([0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 4.0, 3.0])
BASES = ("iou", "giou", "diou", "ciou", "eiou", "siou")
eighths = st.integers(-32, 32).map(lambda n: n / 8)
FORMATS = ("xyxy", "xywh", "cxcywh")
LOSSES: dict[str, tuple[Any, dict[str, Any]]] = {
    "iou": (al.iou_loss, {}),
    "iou, log": (al.iou_loss, {"mode": "log"}),
    "iou, square": (al.iou_loss, {"mode": "square"}),
    "giou": (al.giou_loss, {}),
    "diou": (al.diou_loss, {}),
    "ciou": (al.ciou_loss, {}),
    "ciou, gate": (al.ciou_loss, {"gate": 0.5}),
    "eiou": (al.eiou_loss, {}),
    "focal eiou": (al.focal_eiou_loss, {}),
    "siou": (al.siou_loss, {}),
    **{f"alpha {base}": (al.alpha_iou_loss, {"base": base}) for base in ("iou", "giou", "diou", "ciou")},
    "bounded": (al.bounded_iou_loss, {}),
    "mpdiou": (al.mpdiou_loss, {"image_size": (10.0, 10.0)}),
    "extended": (al.extended_iou_loss, {}),
    "wiou 1": (al.wiou_loss, {}),
    "wiou 2": (al.wiou_loss, {"version": 2, "iou_loss_mean": 0.5}),
    "wiou 3": (al.wiou_loss, {"version": 3, "iou_loss_mean": 0.5}),
    **{f"inner {base}": (al.inner_iou_loss, {"base": base}) for base in BASES},
    "inner, larger": (al.inner_iou_loss, {"ratio": 1.25}),
    "thresholded": (al.thresholded_iou_loss, {"fmt": "xyxy"}),
}
every_loss = pytest.mark.parametrize("name", LOSSES)


def items(name: str, pred: Any, target: Any, **options: Any) -> np.ndarray:
    loss, own = LOSSES[name]
    return loss(np.asarray(pred), np.asarray(target), **own | options, reduction="none")


def gradients(name: str, pred: Any, target: Any) -> tuple[np.ndarray, ...]:
    loss, own = LOSSES[name]
    return al.grad(loss, argnums=(0, 1))(np.asarray(pred), np.asarray(target), **own)


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "pair", "expected"),
    [
        ("iou", OVERLAPPING, 0.857143),
        ("iou, log", OVERLAPPING, 1.945910),
        ("iou, square", OVERLAPPING, 0.979592),
        ("iou", CROSSING, 0.666667),
        ("iou, log", CROSSING, 1.098612),
        ("iou, square", CROSSING, 0.888889),
        ("iou, log", APART, 13.815511),
        ("giou", OVERLAPPING, 1.079365),
        ("giou", CROSSING, 0.916667),
        ("giou", APART, 1.333333),
        ("diou", OVERLAPPING, 0.968254),
        ("diou", CROSSING, 0.697917),
        ("diou", APART, 1.4),
        ("ciou", CROSSING, 0.731668),
        ("ciou, gate", CROSSING, 0.697917),
        ("ciou", FLUSH, 0.343829),
        ("eiou", CROSSING, 1.197917),
        ("eiou", OVERLAPPING, 0.968254),
        ("focal eiou", CROSSING, 0.691618),
        ("focal eiou", OVERLAPPING, 0.365966),
        ("siou", OVERLAPPING, 0.962304),
        ("siou", CROSSING, 0.749387),
        ("alpha iou", OVERLAPPING, 0.997085),
        ("alpha diou", OVERLAPPING, 0.998456),
        ("alpha iou", CROSSING, 0.962963),
        ("alpha ciou", CROSSING, 0.963032),
        ("bounded", CROSSING, 1.366667),
        ("bounded", OVERLAPPING, 1.8),
        ("mpdiou", OVERLAPPING, 0.877143),
        ("mpdiou", CROSSING, 0.696667),
        ("extended", OVERLAPPING, 0.807143),
        ("extended", CROSSING, 0.616667),
        ("wiou 1", OVERLAPPING, 0.957873),
        ("wiou 2", OVERLAPPING, 1.254151),
        ("wiou 3", OVERLAPPING, 1.249302),
        ("wiou 1", CROSSING, 0.687829),
        ("inner iou", OVERLAPPING, 1 - 0.0588235),
        ("inner, larger", OVERLAPPING, 1 - 0.219512),
    ],
)
def test_worked_numbers(name: str, pair: Any, expected: float, xp: Library) -> None:
    loss, own = LOSSES[name]
    assert xp.items(loss, *pair, **own) == pytest.approx(expected, abs=6e-7)


def test_what_others_call_eiou_is_another_loss():
    assert items("eiou", *CROSSING) != pytest.approx(0.616667, abs=1e-3)


def test_a_center_that_is_off_is_not_rewarded():
    assert items("siou", *OVERLAPPING) > items("iou", *OVERLAPPING)


def test_the_aspect_ratio_is_not_squared_twice():
    v = 4 / math.pi**2 * (math.atan(2 / 4) - math.atan(4 / 2)) ** 2
    squared_twice = 4 / math.pi**2 * v
    right, wrong = (x * x / (2 / 3 + x) for x in (v, squared_twice))
    gap = items("ciou", *CROSSING) - items("diou", *CROSSING)
    assert gap == pytest.approx(right, abs=1e-12)
    assert gap != pytest.approx(wrong, abs=1e-3)


@every_loss
def test_a_large_box_in_single_precision_is_at_no_distance_of_itself(name: str) -> None:
    loss, own = LOSSES[name]
    box = np.asarray([[10.0, 20.0, 110.0, 120.0]], dtype=np.float32)
    nothing = -1 if name == "thresholded" else 0
    value, gradient = al.value_and_grad(loss)(box, box, **own)
    assert value == nothing
    assert not gradient.any()


def test_a_small_box_is_not_drowned_by_an_epsilon():
    box = np.asarray([0.5, 0.5, 0.501, 0.501])
    area = 0.001**2
    with_epsilon = 1 - area / (area + 1e-7)  # which is 0.09
    assert items("giou", box, box) == 0
    assert with_epsilon > 0.09


def test_the_complete_loss_is_not_clamped():
    # Far apart, upright beside level: all three terms are near their greatest.
    pred, target = [0.0, 0.0, 64.0, 0.5], [4096.0, 4096.0, 4096.5, 4160.0]
    assert 2 < items("ciou", pred, target) < 3
    assert al.grad(al.ciou_loss)(*map(np.asarray, (pred, target))).any()


@pytest.mark.parametrize("flat", [[0.0, 1.0, 2.0, 1.0], [1.0, 0.0, 1.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
def test_flat_boxes_have_an_aspect(flat: list[float]) -> None:
    target = [0.0, 0.0, 2.0, 2.0]
    assert math.isfinite(items("ciou", flat, target))
    assert all(np.isfinite(gradient).all() for gradient in gradients("ciou", flat, target))


cubes = st.lists(eighths, min_size=6, max_size=6)


@settings(max_examples=25, deadline=None)
@given(pred=cubes, target=cubes, log2=st.integers(-40, 40), moved=eighths)
def test_volumes_know_no_scale_and_no_place(
    pred: list[float], target: list[float], log2: int, moved: float
) -> None:
    p, t = np.asarray(pred), np.asarray(target)
    found, slope = al.value_and_grad(al.giou3d_loss)(p, t)
    assert 0 <= found <= 2
    assert np.isfinite(slope).all()
    assert al.giou3d_loss(2.0**log2 * p, 2.0**log2 * t) == found
    assert al.giou3d_loss(p + moved, t + moved) == found
    assert al.giou3d_loss(p, p) == (0 if (p[:3] < p[3:]).all() else 1)


@pytest.mark.parametrize("base", ["iou", "giou", "diou", "ciou"])
def test_a_power_of_one_is_the_base(base: str) -> None:
    pred, target = random_boxes(50), random_boxes(50)
    np.testing.assert_allclose(
        items(f"alpha {base}", pred, target, alpha=1.0), items(base, pred, target), rtol=1e-14
    )


@pytest.mark.parametrize("base", BASES)
def test_boxes_of_the_same_size_are_the_base(base: str) -> None:
    pred, target = random_boxes(50), random_boxes(50)[::-1]
    np.testing.assert_allclose(
        items(f"inner {base}", pred, target, ratio=1.0), items(base, pred, target), rtol=1e-12
    )


@every_loss
def test_prediction_and_target_may_change_places(name: str) -> None:
    pred, target = random_boxes(50), random_boxes(50)[::-1]
    one, other = items(name, pred, target), items(name, target, pred)
    if name == "bounded":
        assert (one != other).any()
    else:
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_overlap_below_the_threshold_counts_less(xp: Library) -> None:
    pred = [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    target = [[2.0, 2.0, 2.0, 2.0], [1.0, 1.2, 2.0, 2.0]]
    found = xp.items(al.thresholded_iou_loss, pred, target)
    np.testing.assert_allclose(found, [-0.128571, -0.818182], atol=6e-7)
    mean = xp.items(al.thresholded_iou_loss, pred, target, reduction="mean")
    assert mean == pytest.approx(-0.473377, abs=6e-7)


def test_volumes(xp: Library) -> None:
    cubes = [0.0, 0.0, 0.0, 2.0, 2.0, 2.0], [1.0, 1.0, 1.0, 3.0, 3.0, 3.0]
    assert xp.items(al.giou3d_loss, *cubes) == pytest.approx(1.377778, abs=6e-7)


def test_volumes_in_two_dimensions_are_areas():
    pred, target = random_boxes(50), random_boxes(51)[:50]
    found = al.giou3d_loss(pred, target, reduction="none")
    np.testing.assert_array_equal(found, items("giou", pred, target))


def test_an_epsilon_in_the_bounds_is_another_loss():
    assert items("bounded", *CROSSING) != pytest.approx(1.366973, abs=1e-4)


def test_extended_iou_is_the_sum_of_four_products():
    pred, target = random_boxes(200), 2 * random_boxes(201)[:200]
    near, far = np.maximum(pred[:, :2], target[:, :2]), np.minimum(pred[:, 2:], target[:, 2:])
    a, b = (x - np.minimum(pred[:, :2], target[:, :2]) for x in (near, far))
    low, high = np.minimum(a, b), np.maximum(a, b)
    product = b.prod(axis=1) + low.prod(axis=1) - a[:, 0] * high[:, 1] - high[:, 0] * a[:, 1]
    e = 1 - product / (sum(np.prod(x[:, 2:] - x[:, :2], axis=1) for x in (pred, target)) - product)
    assert (product < 0).any()
    np.testing.assert_allclose(
        items("extended", pred, target), np.where(e < 0.1, e**2 / 0.2, e - 0.05), rtol=1e-12
    )


def test_every_image_has_a_size():
    pred, target = random_boxes(3), random_boxes(4)[:3]
    sizes = np.asarray([[10.0, 10.0], [20.0, 5.0], [4.0, 3.0]])
    each = [
        items("mpdiou", *pair, image_size=tuple(size))
        for *pair, size in zip(pred, target, sizes, strict=True)
    ]
    np.testing.assert_allclose(items("mpdiou", pred, target, image_size=sizes), each, rtol=1e-14)


def test_running_mean(xp: Library) -> None:
    losses = xp.array([0.25, 0.75, 5.0])
    kept = xp.array([True, True, False])
    assert float(al.wiou_update(1.0, losses, momentum=0.5, where=kept)) == 0.75
    assert float(al.wiou_update(xp.array(1.0), losses[:2])) == pytest.approx(0.995, rel=1e-15)
    assert float(al.wiou_update(0.25, losses[:0])) == 0.25
    assert float(al.wiou_update(0.25, losses, where=kept & ~kept)) == 0.25


def test_no_gradient_flows_through_the_mean():
    pred, target = (np.asarray([x]) for x in OVERLAPPING)

    def update(p: Any) -> Any:
        return al.wiou_update(1.0, al.iou_loss(p, target, reduction="none"))

    assert not al.grad(update)(pred).any()


def test_a_box_inside_another_has_the_generalized_iou_of_the_plain_one():
    inner, outer = [1.0, 0.5, 3.0, 1.0], [0.0, 0.0, 4.0, 3.0]
    for pair in ((inner, outer), (outer, inner)):
        assert items("giou", *pair) == items("iou", *pair)


# --- invariances ----------------------------------------------------------------------------------


def random_boxes(count: int) -> np.ndarray:
    of = np.random.default_rng(count)
    near = of.uniform(-2.0, 2.0, (count, 2))
    return np.concatenate([near, near + of.uniform(0.25, 3.0, (count, 2))], axis=-1)


@st.composite
def boxes(draw: Any) -> list[float]:
    """Boxes on a coarse grid, so that edges coincide, sides vanish, and some are reversed."""
    return [draw(eighths) for _ in range(4)]


@every_loss
@settings(max_examples=15, deadline=None)
@given(pred=boxes(), target=boxes(), log2=st.integers(-60, 60))
def test_scale_does_not_matter(name: str, pred: list[float], target: list[float], log2: int) -> None:
    if name == "mpdiou":  # in units of the image
        log2 = 0
    scale = 2.0**log2
    pred, target = np.asarray(pred), np.asarray(target)
    assert items(name, scale * pred, scale * target) == items(name, pred, target)


@every_loss
@settings(max_examples=15, deadline=None)
@given(pred=boxes(), target=boxes(), x=eighths, y=eighths)
def test_place_does_not_matter(name: str, pred: list[float], target: list[float], x: float, y: float) -> None:
    moved = np.asarray([x, y, x, y])
    assert items(name, pred + moved, target + moved) == items(name, pred, target)


@every_loss
@settings(max_examples=15, deadline=None)
@given(pred=boxes(), target=boxes())
def test_value_and_gradient_are_numbers(name: str, pred: list[float], target: list[float]) -> None:
    assert (-1 if name == "thresholded" else 0) <= items(name, pred, target) < math.inf
    for gradient in gradients(name, pred, target):
        assert np.isfinite(gradient).all()


@every_loss
@settings(max_examples=15, deadline=None)
@given(box=boxes())
def test_a_box_is_at_no_distance_of_itself(name: str, box: list[float]) -> None:
    is_empty = box[2] <= box[0] or box[3] <= box[1]
    if not is_empty:
        assert items(name, box, box) == (-1 if name == "thresholded" else 0)
        assert not any(gradient.any() for gradient in gradients(name, box, box))


@every_loss
@pytest.mark.parametrize("fmt", FORMATS[1:])
def test_formats_are_of_the_same_boxes(name: str, fmt: str) -> None:
    pred, target = random_boxes(20), random_boxes(21)[:20]
    converted = (al.box_convert(x, "xyxy", fmt) for x in (pred, target))
    np.testing.assert_allclose(items(name, *converted, fmt=fmt), items(name, pred, target), rtol=1e-12)


# --- how much boxes overlap -----------------------------------------------------------------------


def test_overlap_of_pairs_and_of_all_with_all(xp: Library) -> None:
    a, b = (xp.array([OVERLAPPING[i], APART[i]]) for i in (0, 1))
    np.testing.assert_allclose(xp.numpy(al.box_iou(a, b)), [1 / 7, 0], rtol=1e-15)
    np.testing.assert_allclose(xp.numpy(al.pairwise_box_iou(a, b)), [[1 / 7, 0], [0, 0]], rtol=1e-15)
    np.testing.assert_allclose(xp.numpy(al.box_iou(a, b, mode="iof")), [1 / 4, 0], rtol=1e-15)
    assert xp.numpy(al.box_area(a)).tolist() == [4, 1]


def test_all_with_all_is_pair_by_pair():
    a, b = random_boxes(6).reshape(2, 3, 4), random_boxes(8).reshape(2, 4, 4)
    for mode in ("iou", "iof"):
        all_pairs = al.pairwise_box_iou(a, b, mode=mode)
        assert all_pairs.shape == (2, 3, 4)
        for i, n, m in np.ndindex(2, 3, 4):
            assert all_pairs[i, n, m] == al.box_iou(a[i, n], b[i, m], mode=mode)


def test_overlap_has_a_gradient():
    a, b = random_boxes(3), random_boxes(4)
    overlap, pull = al.vjp(lambda x: al.pairwise_box_iou(x, b), a)
    (found,) = pull(np.ones_like(overlap))
    one_by_one = [sum(al.grad(lambda x, y=y: al.box_iou(x, y))(x) for y in b) for x in a]
    np.testing.assert_allclose(found, one_by_one, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_there_and_back(source: str, target: str) -> None:
    x = np.asarray([[1.0, 2.0, 4.0, 8.0], [-1.5, 0.25, 0.5, 3.0]])
    np.testing.assert_array_equal(al.box_convert(al.box_convert(x, source, target), target, source), x)
    if source == "xyxy":
        np.testing.assert_array_equal(al.box_area(al.box_convert(x, source, target), fmt=target), [18, 5.5])


def test_an_empty_box_has_no_area_and_no_overlap():
    empty = np.asarray([[1.0, 1.0, 0.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
    assert not al.box_area(empty).any()
    assert not al.box_iou(empty, empty).any()
    assert not al.box_iou(empty, empty, mode="iof").any()


def test_half_precision_holds_large_areas():
    box = np.asarray([0.0, 0.0, 300.0, 300.0], dtype=np.float16)
    assert al.box_area(box) == 90000
    assert al.box_area(box).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: al.box_area(x[..., :3]),
            ValueError,
            "box_area: boxes must have shape (..., 4), got (2, 3)",
        ),
        (lambda x: al.box_area([0, 0, 1, 1]), TypeError, "box_area: boxes must be an array, got list"),
        (
            lambda x: al.box_area(x.astype(int)),
            TypeError,
            "box_area: boxes must be a real floating-point array, got int64",
        ),
        (
            lambda x: al.box_convert(x, "yxyx", "xyxy"),
            ValueError,
            "box_convert: in_fmt must be 'xyxy', 'xywh' or 'cxcywh', got 'yxyx'",
        ),
        (lambda x: al.box_iou(x, x[:1]), ValueError, "box_iou: second must have shape (2, 4), got (1, 4)"),
        (
            lambda x: al.box_iou(x, x, mode="giou"),
            ValueError,
            "box_iou: mode must be 'iou' or 'iof', got 'giou'",
        ),
        (
            lambda x: al.pairwise_box_iou(x[0], x),
            ValueError,
            "pairwise_box_iou: first must have shape (..., n, 4), got (4,)",
        ),
        (
            lambda x: al.pairwise_box_iou(x[None], x),
            ValueError,
            "pairwise_box_iou: second must have shape (1, m, 4), got (2, 4)",
        ),
    ],
)
def test_what_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call(np.asarray([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 2.0, 2.0]]))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("loss", "options", "message"),
    [
        (al.wiou_loss, {"version": 4}, "wiou_loss: version must be 1, 2 or 3, got 4"),
        (
            al.wiou_loss,
            {"version": 3},
            "wiou_loss: iou_loss_mean must be given if version is 2 or 3, got None",
        ),
        (
            al.mpdiou_loss,
            {"image_size": (8, 0)},
            "mpdiou_loss: image_size must be two positive numbers, got (8, 0)",
        ),
        (
            al.mpdiou_loss,
            {"image_size": np.ones(2)},
            "mpdiou_loss: image_size must have shape (2, 2), got (2,)",
        ),
        (
            al.mpdiou_loss,
            {"image_size": 8.0},
            "mpdiou_loss: image_size must be two positive numbers, got 8.0",
        ),
    ],
)
def test_options_that_are_refused(loss: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        loss(random_boxes(2), random_boxes(2), **options)
    assert str(caught.value) == message


def test_boxes_in_half_a_dimension_are_refused():
    with pytest.raises(ValueError) as caught:
        al.giou3d_loss(np.ones((2, 5)), np.ones((2, 5)))
    assert str(caught.value) == "giou3d_loss: pred must have shape (..., k) with an even k, got (2, 5)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 2.0}, "wiou_update: momentum must be between 0 and 1, got 2.0"),
        ({"where": np.ones(2)}, "wiou_update: where must be a boolean array, got float64"),
        ({"where": np.ones(3, bool)}, "wiou_update: where must have shape (2,), got (3,)"),
    ],
)
def test_updates_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        al.wiou_update(1.0, np.ones(2), **options)
    assert str(caught.value) == message


def test_debug_says_which_box_is_reversed():
    with al.debug(), pytest.raises(ValueError, match=r"^box_iou: second must be boxes with nonnegative"):
        al.box_iou(np.asarray([0.0, 0.0, 1.0, 1.0]), np.asarray([1.0, 0.0, 0.0, 1.0]))
