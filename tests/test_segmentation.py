"""Segmentation: worked numbers, what the overlap losses are of one another, and of those of others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al

from .laws import Library, assert_same

P, T = np.asarray([[[0.9, 0.6, 0.2, 0.1]]]), np.asarray([[[1.0, 1.0, 0.0, 0.0]]])
NOTHING = np.zeros((1, 1, 4))
# Foreground and background; background and foreground.
PAIR, PAIR_T = np.concatenate([P, 1 - P], axis=1), np.asarray([[[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]])
LATE, LATE_T = np.concatenate([1 - P, P], axis=1), np.concatenate([1 - T, T], axis=1)
FULL_T = np.asarray([[[1.0] * 4, [0.0] * 4]])

OVERLAPS: dict[str, Any] = {
    "dice": al.dice_loss,
    "jaccard": al.jaccard_loss,
    "tversky": al.tversky_loss,
    "focal tversky": al.focal_tversky_loss,
    "log-cosh dice": al.log_cosh_dice_loss,
    "sensitivity-specificity": al.sensitivity_specificity_loss,
}
ALL = OVERLAPS | {
    "generalized dice": al.generalized_dice_loss,
    "combo": al.combo_loss,
    "unified focal": al.unified_focal_loss,
}
every_overlap = pytest.mark.parametrize("loss", OVERLAPS.values(), ids=OVERLAPS)
every_loss = pytest.mark.parametrize("loss", ALL.values(), ids=ALL)


def masks(seed: int, *shape: int) -> tuple[Any, Any]:
    """Random probabilities, and a target of 0 and 1."""
    of = np.random.default_rng(seed)
    return of.uniform(0.01, 0.99, shape), of.integers(0, 2, shape).astype(float)


def items(loss: Any, p: Any, t: Any, **options: Any) -> Any:
    return loss(np.asarray(p), np.asarray(t), **options, reduction="none")


def sums(p: Any, t: Any) -> tuple[Any, Any, Any]:
    """Σ p·t, Σ p and Σ t."""
    return (p * t).sum(-1), p.sum(-1), t.sum(-1)


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "pair", "options", "expected"),
    [
        (al.dice_loss, (P, T), {}, 0.210526),
        (al.dice_loss, (P, T), {"squared": True}, 0.0683230),
        (al.dice_loss, (P, T), {"smooth_nr": 1.0, "smooth_dr": 1.0}, 0.166667),
        (al.dice_loss, (P, T), {"smooth_nr": 1e-5, "smooth_dr": 1e-5}, 0.2105258),
        (al.dice_loss, (P, T), {"log": True}, 0.236389),
        (al.dice_loss, (P, T), {"smooth_nr": 2.0, "smooth_dr": 2.0}, 0.137931),
        (al.dice_loss, (NOTHING, NOTHING), {}, 0.0),
        (al.generalized_dice_loss, (PAIR, PAIR_T), {}, 0.416667),
        (al.generalized_dice_loss, (PAIR, PAIR_T), {"weighting": "simple"}, 0.388889),
        (al.generalized_dice_loss, (PAIR, FULL_T), {}, 0.55),
        (al.generalized_dice_loss, (PAIR, FULL_T), {"empty_weight": "zero"}, 0.379310),
        (al.tversky_loss, (P, T), {"alpha": 0.3, "beta": 0.7}, 0.226804),
        (al.tversky_loss, (P, T), {"alpha": 0.7, "beta": 0.3}, 0.193548),
        (al.focal_tversky_loss, (P, T), {}, 0.328653),
        (al.focal_tversky_loss, (P, T), {"gamma": 4 / 3}, 0.138315),
        (al.jaccard_loss, (P, T), {}, 0.347826),
        (al.jaccard_loss, (P, T), {"smooth_nr": 0.5, "smooth_dr": 0.5}, 0.285714),
        (al.combo_loss, (P, T), {}, -0.357624),
        (al.combo_loss, (P, T), {"alpha": 1.0}, 0.118086),
        (al.combo_loss, (P, T), {"alpha": 0.0}, -0.833333),
        (al.combo_loss, (P, T), {"offset": True}, 0.142376),
        (al.unified_focal_loss, (LATE, LATE_T), {}, 0.215469),
        (al.unified_focal_loss, (LATE, LATE_T), {"focal_weight": 1.0}, 0.105739),
        (al.unified_focal_loss, (LATE, LATE_T), {"focal_weight": 0.0}, 0.325200),
        (al.unified_focal_loss, (LATE, LATE_T), {"asymmetric": False}, 0.257168),
        (al.log_cosh_dice_loss, (P, T), {}, 0.0219989),
        (al.sensitivity_specificity_loss, (P, T), {}, 0.028),
    ],
)
def test_worked_numbers(loss: Any, pair: Any, options: dict[str, Any], expected: float, xp: Library) -> None:
    assert xp.items(loss, *pair, reduction="mean", **options) == pytest.approx(expected, abs=6e-7)


def test_a_soft_target_is_not_where_the_product_is_least():
    half, one = (np.full((1, 1, 1), x) for x in (0.5, 1.0))
    assert items(al.dice_loss, half, half) == pytest.approx(0.5)
    assert items(al.dice_loss, one, half) == pytest.approx(1 / 3)
    assert items(al.dice_loss, half, half, intersection="min") == 0


def test_what_is_summed_over_the_batch_depends_on_it():
    p = np.asarray([[[1.0, 0.0, 0.0, 0.0]], [[1.0, 1.0, 1.0, 1.0]]])
    t = np.asarray([[[1.0, 0.0, 0.0, 0.0]], [[1.0, 1.0, 0.0, 0.0]]])
    assert_same(items(al.dice_loss, p, t), [[0.0], [1 / 3]])
    assert al.dice_loss(p, t) == pytest.approx(1 / 6)
    assert al.dice_loss(p, t, batch=True) == pytest.approx(1 / 4)


# --- what other libraries compute, under the options that make it ours ----------------------------

# Regions that are there, both empty, and a target that is empty; sums of each of them.
REGIONS = np.stack([[0.9, 0.6, 0.2, 0.1], [0.0] * 4, [0.9, 0.6, 0.2, 0.1], [1.0, 1.0, 0.0, 0.0]])[:, None, :]
TRUTHS = np.stack([[1.0, 1.0, 0.0, 0.0], [0.0] * 4, [0.0] * 4, [1.0, 1.0, 0.0, 0.0]])[:, None, :]
EMPTY_BOTH, EMPTY_TARGET = 1, 2
SHARED, PREDICTED, TRUE = sums(REGIONS, TRUTHS)
SQUARES = (REGIONS**2).sum(-1) + (TRUTHS**2).sum(-1)


def _of_smp(smooth: float) -> Any:
    score = (2 * SHARED + 2 * smooth) / np.maximum(PREDICTED + TRUE + 2 * smooth, 2e-7)
    return (1 - score) * (TRUE > 0)


PEERS = [
    (
        "monai",
        1 - (2 * SHARED + 1e-5) / (PREDICTED + TRUE + 1e-5),
        (al.dice_loss, {"smooth_nr": 1e-5, "smooth_dr": 1e-5}),
        (0.0, 0.999994),
    ),
    (
        "optax",
        1 - (SHARED + 1) / ((PREDICTED + TRUE) / 2 + 1),
        (al.dice_loss, {"smooth_nr": 2.0, "smooth_dr": 2.0}),
        (0.0, 1 - 2 / 3.8),
    ),
    (
        "detr",
        1 - (2 * SHARED + 1) / (PREDICTED + TRUE + 1),
        (al.dice_loss, {"smooth_nr": 1.0, "smooth_dr": 1.0}),
        (0.0, 1 - 1 / 2.8),
    ),
    (
        "kornia",
        1 - 2 * SHARED / (PREDICTED + TRUE + 1e-8),
        (al.dice_loss, {"smooth_dr": 1e-8}),
        (1.0, 1.0),
    ),
    (
        "keras",
        1 - 2 * SHARED / (PREDICTED + TRUE + 1e-7),
        (al.dice_loss, {"smooth_dr": 1e-7}),
        (1.0, 1.0),
    ),
    (
        "mmdet",
        1 - 2 * SHARED / ((REGIONS**2).sum(-1) + 1e-3 + (TRUTHS**2).sum(-1) + 1e-3),
        (al.dice_loss, {"squared": True, "smooth_dr": 2e-3}),
        (1.0, 1.0),
    ),
    (
        "monai, jaccard",
        1 - (2 * SHARED + 1e-5) / (2 * (PREDICTED + TRUE - SHARED) + 1e-5),
        (al.jaccard_loss, {"smooth_nr": 5e-6, "smooth_dr": 5e-6}),
        (0.0, 1 - 1e-5 / (3.6 + 1e-5)),
    ),
    (
        "monai, tversky",
        1 - (SHARED + 1e-5) / (SHARED + 0.3 * (PREDICTED - SHARED) + 0.7 * (TRUE - SHARED) + 1e-5),
        (al.tversky_loss, {"alpha": 0.3, "beta": 0.7, "smooth_nr": 1e-5, "smooth_dr": 1e-5}),
        (0.0, 1 - 1e-5 / (0.54 + 1e-5)),
    ),
]


@pytest.mark.parametrize(("theirs", "ours", "edges"), [p[1:] for p in PEERS], ids=[p[0] for p in PEERS])
def test_peers_compute_the_same(theirs: Any, ours: Any, edges: Any, xp: Library) -> None:
    loss, options = ours
    found = xp.items(loss, REGIONS, TRUTHS, **options)
    np.testing.assert_allclose(found, theirs, rtol=1e-12, atol=1e-12)
    assert found[[EMPTY_BOTH, EMPTY_TARGET], 0] == pytest.approx(edges, abs=1e-6)


@pytest.mark.parametrize("smooth", [0.0, 0.5])
def test_smp_sums_over_the_batch_and_counts_absent_classes_as_nothing(smooth: float) -> None:
    p, t = REGIONS.transpose(1, 0, 2), TRUTHS.transpose(1, 0, 2)  # one image of four classes
    there = t.any(axis=(0, 2))
    options = {"smooth_nr": 2 * smooth, "smooth_dr": 2 * smooth, "batch": True, "intersection": "min"}
    found = items(al.dice_loss, p, t, class_mask=there, **options)
    np.testing.assert_allclose(found, _of_smp(smooth)[:, 0], rtol=1e-12, atol=1e-12)
    assert found[EMPTY_BOTH] == found[EMPTY_TARGET] == 0
    mean = al.dice_loss(p, t, class_mask=there, normalizer=4.0, **options)
    assert mean == pytest.approx(_of_smp(smooth).mean())


def test_kornia_leaves_absent_classes_out_of_the_mean():
    p, t = REGIONS.transpose(1, 0, 2), TRUTHS.transpose(1, 0, 2)
    there = t.any(axis=(0, 2))
    theirs = (1 - 2 * SHARED / (PREDICTED + TRUE + 1e-8))[there].mean()
    assert al.dice_loss(p, t, class_mask=there, smooth_dr=1e-8) == pytest.approx(theirs, rel=1e-12)
    absent = np.zeros(4, bool)
    assert al.dice_loss(p, t, class_mask=absent) == 0


def test_an_empty_target_is_a_plateau_unless_there_is_smoothing(xp: Library) -> None:
    value, slope = xp.both(al.dice_loss, P, NOTHING)
    assert value == 1
    assert not slope.any()
    value, slope = xp.both(al.dice_loss, P, NOTHING, smooth_nr=1.0, smooth_dr=1.0)
    assert value == pytest.approx(1 - 1 / 2.8)
    assert (slope > 0).all()


def test_generalized_dice_of_monai():
    p, t = masks(3, 2, 3, 5)
    t[0, 1] = 0.0
    shared, predicted, true = sums(p, t)
    with np.errstate(divide="ignore"):
        w = 1 / true**2
    w[np.isinf(w)] = 0.0
    w = np.where(w == 0, w.max(axis=1, keepdims=True), w)
    theirs = 1 - (2 * (w * shared).sum(1) + 1e-5) / ((w * (predicted + true)).sum(1) + 1e-5)
    found = items(al.generalized_dice_loss, p, t, smooth_nr=1e-5, smooth_dr=1e-5)
    np.testing.assert_allclose(found, theirs, rtol=1e-12)


# --- where others differ --------------------------------------------------------------------------


def test_keras_swaps_the_weights_of_tversky():
    alpha, beta = 0.3, 0.7
    shared, predicted, true = (x.item() for x in sums(P, T))
    swapped = 1 - shared / (shared + alpha * (true - shared) + beta * (predicted - shared))
    assert swapped == pytest.approx(0.193548, abs=6e-7)
    assert al.tversky_loss(P, T, alpha=alpha, beta=beta) == pytest.approx(0.226804, abs=6e-7)
    assert al.tversky_loss(P, T, alpha=beta, beta=alpha) == pytest.approx(swapped)


def test_tversky_summed_over_a_softmax_knows_no_weights():
    """As an earlier kornia has it: false positives of all classes are the false negatives of all."""
    p, t = PAIR, np.concatenate([T, 1 - T], axis=1)
    shared, over, under = (p * t).sum(), (p * (1 - t)).sum(), ((1 - p) * t).sum()
    one, other = (1 - shared / (shared + a * over + b * under) for a, b in ((0.3, 0.7), (0.7, 0.3)))
    assert one == pytest.approx(0.2) == other
    one, other = (al.tversky_loss(p, t, alpha=a, beta=b) for a, b in ((0.3, 0.7), (0.7, 0.3)))
    assert (one, other) == pytest.approx((0.2008, 0.1996), abs=1e-4)


def test_a_weighted_mean_of_dice_losses_is_not_the_generalized_one():
    """As optax has it."""
    shared, predicted, true = sums(PAIR, PAIR_T)
    w = 1 / true**2
    dice = 1 - 2 * shared / (predicted + true)
    assert (w * dice).sum() / w.sum() == pytest.approx(0.422917, abs=6e-7)
    assert al.generalized_dice_loss(PAIR, PAIR_T) == pytest.approx(0.416667, abs=6e-7)


def test_an_absent_class_does_not_own_the_generalized_loss():
    shared, predicted, true = sums(PAIR, FULL_T)
    w = 1 / (true + 1e-10) ** 2
    assert 1 - 2 * (w * shared).sum() / (w * (predicted + true)).sum() == pytest.approx(1.0)
    assert al.generalized_dice_loss(PAIR, FULL_T) == pytest.approx(0.55)


def test_the_focal_entropy_is_a_sum_over_the_classes():
    """MONAI from 1.6 on has their mean, half of it."""
    focal, overlap = (al.unified_focal_loss(LATE, LATE_T, focal_weight=w) for w in (1.0, 0.0))
    assert (focal / 2 + overlap) / 2 == pytest.approx(0.189035, abs=6e-7)
    assert al.unified_focal_loss(LATE, LATE_T) == pytest.approx((focal + overlap) / 2)
    assert (focal + overlap) / 2 == pytest.approx(0.215469, abs=6e-7)


@pytest.mark.parametrize("asymmetric", [True, False])
def test_a_perfect_prediction_is_a_number(asymmetric: bool, xp: Library) -> None:
    """Written as (1 - TI)·(1 - TI)^-γ, as in MONAI up to 1.5, the overlap would be 0·∞."""
    with np.errstate(divide="ignore", invalid="ignore"):
        assert np.isnan(np.float64(0.0) * np.float64(0.0) ** -0.5)
    value, slope = xp.both(al.unified_focal_loss, LATE_T, LATE_T, asymmetric=asymmetric)
    assert value == 0
    assert np.isfinite(slope).all()


def test_focal_tversky_is_flat_where_it_is_0(xp: Library) -> None:
    value, slope = xp.both(al.focal_tversky_loss, T, T)
    assert value == 0
    assert not slope.any()


# --- what they are of one another -----------------------------------------------------------------

random_masks = st.integers(0, 2**32 - 1).map(lambda seed: masks(seed, 2, 3, 5))
some = settings(max_examples=15, deadline=None)


@some
@given(pair=random_masks, smooth=st.sampled_from([0.0, 1e-5, 1.0]))
def test_tversky_with_weights_of_a_half_is_dice(pair: Any, smooth: float) -> None:
    ours = items(al.tversky_loss, *pair, alpha=0.5, beta=0.5, smooth_nr=smooth / 2, smooth_dr=smooth / 2)
    assert_same(ours, items(al.dice_loss, *pair, smooth_nr=smooth, smooth_dr=smooth))


@some
@given(pair=random_masks, smooth=st.sampled_from([0.0, 1e-5, 1.0]))
def test_tversky_with_weights_of_1_is_jaccard(pair: Any, smooth: float) -> None:
    options = {"smooth_nr": smooth, "smooth_dr": smooth}
    ours = items(al.tversky_loss, *pair, alpha=1.0, beta=1.0, **options)
    assert_same(ours, items(al.jaccard_loss, *pair, **options))


@some
@given(pair=random_masks, intersection=st.sampled_from(["product", "min"]))
def test_jaccard_is_of_dice(pair: Any, intersection: str) -> None:
    p, t = pair[0], pair[1] * 0.75
    d = items(al.dice_loss, p, t, intersection=intersection)
    assert_same(items(al.jaccard_loss, p, t, intersection=intersection), 2 * d / (1 + d))


@some
@given(pair=random_masks)
def test_generalized_dice_of_uniform_weights_is_dice(pair: Any) -> None:
    p, t = (x[:, :1, :] for x in pair)
    for weighting in ("uniform", "simple", "square"):
        assert_same(
            items(al.generalized_dice_loss, p, t + 0.5, weighting=weighting),
            items(al.dice_loss, p, t + 0.5)[:, 0],
        )
    options = {"smooth_nr": 0.5, "smooth_dr": 1.0}
    assert_same(
        items(al.generalized_dice_loss, *pair, weighting="uniform", **options),
        items(al.dice_loss, *pair, average="micro", **options),
    )


@some
@given(pair=random_masks)
def test_squares_of_binary_masks_are_the_masks(pair: Any) -> None:
    p, t = np.round(pair[0]), pair[1]
    assert_same(items(al.dice_loss, p, t, squared=True), items(al.dice_loss, p, t))
    assert_same(items(al.log_cosh_dice_loss, p, t, squared=True), items(al.log_cosh_dice_loss, p, t))
    for loss in (al.dice_loss, al.jaccard_loss, al.log_cosh_dice_loss):
        assert_same(items(loss, pair[0], t, intersection="min"), items(loss, pair[0], t))


@some
@given(pair=random_masks, gamma=st.sampled_from([0.5, 1.0, 4 / 3]))
def test_functions_of_others_are_that(pair: Any, gamma: float) -> None:
    assert_same(
        items(al.focal_tversky_loss, *pair, gamma=gamma),
        items(al.tversky_loss, *pair, alpha=0.3, beta=0.7) ** gamma,
    )
    assert_same(items(al.log_cosh_dice_loss, *pair), np.log(np.cosh(items(al.dice_loss, *pair))))


@some
@given(pair=random_masks, class_reduction=st.sampled_from(["sum", "mean"]))
def test_combo_is_cross_entropy_less_overlap(pair: Any, class_reduction: str) -> None:
    p, t = pair
    entropy = al.binary_cross_entropy(p, t, reduction="none").mean(axis=(1, 2)) / 2
    dice = items(al.dice_loss, p, t, smooth_nr=1.0, smooth_dr=1.0)
    dice = dice.sum(1) if class_reduction == "sum" else dice.mean(1)
    options = {"alpha": 0.25, "class_reduction": class_reduction}
    found = items(al.combo_loss, p, t, offset=True, **options)
    assert_same(found, 0.25 * entropy + 0.75 * dice)
    least = 0.75 * (3 if class_reduction == "sum" else 1)
    assert_same(items(al.combo_loss, p, t, **options), found - least)


@some
@given(pair=random_masks)
def test_without_focus_unified_focal_is_cross_entropy_and_tversky(pair: Any) -> None:
    p, t = (x[:, :2, :] for x in pair)
    options = {"delta": 0.7, "gamma": 0.0}
    entropy = (-t * np.log(p) * np.asarray([[0.3], [0.7]])).sum(1).mean(1)
    tversky = items(al.tversky_loss, p, t, alpha=0.3, beta=0.7).mean(1)
    for asymmetric in (True, False):
        found = items(al.unified_focal_loss, p, t, focal_weight=0.25, asymmetric=asymmetric, **options)
        assert_same(found, 0.25 * entropy + 0.75 * tversky)


# --- invariances ----------------------------------------------------------------------------------


@every_loss
@some
@given(pair=random_masks, seed=st.integers(0, 1000))
def test_order_of_pixels_does_not_matter(loss: Any, pair: Any, seed: int) -> None:
    p, t = (x[:, :2, :] for x in pair)
    order = np.random.default_rng(seed).permutation(p.shape[-1])
    assert_same(items(loss, p, t), items(loss, p[:, :, order], t[:, :, order]))


@every_loss
@some
@given(pair=random_masks)
def test_copies_of_an_image_in_itself_do_not_matter(loss: Any, pair: Any) -> None:
    p, t = (x[:, :2, :] for x in pair)
    options = {"smooth": 0.0} if loss is al.combo_loss else {}
    assert_same(
        items(loss, p, t, **options),
        items(loss, *(np.concatenate([x, x], axis=-1) for x in (p, t)), **options),
    )


@every_loss
def test_masked_pixels_are_as_if_cut_off(loss: Any, xp: Library) -> None:
    p, t = masks(5, 2, 2, 3, 4)
    kept = np.ones((2, 1, 3, 4), bool)
    kept[:, :, :, 3] = False
    junk = np.where(kept, p, math.nan)
    value, slope = xp.both(loss, junk, np.where(kept, t, math.inf), where=kept)
    assert_same(value, xp.items(loss, p[..., :3], t[..., :3]))
    assert not slope[..., 3].any()
    assert np.isfinite(slope).all()


@every_loss
def test_class_axis_is_where_it_is_said_to_be(loss: Any, xp: Library) -> None:
    p, t = masks(6, 2, 2, 3, 4)
    last = (np.moveaxis(x, 1, -1) for x in (p, t))
    assert_same(xp.items(loss, *last, class_axis=-1), xp.items(loss, p, t))


@pytest.mark.parametrize("name", ["generalized dice", "combo"])
def test_a_class_without_a_pixel_is_as_if_it_were_not(name: str, xp: Library) -> None:
    p, t = masks(7, 2, 3, 4)
    kept = np.ones((2, 3, 4), bool)
    kept[:, 1] = False
    for options in ({}, {"class_reduction": "mean"}) if name == "combo" else ({},):
        assert_same(
            xp.items(ALL[name], p, t, where=kept, **options),
            xp.items(ALL[name], p[:, [0, 2]], t[:, [0, 2]], **options),
        )


@every_overlap
def test_classes_of_weight_0_and_masked_ones_are_alike(loss: Any, xp: Library) -> None:
    p, t = masks(8, 2, 3, 4)
    weighed = xp.items(loss, p, t, class_weight=np.asarray([1.0, 0.0, 1.0]), reduction="mean")
    masked = xp.items(loss, p, t, class_mask=np.asarray([True, False, True]), reduction="mean")
    alone = xp.items(loss, p[:, [0, 2]], t[:, [0, 2]], reduction="mean")
    assert weighed == pytest.approx(masked, rel=1e-14) == alone


# --- extremes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("nearly", [1e-4, 1e-10, 1e-100])
def test_regions_that_nearly_agree_keep_their_digits(nearly: float) -> None:
    p, t = np.asarray([[[1.0, 1.0, nearly, 0.0]]]), T
    apart = nearly / (4 + nearly)
    assert al.dice_loss(p, t) == pytest.approx(apart, rel=1e-14)
    assert al.log_cosh_dice_loss(p, t) == pytest.approx(apart**2 / 2 - apart**4 / 12, rel=1e-12)
    assert al.jaccard_loss(p, t) == pytest.approx(nearly / (2 + nearly), rel=1e-14)
    assert al.focal_tversky_loss(p, t) == pytest.approx(
        (0.3 * nearly / (2 + 0.3 * nearly)) ** 0.75, rel=1e-13
    )


def test_log_cosh_keeps_its_digits_in_single_precision():
    """d + log1p(exp(-2d)) - log 2 would be 4.77e-7 of a d of 1e-3, and 0 of one of 1e-4."""
    for d in (1e-3, 1e-4):
        x = np.float32(d)
        assert abs(x + np.log1p(np.exp(-2 * x)) - np.float32(math.log(2)) - d * d / 2) > 0.04 * d * d / 2
        p = np.asarray([[[1.0, 2 * d / (1 - d)]]], np.float32)
        t = np.asarray([[[1.0, 0.0]]], np.float32)
        assert float(al.log_cosh_dice_loss(p, t)) == pytest.approx(d * d / 2, rel=2e-6)


@pytest.mark.parametrize(
    ("loss", "options", "free"),
    [
        (al.combo_loss, {}, {"alpha": 0.0}),
        (al.combo_loss, {}, {"beta": 0.0}),
        (al.unified_focal_loss, {}, {"focal_weight": 0.0}),
        (al.unified_focal_loss, {"asymmetric": False}, {"delta": 0.0}),
    ],
)
def test_certain_and_wrong_is_infinite_unless_it_has_no_weight(
    loss: Any, options: Any, free: Any, xp: Library
) -> None:
    p, t = np.asarray([[[0.5, 0.5], [0.5, 0.0]]]), np.asarray([[[1.0, 0.0], [0.0, 1.0]]])
    value, slope = xp.both(loss, p, t, **options)
    assert value == math.inf
    assert slope[0, 1, 1] == -math.inf
    assert np.isfinite(slope[0, :, 0]).all()
    value, slope = xp.both(loss, p, t, **options | free)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


def test_sizes_of_classes_may_be_any(xp: Library) -> None:
    t = np.asarray([[[1.0, 1.0], [0.0, 2.0**-30]]])
    value = xp.items(al.generalized_dice_loss, t / 2, t)
    assert_same(value, [1 - 1.5 / (0.75 + 1.5 * 2.0**30)])


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: al.unified_focal_loss(P, T),
            "unified_focal_loss: probs must have shape (n, 2, *s), got (1, 1, 4)",
        ),
        (
            lambda: al.log_cosh_dice_loss(P, T, squared=True, intersection="min"),
            "log_cosh_dice_loss: intersection must be 'product' if squared is True, got 'min'",
        ),
        (
            lambda: al.tversky_loss(P, T, include_background=False),
            "tversky_loss: include_background must be True if there is one class only, got False",
        ),
        (
            lambda: al.jaccard_loss(PAIR, PAIR_T, class_mask=np.ones(3, bool)),
            "jaccard_loss: class_mask must have shape (2,) or (1, 2), got (3,)",
        ),
        (
            lambda: al.focal_tversky_loss(P, T, gamma=0.0),
            "focal_tversky_loss: gamma must be positive, got 0.0",
        ),
        (
            lambda: al.combo_loss(P, T, class_reduction="none"),
            "combo_loss: class_reduction must be 'sum' or 'mean', got 'none'",
        ),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message
