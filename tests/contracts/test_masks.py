"""`where`: what is masked is as if it had been deleted, whatever it holds."""

import math

import numpy as np

from ..compare import assert_agree
from ..suite import every_library, every_library_with_gradients, every_loss

JUNK = (math.nan, math.inf)


def others(call, slot):
    """All places along an axis but the second."""
    return [i for i in range(call.size(slot)) if i != 1]


def cuts(call, dims):
    """For every axis of `dims`: the axis, the call with a masked piece, and the call without that piece.

    The masked piece holds NaN in the one, infinity in the next.
    """
    for slot in call.slots(dims):
        masked = call.having(where=call.mask_without(slot, 1))
        for junk in JUNK:
            yield slot, masked.planting(slot, 1, junk), call.keeping(slot, others(call, slot))


@every_loss
@every_library
def test_masked_is_deleted(call, backend):
    for _, masked, deleted in cuts(call, call.mask_dims):
        for reduction in ("mean", "sum"):
            got = backend.value(masked.having(reduction=reduction))
            want = backend.value(deleted.having(reduction=reduction))
            assert_agree(got, want, backend.widest)


@every_loss
@every_library
def test_masked_items_are_zero_and_the_others_as_without_them(call, backend):
    for slot, masked, deleted in cuts(call.having(reduction="none"), call.mask_dims):
        got, want = backend.value(masked), backend.value(deleted)
        for axis in call.axes_in(call.signature.items, slot):
            assert np.all(np.take(got, [1], axis) == 0)
        got = call.taken(call.signature.items, slot, got, others(call, slot))
        assert_agree(got, want, backend.widest)


@every_loss
@every_library_with_gradients
def test_gradient_of_masked_is_zero_and_of_the_rest_as_without_it(call, backend):
    for slot, masked, deleted in cuts(call, call.mask_dims):
        got, want = backend.gradient(masked), backend.gradient(deleted)
        for name in call.differentiable:
            axis = call.axis_of(name, slot)
            if axis is not None:
                assert np.all(np.take(got[name], [1], axis) == 0)
                got[name] = np.take(got[name], others(call, slot), axis)
            assert_agree(got[name], want[name], backend.widest, ulp=64)


@every_loss
@every_library
def test_a_mask_of_true_is_no_mask(call, backend):
    masked = call.having(where=np.asarray(True))
    assert_agree(backend.value(masked), backend.value(call), backend.widest)
