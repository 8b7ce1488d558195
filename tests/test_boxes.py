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


@pytest.mark.parametrize("base", ["iou", "giou", "diou", "ciou"])
def test_a_power_of_one_is_the_base(base: str) -> None:
    pred, target = random_boxes(50), random_boxes(50)
    np.testing.assert_allclose(
        items(f"alpha {base}", pred, target, alpha=1.0), items(base, pred, target), rtol=1e-14
    )


def test_a_box_inside_another_has_the_generalized_iou_of_the_plain_one():
    inner, outer = [1.0, 0.5, 3.0, 1.0], [0.0, 0.0, 4.0, 3.0]
    for pair in ((inner, outer), (outer, inner)):
        assert items("giou", *pair) == items("iou", *pair)


# --- invariances ----------------------------------------------------------------------------------


def random_boxes(count: int) -> np.ndarray:
    of = np.random.default_rng(count)
    near = of.uniform(-2.0, 2.0, (count, 2))
    return np.concatenate([near, near + of.uniform(0.25, 3.0, (count, 2))], axis=-1)


eighths = st.integers(-32, 32).map(lambda n: n / 8)


@st.composite
def boxes(draw: Any) -> list[float]:
    """Boxes on a coarse grid, so that edges coincide, sides vanish, and some are reversed."""
    return [draw(eighths) for _ in range(4)]


@every_loss
@settings(max_examples=40, deadline=None)
@given(pred=boxes(), target=boxes(), log2=st.integers(-60, 60))
def test_scale_does_not_matter(name: str, pred: list[float], target: list[float], log2: int) -> None:
    scale = 2.0**log2
    pred, target = np.asarray(pred), np.asarray(target)
    assert items(name, scale * pred, scale * target) == items(name, pred, target)


@every_loss
@settings(max_examples=40, deadline=None)
@given(pred=boxes(), target=boxes(), x=eighths, y=eighths)
def test_place_does_not_matter(name: str, pred: list[float], target: list[float], x: float, y: float) -> None:
    moved = np.asarray([x, y, x, y])
    assert items(name, pred + moved, target + moved) == items(name, pred, target)


@every_loss
@settings(max_examples=40, deadline=None)
@given(pred=boxes(), target=boxes())
def test_value_and_gradient_are_numbers(name: str, pred: list[float], target: list[float]) -> None:
    assert 0 <= items(name, pred, target) < math.inf
    for gradient in gradients(name, pred, target):
        assert np.isfinite(gradient).all()


@every_loss
@settings(max_examples=40, deadline=None)
@given(box=boxes())
def test_a_box_is_at_no_distance_of_itself(name: str, box: list[float]) -> None:
    is_empty = box[2] <= box[0] or box[3] <= box[1]
    if not is_empty:
        assert items(name, box, box) == 0
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


def test_debug_says_which_box_is_reversed():
    with al.debug(), pytest.raises(ValueError, match=r"^box_iou: second must be boxes with nonnegative"):
        al.box_iou(np.asarray([0.0, 0.0, 1.0, 1.0]), np.asarray([1.0, 0.0, 0.0, 1.0]))
