"""Lists, tuples and dictionaries of arrays: their loss is that of every array in them, added up."""

import functools
import operator
import re

import numpy as np
import pytest

import arraylosses as al
from arraylosses._core.structures import leaves, rebuilt
from arraylosses.autodiff import vjp

from ..backends import BACKENDS, JAX, CompiledTorch, Strict, Strictest, first_field, forget_compiled
from ..calls import weights
from ..compare import assert_agree
from ..suite import every_library, every_library_with_gradients, every_loss_of_structures

NUMPY = BACKENDS[0]


def pieces(call):
    """Three calls whose arrays are to stand in one structure: the ordinary one, and two that are smaller."""
    slot = call.slots(call.mask_dims)[0]
    return call, call.keeping(slot, range(call.size(slot) - 1)), call.keeping(slot, [1])


def structure(parts):
    """Three things in one structure."""
    first, second, third = parts
    return [first, {"a": (second,), "b": third}]


def arguments(call, backend, dtype=None):
    """The structures of arrays that a call has."""
    every = [backend.arguments(piece, dtype or backend.widest)[0] for piece in pieces(call)]
    return [structure(parts) for parts in zip(*every, strict=True)]


def added(call, results):
    return functools.reduce(operator.add, (first_field(call.spec, x) for x in results))


def value(call, backend, **options):
    """The loss of the structures."""
    with backend.context():
        given = arguments(call, backend)
        return backend.numpy(first_field(call.spec, call.spec.function(*given, **call.options, **options)))


def separately(call, backend, **options):
    """The losses of the arrays, each by itself."""
    return [backend.value(piece.having(**options)) for piece in pieces(call)]


@every_loss_of_structures
@every_library
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_losses_are_added_up(call, backend, reduction):
    got = value(call, backend, reduction=reduction)
    assert_agree(got, sum(separately(call, backend, reduction=reduction)), backend.widest)


@every_loss_of_structures
@every_library
def test_items_have_the_same_structure(call, backend):
    with backend.context():
        given = arguments(call, backend)
        got = call.spec.function(*given, **call.options, reduction="none")
        assert type(got) is list
        assert type(got[1]) is dict
        assert type(got[1]["a"]) is tuple
        for part, want in zip(
            (got[0], got[1]["a"][0], got[1]["b"]), separately(call, backend, reduction="none"), strict=True
        ):
            assert_agree(backend.numpy(first_field(call.spec, part)), want, backend.widest)


@every_loss_of_structures
@every_library
def test_weights_and_masks_are_for_all_or_one_for_each(call, backend):
    parts = pieces(call)
    masks = [piece.mask_without(call.slots(call.mask_dims)[0], 0) for piece in parts]
    heavy = [weights(piece.weight_shape) for piece in parts]
    each = [
        backend.value(piece.having(where=mask, sample_weight=s, normalizer=n, reduction="mean"))
        for piece, mask, s, n in zip(parts, masks, heavy, (1.0, 2.0, 4.0), strict=True)
    ]
    with backend.context():
        frame = {
            "where": structure([backend.array(mask) for mask in masks]),
            "sample_weight": structure([backend._typed(s, backend.widest) for s in heavy]),
            "normalizer": structure((1.0, 2.0, 4.0)),
        }
        assert_agree(value(call, backend, **frame), sum(each), backend.widest)
    assert_agree(
        value(call, backend, sample_weight=2.0, reduction="sum", where=None),
        2 * sum(separately(call, backend, reduction="sum")),
        backend.widest,
    )
    # Of a structure only the upper part: what stands there is for all below.
    got = value(call, backend, sample_weight=[2.0, 3.0], reduction="sum")
    first, *rest = separately(call, backend, reduction="sum")
    assert_agree(got, 2 * first + 3 * sum(rest), backend.widest)


@every_loss_of_structures
@every_library
def test_numbers_are_for_all_or_one_for_each(call, backend):
    for name, number in call.numbers.items():
        numbers = (number, number / 2, number)
        each = [
            backend.value(piece.having(**{name: x})) for piece, x in zip(pieces(call), numbers, strict=True)
        ]
        assert_agree(value(call, backend, **{name: structure(numbers)}), sum(each), backend.widest)


