"""Losses of detectors: their numbers, what they leave out, and the assignment of predictions to targets."""

from __future__ import annotations

import itertools
import math
import sys
from typing import Any

import numpy as np
import pytest

import arraylosses as al

from .laws import Library

NAN = math.nan
LOGITS, LABELS = [[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0, 1]
OFFSETS = [[0.0] * 4, [0.5, -0.2, 0.0, 2.0]]
NOTHING = [[0.0] * 4] * 2
SSD = [[0.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0], [2.0, 0.0, 0.0], [0.5, 0.0, 0.0]]
DETR = (
    [[[2.0, 0.0, 0.0], [0.0, 0.0, 1.0]]],
    [[[0.5, 0.5, 0.2, 0.4], [0.3, 0.3, 0.2, 0.2]]],
    [[0]],
    [[[0.5, 0.6, 0.2, 0.2]]],
)


def parts(xp: Library, loss: Any, *arrays: Any, **options: Any) -> list[float]:
    return [float(x) for x in loss(*map(xp.array, arrays), **options)]


def close(*numbers: float) -> Any:
    return pytest.approx(numbers, abs=6e-7)


# --- Fast R-CNN -----------------------------------------------------------------------------------


def test_regions(xp: Library) -> None:
    call = LOGITS, LABELS, OFFSETS, NOTHING
    assert parts(xp, al.fast_rcnn_loss, *call) == close(1.217995, 0.395495, 0.8225)
    assert parts(xp, al.fast_rcnn_loss, *call, beta=1 / 9)[0] == pytest.approx(1.662161, abs=6e-7)
    everything = {"box_normalizer": "elements", "positives_only": False}
    assert parts(xp, al.fast_rcnn_loss, *call, **everything)[0] == pytest.approx(0.601120, abs=6e-7)


def test_the_mean_over_all_regions_and_numbers_is_another_loss(xp: Library) -> None:
    call = LOGITS, LABELS, OFFSETS, NOTHING
    mean = xp.items(al.smooth_l1_loss, OFFSETS, NOTHING, reduction="mean")
    everything = {"box_normalizer": "elements", "positives_only": False}
    assert parts(xp, al.fast_rcnn_loss, *call, **everything)[2] == pytest.approx(float(mean), rel=1e-15)
    assert parts(xp, al.fast_rcnn_loss, *call)[2] == pytest.approx(4 * float(mean), rel=1e-15)


def test_of_the_boxes_of_all_classes_that_of_the_label_counts(xp: Library) -> None:
    boxes = np.full((2, 3, 4), NAN)
    boxes[1, 1] = OFFSETS[1]
    assert parts(xp, al.fast_rcnn_loss, LOGITS, LABELS, boxes, NOTHING) == close(1.217995, 0.395495, 0.8225)


def test_the_background_has_no_box():
    boxes = np.asarray([[NAN, math.inf, 0.0, 1.0], OFFSETS[1]])
    logits, labels, target = map(np.asarray, (LOGITS, LABELS, NOTHING))
    result = al.fast_rcnn_loss(logits, labels, boxes, target)
    assert [float(x) for x in result] == close(1.217995, 0.395495, 0.8225)
    slope = al.grad(al.fast_rcnn_loss, argnums=2)(logits, labels, boxes, target)
    assert not slope[0].any()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("labels", [[0, 0], [-100, -100]])
def test_regions_without_an_object(labels: list[int], xp: Library) -> None:
    total, classification, box = parts(xp, al.fast_rcnn_loss, LOGITS, labels, OFFSETS, NOTHING)
    assert box == 0
    assert total == classification
    assert (classification == 0) == (labels[0] < 0)


def test_no_regions(xp: Library) -> None:
    call = np.zeros((0, 3)), np.zeros(0, int), np.zeros((0, 4)), np.zeros((0, 4))
    assert parts(xp, al.fast_rcnn_loss, *call) == [0, 0, 0]


def test_a_label_that_is_no_class_is_nan_in_every_part(xp: Library) -> None:
    assert all(map(math.isnan, parts(xp, al.fast_rcnn_loss, LOGITS, [0, 3], OFFSETS, NOTHING)))


def test_parts_are_without_their_factors(xp: Library) -> None:
    total, *rest = parts(xp, al.fast_rcnn_loss, LOGITS, LABELS, OFFSETS, NOTHING, box_weight=3.0)
    assert rest == close(0.395495, 0.8225)
    assert total == pytest.approx(rest[0] + 3 * rest[1], rel=1e-15)


# --- RPN ------------------------------------------------------------------------------------------


def test_anchors(xp: Library) -> None:
    objectness, labels = [2.0, -1.0, NAN, 3.0], [1, 0, -1, 0]
    boxes = [[0.05, 0.2, -0.1, 0.0], [1.0] * 4, [NAN] * 4, [1.0] * 4]
    found = parts(xp, al.rpn_loss, objectness, labels, boxes, [[0.0] * 4] * 4)
    assert found == close(1.229824, 1.162926, 0.200694 / 3)


def test_objectness_is_the_difference_of_two_logits(xp: Library) -> None:
    objectness, labels = np.asarray([2.0, -1.0, 0.5]), np.asarray([1, 0, 0])
    two = np.stack([np.ones(3), 1 + objectness], axis=-1)
    softmax = xp.items(al.cross_entropy, two, labels, reduction="mean")
    found = parts(xp, al.rpn_loss, objectness, labels, np.zeros((3, 4)), np.zeros((3, 4)))
    assert found[1] == pytest.approx(float(softmax), rel=1e-14)


# --- SSD ------------------------------------------------------------------------------------------


def test_hard_negatives(xp: Library) -> None:
    box = np.zeros((1, 6, 4))
    box[0, 0, 2] = 0.5
    found = parts(xp, al.multibox_loss, [SSD], [[1, 0, 0, 0, 0, 0]], box, np.zeros((1, 6, 4)))
    assert found == close(5.805289, 5.680289, 0.125)


def test_a_negative_counts_once_where_there_are_few(xp: Library) -> None:
    nothing = np.zeros((1, 5, 4))
    found = parts(xp, al.multibox_loss, [SSD[:5]], [[1, 2, 0, 0, 0]], nothing, nothing)[0]
    assert found == pytest.approx(3.338451, abs=6e-7)
    # What comes out where the places that are left over go to positive anchors, as negatives.
    assert found != pytest.approx(4.233946, abs=1e-3)


def test_hard_negatives_one_by_one(xp: Library) -> None:
    of = np.random.default_rng(0)
    logits, labels = of.normal(size=(3, 40, 4)), of.integers(-1, 12, size=(3, 40))
    labels[labels > 3] = 0
    nothing = np.zeros((3, 40, 4))
    total = 0.0
    for z, u in zip(logits, labels, strict=True):
        entropy = np.log(np.exp(z).sum(-1)) - z[np.arange(40), u]
        worst = np.sort(entropy[u == 0])[::-1][: 3 * (u > 0).sum()]
        total += entropy[u > 0].sum() + worst.sum()
    found = parts(xp, al.multibox_loss, logits, labels, nothing, nothing)[0]
    assert found == pytest.approx(total / (labels > 0).sum(), rel=1e-13)


def test_an_image_without_an_object_has_hard_negatives_if_it_is_said(xp: Library) -> None:
    nothing = np.zeros((2, 5, 4))
    call = [SSD[:5]] * 2, [[1, -1, -1, -1, -1], [0] * 5], nothing, nothing
    alone = parts(xp, al.multibox_loss, *call)[0]
    entropies = np.sort([math.log(sum(map(math.exp, z))) - z[0] for z in SSD[:5]])
    with_two = parts(xp, al.multibox_loss, *call, min_neg=2)[0]
    assert with_two == pytest.approx(alone + entropies[-2:].sum(), rel=1e-14)


# --- DETR -----------------------------------------------------------------------------------------


def test_cost_and_loss_of_a_set(xp: Library) -> None:
    pytest.importorskip("scipy")
    cost = al.detr_matching_cost(*map(xp.array, DETR))
    np.testing.assert_allclose(xp.numpy(cost), [[[-0.286986], [3.488058]]], atol=6e-7)
    assignment = al.detr_assignment(cost)
    assert xp.numpy(assignment).tolist() == [[0, -1]]
    found = al.detr_set_loss(*map(xp.array, DETR), assignment)
    assert [float(x) for x in found] == close(2.767899, 0.267899, 0.3, 0.5)


def test_boxes_alone(xp: Library) -> None:
    found = xp.items(al.box_l1_giou_loss, DETR[1][0][0], DETR[3][0][0])
    assert found == pytest.approx(5 * 0.3 + 2 * 0.5, abs=1e-12)


def test_no_assignment_costs_less(xp: Library) -> None:
    of = np.random.default_rng(1)
    cost = of.normal(size=(3, 4, 3))
    found = xp.numpy(al.detr_assignment(xp.array(cost)))
    for each, row in zip(cost, found, strict=True):
        assert sorted(row) == [-1, 0, 1, 2]
        least = min(sum(each[q, m] for m, q in enumerate(p)) for p in itertools.permutations(range(4), 3))
        assert sum(each[q, m] for q, m in enumerate(row) if m >= 0) == pytest.approx(least, rel=1e-14)


def test_targets_that_fill_up_a_row_are_not_assigned(xp: Library) -> None:
    logits, boxes = np.zeros((2, 3, 3)), np.random.default_rng(2).uniform(0.25, 0.5, (2, 3, 4))
    labels = np.asarray([[0, -1, 1], [-1, -1, -1]])
    targets = np.where(labels[..., None] >= 0, boxes, NAN)
    cost = xp.numpy(al.detr_matching_cost(*map(xp.array, (logits, boxes, labels, targets))))
    assert (cost[0, :, 1] == math.inf).all()
    assignment = al.detr_assignment(xp.array(cost))
    assert xp.numpy(assignment).tolist() == [[0, -1, 2], [-1, -1, -1]]
    found = al.detr_set_loss(*map(xp.array, (logits, boxes, labels, targets)), assignment)
    assert [float(x) for x in found][2:] == [0, 0]


def test_more_targets_than_predictions(xp: Library) -> None:
    found = al.detr_assignment(xp.array([[[3.0, 1.0, 2.0]]]))
    assert xp.numpy(found).tolist() == [[1]]


def test_the_cost_is_a_constant():
    logits, *others = map(np.asarray, DETR)
    slope = al.grad(lambda z: al.squared_error(al.detr_matching_cost(z, *others), z[:, :, :1]))(logits)
    np.testing.assert_allclose(slope[..., :1], logits[..., :1] - al.detr_matching_cost(logits, *others))
    assert not slope[..., 1:].any()


def test_the_number_of_boxes_may_be_another(xp: Library) -> None:
    call = (*DETR, [[0, -1]])
    found = parts(xp, al.detr_set_loss, *call, num_boxes=2.0)
    assert found == close(0.267899 + 1.25, 0.267899, 0.15, 0.25)
    assert parts(xp, al.detr_set_loss, *call, num_boxes=0.0)[2:] == [0, 0]


@pytest.mark.parametrize("assignment", [[[1, -1]], [[-2, 0]]])
def test_an_assignment_to_nothing_is_nan(assignment: Any, xp: Library) -> None:
    assert all(map(math.isnan, parts(xp, al.detr_set_loss, *DETR, assignment)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {0: np.zeros((1, 3))},
            "detr_matching_cost: logits must have shape (b, q, c), got (1, 3)",
        ),
        (
            {1: np.zeros((1, 3, 4))},
            "detr_matching_cost: boxes must have shape (1, 2, 4), got (1, 3, 4)",
        ),
        (
            {2: np.zeros((1, 1))},
            "detr_matching_cost: target_labels must be an integer array, got float64",
        ),
        (
            {3: np.zeros((1, 2, 4))},
            "detr_matching_cost: target_boxes must have shape (1, 1, 4), got (1, 2, 4)",
        ),
    ],
)
def test_costs_that_are_refused(change: dict[int, Any], message: str) -> None:
    arrays = [change.get(i, np.asarray(x)) for i, x in enumerate(DETR)]
    with pytest.raises((TypeError, ValueError)) as caught:
        al.detr_matching_cost(*arrays)
    assert str(caught.value) == message


def test_assignments_that_are_refused():
    with pytest.raises(ValueError, match=r"^detr_assignment: cost must not be NaN, got nan$"):
        al.detr_assignment(np.full((1, 2, 2), NAN))
    with pytest.raises(ValueError, match=r"^detr_assignment: cost must have shape \(b, q, m\), got \(2,\)$"):
        al.detr_assignment(np.zeros(2))


def test_without_scipy_it_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match=r"^detr_assignment: SciPy must be installed$"):
        al.detr_assignment(np.zeros((1, 2, 2)))
