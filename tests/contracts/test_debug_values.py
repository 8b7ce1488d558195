"""Under `al.debug()` what is ordinary passes, and NaN is named with its place."""

import math

import numpy as np
import pytest

import arraylosses as al

from ..backends import BACKENDS
from ..compare import assert_agree
from ..suite import every_library, every_loss

NUMPY = BACKENDS[0]


@every_loss
@every_library
def test_ordinary_values_pass(call, backend):
    with al.debug():
        result = backend.run(call)
    assert_agree(backend.numpy(result), NUMPY.value(call), backend.widest)


@every_loss
def test_nan_is_named(call):
    for name in call.dense:
        x = call.arrays[name].copy()
        x[(-1,) * x.ndim] = math.nan
        index = tuple(n - 1 for n in x.shape)
        if call.permits(name, x):
            continue
        with pytest.raises(ValueError) as error, al.debug():
            NUMPY.run(call.holding(**{name: x}))
        rule = call.domain(name).rule
        assert str(error.value) == f"{call}: {name} must {rule}, got nan at index {index}"


@every_loss
def test_masked_nan_passes(call):
    for slot in call.slots(call.mask_dims):
        masked = call.planting(slot, 1, math.nan).having(where=call.mask_without(slot, 1))
        with al.debug():
            assert np.isfinite(NUMPY.value(masked))
