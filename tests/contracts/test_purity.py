"""A loss is a function of its arguments: it changes none, remembers nothing, and waits for nothing.

That nothing is computed too early is what the backends see to: tensors on the meta device have no
values, the scheduler of Dask refuses to run, and tracers cannot be looked at.
"""

import numpy as np

from ..suite import every_backend_with_values, every_library, every_loss
from .test_agreement import items, weighed_and_masked


@every_loss
@every_library
def test_arguments_are_not_changed(call, backend):
    call = weighed_and_masked(call)
    with backend.context():
        arrays, options = backend.arguments(call, backend.widest)
        given = [x for x in (*arrays, *options.values()) if hasattr(x, "dtype")]
        before = [np.array(backend.numpy(x)) for x in given]
        backend.transform(call.spec.function)(*arrays, **options)
        after = [backend.numpy(x) for x in given]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new, old)


@every_loss
@every_backend_with_values
def test_a_second_call_returns_the_same(call, backend):
    np.testing.assert_array_equal(backend.value(items(call)), backend.value(items(call)))