@every_loss_of_structures
@every_library_with_gradients
def test_gradients_have_the_same_structure(call, backend):
    with backend.context():
        given = arguments(call, backend)
        places = tuple(call.spec.arrays.index(name) for name in call.differentiable)
        slopes = al.grad(call.spec.function, places)(*given, **call.options)
        gradients = [backend.gradient(piece) for piece in pieces(call)]
        for i, name, slope in zip(places, call.differentiable, slopes, strict=True):
            assert leaves(slope).keys() == leaves(given[i]).keys()
            for got, piece in zip(leaves(slope).values(), gradients, strict=True):
                assert_agree(1.5 * backend.numpy(got), piece[name], backend.widest, ulp=64)


@every_loss_of_structures
def test_derivatives_of_structures(call):
    given = arguments(call, NUMPY)
    along = rebuilt(given[0], (np.cos(np.arange(x.size)).reshape(x.shape) for x in leaves(given[0]).values()))

    def loss(x):
        return call.spec.function(x, *given[1:], **call.options)

    _, pull = vjp(loss, given[0])
    slope = al.jvp(loss, (given[0],), (along,))[1]
    inner = sum((leaves(pull(1.0)[0])[k] * v).sum() for k, v in leaves(along).items())
    assert slope == pytest.approx(inner, rel=1e-12)
    curved = leaves(al.hvp(call.spec.function, given[0], along, *given[1:], **call.options))
    for k, piece in zip(leaves(along), pieces(call), strict=True):
        rest = [x for name, x in piece.arrays.items() if name != call.first]
        want = al.hvp(call.spec.function, piece.arrays[call.first], leaves(along)[k], *rest, **call.options)
        assert_agree(curved[k], want, "float64", ulp=64)


@every_loss_of_structures
def test_they_are_compiled(call):
    want = sum(separately(call, NUMPY))
    pytest.importorskip("torch")
    forget_compiled()  # or the tests before might have left no room in the cache of this function
    backend = CompiledTorch()
    got = backend.transform(call.spec.function)(*arguments(call, backend), **call.options)
    assert_agree(backend.numpy(got), want, "float64")
    jax = pytest.importorskip("jax")
    backend = JAX(x64=True)
    with backend.context():
        got = jax.jit(lambda *given: call.spec.function(*given, **call.options))(*arguments(call, backend))
        assert_agree(got, want, "float64")


@every_loss_of_structures
@pytest.mark.parametrize("backend", [b for b in BACKENDS if b.name in ("numpy", "torch", "jax-x64")], ids=str)
def test_al_compile_goes_into_structures(call, backend):
    forget_compiled()  # as above
    with backend.context():
        given = arguments(call, backend)
        fast = al.compile(call.spec.function)
        found, slope = al.value_and_grad(fast)(*given, **call.options)
        want, expected = al.value_and_grad(call.spec.function)(*given, **call.options)
        assert_agree(backend.numpy(found), backend.numpy(want), "float64")
        assert_agree(backend.numpy(fast(*given, **call.options)), backend.numpy(want), "float64")
        for k, got in leaves(slope).items():
            assert_agree(backend.numpy(got), backend.numpy(leaves(expected)[k]), "float64", ulp=64)


@every_loss_of_structures
@every_library
def test_arrays_of_several_dtypes_give_the_widest(call, backend):
    with backend.context():
        narrow, wide = (arguments(call, backend, dtype) for dtype in (backend.dtypes[0], backend.widest))
        mixed = [[a[0], b[1]] for a, b in zip(narrow, wide, strict=True)]
        assert str(call.spec.function(*mixed, **call.options).dtype).endswith(backend.widest)


# --- what does not go together --------------------------------------------------------------------


def refusal(call, given, error=ValueError, **options):
    with pytest.raises(error) as caught:
        call.spec.function(*given, **call.options, **options)
    return str(caught.value)


