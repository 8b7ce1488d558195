"""Traced arrays, and the namespace that they live in.

A `Traced` array pairs a value with a slope. In forward mode the slope is the tangent; in reverse
mode it is the entry on a tape that will collect the cotangent. The value is an array of any
library, or a traced array of an older trace: that is how derivatives nest.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, ClassVar, NoReturn

Array = Any

ENDED = (
    "arraylosses.autodiff: a traced array outlived the function that it was traced through: "
    "return it from the function instead of keeping it"
)


class NoRule(NotImplementedError, AttributeError):
    """Raised rather than give a wrong zero; an AttributeError, so that `hasattr` can ask."""


class Traced:
    """An array whose derivative is being followed."""

    __slots__ = ("slope", "trace", "value")
    __array_ufunc__ = None  # NumPy, CuPy and Dask then leave mixed operators to us
    __hash__ = object.__hash__

    def __init__(self, trace: Trace, value: Array, slope: Any = None) -> None:
        self.trace, self.value, self.slope = trace, value, slope

    dtype = property(lambda self: self.value.dtype)
    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: len(self.value.shape))
    size = property(lambda self: math.prod(self.value.shape))
    device = property(lambda self: getattr(self.value, "device", None))
    mT = property(lambda self: self.trace.xp.matrix_transpose(self))
    T = property(lambda self: self.trace.xp.permute_dims(self, (1, 0)))

    def __array_namespace__(self, api_version: str | None = None) -> Namespace:
        return self.trace.xp

    def __getitem__(self, key: Any) -> Traced:
        return self.trace.xp.getitem(self, key)

    def __len__(self) -> int:
        return self.value.shape[0]

    def __iter__(self) -> Iterator[Traced]:
        return iter(self.trace.xp.unstack(self))

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise TypeError("a traced array cannot be changed in place: make a new one, with where or concat")

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "a traced array cannot become a NumPy array: use the functions of x.__array_namespace__()"
        )

    def __repr__(self) -> str:
        return f"Traced<{self.trace.level}>({self.value!r})"

    def __bool__(self) -> bool:
        return bool(self._known("bool"))

    def __int__(self) -> int:
        return int(self._known("int"))

    def __float__(self) -> float:
        return float(self._known("float"))

    def __index__(self) -> int:
        return self._known("index").__index__()

    def _known(self, kind: str) -> Array:
        """The value of a constant, such as a comparison; what is followed has no value to give away."""
        if self.trace.level:
            raise TypeError(f"{kind}() of a traced array would drop its derivative")
        return self.value


def raw(x: Any) -> Any:
    """The library's own array inside a traced one."""
    while type(x) is Traced:
        x = x.value
    return x


class Trace:
    """Level 0, of constants: they have no slope, only the traced namespace."""

    ended = False

    def __init__(self, xp: Namespace, level: int = 0) -> None:
        self.xp, self.level = xp, level

    def slope(self, rule: Any, slopes: list[Any], y: Array, args: list[Any], params: dict[str, Any]) -> Any:
        """The slope of a result."""


class Forward(Trace):
    """Slopes are tangents."""

    levels = itertools.count(1)

    def __init__(self, xp: Namespace) -> None:
        super().__init__(xp, next(self.levels))

    def slope(self, rule: Any, slopes: list[Any], y: Array, args: list[Any], params: dict[str, Any]) -> Any:
        t = rule.push(self.xp, slopes, y, *args, **params)
        if t.shape != y.shape:
            t = self.xp.broadcast_to(t, y.shape)
        return t if t.dtype == y.dtype else self.xp.astype(t, y.dtype)


class Entry:
    """Where the cotangent of one array is collected, and to whose entries it goes on.

    Cotangents of slices wait as `pieces`, and become one array when they are complete: a loop over
    slices costs one array, not one for each slice.
    """

    __slots__ = ("cotangent", "pieces", "terms")

    def __init__(self, terms: Any = ()) -> None:
        self.cotangent: Array | None = None
        self.pieces: list[tuple[Any, Array]] | None = None
        self.terms = terms

    def total(self, xp: Namespace) -> Array | None:
        """All that has come in."""
        if self.pieces is None:
            return self.cotangent
        shape = self.pieces[0][0].shape
        keys = tuple(piece.key for piece, _ in self.pieces)
        whole = bind(xp, "assemble", *(c for _, c in self.pieces), keys=keys, shape=shape)
        self.pieces = None
        return whole if self.cotangent is None else self.cotangent + whole


class Piece:
    """The pull of a slice: where in the whole the cotangent belongs."""

    __slots__ = ("key", "shape")

    def __init__(self, key: Any, shape: tuple[int, ...]) -> None:
        self.key, self.shape = key, shape


