"""In blocks it is the same as at once: on every engine, to every order, and in less room."""

from __future__ import annotations

import functools
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import arraylosses as al
from arraylosses._core.namespaces import namespace

Function = Callable[..., Any]
TOKENS, WIDTH, CLASSES = 6, 4, 7
RNG = np.random.default_rng(0)
HIDDEN, WEIGHT = RNG.normal(size=(TOKENS, WIDTH)), RNG.normal(size=(CLASSES, WIDTH))
BIAS, LABELS = RNG.normal(size=CLASSES), np.asarray([0, 3, 6, -100, 2, 1])
POSSIBLE = np.arange(TOKENS * CLASSES).reshape(TOKENS, CLASSES) % 5 != 4
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "softcap and z_loss": {"softcap": 2.0, "z_loss": 0.25},
    "smoothed": {"label_smoothing": 0.25},
    "class weights": {"class_weight": RNG.uniform(size=CLASSES)},
    "everything": {
        "softcap": 4.0,
        "z_loss": 0.5,
        "label_smoothing": 0.125,
        "class_weight": RNG.uniform(size=CLASSES),
        "class_mask": POSSIBLE | (LABELS[:, None] == np.arange(CLASSES)),
        "sample_weight": RNG.uniform(size=TOKENS),
        "where": np.asarray([True, True, False, True, True, True]),
    },
}
LIBRARIES: dict[str, Function] = {"numpy": np.asarray, "jax": jnp.asarray, "torch": torch.asarray}

every_library = pytest.mark.parametrize("library", LIBRARIES)
every_size = pytest.mark.parametrize("size", [1, 3, CLASSES])
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def in_numpy(x: Any) -> Any:
    return x.numpy(force=True) if isinstance(x, torch.Tensor) else np.asarray(x)


