"""Dtypes: float32 stays, float64 stays, half precision is computed and returned in float32."""

import numpy as np

from ..backends import NumPy, first_field
from ..compare import assert_agree
from ..suite import every_backend, every_library, every_library_with_gradients, every_loss
from .test_agreement import items


def dtype_name(x):
    return str(x.dtype).rpartition(".")[2]


@every_loss
@every_backend
def test_float32_and_float64_stay(call, backend):
    for dtype in backend.dtypes:
        with backend.context():
            assert dtype_name(backend.run(items(call), dtype)) == dtype


@every_loss
@every_library
def test_half_precision_returns_float32(call, backend):
    for half in backend.halves:
        assert dtype_name(backend.run(call, half)) == "float32"


@every_loss
@every_library
def test_half_precision_computes_in_float32(call, backend):
    call = call.holding(**{name: short(call.arrays[name]) for name in call.dense})
    for half in backend.halves:
        assert_agree(backend.value(call, half), backend.value(call, "float32"), "float32", ulp=4)


@every_loss
@every_library_with_gradients
def test_gradient_of_half_precision_is_that_of_float32_rounded(call, backend):
    call = call.holding(**{name: short(call.arrays[name]) for name in call.dense})
    for half in backend.halves:
        got, want = backend.gradient(call, half), backend.gradient(call, "float32")
        for name in call.differentiable:
            assert_agree(got[name], want[name], "float32", ulp=2.0**15)  # 1/2 ulp of bfloat16


@every_loss
@every_library
def test_integers_in_a_target_are_numbers(call, backend):
    dense = [name for name in call.dense[1:] if call.spec.same_kind(name)]
    ones = call.changing(np.ones_like, *dense)
    for kind in (np.int64, np.uint8, np.bool_) if dense else ():
        integers = {k: ones.arrays[k].astype(kind) for k in dense if np.all(ones.arrays[k] == 1)}
        assert dtype_name(backend.run(ones.holding(**integers))) == backend.widest
        assert_agree(backend.value(ones.holding(**integers)), backend.value(ones), backend.widest)


@every_loss
def test_the_wider_dtype_is_that_of_the_result_on_either_side(call):
    numpy = NumPy()
    arrays, options = numpy.arguments(call.having(reduction="none"), "float32")
    for name in call.dense if len(call.dense) > 1 else ():
        at = call.spec.arrays.index(name)
        if arrays[at].dtype == np.float32:
            wide = [*arrays[:at], arrays[at].astype(np.float64), *arrays[at + 1 :]]
            result = first_field(call.spec, call.spec.function(*wide, **options))
            assert dtype_name(result) == "float64", name


def short(x):
    """`x` to the eight significant bits that every half precision has, so that it is exact in all."""
    if x.dtype.kind != "f":
        return x
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(mantissa * 256) / 256, exponent)
