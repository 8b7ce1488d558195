"""Extreme arguments: huge, tiny, zero and perfect ones give numbers, never NaN."""

import numpy as np
import pytest

import arraylosses as al

from ..backends import NumPy
from ..suite import every_library, every_library_with_gradients, every_loss


def all_huge(call):
    return call.changing(lambda x: x * 1e4, *call.dense)


def prediction_huge(call):
    return call.changing(lambda x: x * 1e4, call.first)


def all_tiny(call):
    return call.changing(lambda x: x * 2.0**-60, *call.dense)


def all_zero(call):
    return call.changing(np.zeros_like, *call.dense)


def perfect(call):
    """The target is the prediction, where they are numbers of one kind in one shape."""
    pred, domain = call.arrays[call.first], call.domain(call.first)

    def alike(name):
        x = call.arrays[name]
        return call.domain(name) == domain and x.shape == pred.shape and (x < 0).any() == (pred < 0).any()

    return call.holding(**dict.fromkeys(filter(alike, call.dense), pred))


def is_refused(call):
    """Whether a value is outside of the domain of the loss, as `debug` says."""
    try:
        with al.debug():
            NumPy().value(call, "float64")
    except ValueError:
        return True
    return False


every_extreme = pytest.mark.parametrize("extreme", [all_huge, prediction_huge, all_tiny, all_zero, perfect])


@every_loss
@every_library
@every_extreme
def test_value_is_a_number(call, backend, extreme):
    for dtype in backend.dtypes:
        assert not np.isnan(backend.value(extreme(call), dtype)).any() or is_refused(extreme(call))


@every_loss
@every_library_with_gradients
@every_extreme
def test_gradient_is_a_number(call, backend, extreme):
    for slope in backend.gradient(extreme(call), "float32").values():
        assert not np.isnan(slope).any()
