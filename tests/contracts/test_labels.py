"""Labels: one outside the valid set makes its item NaN with no gradient; it never wraps around."""

import inspect

import numpy as np

from ..compare import assert_agree
from ..suite import every_library, every_library_with_gradients, every_loss


def labels_of(call):
    """The arrays in which some values are illegal whatever the dtype."""
    return [name for name in call.arrays if call.domain(name).poison]


def illegal_labels(call):
    """Calls with one illegal label, and the index of the item it stands for."""
    for name in labels_of(call):
        bad = (0.5, 2, -3) if call.domain(name).dense else (-1, call.sizes.get("c", 2), 1000)
        ignored = call.spec.parameters.get("ignore_index")
        for value in bad:
            if ignored is not None and value == ignored.default:
                continue
            labels = call.arrays[name].copy()
            index = (1,) * labels.ndim
            labels[index] = value
            yield call.holding(**{name: labels}), index[: len(call.item_shape)]


@every_loss
@every_library
def test_illegal_label_makes_its_item_nan_and_leaves_the_others_as_without_it(call, backend):
    call = call.having(reduction="none")
    for illegal, index in illegal_labels(call):
        mask = np.ones(call.mask_shape, dtype=bool)
        mask[index] = False
        got, want = backend.value(illegal), backend.value(call.having(where=mask)).copy()
        assert np.isnan(got[index])
        want[index] = np.nan
        assert_agree(got, want, backend.widest)


@every_loss
@every_library
def test_illegal_label_makes_the_mean_nan(call, backend):
    for illegal, _ in illegal_labels(call):
        assert np.isnan(backend.value(illegal))


@every_loss
@every_library_with_gradients
def test_illegal_label_has_no_gradient(call, backend):
    for illegal, _ in illegal_labels(call):
        for slope in backend.gradient(illegal).values():
            assert np.isfinite(slope).all()


@every_loss
@every_library
def test_ignored_label_is_a_masked_one(call, backend):
    option = inspect.signature(call.spec.function).parameters.get("ignore_index")
    if option is None:
        return
    for name in call.arrays:
        if call.domain(name).dense or call.dims(name) != call.mask_dims:
            continue
        labels, mask = call.arrays[name].copy(), np.ones(call.mask_shape, dtype=bool)
        labels[labels == option.default] = -7
        labels[(1,) * labels.ndim], mask[(1,) * mask.ndim] = -7, False
        ignored, masked = call.holding(**{name: labels}).having(ignore_index=-7), call.having(where=mask)
        assert_agree(backend.value(ignored), backend.value(masked), backend.widest)


@every_loss
@every_library
def test_labels_may_be_of_any_integer_dtype(call, backend):
    """Also of one that does not have the ignored label."""
    labels = {k: a for k, a in call.arrays.items() if not call.domain(k).dense}
    for dtype in (np.int8, np.uint8, np.int32) if labels else ():
        narrow = {k: a.astype(dtype) for k, a in labels.items()}
        if all(np.array_equal(narrow[k], a) for k, a in labels.items()):  # but for -1 without a sign
            assert_agree(backend.value(call.holding(**narrow)), backend.value(call), backend.widest)
