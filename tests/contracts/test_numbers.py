"""One number may stand for a target that is the same everywhere, as the 1 that real samples are to have."""

import numpy as np

from ..compare import assert_agree
from ..suite import every_library, every_library_with_gradients, every_loss


def same_everywhere(call):
    """Calls with an array that holds one value alone, and its name and value."""
    for name in list(call.arrays)[1:]:
        x, domain = call.arrays[name], call.domain(name)
        if call.dims(name) == ("...",) and domain.dense and not domain.broadcasts and not domain.nested:
            yield call.holding(**{name: np.full_like(x, x.flat[0])}), name, float(x.flat[0])


@every_loss
@every_library
def test_a_number_is_an_array_of_it(call, backend):
    for full, name, number in same_everywhere(call):
        for reduction in ("none", "mean"):
            want = backend.value(full.having(reduction=reduction))
            brief = full.holding(**{name: np.asarray(number)}).having(reduction=reduction)
            assert_agree(backend.value(brief), want, backend.widest)
            with backend.context():
                arrays, options = backend.arguments(brief, backend.widest)
                arrays[call.spec.arrays.index(name)] = number
                got = backend.numpy(call.spec.function(*arrays, **options))
            assert_agree(got, want, backend.widest)


@every_loss
@every_library_with_gradients
def test_the_gradient_of_a_number_is_that_of_the_array_added_up(call, backend):
    for full, name, number in same_everywhere(call):
        if name not in call.differentiable:
            continue
        brief = full.holding(**{name: np.asarray(number)}).having(reduction="mean")
        got, want = backend.gradient(brief), backend.gradient(full.having(reduction="mean"))
        assert_agree(got[call.first], want[call.first], backend.widest, ulp=64)
        assert_agree(got[name], want[name].sum(), backend.widest, ulp=1024)
