"""`sample_weight`, `reduction` and `normalizer`: one rule for how items become a number."""

import numpy as np

from ..calls import weights
from ..compare import assert_agree
from ..suite import every_library, every_library_with_gradients, every_loss
from .test_masks import JUNK, others


@every_loss
@every_library
def test_sum_is_the_sum_of_the_items(call, backend):
    items = backend.value(call.having(reduction="none"))
    assert_agree(backend.value(call.having(reduction="sum")), items.sum(), backend.widest)


def divided_by(call, backend):
    """What a mean divides by, found by dividing by 1 instead."""
    return backend.value(call.having(normalizer=1.0)) / backend.value(call)


@every_loss
@every_library
def test_mean_divides_by_how_many_items_count(call, backend):
    items = backend.value(call.having(reduction="none"))
    count = divided_by(call, backend)
    assert_agree(count, np.round(count), backend.widest)
    # An item that is zero may be one that does not count, such as an anchor without a positive.
    assert np.count_nonzero(items) <= round(float(count)) <= items.size


@every_loss
@every_library
def test_weights_multiply_the_items(call, backend):
    s = weights(call.weight_shape)
    items = backend.value(call.having(reduction="none"))
    weighed = backend.value(call.having(reduction="none", sample_weight=s))
    assert_agree(weighed, call.spread(s) * items, backend.widest)


@every_loss
@every_library
def test_weighted_mean_divides_by_the_weights(call, backend):
    s = weights(call.weight_shape)
    items = backend.value(call.having(reduction="none", sample_weight=s))
    divisor = divided_by(call.having(sample_weight=s), backend)
    slack = 1 + 2.0**-40
    s = np.broadcast_to(call.spread(s), items.shape)
    assert s[items != 0].sum() <= divisor * slack
    assert divisor <= s.sum() * slack


@every_loss
@every_library
def test_doubled_weights_double_the_sum_and_leave_the_mean(call, backend):
    s = weights(call.weight_shape)
    for reduction, factor in (("sum", 2), ("mean", 1)):
        once = backend.value(call.having(reduction=reduction, sample_weight=s))
        twice = backend.value(call.having(reduction=reduction, sample_weight=2 * s))
        assert_agree(twice, factor * once, backend.widest)


@every_loss
@every_library
def test_one_number_may_be_the_weight_of_all(call, backend):
    got = backend.value(call.having(reduction="sum", sample_weight=3.0))
    want = backend.value(call.having(reduction="sum", sample_weight=np.full(call.weight_shape, 3.0)))
    assert_agree(got, want, backend.widest)


@every_loss
@every_library
def test_normalizer_is_what_the_mean_divides_by(call, backend):
    whole = backend.value(call.having(normalizer=1.0))
    for normalizer in (2.5, np.asarray(2.5)):
        assert_agree(backend.value(call.having(normalizer=normalizer)), whole / 2.5, backend.widest)


def zero_weights(call):
    """For every axis that items and mask share: calls whose second piece weighs 0, and without it."""
    for slot in call.slots(call.weight_dims):
        if slot[0] not in call.mask_dims:
            continue
        s = weights(call.weight_shape)
        for axis in call.axes_in(call.weight_dims, slot):
            s[(slice(None),) * axis + (1,)] = 0
        rest = call.taken(call.weight_dims, slot, s, others(call, slot))
        deleted = call.keeping(slot, others(call, slot)).having(sample_weight=rest)
        for junk in JUNK:
            yield slot, call.planting(slot, 1, junk).having(sample_weight=s), deleted


@every_loss
@every_library
def test_weight_zero_is_deletion(call, backend):
    for _, weighed, deleted in zero_weights(call):
        assert_agree(backend.value(weighed), backend.value(deleted), backend.widest)


@every_loss
@every_library_with_gradients
def test_gradient_of_weight_zero_is_zero_and_of_the_rest_as_without_it(call, backend):
    for slot, weighed, deleted in zero_weights(call):
        got, want = backend.gradient(weighed), backend.gradient(deleted)
        for name in call.differentiable:
            axis = call.axis_of(name, slot)
            if axis is not None:
                assert np.all(np.take(got[name], [1], axis) == 0)
                got[name] = np.take(got[name], others(call, slot), axis)
            assert_agree(got[name], want[name], backend.widest, ulp=64)
