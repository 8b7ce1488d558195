"""Every error of the shared machinery, word by word."""

import array_api_strict
import numpy as np
import pytest

import arraylosses as al

from .toys import toy_classes, toy_labels, toy_residual

X = np.asarray([1.0, 2.0, 3.0])
Z = np.zeros((3, 4))
Y = np.asarray([0, 1, 2])


def refusal(error, loss, *arrays, **options):
    with pytest.raises(error) as caught:
        loss(*arrays, **options)
    assert type(caught.value) is error
    return str(caught.value)


# --- arrays ---------------------------------------------------------------------------------------


def test_something_else_than_an_array_first():
    expected = "toy_residual: pred must be an array, got list"
    assert refusal(TypeError, toy_residual, [1.0, 2.0], X) == expected


def test_something_else_than_an_array_second():
    expected = "toy_residual: target must be an array, got tuple"
    assert refusal(TypeError, toy_residual, X, (1.0, 2.0, 3.0)) == expected


def test_a_missing_array_that_is_needed():
    assert refusal(TypeError, toy_residual, X, None) == "toy_residual: target must be an array, got NoneType"


def test_two_libraries():
    other = array_api_strict.asarray(X)
    expected = (
        "toy_residual: target must be an array of the same library as pred (numpy), got array_api_strict"
    )
    assert refusal(TypeError, toy_residual, X, other) == expected


def test_another_library_in_a_parameter():
    other = array_api_strict.asarray(2.0)
    expected = (
        "toy_residual: scale must be an array of the same library as pred (numpy), got array_api_strict"
    )
    assert refusal(TypeError, toy_residual, X, X, scale=other) == expected


@pytest.mark.parametrize("argument", ["sample_weight", "where", "normalizer"])
def test_a_list_in_the_frame(argument):
    expected = f"toy_residual: {argument} must be an array, got list"
    assert refusal(TypeError, toy_residual, X, X, **{argument: [1.0, 1.0, 1.0]}) == expected


def test_two_devices():
    here = array_api_strict.asarray(X)
    there = array_api_strict.asarray(X, device=array_api_strict.Device("device1"))
    expected = (
        "toy_residual: target must be on the device of pred (array_api_strict.Device('CPU_DEVICE')), "
        "got array_api_strict.Device('device1')"
    )
    assert refusal(ValueError, toy_residual, here, there) == expected


# --- dtypes ---------------------------------------------------------------------------------------


def test_integer_prediction():
    expected = "toy_residual: pred must be a real floating-point array, got int64"
    assert refusal(TypeError, toy_residual, Y, X) == expected


def test_boolean_prediction():
    expected = "toy_residual: pred must be a real floating-point array, got bool"
    assert refusal(TypeError, toy_residual, X > 1, X) == expected


def test_labels_of_numbers():
    expected = "toy_labels: labels must be an integer array, got float64"
    assert refusal(TypeError, toy_labels, Z, Y.astype(float)) == expected


def test_complex_target():
    expected = "toy_residual: target must be a real array, got complex128"
    assert refusal(TypeError, toy_residual, X, X.astype(complex)) == expected


def test_complex_weight():
    expected = "toy_residual: sample_weight must be a real array, got complex128"
    assert refusal(TypeError, toy_residual, X, X, sample_weight=X.astype(complex)) == expected


def test_mask_of_integers():
    expected = "toy_residual: where must be a boolean array, got int64"
    assert refusal(TypeError, toy_residual, X, X, where=Y) == expected


# --- shapes ---------------------------------------------------------------------------------------


def test_another_length():
    expected = "toy_residual: target must have shape (3,) like pred, got (2,)"
    assert refusal(ValueError, toy_residual, X, X[:2]) == expected


def test_a_column_beside_a_row():
    expected = "toy_residual: target must have shape (3,) like pred, got (3, 1)"
    assert refusal(ValueError, toy_residual, X, X[:, None]) == expected


def test_a_row_beside_a_column():
    expected = "toy_residual: target must have shape (3, 1) like pred, got (3,)"
    assert refusal(ValueError, toy_residual, X[:, None], X) == expected


def test_an_argument_that_broadcasts_but_not_to_this():
    expected = "toy_residual: var must broadcast to shape (3,), got (2, 3)"
    assert refusal(ValueError, toy_residual, X, X, np.ones((2, 3))) == expected


def test_labels_with_the_class_axis():
    expected = "toy_classes: target must have shape (3,), got (3, 1)"
    assert refusal(ValueError, toy_classes, Z, Y[:, None]) == expected


def test_distributions_over_fewer_classes():
    expected = "toy_classes: target must have shape (3, 4) like logits, got (3, 3)"
    assert refusal(ValueError, toy_classes, Z, Z[:, :3]) == expected


def test_no_class_axis():
    expected = "toy_classes: logits must have shape (..., c), got ()"
    assert refusal(ValueError, toy_classes, np.asarray(1.0), np.asarray(0)) == expected


def test_no_class():
    expected = "toy_classes: logits must have at least one element along its c axis, got (3, 0)"
    assert refusal(ValueError, toy_classes, Z[:, :0], Y) == expected


