"""Functions with a derivative of their own: right to third order, in every nesting, on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import torch

import arraylosses as al
from arraylosses._core import log_loss, numeric, selections
from arraylosses._core.namespaces import namespace
from arraylosses.autodiff import primitive
from arraylosses.autodiff.primitives import RULES

Function = Callable[..., Any]
INF = np.inf
POINTS = [0, 1e-8, -1e-8, 0.3, 1, -1, 20, -20, 37, -40, 100, -100, 800, -800, INF, -INF]
POSITIVE = [1e-300, 1e-8, 0.3, 1, 20, 800]
SMALL = [1e-8, -1e-8, 0.3, -0.4, 1, 20, 800]

# Each with its textbook formula, for mpmath, and where it is asked for.


def focal(z: Any, y: Any) -> Any:
    wrong = y / (1 + mpmath.exp(z)) + (1 - y) / (1 + mpmath.exp(-z))
    return wrong**2 * (y * mpmath.log1p(mpmath.exp(-z)) + (1 - y) * mpmath.log1p(mpmath.exp(z)))


FOCAL_POINTS = [(0.5, 1), (-3, 1), (2, 0), (40, 1), (-40, 0), (-40, 1), (1, 0.25)]
ONE: dict[str, tuple[Function, list[float]]] = {
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), POINTS),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), POINTS),
    "tanh": (mpmath.tanh, POINTS),
    "exp": (mpmath.exp, POINTS),
    "expm1": (mpmath.expm1, POINTS),
    "less_log1p": (lambda x: x - mpmath.log1p(x), SMALL),
    "sqrt": (mpmath.sqrt, POSITIVE),
    "square": (lambda x: x * x, [x for x in POINTS if abs(x) > 1e-9]),
    "absolute": (abs, [x for x in POINTS if x]),
    "finite_or_nan": (lambda x: x, [x for x in POINTS if abs(x) > 1e-9]),
    "relu": (lambda x: max(x, mpmath.mpf(0)), [x for x in POINTS if x]),
}
TWO: dict[str, tuple[Function, list[tuple[float, float]]]] = {
    "product": (lambda a, b: a * b, [(2, 3), (0, -4), (1e4, -0.5)]),
    "xlogy": (lambda a, b: a * mpmath.log(b), [(2, 3), (0, 2), (0.5, 1e-30)]),
    "part": (lambda a, b: a / (a + b), [(2, 3), (0, 2), (3, 1e-30), (1e-30, 5), (4, 4)]),
    "quotient": (lambda a, b: a / b, [(2, 3), (0, 2), (-1, 1e30)]),
    "log_add_exp": (lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)), [(0, 0), (1, -2), (3, 40)]),
    "huber": (lambda r, d: r**2 / 2 if abs(r) < d else d * (abs(r) - d / 2), [(1, 2), (-3, 2)]),
    "smooth_l1": (lambda r, b: r**2 / 2 / b if abs(r) < b else abs(r) - b / 2, [(1, 2), (-3, 2)]),
    "focal_nll": (focal, FOCAL_POINTS),
    "focal_nll_slope": (lambda z, y: mpmath.diff(lambda z: focal(z, y), z), FOCAL_POINTS),
    "_power": (lambda x, g: x**g, [(0.5, 3), (2, 0.5), (1e-30, 1.5), (1e4, 0.25), (0.25, 0.75)]),
    "_faded": (
        lambda x, g: x * (1 - mpmath.exp(-x)) ** g,
        [(0.5, 2), (3, 0.5), (1e-8, 1), (1e-8, 0.5), (0.7, 5), (30, 0.5), (1e-30, 2), (900, 1)],
    ),
    "minimum": (min, [(1, 2), (3, 2)]),
    "clip": (lambda a, b: max(-b, min(a, b)), [(1, 2), (3, 2), (-3, 2)]),
}
ENGINES = {"own": lambda x: x, "jax": jnp.asarray, "torch": torch.asarray}
every_engine = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def function(name: str) -> Function:
    found: list[Function] = [getattr(m, name) for m in (numeric, log_loss, selections) if hasattr(m, name)]
    return found[0]


def calling(name: str, first: int = 0) -> Function:
    """The function of its arguments alone; the second comes first where it is to be differentiated."""
    return lambda *args: function(name)(namespace(args[0]), *(args[::-1] if first else args))


def summed(name: str) -> Function:
    return lambda *args: namespace(args[0]).sum(calling(name)(*args))


def slope(f: Function, mode: str, engine: str) -> Function:
    """The elementwise derivative of `f`, forward or reverse."""
    if mode == "reverse":
        return al.grad(lambda x, *rest: namespace(x).sum(f(x, *rest)), engine=engine)

    def forward(x: Any, *rest: Any) -> Any:
        return al.jvp(f, (x, *rest), (namespace(x).ones_like(x), *(None for _ in rest)), engine=engine)[1]

    return forward


def in_numpy(x: Any) -> Any:
    return x.numpy(force=True) if isinstance(x, torch.Tensor) else np.asarray(x)


@every_engine
@pytest.mark.parametrize("name", ONE)
def test_derivatives_of_one_argument(name: str, engine: str) -> None:
    formula, points = ONE[name]
    x = ENGINES[engine](np.asarray(points, dtype=float))
    finite = [p for p in points if np.isfinite(p)]
    with mpmath.workdps(400):
        expected = [[float(mpmath.diff(formula, p, n)) for p in map(mpmath.mpf, finite)] for n in range(4)]
    for order in range(4):
        for modes in product(("forward", "reverse"), repeat=order):
            f = calling(name)
            for mode in modes:
                f = slope(f, mode, engine)
            with np.errstate(over="ignore"):
                got = in_numpy(f(x))
            np.testing.assert_allclose(
                got[np.isfinite(points)], expected[order], rtol=1e-13, atol=1e-300, err_msg=str(modes)
            )
            assert order == 0 or not np.isnan(got).any()


@every_engine
@pytest.mark.parametrize("name", TWO)
def test_derivatives_of_two_arguments(name: str, engine: str) -> None:
    formula, points = TWO[name]
    args = [ENGINES[engine](np.asarray(each, dtype=float)) for each in zip(*points, strict=True)]
    for i, (mode, outer) in product((0, 1), product(("forward", "reverse"), repeat=2)):
        order = args if i == 0 else args[::-1]
        with mpmath.workdps(60):
            want = [float(mpmath.diff(formula, p, (1 - i, i))) for p in points]
            want_2 = [float(mpmath.diff(formula, p, (2 - 2 * i, 2 * i))) for p in points]
        got = slope(calling(name, i), mode, engine)
        np.testing.assert_allclose(in_numpy(got(*order)), want, rtol=1e-13, atol=1e-300)
        np.testing.assert_allclose(
            in_numpy(slope(got, outer, engine)(*order)), want_2, rtol=1e-12, atol=1e-60
        )


@every_engine
def test_what_is_promised_at_a_kink(engine: str) -> None:
    zero = ENGINES[engine](np.asarray([0.0]))
    for name, mode in product(("absolute", "relu", "sqrt"), ("forward", "reverse")):
        assert in_numpy(slope(calling(name), mode, engine)(zero)) == 0, name
    for name, first in product(("quotient", "xlogy"), (0, 1)):
        assert in_numpy(slope(calling(name, first), "reverse", engine)(zero, zero)) == 0, name
    vector = ENGINES[engine](np.zeros((2, 3)))
    assert (in_numpy(slope(calling("norm"), "reverse", engine)(vector)) == 0).all()
    nothing = ENGINES[engine](np.full((2, 3), -INF))
    assert (in_numpy(slope(calling("log_sum_exp"), "reverse", engine)(nothing)) == 0).all()
    assert np.isfinite(in_numpy(slope(calling("log_add_exp"), "reverse", engine)(nothing, nothing))).all()


@every_engine
@pytest.mark.parametrize("name", ["norm", "log_sum_exp"])
def test_reductions(name: str, engine: str) -> None:
    x = np.asarray([[0.5, -2.0, 1.5], [40.0, -3.0, 0.25]])
    formula = (lambda *z: mpmath.sqrt(sum(v * v for v in z))) if name == "norm" else None
    formula = formula or (lambda *z: mpmath.log(sum(map(mpmath.exp, z))))
    v = np.asarray([[1.0, 0.5, -0.25], [0.75, -1.0, 2.0]])
    with mpmath.workdps(60):
        units = np.eye(3, dtype=int)
        gradient = [[float(mpmath.diff(formula, list(row), tuple(map(int, u)))) for u in units] for row in x]
        hessian = [
            [[float(mpmath.diff(formula, list(row), tuple(map(int, a + b)))) for a in units] for b in units]
            for row in x
        ]
    f = summed(name)
    z, w = ENGINES[engine](x), ENGINES[engine](v)
    np.testing.assert_allclose(in_numpy(al.grad(f, engine=engine)(z)), gradient, rtol=1e-13)
    got = in_numpy(al.hvp(f, z, w, engine=engine))
    np.testing.assert_allclose(got, np.einsum("nij,nj->ni", hessian, v), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize(
    "name", ["softplus", "sigmoid", "tanh", "product", "xlogy", "quotient", "log_add_exp"]
)
def test_torch_checks_and_transforms(name: str) -> None:
    f = calling(name)
    x = torch.tensor([0.3, -0.7, 2.5], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0.6, 1.7, 0.5], dtype=torch.float64, requires_grad=True)
    args = (x, y) if name in TWO else (x,)
    if name == "xlogy":
        args = (y, y.detach().clone().requires_grad_())
    assert torch.autograd.gradcheck(f, args, check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(f, args, check_batched_grad=True)
    plain = tuple(a.detach() for a in args)
    value = f(*plain)
    torch.testing.assert_close(torch.func.vmap(f)(*plain), value)
    torch.testing.assert_close(torch.func.jacrev(f)(*plain), torch.func.jacfwd(f)(*plain))
    total = summed(name)
    hessian = torch.func.hessian(total)(*plain)
    torch.testing.assert_close(torch.func.jacfwd(torch.func.jacfwd(total))(*plain), hessian)
    torch.testing.assert_close(torch.func.jacrev(torch.func.jacfwd(total))(*plain), hessian)


OF_NUMBERS = sorted(
    k
    for k, of in RULES.items()
    if (hasattr(numeric, k) or hasattr(log_loss, k))
    and of.f.__code__.co_argcount < 5
    and "labels" not in of.f.__code__.co_varnames
    and k not in ("extremes", "overlap", "keep")
)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_torch_compiles_without_a_break(name: str) -> None:
    torch._dynamo.reset()
    f = calling(name)
    x = torch.tensor([[0.3, 0.7, 2.5]], requires_grad=True)
    count = RULES[name].f.__code__.co_argcount - 1
    args = (x, x.detach() + 1, x.detach() + 2)[:count]
    eager = f(*args)
    compiled = torch.compile(f, fullgraph=True, backend="aot_eager")(*args)
    torch.testing.assert_close(compiled, eager)
    (want,) = torch.autograd.grad(eager.sum(), x)
    (got,) = torch.autograd.grad(compiled.sum(), x)
    torch.testing.assert_close(got, want)


BODIES = {
    "softplus": 1,
    "sigmoid": 1,
    "tanh": 1,
    "logistic": 1,
    "expm1": 1,
    "less_log1p": 1,
    "sqrt": 1,
    "log_softmax": 1,
    "_norm": 1,
    "_log_sum_exp": 1,
    "product": 2,
    "xlogy": 2,
    "quotient": 2,
    "part": 2,
    "overlap": 2,
    "gram_difference": 2,
    "huber": 2,
    "smooth_l1": 2,
    "log_add_exp": 2,
    "focal_nll": 2,
    "focal_nll_slope": 2,
    "finite_or_nan": 1,
    "_power": 2,
    "_faded": 2,
    "logit_nll": 3,
    "logit_nll_slope": 3,
}


@pytest.mark.parametrize("name", BODIES)
def test_the_body_that_pytorch_may_be_left_with(name: str) -> None:
    """Of a compiled function of torch.func it drops the maps: the body alone must have the derivative."""
    from arraylosses.autodiff.torch_functions import CLASSES

    x = torch.tensor([[0.0, 1.0, -1.0, 0.5], [2.0, 2.0, 0.0, 0.0]], dtype=torch.float64)
    x = x.abs() if name in ("less_log1p", "part", "_power", "_faded") else x
    y = torch.tensor([[1.0, 0.5, 0.25, 0.5], [2.0, 1.0, 0.5, 1.0]], dtype=torch.float64)
    args = [z.clone().requires_grad_() for z in (x, y, torch.ones_like(x))[: BODIES[name]]]
    want = torch.autograd.grad(calling(name)(*args).sum(), args)
    got = torch.autograd.grad(CLASSES[name].body(*args).sum(), args)
    torch.testing.assert_close(got, want, rtol=1e-14, atol=0)


def test_extremes_of_masks_are_the_body_that_pytorch_may_be_left_with() -> None:
    from arraylosses.autodiff.torch_functions import CLASSES

    x = torch.tensor([[1.0, 3.0, 3.0, 0.5], [2.0, 2.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    high = torch.tensor([[True, True, True, False], [False, False, False, False]])
    f, c = calling("extremes"), torch.tensor([[2.0, 3.0], [0.0, 5.0]], dtype=torch.float64)
    y = f(x, high, ~high)
    assert y.tolist() == [[3.0, 0.5], [-INF, 0.0]]
    want = torch.tensor([[0.0, 1.0, 1.0, 3.0], [0.0, 0.0, 2.5, 2.5]], dtype=torch.float64)
    torch.testing.assert_close(torch.autograd.grad(y, x, c)[0], want)
    torch.testing.assert_close(torch.autograd.grad(CLASSES["extremes"].body(x, high, ~high), x, c)[0], want)


def test_a_primitive_of_ones_own() -> None:
    @primitive(lambda t, a: t * (3 * a * a))
    def cube(xp: Any, x: Any) -> Any:
        return xp.where(x > 1e300, x, x * x * x)  # whose own derivative would be another

    def of(x: Any) -> Any:
        return cube(namespace(x), x)

    for engine, array in ENGINES.items():
        x = array(np.asarray([2.0, 2e300]))
        value, gradient, curvature = al.derivatives(of, x, engine=engine)
        assert [in_numpy(x)[0] for x in (value, gradient, curvature)] == [8, 12, 12]
        assert in_numpy(gradient)[1] == INF


@pytest.mark.parametrize(
    ("name", "rest"),
    [(name, (w,)) for name in ("huber", "smooth_l1") for w in (1.0, 3.0, "column")]
    + [("logit_nll", ("labels", w)) for w in (1.0, 3.0, "column")]
    + [("focal_nll", ("labels",)), ("product", ("labels",)), ("softplus", ()), ("square", ())],
)
def test_torch_in_blocks(name: str, rest: tuple[Any, ...]) -> None:
    """Large arrays, which torch works through in blocks, beside their rows."""
    of = np.random.default_rng(0)
    arrays = {
        "labels": torch.asarray(of.random((3, 400_001)).round(1)),
        "column": torch.asarray(of.random((3, 1))),
    }
    args = (torch.asarray(10 * of.standard_normal((3, 400_001))), *(arrays.get(x, x) for x in rest))
    c = torch.asarray(of.standard_normal((3, 400_001)))

    def both(c: Any, *args: Any) -> tuple[Any, Any]:
        leaf = args[0].clone().requires_grad_()
        value = calling(name)(leaf, *args[1:])
        return value, torch.autograd.grad(value, leaf, c)[0]

    def row(a: Any, i: int) -> Any:
        return a[i, :1000] if isinstance(a, torch.Tensor) else a

    for i in range(3):
        for whole, part in zip(both(c, *args), both(row(c, i), *(row(a, i) for a in args)), strict=True):
            torch.testing.assert_close(whole[i, :1000], part, rtol=1e-15, atol=0)


def test_torch_log_loss_of_labels_in_blocks() -> None:
    """Beside the textbook formula in double precision, in rows of which there are several blocks."""
    of = np.random.default_rng(0)
    z, labels = (
        torch.asarray(20 * of.standard_normal((2, 40_000, 8))),
        torch.asarray(of.integers(0, 8, (2, 40_000))),
    )
    leaf = z.requires_grad_()
    nll = log_loss.label_nll(namespace(leaf), leaf, labels)
    (got,) = torch.autograd.grad(nll.sum(), leaf)
    others = z.detach().scatter(-1, labels[..., None], -INF)
    lead = z.detach().gather(-1, labels[..., None])[..., 0] - torch.logsumexp(others, -1)
    want = torch.log1p(torch.exp(-lead.abs())) + (-lead).clamp(min=0)
    torch.testing.assert_close(nll.detach(), want, rtol=1e-13, atol=1e-300)
    slope = torch.softmax(z.detach(), -1).scatter(-1, labels[..., None], -torch.sigmoid(-lead)[..., None])
    torch.testing.assert_close(got, slope, rtol=1e-12, atol=1e-300)
