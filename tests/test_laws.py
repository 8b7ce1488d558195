"""What losses are of each other, and what changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import arraylosses as al

from .laws import Library, assert_same

OF = np.random.default_rng(5)
P, T = OF.normal(size=9) * 3, OF.normal(size=9)
Z, S = OF.normal(size=(2, 6, 4)) * 2
Y = np.asarray([0, 3, 1, 1, 2, 3])
ROWS, OTHERS = OF.dirichlet(np.ones(4), size=(2, 6))
LABELS = OF.integers(0, 2, size=9).astype(float)


def log_softmax(z: Any) -> Any:
    return z - np.logaddexp.reduce(z, axis=-1, keepdims=True)


# --- regression ----------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0.25, 1.0, 3.0])
def test_smooth_l1_is_huber_in_units_of_beta(xp: Library, beta: float) -> None:
    items, slope = xp.both(al.huber_loss, P, T, delta=beta)
    assert_same(xp.both(al.smooth_l1_loss, P, T, beta=beta), (items / beta, slope / beta))


@pytest.mark.parametrize(
    ("alpha", "loss", "options"),
    [
        (1.0, al.charbonnier_loss, {"eps": 1.0, "shift": True}),
        (0.0, al.cauchy_loss, {}),
        (-2.0, al.geman_mcclure_loss, {}),
        (-np.inf, al.welsch_loss, {}),
    ],
)
def test_the_general_robust_loss_is_each_of_its_family(
    xp: Library, alpha: float, loss: Any, options: Any
) -> None:
    assert_same(xp.both(al.general_robust_loss, P, T, alpha=alpha), xp.both(loss, P, T, **options))


def test_halves_of_other_errors(xp: Library) -> None:
    items, slope = xp.both(al.squared_error, P, T)
    assert_same(xp.both(al.general_robust_loss, P, T, alpha=2.0), (items / 2, slope / 2))
    assert_same(xp.both(al.expectile_loss, P, T, expectile=0.5), (items / 2, slope / 2))
    items, slope = xp.both(al.absolute_error, P, T)
    assert_same(xp.both(al.quantile_loss, P, T, quantile=0.5), (items / 2, slope / 2))


def test_cosine_distance_does_not_see_lengths(xp: Library) -> None:
    items, slope = xp.both(al.cosine_distance, Z, S)
    assert_same(xp.both(al.cosine_distance, 3.0 * Z, 0.2 * S), (items, slope / 3))


# --- classification ------------------------------------------------------------------------------


def test_logistic_loss_is_the_cross_entropy_of_other_labels(xp: Library) -> None:
    want = xp.both(al.binary_cross_entropy_with_logits, P, LABELS)
    assert_same(xp.both(al.logistic_loss, P, 2 * LABELS - 1), want)


WEIGHTS = {"class_weight": np.arange(1.0, 5.0)}  # by which a mean over labels divides, and one over rows not


@pytest.mark.parametrize(
    ("reduction", "options"),
    [(r, o) for r in ("none", "sum", "mean") for o in ({}, {"label_smoothing": 0.2})]
    + [("none", WEIGHTS), ("sum", WEIGHTS)],
    ids=str,
)
def test_a_label_is_its_row(xp: Library, reduction: str, options: Any) -> None:
    options = {"reduction": reduction} | options
    of_rows = xp.both(al.cross_entropy, Z, np.eye(4)[Y], **options)
    assert_same(xp.both(al.cross_entropy, Z, Y, **options), of_rows)


def test_poly1_without_its_polynomial_is_the_cross_entropy(xp: Library) -> None:
    assert_same(xp.both(al.poly1_cross_entropy, Z, Y, epsilon=0.0), xp.both(al.cross_entropy, Z, Y))


@pytest.mark.parametrize("loss", [al.cross_entropy, al.sparsemax_loss, al.poly1_cross_entropy])
def test_a_constant_in_all_logits_changes_nothing(xp: Library, loss: Any) -> None:
    assert_same(xp.both(loss, Z + 2.0, Y), xp.both(loss, Z, Y))


def test_sparsemax_loss_is_0_where_its_probabilities_are_the_target(xp: Library) -> None:
    assert (xp.items(al.sparsemax_loss, Z, ROWS) > 0).all()
    # Of logits that are a distribution sparsemax makes that distribution.
    assert_same(xp.both(al.sparsemax_loss, ROWS, ROWS), (np.zeros(6), np.zeros((6, 4))))


# --- divergences ---------------------------------------------------------------------------------


def test_cross_entropy_is_divergence_and_entropy(xp: Library) -> None:
    items, slope = xp.both(al.kl_divergence, log_softmax(Z), ROWS)
    entropy = -np.sum(ROWS * np.log(ROWS), axis=-1)
    assert_same([items + entropy], [xp.items(al.cross_entropy, Z, ROWS)])
    assert_same([slope], [-ROWS])


def test_a_target_and_its_logarithm_are_one(xp: Library) -> None:
    want = xp.both(al.kl_divergence, log_softmax(Z), ROWS)
    assert_same(xp.both(al.kl_divergence, log_softmax(Z), np.log(ROWS), log_target=True), want)


def test_distillation_at_temperature_1_is_the_divergence(xp: Library) -> None:
    of_teacher = np.exp(log_softmax(S))
    want = xp.items(al.kl_divergence, log_softmax(Z), of_teacher)
    slope = np.exp(log_softmax(Z)) - of_teacher
    assert_same(xp.both(al.distillation_loss, Z, S), (want, slope))


def test_js_divergence_is_symmetric(xp: Library) -> None:
    one = xp.items(al.js_divergence, ROWS, OTHERS, from_log=False)
    assert_same([one], [xp.items(al.js_divergence, OTHERS, ROWS, from_log=False)])


# --- sequences -----------------------------------------------------------------------------------


def test_ctc_of_no_labels_is_all_blanks(xp: Library) -> None:
    log_p, none = log_softmax(OF.normal(size=(2, 5, 3))), np.zeros((2, 0), int)
    lengths = np.asarray([5, 3]), np.asarray([0, 0])
    items, slope = xp.both(al.ctc_loss, log_p, none, *lengths)
    counts = np.arange(5) < lengths[0][:, None]
    assert_same([items], [-np.sum(np.where(counts, log_p[..., 0], 0.0), axis=-1)])
    assert_same([slope[..., 0]], [-counts.astype(float)])


# --- batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "arrays"),
    [
        (al.huber_loss, (P, T)),
        (al.binary_cross_entropy_with_logits, (P, LABELS)),
        (al.sigmoid_focal_loss, (P, LABELS)),
        (al.cross_entropy, (Z, Y)),
        (al.kl_divergence, (log_softmax(Z), ROWS)),
        (al.cosine_distance, (Z, S)),
        (al.multiclass_hinge_loss, (Z, Y)),
    ],
)
def test_a_batch_twice_has_the_mean_of_the_batch(xp: Library, loss: Any, arrays: Any) -> None:
    twice = [np.concatenate((x, x)) for x in arrays]
    assert_same([xp.items(loss, *twice, reduction="mean")], [xp.items(loss, *arrays, reduction="mean")])
