"""The reduction rule in numbers, and how the mean of other libraries is had."""

import numpy as np
import pytest

import arraylosses as al

P = np.asarray([1.0, 2.0, 3.5])
T = np.asarray([1.5, 2.0, 1.0])
W = np.asarray([1.0, 2.0, 1.0])
LOGITS = np.asarray([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
LABELS = np.asarray([0, 2])
CLASS_WEIGHT = np.asarray([1.0, 2.0, 4.0])


def test_none_sum_and_mean():
    np.testing.assert_array_equal(al.absolute_error(P, T, reduction="none"), [0.5, 0, 2.5])
    assert al.absolute_error(P, T, reduction="sum") == 3
    assert al.absolute_error(P, T) == 1


def test_weighted_mean_divides_by_the_weights():
    assert al.absolute_error(P, T, sample_weight=W) == 0.75


def test_weights_that_broadcast_count_once_per_item():
    pred, target = np.ones((2, 3)), np.zeros((2, 3))
    assert al.absolute_error(pred, target, sample_weight=W) == 1
    assert al.absolute_error(pred, target, sample_weight=np.asarray(5.0)) == 1
    assert al.absolute_error(pred, target, sample_weight=W, reduction="sum") == 8


def test_masked_mean_divides_by_those_left():
    assert al.absolute_error(P, T, where=np.asarray([True, True, False])) == 0.25


def test_weights_and_mask_together():
    assert al.absolute_error(P, T, sample_weight=W, where=np.asarray([True, True, False])) == 0.5 / 3


def test_normalizer_replaces_the_divisor_whatever_the_weights():
    assert al.absolute_error(P, T, sample_weight=W, normalizer=4) == 0.75
    assert al.absolute_error(P, T, where=np.asarray([False, True, True]), normalizer=4) == 0.625


def test_negative_zero_is_a_weight_of_zero():
    weight = np.asarray([1.0, -0.0, 1.0])
    assert al.absolute_error(np.asarray([1.0, np.nan, 2.0]), np.zeros(3), sample_weight=weight) == 1.5


def test_integer_and_boolean_weights():
    assert al.absolute_error(P, T, sample_weight=np.asarray([1, 2, 1])) == 0.75
    assert al.absolute_error(P, T, sample_weight=np.asarray([True, True, False])) == 0.25


def test_class_weighted_mean_divides_by_the_weights_of_the_labels():
    got = al.cross_entropy(LOGITS, LABELS, class_weight=CLASS_WEIGHT)
    assert got == pytest.approx(0.849816538, rel=1e-9)


def test_a_label_its_one_hot_row_and_smoothing_by_hand_are_one_number():
    labels = al.cross_entropy(LOGITS, LABELS, class_weight=CLASS_WEIGHT, label_smoothing=0.1)
    rows = 0.9 * np.eye(3)[LABELS] + 0.1 / 3
    assert labels == pytest.approx(0.931731622, rel=1e-9)
    assert al.cross_entropy(LOGITS, rows, class_weight=CLASS_WEIGHT) == pytest.approx(labels, rel=1e-14)


# --- the means of torch ---------------------------------------------------------------------------


def tensors(*arrays):
    torch = pytest.importorskip("torch")
    return [torch.asarray(x) for x in arrays]


def functional():
    return pytest.importorskip("torch.nn.functional")


def test_torch_weighted_absolute_error():
    p, t, w = tensors(P, T, W)
    want = functional().l1_loss(p, t, weight=w)
    assert al.absolute_error(p, t, sample_weight=w) == want


def test_torch_weighted_huber_loss_divides_by_the_number_of_items():
    p, t, w = tensors(P, T, W)
    want = functional().huber_loss(p, t, weight=w)
    assert al.huber_loss(p, t, sample_weight=w, normalizer=3) == want


def test_torch_class_weighted_labels():
    z, y, w = tensors(LOGITS, LABELS, CLASS_WEIGHT)
    want = float(functional().cross_entropy(z, y, weight=w))
    assert float(al.cross_entropy(z, y, class_weight=w)) == pytest.approx(want, rel=1e-14)


def test_torch_class_weighted_rows_are_divided_by_the_number_of_items():
    z, rows, w = tensors(LOGITS, np.eye(3)[LABELS], CLASS_WEIGHT)
    want = float(functional().cross_entropy(z, rows, weight=w))
    assert want == pytest.approx(2.12454134, rel=1e-8)
    assert float(al.cross_entropy(z, rows, class_weight=w, normalizer=2)) == pytest.approx(want, rel=1e-14)
