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
from arraylosses._core import numeric
from arraylosses._core.namespaces import namespace
from arraylosses.autodiff import primitive
from arraylosses.autodiff.primitives import RULES

Function = Callable[..., Any]
INF = np.inf
POINTS = [0, 1e-8, -1e-8, 0.3, 1, -1, 20, -20, 37, -40, 100, -100, 800, -800, INF, -INF]
POSITIVE = [1e-300, 1e-8, 0.3, 1, 20, 800]
SMALL = [1e-8, -1e-8, 0.3, -0.4, 1, 20, 800]

# Each with its textbook formula, for mpmath, and where it is asked for.
ONE: dict[str, tuple[Function, list[float]]] = {
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), POINTS),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), POINTS),
    "tanh": (mpmath.tanh, POINTS),
    "exp": (mpmath.exp, POINTS),
    "expm1": (mpmath.expm1, POINTS),
    "less_log1p": (lambda x: x - mpmath.log1p(x), SMALL),
    "sqrt": (mpmath.sqrt, POSITIVE),
    "absolute": (abs, [x for x in POINTS if x]),
    "relu": (lambda x: max(x, mpmath.mpf(0)), [x for x in POINTS if x]),
}
TWO: dict[str, tuple[Function, list[tuple[float, float]]]] = {
    "product": (lambda a, b: a * b, [(2, 3), (0, -4), (1e4, -0.5)]),
    "xlogy": (lambda a, b: a * mpmath.log(b), [(2, 3), (0, 2), (0.5, 1e-30)]),
    "quotient": (lambda a, b: a / b, [(2, 3), (0, 2), (-1, 1e30)]),
    "log_add_exp": (lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)), [(0, 0), (1, -2), (3, 40)]),
    "minimum": (min, [(1, 2), (3, 2)]),
    "clip": (lambda a, b: max(-b, min(a, b)), [(1, 2), (3, 2), (-3, 2)]),
}
ENGINES = {"own": lambda x: x, "jax": jnp.asarray, "torch": torch.asarray}
every_engine = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def calling(name: str, first: int = 0) -> Function:
    """The function of its arguments alone; the second comes first where it is to be differentiated."""
    return lambda *args: getattr(numeric, name)(namespace(args[0]), *(args[::-1] if first else args))


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
    for k, (f, _) in RULES.items()
    if f.__code__.co_argcount < 5 and hasattr(numeric, k) and "labels" not in f.__code__.co_varnames
)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_torch_compiles_without_a_break(name: str) -> None:
    torch._dynamo.reset()
    f = calling(name)
    x = torch.tensor([[0.3, 0.7, 2.5]], requires_grad=True)
    count = RULES[name][0].__code__.co_argcount - 1
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
    "huber": 2,
    "log_add_exp": 2,
    "logit_nll": 3,
    "logit_nll_slope": 3,
}


@pytest.mark.parametrize("name", BODIES)
def test_the_body_that_pytorch_may_be_left_with(name: str) -> None:
    """Of a compiled function of torch.func it drops the maps: the body alone must have the derivative."""
    from arraylosses.autodiff.torch_functions import CLASSES

    x = torch.tensor([[0.0, 1.0, -1.0, 0.5], [2.0, 2.0, 0.0, 0.0]], dtype=torch.float64)
    x = x.abs() if name in ("less_log1p", "part") else x
    y = torch.tensor([[1.0, 0.5, 0.25, 0.5], [2.0, 1.0, 0.5, 1.0]], dtype=torch.float64)
    args = [z.clone().requires_grad_() for z in (x, y, torch.ones_like(x))[: BODIES[name]]]
    want = torch.autograd.grad(calling(name)(*args).sum(), args)
    got = torch.autograd.grad(CLASSES[name][2](*args).sum(), args)
    torch.testing.assert_close(got, want, rtol=1e-14, atol=0)


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
