"""One loss, one number: every library returns what NumPy returns in float64."""

import array_api_compat

from ..backends import BACKENDS
from ..calls import weights
from ..compare import assert_agree
from ..suite import every_backend, every_backend_with_gradients, every_backend_with_values, every_loss

NUMPY = BACKENDS[0]
REFERENCE = next((b for b in BACKENDS if b.differentiates and "float64" in b.dtypes), None)


def items(call):
    """The call that returns its items."""
    return call.having(reduction="none")


def weighed_and_masked(call):
    """The call with everything that an item can meet on its way out."""
    call = call.having(sample_weight=weights(call.weight_shape), normalizer=2.5)
    slots = call.slots(call.mask_dims)
    return call.having(where=call.mask_without(slots[0], 1)) if slots else call


@every_loss
@every_backend_with_values
def test_items_are_those_of_numpy(call, backend):
    for dtype in backend.dtypes:
        assert_agree(backend.value(items(call), dtype), NUMPY.value(items(call)), dtype)


@every_loss
@every_backend_with_values
def test_weighed_and_masked_mean_is_that_of_numpy(call, backend):
    call = weighed_and_masked(call)
    assert_agree(backend.value(call), NUMPY.value(call), backend.widest)


@every_loss
@every_backend_with_gradients
def test_gradient_is_the_same_on_every_backend(call, backend):
    call = weighed_and_masked(call)
    got, want = backend.gradient(call), REFERENCE.gradient(call)
    for name in call.differentiable:
        assert_agree(got[name], want[name], backend.widest, ulp=64)


@every_loss
@every_backend
def test_result_is_an_array_of_the_same_library_on_the_same_device(call, backend):
    with backend.context():
        pred = backend.arguments(call, backend.widest)[0][0]
        for result in (backend.run(items(call)), backend.run(weighed_and_masked(call))):
            assert array_api_compat.array_namespace(result) is array_api_compat.array_namespace(pred)
            assert array_api_compat.device(result) == array_api_compat.device(pred)


@every_loss
@every_backend
def test_items_have_the_declared_shape_and_their_mean_has_none(call, backend):
    assert tuple(backend.run(items(call)).shape) == call.item_shape
    assert tuple(backend.run(weighed_and_masked(call)).shape) == ()