class Reverse(Forward):
    """Slopes are tape entries."""

    def __init__(self, xp: Namespace) -> None:
        super().__init__(xp)
        self.tape: list[Entry] = []

    def slope(self, rule: Any, slopes: list[Any], y: Array, args: list[Any], params: dict[str, Any]) -> Entry:
        pull, xp = rule.pull, self.xp
        entry = Entry([(s, pull(xp, i, y, *args, **params)) for i, s in enumerate(slopes) if s is not None])
        self.tape.append(entry)
        return entry

    def rewind(self) -> None:
        """Send every cotangent on to where it came from, the last first."""
        tape, xp = self.tape, self.xp
        while tape:  # popping frees what each entry saved
            entry = tape.pop()
            c = entry.cotangent if entry.pieces is None else entry.total(xp)
            if c is None:
                continue
            for to, pull in entry.terms:
                if type(pull) is Piece:
                    to.pieces = to.pieces or []
                    to.pieces.append((pull, c))
                elif (found := pull(c)) is not None:
                    to.cotangent = found if to.cotangent is None else to.cotangent + found


def bind(xp: Namespace, name: str, *args: Any, **params: Any) -> Any:
    """Apply a function to arrays and, where the newest trace follows them, differentiate it."""
    trace = None
    for a in args:
        if type(a) is Traced and (trace is None or a.trace.level > trace.level):
            trace = a.trace
    if trace is None:
        return xp.function(name)(*args, **params)
    if trace.ended:
        raise RuntimeError(ENDED)
    inner, slopes, nested = [], [], False
    for a in args:
        slope = None
        if type(a) is Traced:
            if a.trace is trace:
                a, slope = a.value, a.slope
            elif a.trace.level == 0:
                a = a.value
            nested = nested or type(a) is Traced
        inner.append(a)
        slopes.append(slope)
    y = bind(xp, name, *inner, **params) if nested else xp.function(name)(*inner, **params)
    return Traced(trace, y, trace.slope(xp.rules[name], slopes, y, inner, params) if trace.level else None)


class Namespace:
    """The array API of `base` for traced arrays."""

    # Filled by the modules that state them: derivatives, functions made of others, functions
    # without a derivative, questions, and how the functions that the standard lacks are computed.
    rules: ClassVar[dict[str, Any]] = {}
    compositions: ClassVar[dict[str, Callable[..., Any]]] = {}
    constants: ClassVar[frozenset[str]] = frozenset()
    questions: ClassVar[frozenset[str]] = frozenset()
    internals: ClassVar[dict[str, Callable[..., Any]]] = {}

    def __init__(self, base: Any) -> None:
        self.base, self.__name__ = base, f"traced {base.__name__}"
        self.level_0 = Trace(self)
        self._functions: dict[str, Callable[..., Any]] = {}

    def function(self, name: str) -> Callable[..., Any]:
        """How the library itself computes a function."""
        f = self._functions.get(name)
        if f is None:
            internal = self.internals.get(name)
            f = getattr(self.base, name) if internal is None else partial(internal, self.base)
            self._functions[name] = f
        return f

    def constant(self, x: Any) -> Any:
        """A plain array in this namespace; anything else as it is."""
        return Traced(self.level_0, x) if hasattr(x, "dtype") and type(x) is not Traced else x

    def __getattr__(self, name: str) -> Any:
        f: Any = getattr(self.base, name, None)
        if name in self.compositions:
            g: Any = partial(self.compositions[name], self)
        elif name in self.rules:
            g = partial(bind, self, name)
        elif name in self.constants:
            g = partial(self._of_constants, f)
        elif name in self.questions or not (callable(f) or inspect.ismodule(f)) or isinstance(f, type):
            if f is None and not hasattr(self.base, name):
                raise AttributeError(f"{self.base.__name__} has no attribute {name}")
            g = f
        else:
            raise NoRule(
                f"arraylosses.autodiff knows no derivative of {name}: compute it from functions whose "
                f"derivative it knows (arraylosses.autodiff.functions()), or outside of the traced function"
            )
        setattr(self, name, g)
        return g

    def _of_constants(self, f: Callable[..., Any], *args: Any, **params: Any) -> Any:
        for a in args:
            if type(a) is Traced and a.trace.ended:
                raise RuntimeError(ENDED)
        y = f(*map(raw, args), **{k: raw(v) for k, v in params.items()})
        if args and not any(type(a) is Traced for a in args) and hasattr(args[0], "dtype"):
            return y
        return type(y)(*map(self.constant, y)) if isinstance(y, tuple) else self.constant(y)


namespace_of = cache(Namespace)

BINARY = """add:add sub:subtract mul:multiply truediv:divide pow:pow mod:remainder
    matmul:matmul floordiv:floor_divide and:bitwise_and or:bitwise_or xor:bitwise_xor"""
COMPARISON = "eq:equal ne:not_equal lt:less le:less_equal gt:greater ge:greater_equal"
UNARY = "neg:negative pos:positive abs:abs invert:bitwise_invert"


def _operators() -> None:
    def straight(method: str, function: str) -> None:
        setattr(Traced, f"__{method}__", lambda *args: getattr(args[0].trace.xp, function)(*args))

    def reflected(method: str, function: str) -> None:
        setattr(Traced, f"__r{method}__", lambda a, b: getattr(a.trace.xp, function)(b, a))

    for pair in f"{BINARY} {COMPARISON} {UNARY}".split():
        straight(*pair.split(":"))
    for pair in BINARY.split():
        reflected(*pair.split(":"))


_operators()
