"""What the losses against imbalance are of each other, and what changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import arraylosses as al

from .laws import Library, assert_same

OF = np.random.default_rng(7)
Z, ROWS = OF.normal(size=(6, 4)) * 2, OF.dirichlet(np.ones(4), size=6)
Y = np.asarray([0, 3, 1, 1, 2, 3])
LOGITS, HARD, SOFT = OF.normal(size=12) * 2, OF.integers(0, 2, size=12).astype(float), OF.random(12)
COUNTS = np.asarray([1000.0, 40.0, 7.0, 1.0])
WEIGHT = np.asarray([0.5, 1.0, 2.0, 0.25])


# --- losses that fade ----------------------------------------------------------------------------


@pytest.mark.parametrize("target", [HARD, SOFT], ids=["hard", "soft"])
def test_binary_losses_that_do_not_fade_are_the_cross_entropy(xp: Library, target: Any) -> None:
    want = xp.both(al.binary_cross_entropy_with_logits, LOGITS, target)
    assert_same(xp.both(al.sigmoid_focal_loss, LOGITS, target, alpha=None, gamma=0.0), want)
    assert_same(xp.both(al.asymmetric_loss, LOGITS, target, gamma_neg=0.0, gamma_pos=0.0, clip=0.0), want)
    assert_same(xp.both(al.quality_focal_loss, LOGITS, target, beta=0.0), want)


@pytest.mark.parametrize("target", [Y, ROWS], ids=["labels", "probabilities"])
@pytest.mark.parametrize(
    "options", [{}, {"class_weight": WEIGHT}, {"class_weight": WEIGHT, "reduction": "mean"}]
)
def test_softmax_focal_loss_that_does_not_fade_is_the_cross_entropy(
    xp: Library, target: Any, options: Any
) -> None:
    want = xp.both(al.cross_entropy, Z, target, **options)
    assert_same(xp.both(al.softmax_focal_loss, Z, target, gamma=0.0, **options), want)


@pytest.mark.parametrize("options", [{}, {"alpha": COUNTS}, {"class_weight": WEIGHT, "reduction": "mean"}])
def test_softmax_focal_loss_of_a_label_is_that_of_its_row(xp: Library, options: Any) -> None:
    rows = np.eye(4)[Y]
    for gamma in (0.5, 2.0):
        labels = xp.both(al.softmax_focal_loss, Z, Y, gamma=gamma, **options)
        assert_same(xp.both(al.softmax_focal_loss, Z, rows, gamma=gamma, **options), labels)


def test_softmax_focal_loss_of_two_classes_is_the_sigmoid_focal_loss(xp: Library) -> None:
    pairs, labels = Z[:, :2], (Y > 1).astype(int)
    got, slope = xp.both(al.softmax_focal_loss, pairs, labels, gamma=1.5)
    want, lead = xp.both(
        al.sigmoid_focal_loss, pairs[:, 1] - pairs[:, 0], labels.astype(float), gamma=1.5, alpha=None
    )
    assert_same((got, slope), (want, np.stack([-lead, lead], axis=1)))


def test_quality_focal_loss_of_labels_is_the_sigmoid_focal_loss(xp: Library) -> None:
    for power in (0.5, 2.0):
        want = xp.both(al.sigmoid_focal_loss, LOGITS, HARD, alpha=None, gamma=power)
        assert_same(xp.both(al.quality_focal_loss, LOGITS, HARD, beta=power), want)


def test_quality_focal_loss_of_the_score_itself_is_0(xp: Library) -> None:
    score = 1 / (1 + np.exp(-LOGITS))
    for part in xp.both(al.quality_focal_loss, LOGITS, score):
        np.testing.assert_allclose(part, 0, atol=1e-14)


@pytest.mark.parametrize("loss", [al.sigmoid_focal_loss, al.quality_focal_loss, al.varifocal_loss])
def test_focal_losses_are_as_steep_at_the_largest_logit_as_far_out(xp: Library, loss: Any) -> None:
    far, labels = np.asarray([1e3, 1.7e308, -1e3, -1.7e308]), np.asarray([0.0, 0.0, 1.0, 1.0])
    _, slope = xp.both(loss, far, labels)
    assert slope[0] == slope[1] > 0 > slope[2] == slope[3]


def test_varifocal_loss_is_a_cross_entropy_and_half_of_a_focal_loss(xp: Library) -> None:
    positive = xp.both(al.binary_cross_entropy_with_logits, LOGITS, SOFT)
    assert_same(xp.both(al.varifocal_loss, LOGITS, SOFT, iou_weighted=False), positive)
    assert_same(xp.both(al.varifocal_loss, LOGITS, SOFT), [SOFT * part for part in positive])
    nothing = np.zeros_like(LOGITS)
    negative = xp.both(al.sigmoid_focal_loss, LOGITS, nothing, alpha=0.25, gamma=1.5)
    assert_same(xp.both(al.varifocal_loss, LOGITS, nothing, alpha=0.75, gamma=1.5), negative)


def test_distribution_focal_loss_is_the_cross_entropy_of_two_bins(xp: Library) -> None:
    places = np.asarray([0.25, 1.5, 3.0, 0.0, 2.75, 2.0])
    rows = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(4)))
    np.testing.assert_allclose(rows @ np.arange(4), places)
    assert_same(
        xp.both(al.distribution_focal_loss, Z, places),
        xp.both(al.cross_entropy, Z, rows),
    )
    assert_same(
        xp.both(al.distribution_focal_loss, Z, Y.astype(float)),
        xp.both(al.cross_entropy, Z, Y),
    )


# --- losses of gradient density ------------------------------------------------------------------


def test_gradients_of_one_bin_are_not_weighed(xp: Library) -> None:
    want = xp.both(al.binary_cross_entropy_with_logits, LOGITS, SOFT)
    assert_same(xp.both(al.ghm_classification_loss, LOGITS, SOFT, bins=1), want)
    alike = np.full(5, 0.3), np.ones(5)
    mean = xp.both(al.binary_cross_entropy_with_logits, *alike, reduction="mean")
    assert_same(xp.both(al.ghm_classification_loss, *alike, reduction="mean"), mean)
    want = xp.both(al.charbonnier_loss, LOGITS, SOFT, eps=0.5, shift=True)
    assert_same(xp.both(al.ghm_regression_loss, LOGITS, SOFT, mu=0.5, bins=1), want)


@pytest.mark.parametrize("loss", [al.ghm_classification_loss, al.ghm_regression_loss])
@pytest.mark.parametrize("state", [None, np.arange(10.0)], ids=["alone", "after others"])
def test_density_does_not_depend_on_the_order(xp: Library, loss: Any, state: Any) -> None:
    order = np.random.default_rng(3).permutation(12)
    options = {} if state is None else {"state": state, "momentum": 0.5}
    shuffled = xp.both(loss, LOGITS[order], SOFT[order], **options)
    assert_same(shuffled, [part[order] for part in xp.both(loss, LOGITS, SOFT, **options)])
    np.testing.assert_array_equal(
        xp.state(loss, LOGITS[order], SOFT[order], **options), xp.state(loss, LOGITS, SOFT, **options)
    )


def test_factors_of_density_are_1_in_the_mean(xp: Library) -> None:
    harmonized, _ = xp.both(al.ghm_classification_loss, LOGITS, SOFT)
    plain, _ = xp.both(al.binary_cross_entropy_with_logits, LOGITS, SOFT)
    assert np.mean(harmonized / plain) == pytest.approx(1, rel=1e-14)


# --- losses of frequent and rare classes ---------------------------------------------------------


def test_balanced_softmax_is_logit_adjustment_by_the_whole_prior(xp: Library) -> None:
    want = xp.both(al.balanced_softmax_loss, Z, Y, COUNTS)
    assert_same(xp.both(al.logit_adjusted_cross_entropy, Z, Y, COUNTS, tau=1.0), want)
    assert_same(xp.both(al.logit_adjusted_cross_entropy, Z, Y, COUNTS / COUNTS.sum()), want)
    assert_same(xp.both(al.cross_entropy, Z + np.log(COUNTS), Y), want)


def test_classes_alike_are_those_of_the_cross_entropy(xp: Library) -> None:
    want, alike = xp.both(al.cross_entropy, Z, Y), np.full(4, 30.0)
    assert_same(xp.both(al.balanced_softmax_loss, Z, Y, alike), want)
    assert_same(xp.both(al.logit_adjusted_cross_entropy, Z, Y, alike, tau=0.5), want)
    assert_same(xp.both(al.logit_adjusted_cross_entropy, Z, Y, COUNTS, tau=0.0), want)
    assert_same(xp.both(al.equalization_softmax_loss, Z, Y, alike), want)
    assert_same(xp.both(al.equalization_softmax_loss, Z, Y, COUNTS, threshold=0.0), want)
    before = alike - np.bincount(Y, minlength=4)
    assert_same(xp.both(al.seesaw_loss, Z, Y, state=before, q=0.0), want)
    assert_same(xp.both(al.seesaw_loss, Z, Y, p=0.0, q=0.0), want)


def test_rare_classes_are_impossible_ones_to_others(xp: Library) -> None:
    possible = (COUNTS / COUNTS.sum() >= 0.01) | (np.arange(4) == Y[:, None])
    want = xp.both(al.cross_entropy, Z, Y, class_mask=possible)
    assert_same(xp.both(al.equalization_softmax_loss, Z, Y, COUNTS, threshold=0.01), want)


OF_A_SOFTMAX = [
    (al.softmax_focal_loss, (Y,), {}),
    (al.softmax_focal_loss, (ROWS,), {"gamma": 0.5}),
    (al.distribution_focal_loss, (Y * 0.75,), {}),
    (al.balanced_softmax_loss, (Y, COUNTS), {}),
    (al.logit_adjusted_cross_entropy, (Y, COUNTS), {"tau": 0.5}),
    (al.equalization_softmax_loss, (Y, COUNTS), {"threshold": 0.01}),
    (al.seesaw_loss, (Y,), {"state": COUNTS}),
]


@pytest.mark.parametrize(("loss", "rest", "options"), OF_A_SOFTMAX, ids=lambda x: getattr(x, "__name__", ""))
def test_a_constant_added_to_all_logits_changes_nothing(
    xp: Library, loss: Any, rest: Any, options: Any
) -> None:
    short = np.round(Z * 64) / 64  # so that the sum is exact
    want = xp.both(loss, short, *rest, **options)
    assert_same(xp.both(loss, short + 2.0**20, *rest, **options), want)
    assert_same([want[1].sum(axis=-1)], [np.zeros(6)])
