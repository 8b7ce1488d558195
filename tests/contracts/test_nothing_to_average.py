"""Nothing to average is 0, with derivative 0: no items, all masked, all of weight 0, normalizer 0."""

import numpy as np
import pytest

from ..suite import every_library, every_library_with_gradients, every_loss
from .test_masks import JUNK

REDUCTIONS = ("mean", "sum")


def without_items(call):
    """The call with no items, if the items can be none."""
    slots = [slot for slot in call.slots(call.signature.items) if slot[0] in call.mask_dims][:1]
    return [call.keeping(slot, []) for slot in slots]


def all_masked(call):
    """Calls of which no element counts, holding NaN or infinity everywhere."""
    nothing = np.zeros(call.mask_shape, dtype=bool)
    return [call.planting_everywhere(junk).having(where=nothing) for junk in JUNK]


def all_weightless(call):
    """Calls of which all items weigh 0."""
    nothing = np.zeros(call.weight_shape)
    return [call.planting_everywhere(junk).having(sample_weight=nothing) for junk in JUNK]


every_way = pytest.mark.parametrize("nothing", [without_items, all_masked, all_weightless])


@every_loss
@every_library
@every_way
def test_value_is_zero(call, backend, nothing):
    for empty in nothing(call):
        for reduction in REDUCTIONS:
            assert backend.value(empty.having(reduction=reduction)) == 0


@every_loss
@every_library
@every_way
def test_items_are_zero(call, backend, nothing):
    for empty in nothing(call):
        items = backend.value(empty.having(reduction="none"))
        assert items.shape == empty.item_shape
        assert np.all(items == 0)


@every_loss
@every_library_with_gradients
@every_way
def test_gradient_is_zero(call, backend, nothing):
    for empty in nothing(call):
        for name, slope in backend.gradient(empty).items():
            assert slope.shape == empty.arrays[name].shape
            assert np.all(slope == 0)


@every_loss
@every_library
def test_normalizer_zero_gives_zero(call, backend):
    for zero in (0.0, np.asarray(0.0)):
        assert backend.value(call.having(normalizer=zero)) == 0


@every_loss
@every_library_with_gradients
def test_normalizer_zero_gives_gradient_zero(call, backend):
    for slope in backend.gradient(call.having(normalizer=np.asarray(0.0))).values():
        assert np.all(slope == 0)