def test_weight_that_would_enlarge():
    expected = "toy_residual: sample_weight must broadcast to shape (3,), got (3, 1)"
    assert refusal(ValueError, toy_residual, X, X, sample_weight=X[:, None]) == expected


def test_mask_of_another_length():
    expected = "toy_residual: where must broadcast to shape (3,), got (2,)"
    assert refusal(ValueError, toy_residual, X, X, where=X[:2] > 0) == expected


def test_class_weights_of_another_length():
    expected = "toy_classes: class_weight must have shape (4,), got (3,)"
    assert refusal(ValueError, toy_classes, Z, Y, class_weight=X) == expected


def test_class_mask_of_another_shape():
    expected = "toy_classes: class_mask must have shape (4,) or (3, 4), got (3,)"
    assert refusal(ValueError, toy_classes, Z, Y, class_mask=X > 0) == expected


def test_class_mask_of_numbers():
    expected = "toy_classes: class_mask must be a boolean array, got float64"
    assert refusal(TypeError, toy_classes, Z, Y, class_mask=np.ones(4)) == expected


# --- parameters -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), np.float64(-2.0)])
def test_number_that_breaks_its_rule(value):
    expected = f"toy_residual: scale must be positive, got {float(value)!r}"
    assert refusal(ValueError, toy_residual, X, X, scale=value) == expected


def test_text_in_place_of_a_number():
    assert (
        refusal(ValueError, toy_residual, X, X, scale="2") == "toy_residual: scale must be positive, got '2'"
    )


@pytest.mark.parametrize("value", [True, None])
def test_something_else_in_place_of_a_number(value):
    expected = f"toy_residual: scale must be positive, got {value!r}"
    assert refusal(TypeError, toy_residual, X, X, scale=value) == expected


def test_array_with_dimensions_in_place_of_a_number():
    expected = "toy_residual: scale must be a number or a 0-d array, got (3,)"
    assert refusal(ValueError, toy_residual, X, X, scale=X) == expected


def test_boolean_array_in_place_of_a_number():
    expected = "toy_residual: scale must be a real array, got bool"
    assert refusal(TypeError, toy_residual, X, X, scale=np.asarray(True)) == expected


def test_fraction():
    expected = "toy_classes: smoothing must be between 0 and 1, got 1.5"
    assert refusal(ValueError, toy_classes, Z, Y, smoothing=1.5) == expected


def test_flag():
    expected = "toy_classes: normalized must be True or False, got 2"
    assert refusal(ValueError, toy_classes, Z, Y, normalized=2) == expected


def test_choice():
    expected = "toy_classes: kind must be 'hard', 'soft' or 'mixed', got 'other'"
    assert refusal(ValueError, toy_classes, Z, Y, kind="other") == expected


def test_axis_beyond_the_last():
    expected = "toy_classes: axis must name distinct axes of logits, which has 2 dimensions, got 2"
    assert refusal(ValueError, toy_classes, Z, Y, axis=2) == expected


@pytest.mark.parametrize("value", [0.5, (0, 1), True])
def test_axis_that_is_no_integer(value):
    expected = f"toy_classes: axis must be an integer, got {value!r}"
    assert refusal(ValueError, toy_classes, Z, Y, axis=value) == expected


# --- the frame ------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["average", "MEAN", None, 1])
def test_reduction(value):
    expected = f"toy_residual: reduction must be 'none', 'sum' or 'mean', got {value!r}"
    assert refusal(ValueError, toy_residual, X, X, reduction=value) == expected


def test_normalizer_without_mean():
    expected = "toy_residual: normalizer must be None unless reduction is 'mean', got 3"
    assert refusal(ValueError, toy_residual, X, X, reduction="sum", normalizer=3) == expected


@pytest.mark.parametrize("value", [-1.0, float("nan")])
def test_negative_normalizer(value):
    expected = f"toy_residual: normalizer must be nonnegative, got {value!r}"
    assert refusal(ValueError, toy_residual, X, X, normalizer=value) == expected


def test_normalizer_with_dimensions():
    expected = "toy_residual: normalizer must be a number or a 0-d array, got (3,)"
    assert refusal(ValueError, toy_residual, X, X, normalizer=X) == expected


@pytest.mark.parametrize(("bad", "shown"), [(0.5, "0.5"), ("0", "'0'"), (True, "True")])
def test_ignore_index_is_an_integer_or_none(bad, shown):
    with pytest.raises(ValueError) as refused:
        al.cross_entropy(np.zeros((2, 3)), np.asarray([0, 1]), ignore_index=bad)
    assert str(refused.value) == f"cross_entropy: ignore_index must be an integer or None, got {shown}"


def test_ignored_label_where_there_are_no_labels():
    expected = "toy_classes: ignore_index must be left alone unless the target holds integer labels, got 7"
    assert refusal(ValueError, toy_classes, Z, Z, ignore_index=7) == expected
    assert toy_classes(Z, Z, ignore_index=None) == toy_classes(Z, Z)


def test_number_in_place_of_class_weights():
    expected = "toy_classes: class_weight must be an array, got float"
    assert refusal(TypeError, toy_classes, Z, Y, class_weight=2.0) == expected
