"""Parameters: numbers, or arrays of no dimension in their place; what breaks their rule is refused."""

import math

import numpy as np
import pytest

from arraylosses._core.parameters import AxisRule, Rule

from ..backends import BACKENDS, Torch, first_field
from ..compare import assert_agree
from ..suite import every_library, every_loss

NUMPY = BACKENDS[0]
STEP = 2.0**-20


@every_loss
@every_library
def test_a_number_may_be_an_array_without_dimensions(call, backend):
    for name, value in call.numbers.items():
        got = backend.value(call.having(**{name: np.asarray(value)}))
        assert_agree(got, backend.value(call), backend.widest)


@every_loss
def test_loss_is_differentiable_in_its_numbers(call):
    torch = pytest.importorskip("torch")
    arrays, options = Torch().arguments(call, "float64")
    for name, value in call.numbers.items():
        number = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        result = first_field(call.spec, call.spec.function(*arrays, **(options | {name: number})))
        slope = torch.zeros(())  # where the number has no part in the result
        if result.requires_grad:
            (slope,) = torch.autograd.grad(result, number, materialize_grads=True)
        assert not math.isnan(slope)
        low, high = value - STEP, value + STEP
        accepts = call.spec.rules[name].accepts
        if math.isfinite(value) and accepts(low) and accepts(high):
            difference = NUMPY.value(call.having(**{name: high})) - NUMPY.value(call.having(**{name: low}))
            assert float(slope) == pytest.approx(difference / (high - low), rel=1e-4, abs=1e-7)


@every_loss
def test_value_that_breaks_a_rule_is_refused(call):
    rules = {name: rule for name, rule in call.spec.rules.items() if isinstance(rule, Rule)}
    for name, rule in rules.items():
        for bad in rule.bad:
            with pytest.raises((TypeError, ValueError)) as error:
                NUMPY.run(call.having(**{name: bad}))
            assert str(error.value) == f"{call}: {name} must {rule.rule}, got {bad!r}"


@every_loss
def test_axis_that_is_none_is_refused(call):
    for name, rule in call.spec.rules.items():
        if isinstance(rule, AxisRule):
            rank = call.arrays[call.first].ndim
            many = len(rule.dims) > 1
            beyond = tuple(rank + i for i in range(len(rule.dims)))
            bad = beyond if many else rank
            with pytest.raises(ValueError) as error:
                NUMPY.run(call.having(**{name: bad}))
            rule_text = f"name distinct axes of {call.first}, which has {rank} dimensions"
            assert str(error.value) == f"{call}: {name} must {rule_text}, got {bad}"
            with pytest.raises(ValueError) as error:
                NUMPY.run(call.having(**{name: 0.5}))
            kind = f"be a tuple of {len(rule.dims)} integers" if many else "be an integer"
            assert str(error.value) == f"{call}: {name} must {kind}, got 0.5"