@every_loss_of_structures
@pytest.mark.parametrize("empty", [[], (), {}, [[], {}]])
def test_nothing_at_all(call, empty):
    got = refusal(call, [empty for _ in call.spec.arrays])
    assert re.fullmatch(rf"{call}: {call.first} must hold at least one array, got a (seq|dict).*", got)


@every_loss_of_structures
def test_what_is_no_array(call):
    x = call.arrays[call.first]
    for wrong, kind in ((None, "NoneType"), (1.0, "float"), ("w", "str")):
        got = refusal(call, [[x, {"a": wrong}] for _ in call.spec.arrays], TypeError)
        assert got == f"{call}: {call.first}[1]['a'] must be an array, got {kind}"


@every_loss_of_structures
def test_integers(call):
    given = [[x, {"a": x.astype(int)}] for x in call.arrays.values()]
    rule = "be a real floating-point array"
    assert refusal(call, given, TypeError) == f"{call}: {call.first}[1]['a'] must {rule}, got int64"


@every_loss_of_structures
def test_several_libraries(call):
    given = [[x, {"a": Strict().array(x)}] for x in call.arrays.values()]
    rule = f"be an array of the same library as {call.first} (numpy)"
    assert (
        refusal(call, given, TypeError) == f"{call}: {call.first}[1]['a'] must {rule}, got array_api_strict"
    )


@every_loss_of_structures
def test_several_devices(call):
    given = [[Strict().array(x), Strictest().array(x)] for x in call.arrays.values()]
    assert refusal(call, given).startswith(f"{call}: {call.first}[1] must be on the device of {call.first} (")


@every_loss_of_structures
def test_structures_of_several_forms(call):
    x = call.arrays[call.first]
    first, *others = call.spec.arrays
    for name in others:
        for other, place, want, got in (
            ([x], "", "a sequence of 2", "a sequence of 1"),
            (x, "", "a sequence of 2", "an array"),
            ([x, x], "[1]", "a dictionary of 'a'", "an array"),
            ([x, {"b": x}], "[1]", "a dictionary of 'a'", "a dictionary of 'b'"),
            ([x, {"a": [x]}], "[1]['a']", "an array", "a sequence of 1"),
        ):
            given = [other if k == name else [x, {"a": x}] for k in call.spec.arrays]
            expected = f"{call}: {name}{place} must be {want} like {first}{place}, got {got}"
            assert refusal(call, given) == expected


@every_loss_of_structures
def test_weights_of_another_form(call):
    given = [[x, {"a": x}] for x in call.arrays.values()]
    for name in ("sample_weight", "where", "normalizer", *call.numbers):
        expected = f"{call}: {name} must be a sequence of 2 like {call.first}, got a sequence of 3"
        assert refusal(call, given, **{name: [1.0, 1.0, 1.0]}) == expected


@every_loss_of_structures
def test_the_place_is_named(call):
    """Where an array does not fit, and where a weight does not."""
    x = call.arrays[call.first]
    given = [[x, {"a": x}] for _ in call.spec.arrays]
    wrong = [1.0, {"a": np.ones((2, *call.item_shape))}]
    got = refusal(call, given, sample_weight=wrong)
    shape = (2, *call.item_shape)
    assert got == f"{call}: sample_weight[1]['a'] must broadcast to shape {call.item_shape}, got {shape}"
    for name, value in call.numbers.items():
        rule = call.spec.rules[name]
        got = refusal(call, given, (TypeError, ValueError), **{name: [value, {"a": rule.bad[-1]}]})
        assert got == f"{call}: {name}[1]['a'] must {rule.rule}, got {rule.bad[-1]!r}"


@every_loss_of_structures
def test_options_are_checked_as_ever(call):
    given = [[x, {"a": x}] for x in call.arrays.values()]
    got = refusal(call, given, reduction="average")
    assert got == f"{call}: reduction must be 'none', 'sum' or 'mean', got 'average'"
    broken = [[x, {"a": np.full_like(x, np.nan)}] for x in call.arrays.values()]
    with al.debug():
        assert refusal(call, broken).startswith(f"{call}: {call.first}[1]['a'] must not be NaN, got nan at")
