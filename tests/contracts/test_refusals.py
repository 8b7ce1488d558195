"""What does not go together is refused, in words: `<loss>: <argument> must <rule>, got <value>`."""

import re

import array_api_strict
import numpy as np
import pytest

from arraylosses._core.parameters import ArrayRule
from arraylosses._core.signature import is_variadic, parse_dims, shape_of

from ..backends import BACKENDS, Strict, Strictest
from ..calls import weights
from ..suite import every_loss

NUMPY = BACKENDS[0]


def refusal(call, error=ValueError):
    with pytest.raises(error) as caught:
        NUMPY.run(call)
    return str(caught.value)


def companions(call):
    """The arrays whose shape must fit exactly to what an array before them has."""
    names = list(call.arrays)
    before = {name: {dim for other in names[:i] for dim in call.dims(other)} for i, name in enumerate(names)}
    return [k for k in names[1:] if not call.domain(k).broadcasts and before[k] & set(call.dims(k))]


def holding_another_shape(call, name, x):
    """The call with an array of another shape, unless it is one of another alternative of the signature."""
    changed = call.holding(**{name: x})
    return [] if changed.form != call.form else [changed]


@every_loss
def test_integer_prediction(call):
    integers = call.holding(**{call.first: call.arrays[call.first].astype(np.int64)})
    expected = f"{call}: {call.first} must be a real floating-point array, got int64"
    assert refusal(integers, TypeError) == expected


@every_loss
def test_complex_prediction(call):
    complex_numbers = call.holding(**{call.first: call.arrays[call.first].astype(complex)})
    expected = f"{call}: {call.first} must be a real floating-point array, got complex128"
    assert refusal(complex_numbers, TypeError) == expected


@every_loss
def test_list_in_place_of_an_array(call):
    for name in call.arrays:
        if call.domain(name).nested:  # a list may hold arrays: see test_structures
            continue
        arrays = [call.arrays.get(k).tolist() if k == name else call.arrays.get(k) for k in call.spec.arrays]
        with pytest.raises(TypeError) as error:
            call.spec.function(*arrays, **call.options)
        assert str(error.value) == f"{call}: {name} must be an array, got list"


@every_loss
def test_array_of_another_library(call):
    for name in list(call.arrays)[1:]:
        arrays = [call.arrays.get(k) for k in call.spec.arrays]
        at = call.spec.arrays.index(name)
        arrays[at] = array_api_strict.asarray(arrays[at])
        with pytest.raises(TypeError) as error:
            call.spec.function(*arrays, **call.options)
        rule = f"be an array of the same library as {call.first} (numpy)"
        assert str(error.value) == f"{call}: {name} must {rule}, got array_api_strict"


@every_loss
def test_array_on_another_device(call):
    for name in list(call.arrays)[1:]:
        arrays, options = Strict().arguments(call, "float64")
        at = call.spec.arrays.index(name)
        arrays[at] = Strictest().array(call.arrays[name])
        with pytest.raises(ValueError) as error:
            call.spec.function(*arrays, **options)
        assert str(error.value).startswith(f"{call}: {name} must be on the device of {call.first} (")


@every_loss
def test_floating_labels(call):
    for name in call.arrays:
        if not call.domain(name).dense and call.spec.same_kind(name):
            floating = call.holding(**{name: call.arrays[name].astype(float)})
            expected = f"{call}: {name} must be an integer array, got float64"
            assert refusal(floating, TypeError) == expected


@every_loss
def test_another_shape(call):
    for name in companions(call):
        x = call.arrays[name]
        for axis, dim in enumerate(dims_by_axis(call, name)):
            if sum(dim in call.dims(other) for other in call.arrays) == 1 and not dim.isdigit():
                continue  # a dimension that no other array has may be of any size
            longer = np.concatenate([x, np.take(x, [0], axis)], axis)
            # Where no array before has the dimension, it is the next one that does not fit.
            also = [y.shape for other, y in call.arrays.items() if dim in call.dims(other)]
            shapes = "|".join(re.escape(str(shape)) for shape in (longer.shape, *also))
            message = rf"{call}: \w+ must (have|broadcast to) shape .*, got ({shapes})"
            for changed in holding_another_shape(call, name, longer):
                assert re.fullmatch(message, refusal(changed))


def dims_by_axis(call, name):
    """The dimension of the signature that each axis of an array belongs to."""
    return [dim for dim in call.dims(name) for _ in shape_of((dim,), call.sizes)]


@every_loss
def test_one_dimension_more_that_would_broadcast(call):
    for name in companions(call):
        x = call.arrays[name][..., None]
        message = rf"{call}: {name} must have shape .*, got {re.escape(str(x.shape))}"
        for changed in holding_another_shape(call, name, x):
            assert re.fullmatch(message, refusal(changed))


@every_loss
def test_nothing_along_an_event_axis(call):
    for dim in call.dims(call.first):
        if is_variadic(dim) or dim.isdigit() or dim in call.signature.items or dim in call.mask_dims:
            continue
        empty = call.keeping((dim, 0), [])
        rule = f"have at least one element along its {dim} axis"
        assert refusal(empty) == f"{call}: {call.first} must {rule}, got {empty.arrays[call.first].shape}"


@every_loss
def test_reduction_of_another_name(call):
    expected = f"{call}: reduction must be 'none', 'sum' or 'mean', got 'average'"
    assert refusal(call.having(reduction="average")) == expected


@every_loss
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_normalizer_without_mean(call, reduction):
    expected = f"{call}: normalizer must be None unless reduction is 'mean', got 2.0"
    assert refusal(call.having(reduction=reduction, normalizer=2.0)) == expected


@every_loss
def test_negative_normalizer(call):
    assert refusal(call.having(normalizer=-1.0)) == f"{call}: normalizer must be nonnegative, got -1.0"


@every_loss
def test_mask_that_is_not_boolean(call):
    numbers = call.having(where=np.ones(call.mask_shape))
    expected = f"{call}: where must be a boolean array, got float64"
    assert refusal(numbers, TypeError) == expected


@every_loss
def test_mask_that_would_broadcast(call):
    larger = (2, *call.mask_shape)
    expected = f"{call}: where must broadcast to shape {call.mask_shape}, got {larger}"
    assert refusal(call.having(where=np.ones(larger, dtype=bool))) == expected


@every_loss
def test_weight_that_would_broadcast(call):
    larger = (2, *call.weight_shape)
    expected = f"{call}: sample_weight must broadcast to shape {call.weight_shape}, got {larger}"
    assert refusal(call.having(sample_weight=weights(larger))) == expected


@every_loss
def test_array_option_of_another_shape(call):
    for name, rule in call.spec.rules.items():
        if isinstance(rule, ArrayRule):
            shape = shape_of(parse_dims(rule.shapes[0]), call.sizes)
            longer = (*shape[:-1], shape[-1] + 1) if shape else (1,)
            wrong = np.ones(longer, dtype=bool if rule.boolean else float)
            message = rf"{call}: {name} must have shape .*, got {re.escape(str(wrong.shape))}"
            assert re.fullmatch(message, refusal(call.having(**{name: wrong})))


@every_loss
def test_number_in_place_of_an_array_option(call):
    for name, rule in call.spec.rules.items():
        if isinstance(rule, ArrayRule):
            if rule.numbers:
                assert (
                    refusal(call.having(**{name: 2.0})) == f"{call}: {name} must {rule.numbers.rule}, got 2.0"
                )
            else:
                expected = f"{call}: {name} must be an array, got float"
                assert refusal(call.having(**{name: 2.0}), TypeError) == expected