def loss_of(library: str, options: dict[str, Any]) -> tuple[Function, list[Any]]:
    """The loss as a function of what it is differentiated in, and the arguments."""
    array = LIBRARIES[library]
    given = {k: array(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}

    def loss(h: Any, w: Any, b: Any, **more: Any) -> Any:
        return al.linear_cross_entropy(h, w, array(LABELS), b, **given, **more)

    return loss, [array(x) for x in (HIDDEN, WEIGHT, BIAS)]


def assert_same(got: Any, want: Any, ulp: float = 4) -> None:
    got, want = in_numpy(got), in_numpy(want)
    scale = np.max(np.abs(want), initial=0.0)
    np.testing.assert_allclose(got, want, rtol=ulp * 2**-52, atol=ulp * 2**-52 * scale)


@every_library
@every_size
@every_option
def test_value_and_gradient_are_those_of_all_classes_at_once(
    library: str, size: int, options: dict[str, Any]
) -> None:
    loss, args = loss_of(library, options)
    for reduction in ("none", "mean"):
        got = loss(*args, reduction=reduction, chunk_size=size)
        assert_same(got, loss(*args, reduction=reduction))
    both = al.value_and_grad(loss, (0, 1, 2))
    value, gradients = both(*args, chunk_size=size)
    assert_same(value, loss(*args))
    for got, want in zip(gradients, both(*args)[1], strict=True):
        assert_same(got, want, ulp=16)


def orders(loss: Function, x: Any, v: Any) -> dict[str, Any]:
    """The Hessian times `v`, reached in every way, and the third order."""

    def slope(x: Any) -> Any:
        return al.jvp(loss, (x,), (v,))[1]

    def along(x: Any) -> Any:
        return namespace(x).sum(al.grad(loss)(x) * v)

    return {
        "forward over reverse": al.hvp(loss, x, v),
        "reverse over reverse": al.grad(along)(x),
        "reverse over forward": al.grad(slope)(x),
        "forward over forward": al.jvp(slope, (x,), (v,))[1],
        "third order": al.jvp(lambda x: al.hvp(loss, x, v), (x,), (v,))[1],
    }


@every_library
@pytest.mark.parametrize("place", [0, 1], ids=["hidden", "weight"])
def test_every_order_is_that_of_all_classes_at_once(library: str, place: int) -> None:
    loss, args = loss_of(library, OPTIONS["everything"])
    x = args[place]
    v = LIBRARIES[library](np.cos(np.arange(math.prod(x.shape)) + 0.5).reshape(x.shape))

    def of_one(size: int | None) -> Function:
        return lambda x: loss(*(x if i == place else a for i, a in enumerate(args)), chunk_size=size)

    both = [lambda x, v, size=size: orders(of_one(size), x, v) for size in (3, None)]
    chunked, at_once = (f(x, v) for f in (map(jax.jit, both) if library == "jax" else both))
    for name, want in at_once.items():
        np.testing.assert_allclose(
            in_numpy(chunked[name]), in_numpy(want), rtol=1e-12, atol=1e-14, err_msg=name
        )


@every_option
def test_torch_compiles_without_a_break(options: dict[str, Any]) -> None:
    torch._dynamo.reset()
    loss, args = loss_of("torch", options)
    given = [x.requires_grad_() for x in args]
    compiled = torch.compile(lambda *args: loss(*args, chunk_size=3), fullgraph=True, backend="aot_eager")
    assert_same(compiled(*given), loss(*given))
    for got, want in zip(
        torch.autograd.grad(compiled(*given), given), torch.autograd.grad(loss(*given), given), strict=True
    ):
        assert_same(got, want, ulp=16)


FIRST_CALL = """
import torch, arraylosses as al
h, w, y = torch.ones(3, 2, requires_grad=True), torch.ones(5, 2), torch.zeros(3, dtype=torch.int64)
loss = torch.compile(al.linear_cross_entropy, fullgraph=True, backend="aot_eager")
torch.autograd.grad(loss(h, w, y, chunk_size=2), h)
"""


def test_torch_compiles_before_anything_was_called() -> None:
    subprocess.run([sys.executable, "-c", FIRST_CALL], check=True)


def test_torch_checks_and_transforms() -> None:
    loss, args = loss_of("torch", OPTIONS["everything"])
    f = functools.partial(loss, chunk_size=3)
    given = tuple(x.requires_grad_() for x in args)
    assert torch.autograd.gradcheck(f, given, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(f, given)
    plain = tuple(x.detach() for x in args)
    for got, want in zip(torch.func.hessian(f)(*plain), torch.func.hessian(loss)(*plain), strict=True):
        torch.testing.assert_close(got, want)
    several = torch.stack([plain[0], 2 * plain[0]])
    gradients = torch.func.vmap(torch.func.grad(f), (0, None, None))(several, *plain[1:])
    torch.testing.assert_close(gradients[1], torch.func.grad(f)(2 * plain[0], *plain[1:]))


class Largest(TorchDispatchMode):
    """Remembers how many elements the largest tensor had that was computed."""

    size = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        y = func(*args, **(kwargs or {}))
        for x in y if isinstance(y, (tuple, list)) else (y,):
            if isinstance(x, torch.Tensor):
                self.size = max(self.size, x.untyped_storage().nbytes() // x.element_size())
        return y


def head(tokens: int, width: int, classes: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(1)
    return (
        rng.normal(size=(tokens, width)),
        rng.normal(size=(classes, width)),
        rng.integers(0, classes, tokens),
    )


HEAVY = {"softcap": 8.0, "z_loss": 0.1, "label_smoothing": 0.1}
heavy_or_not = pytest.mark.parametrize("options", [{}, HEAVY], ids=["plain", "heavy"])


@heavy_or_not
def test_torch_never_makes_a_tensor_of_the_size_of_the_logits(options: dict[str, Any]) -> None:
    h, w, y = map(torch.asarray, head(256, 4, 1003))
    h, w, weights = h.requires_grad_(), w.requires_grad_(), w[:, 0].exp().detach()
    with Largest() as largest:
        value = al.linear_cross_entropy(h, w, y, class_weight=weights, chunk_size=50, **options)
        torch.autograd.grad(value, (h, w))
    assert largest.size <= 256 * 2 * 50


@heavy_or_not
def test_numpy_holds_few_blocks(options: dict[str, Any]) -> None:
    h, w, y = head(256, 4, 20_000)
    gradient = al.grad(al.linear_cross_entropy, (0, 1))

    def call() -> Any:
        return gradient(h, w, y, class_weight=np.exp(w[:, 0]), chunk_size=200, **options)

    call()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 256 * 20_000 * 8 / 2


@pytest.mark.parametrize("size", [100, 128], ids=["even", "ragged"])
def test_jax_plans_room_for_few_blocks(size: int) -> None:
    h, w, y = map(jnp.asarray, head(256, 64, 8000))
    gradient = jax.jit(jax.grad(lambda *a: al.linear_cross_entropy(*a, chunk_size=size), (0, 1)))
    held = gradient.lower(h, w, y).compile().memory_analysis().temp_size_in_bytes
    assert held < 256 * 8000 * 8 / 8


def test_number_in_place_of_an_option_is_differentiated() -> None:
    loss, args = loss_of("numpy", {})
    for name, engine in product(("softcap", "label_smoothing", "z_loss"), ("numpy", "torch")):
        array = LIBRARIES[engine]
        given = [array(x) for x in (HIDDEN, WEIGHT, LABELS, BIAS)]

        def of_number(x: Any, size: int | None, name: str = name, given: Any = given) -> Any:
            return al.linear_cross_entropy(*given, chunk_size=size, **{name: x})

        slopes = [al.grad(of_number)(array(np.asarray(0.5)), size) for size in (3, None)]
        assert_same(*slopes, ulp=64)
    assert loss(*args).shape == ()


@every_library
def test_no_states_and_one_state(library: str) -> None:
    array = LIBRARIES[library]
    for h, y in ((np.zeros((0, WIDTH)), np.zeros(0, dtype=int)), (HIDDEN[0], np.asarray(3))):
        for options in ({}, {"label_smoothing": 0.25, "z_loss": 0.5}):
            both = al.value_and_grad(al.linear_cross_entropy, (0, 1))
            args = [array(x) for x in (h, WEIGHT, y, BIAS)]
            value, gradients = both(*args, chunk_size=3, **options)
            want, slopes = both(*args, **options)
            assert_same(value, want)
            for got, slope in zip(gradients, slopes, strict=True):
                assert_same(got, slope, ulp=16)


@pytest.mark.parametrize("bad", [0, -1, 1.5, True])
def test_chunk_size_is_a_positive_integer(bad: Any) -> None:
    with pytest.raises(ValueError) as error:
        al.linear_cross_entropy(HIDDEN, WEIGHT, LABELS, chunk_size=bad)
    rule = "must be a positive integer or None"
    assert str(error.value) == f"linear_cross_entropy: chunk_size {rule}, got {bad!r}"


# --- by rows ---------------------------------------------------------------------------------------

ROWS = RNG.normal(size=(9, 3))
IDENTITIES = np.asarray([0, 1, 0, 2, 1, 0, 3, 2, 1])
PAIRS: dict[str, dict[str, Any]] = {
    "direct": {"method": "direct", "margin": 1.0},
    "gram": {"method": "gram", "margin": 1.0},
    "squared": {"method": "gram", "squared": True, "soft": True},
    "direct, squared": {"method": "direct", "squared": True, "soft": True},
    "masked": {
        "method": "direct",
        "soft": True,
        "where": np.arange(9) != 4,
        "sample_weight": RNG.uniform(size=9),
        "ignore_index": 3,
    },
}
# The corners of a square and its centre: whatever row is the anchor, several others are as far.
TIES = np.asarray([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0], [0.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
OF_TIES = np.asarray([0, 0, 0, 0, 1, 1, 1])

every_pairs = pytest.mark.parametrize("options", PAIRS.values(), ids=PAIRS)


def triplet_of(library: str, options: dict[str, Any], labels: Any = IDENTITIES) -> Function:
    array = LIBRARIES[library]
    given = {k: array(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    return lambda x, **more: al.triplet_batch_hard_loss(x, array(labels), **given, **more)


@every_library
@pytest.mark.parametrize("size", [1, 3, 4, 9, 20])
@every_pairs
def test_value_and_gradient_are_those_of_all_rows_at_once(
    library: str, size: int, options: dict[str, Any]
) -> None:
    loss, x = triplet_of(library, options), LIBRARIES[library](ROWS)
    for reduction in ("none", "mean"):
        assert_same(loss(x, reduction=reduction, chunk_size=size), loss(x, reduction=reduction))
    value, gradient = al.value_and_grad(loss)(x, chunk_size=size)
    assert_same(value, loss(x))
    assert_same(gradient, al.grad(loss)(x), ulp=16)


@every_library
@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("method", ["direct", "gram"])
@pytest.mark.parametrize("squared", [False, True])
def test_ties_share_across_blocks(library: str, size: int, method: str, squared: bool) -> None:
    options = {"method": method, "squared": squared, "margin": 8.0}
    loss, x = triplet_of(library, options, OF_TIES), LIBRARIES[library](TIES)
    assert_same(al.grad(loss)(x, chunk_size=size), al.grad(loss)(x), ulp=16)


@every_library
@pytest.mark.parametrize("name", ["gram", "direct, squared"])
def test_every_order_is_that_of_all_rows_at_once(library: str, name: str) -> None:
    loss, array = triplet_of(library, PAIRS[name]), LIBRARIES[library]
    x, v = array(ROWS), array(np.cos(np.arange(ROWS.size) + 0.5).reshape(ROWS.shape))
    both = [
        lambda x, v, size=size: orders(lambda x: loss(x, chunk_size=size), x, v) for size in (1, 4, 9, None)
    ]
    *chunked, at_once = (f(x, v) for f in (map(jax.jit, both) if library == "jax" else both))
    for of_size, (name, want) in product(chunked, at_once.items()):
        got, want = in_numpy(of_size[name]), in_numpy(want)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13, err_msg=name)


def test_torch_compiles_checks_and_transforms_pairs() -> None:
    torch._dynamo.reset()
    loss, x = triplet_of("torch", PAIRS["gram"]), torch.asarray(ROWS).requires_grad_()

    def chunked(x: Any) -> Any:
        return loss(x, chunk_size=4)

    compiled = torch.compile(chunked, fullgraph=True, backend="aot_eager")
    assert_same(compiled(x), loss(x))
    (want,) = torch.autograd.grad(loss(x), x)
    assert_same(torch.autograd.grad(compiled(x), x)[0], want, ulp=16)
    assert torch.autograd.gradcheck(chunked, x, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(chunked, x)
    x = x.detach()
    torch.testing.assert_close(torch.func.hessian(chunked)(x), torch.func.hessian(loss)(x))
    several = torch.stack([x, 2 * x])
    torch.testing.assert_close(
        torch.func.vmap(torch.func.grad(chunked))(several), torch.stack([al.grad(loss)(x) for x in several])
    )


def test_dask_works_through_rows() -> None:
    dask_array = pytest.importorskip("dask.array")
    loss = functools.partial(al.triplet_batch_hard_loss, margin=1.0, chunk_size=4)
    x, labels = dask_array.from_array(ROWS), dask_array.from_array(IDENTITIES)
    assert_same(loss(x, labels).compute(), loss(ROWS, IDENTITIES))
    assert_same(al.grad(loss)(x, labels).compute(), al.grad(loss)(ROWS, IDENTITIES), ulp=16)


@every_library
def test_no_rows(library: str) -> None:
    array = LIBRARIES[library]
    x, labels = array(np.zeros((0, 3))), array(np.zeros(0, dtype=int))
    value, gradient = al.value_and_grad(al.triplet_batch_hard_loss)(x, labels, chunk_size=2)
    assert value == 0
    assert gradient.shape == (0, 3)


@pytest.mark.parametrize("method", ["direct", "gram"])
def test_torch_never_makes_a_tensor_of_all_pairs(method: str) -> None:
    x, labels = torch.asarray(np.random.default_rng(2).normal(size=(300, 4))), torch.arange(300) // 4
    with Largest() as largest:
        value = al.triplet_batch_hard_loss(x.requires_grad_(), labels, method=method, chunk_size=10)
        torch.autograd.grad(value, x)
    assert largest.size <= 10 * 300 * (4 if method == "direct" else 1)


def test_jax_plans_room_for_few_rows() -> None:
    x, labels = jnp.zeros((2000, 4)), jnp.arange(2000) // 4
    loss = functools.partial(al.triplet_batch_hard_loss, method="gram", chunk_size=64)
    held = jax.jit(jax.grad(loss)).lower(x, labels).compile().memory_analysis().temp_size_in_bytes
    assert held < 2000 * 2000 * 8 / 4


@pytest.mark.parametrize("bad", [0, -1, 1.5, True])
def test_chunk_size_of_rows_is_a_positive_integer(bad: Any) -> None:
    with pytest.raises(ValueError) as error:
        al.triplet_batch_hard_loss(ROWS, IDENTITIES, chunk_size=bad)
    rule = "must be a positive integer or None"
    assert str(error.value) == f"triplet_batch_hard_loss: chunk_size {rule}, got {bad!r}"


def test_the_compiler_of_pytorch_adds_what_comes_beside_the_blocks() -> None:
    torch = pytest.importorskip("torch")
    of = np.random.default_rng(0)
    x, w = (torch.asarray(of.normal(size=(n, 4))).requires_grad_() for n in (6, 7))
    labels = torch.asarray(of.integers(0, 7, 6))

    def loss(x: Any, w: Any) -> Any:  # the centre of a label is taken from outside the blocks
        return al.normface_loss(x, w, labels, scale=4.0, chunk_size=3)

    expected, got = (torch.autograd.grad(f(x, w), (x, w)) for f in (loss, torch.compile(loss)))
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
