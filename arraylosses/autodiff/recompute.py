"""Functions of large arrays, worked through block by block, forward and backward.

Of what is computed from a block only the results are kept; a derivative computes the rest again,
from the arguments alone. The derivative of such a function is such a function itself: what is cut
has a derivative that is cut alike, what goes whole into every block has one that is a sum over
the blocks, and the other way round. So every order is worked through block by block.

Our own engine differentiates the blocks, for PyTorch too. JAX has this already: a scan whose body
is checkpointed.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from .._core.namespaces import device, is_compiling, is_jax, is_torch, library
from .primitives import function_with
from .rules import Rule, span
from .trace import ENDED, Entry, Namespace, Reverse, Trace, Traced
from .transformations import pull_parts, push_parts

Array = Any
Body: TypeAlias = Callable[..., Sequence[Array]]

BODIES: dict[str, Installed] = {}
RECURSIONS: dict[str, Body] = {}


class Installed(NamedTuple):
    """A function that is written for one block, and along which axes its arguments are cut.

    It returns two lists, one that the blocks have each and one that is summed; or, `by_rows`, one
    list, along whose first axis the blocks are joined.
    """

    f: Callable[..., Any]
    axes: tuple[int | None, ...]
    by_rows: bool

    def length(self, args: Sequence[Any]) -> int:
        """How much there is to cut."""
        pairs = zip(args, self.axes, strict=True)
        return next(x.shape[axis] for x, axis in pairs if axis is not None)


class Cut(NamedTuple):
    """How an array is cut into blocks: along which axis, how much each has, and how much there is."""

    axis: int
    size: int
    total: int

    def key(self, ndim: int, i: int) -> tuple[slice, ...]:
        """The index of block `i`."""
        return span(ndim, self.axis, i * self.size, min((i + 1) * self.size, self.total))


@dataclass(frozen=True, eq=False)
class Blockwise:
    """A function that is worked through in blocks: `body(xp, *args)` gives the results of one.

    An argument has a cut, or goes whole into every block (None); what is no array always does. A
    result has a cut, along which the blocks' are joined, or is the sum of theirs (None).
    """

    body: Body
    inputs: tuple[Cut | None, ...]
    outputs: tuple[Cut | None, ...]

    @property
    def count(self) -> int:
        """How many blocks there are."""
        cut = next(cut for cut in self.inputs if cut is not None)
        return -(-cut.total // cut.size)

    def pulled(self, given: tuple[int, ...], wanted: tuple[int, ...]) -> Blockwise:
        """The function of the arguments, and cotangents of the results `given`, to those of `wanted`."""

        def body(xp: Any, *args: Any) -> Sequence[Array]:
            cotangents = dict(zip(given, args[len(self.inputs) :], strict=True))
            return pull_parts(self.body, args[: len(self.inputs)], wanted, cotangents)

        inputs = (*self.inputs, *(self.outputs[k] for k in given))
        return Blockwise(body, inputs, tuple(self.inputs[i] for i in wanted))

    def pushed(self, moving: tuple[int, ...]) -> Blockwise:
        """The function of the arguments, and tangents of those `moving`, to the tangents of the results."""

        def body(xp: Any, *args: Any) -> Sequence[Array]:
            tangents = dict(zip(moving, args[len(self.inputs) :], strict=True))
            return push_parts(self.body, args[: len(self.inputs)], tangents)

        return Blockwise(body, (*self.inputs, *(self.inputs[i] for i in moving)), self.outputs)


def blockwise(*axes: int | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function be worked through in blocks, along the given axis of each argument (None: whole).

    The function is written for one block: `f(xp, *args)` returns two lists of arrays of one shape. It
    is called as `f(xp, size, *args)` and returns these lists for all of the blocks: the first with
    what each block gave side by side, along a new last axis, the second, which may be empty, summed. Cut
    arguments may be None; the last block may be smaller than the others. Of the size None it is one block,
    of which nothing is computed again.
    """

    def install(f: Callable[..., Any]) -> Callable[..., Any]:
        BODIES[f.__name__] = Installed(f, axes, by_rows=False)

        @functools.wraps(f)
        def dispatch(xp: Any, size: int | None, *args: Any) -> tuple[list[Array], list[Array]]:
            if size is None:
                each, total = f(xp, *args)
                return [x[..., None] for x in each], total
            each, total = _work_through(xp, f.__name__, size, args)
            return (
                [each[..., i, :] for i in range(each.shape[-2])],
                [total[..., i] for i in range(total.shape[-1])],
            )

        return dispatch

    return install


def by_rows(*axes: int | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function that has results for every row be worked through some rows at a time.

    The axes are as in `blockwise`; an array that rows are compared with is given twice, once cut and
    once whole. The function is written for any rows: `f(xp, *args)` returns a list of arrays of one
    shape, whose first axis is that of the rows. It is called as `f(xp, size, *args)` and returns them
    for all rows; of the size None, or where one block has them all, at once and with nothing
    computed again.
    """

    def install(f: Callable[..., Any]) -> Callable[..., Any]:
        BODIES[f.__name__] = installed = Installed(f, axes, by_rows=True)

        @functools.wraps(f)
        def dispatch(xp: Any, size: int | None, *args: Any) -> list[Array]:
            if size is None or size >= installed.length(args):
                return list(f(xp, *args))
            (found,) = _work_through(xp, f.__name__, size, args)
            return [found[..., i] for i in range(found.shape[-1])]

        return dispatch

    return install


def _work_through(xp: Any, name: str, size: int, args: tuple[Any, ...]) -> Sequence[Array]:
    if is_torch(xp) and is_compiling():
        from .torch_graphs import work_through

        found: Sequence[Array] = work_through(name, size, *args)
        return found
    return apply(xp, work_of(name, size, args), args)


def work_of(name: str, size: int, args: tuple[Any, ...]) -> Blockwise:
    """What there is to do for a call of an installed function."""
    installed = BODIES[name]
    total = installed.length(args)
    size = min(size, total)
    inputs = tuple(
        None if axis is None or x is None else Cut(axis, size, total)
        for x, axis in zip(args, installed.axes, strict=True)
    )

    def rows(xp: Any, *block: Any) -> tuple[Array]:
        return (xp.stack(installed.f(xp, *block), axis=-1),)

    def each_and_sum(xp: Any, *block: Any) -> tuple[Array, Array]:
        each, summed = installed.f(xp, *block)
        each = xp.stack(each, axis=-1)
        return xp.expand_dims(each, axis=-1), xp.stack(summed, axis=-1) if summed else each[..., :0]

    if installed.by_rows:
        return Blockwise(rows, inputs, (Cut(0, size, total),))
    return Blockwise(each_and_sum, inputs, (Cut(-1, 1, -(-total // size)), None))


def recursion(with_gradient: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a recursion over the first axis of `a` its gradient, found by another one in a single pass.

    `f(xp, a, *rest)` has the axes of `a` but for the first and the last; `with_gradient(xp, a, *rest)`
    gives this and its derivatives by `a`. Where a backward pass may follow, the latter is called. All
    other derivatives are our own engine's, of these two functions.
    """

    def install(f: Callable[..., Any]) -> Callable[..., Any]:
        name = f.__name__
        RECURSIONS[name] = lambda xp, *args: (f(xp, *args),)
        RECURSIONS[with_gradient.__name__] = with_gradient

        @functools.wraps(f)
        def dispatch(xp: Any, a: Array, *rest: Array) -> Array:
            if not is_pulled(xp, a):
                return _whole(xp, name, 1, (a, *rest))[0]
            y, slope = _whole(xp, with_gradient.__name__, 2, (a, *rest))
            return with_slope(xp, a, y, slope)

        return dispatch

    return install


def _whole(xp: Any, name: str, results: int, args: tuple[Array, ...]) -> Sequence[Array]:
    """The results of a recursion, as one step for whoever differentiates."""
    if is_torch(xp) and is_compiling():
        from .torch_graphs import recur

        found: Sequence[Array] = recur(name, results, *args)
        return found
    if is_jax(xp):
        return RECURSIONS[name](xp, *args)
    return apply(xp, Blockwise(RECURSIONS[name], (None,) * len(args), (None,) * results), args)


def is_pulled(xp: Any, x: Array) -> bool:
    """Whether a backward pass may come to `x`; of JAX one cannot know."""
    if is_torch(xp):
        return bool(x.requires_grad and sys.modules["torch"].is_grad_enabled())
    return type(x) is Traced and isinstance(x.trace, Reverse)


def _push_along_slope(xp: Any, ts: list[Any], y: Array, a: Array, _: Array, slope: Array) -> Array:
    return xp.sum(ts[0] * slope, axis=(0, -1))


def _pull_along_slope(xp: Any, i: int, y: Array, a: Array, _: Array, slope: Array) -> Any:
    # What is known of the derivative is not to be found again in `y`.
    return (lambda c: None) if i else (lambda c: xp.expand_dims(c, axis=-1) * slope)


@function_with(Rule(_push_along_slope, _pull_along_slope, frozenset("c")), axes=None)
def with_slope(xp: Any, a: Array, y: Array, slope: Array) -> Array:
    """`y`, whose derivative by `a` is `slope`."""
    return y


def apply(xp: Any, work: Blockwise, args: Sequence[Any]) -> Sequence[Array]:
    """The results of a function, followed by whoever differentiates the arguments."""
    if is_torch(xp):
        from .torch_functions import Recomputed

        return Recomputed.apply(work, *args)
    return _bind(xp, work, args) if type(xp) is Namespace else run(xp, work, args)


# --- every block in turn ---------------------------------------------------------------------------


def run(xp: Any, work: Blockwise, args: Sequence[Any]) -> Sequence[Array]:
    """Compute the results, holding no more than one block."""
    if not any(work.inputs):
        return tuple(work.body(xp, *args))
    return _scan(xp, work, args) if is_jax(xp) else _loop(xp, work, args)


def _loop(xp: Any, work: Blockwise, args: Sequence[Any]) -> Sequence[Array]:
    if work.count == 1:
        return tuple(work.body(xp, *args))
    found: list[Array] = [None] * len(work.outputs)
    for i in range(work.count):
        block = [
            x if cut is None else x[cut.key(x.ndim, i)] for x, cut in zip(args, work.inputs, strict=True)
        ]
        parts = work.body(xp, *block)
        for k, (part, cut) in enumerate(zip(parts, work.outputs, strict=True)):
            if cut is not None:
                found[k] = _joined(xp, found[k], part, cut, i)
            else:
                found[k] = part if found[k] is None else found[k] + part
    return tuple(found)


def _joined(xp: Any, whole: Array | None, part: Array, cut: Cut, i: int) -> Array:
    """`whole` with its block `i`, in place: to collect the blocks and join them would take twice the room."""
    # A compiler that sees all blocks joins them in place, and may take a whole that is changed for another.
    if library(xp) == "dask" or (is_torch(xp) and is_compiling()):
        return part if whole is None else xp.concat([whole, part], axis=cut.axis)
    if whole is None:
        shape = list(part.shape)
        shape[cut.axis] = cut.total
        if is_torch(xp):  # of a tensor that vmap goes over, the new one is to be another
            whole = part.new_empty(shape)
        else:
            whole = xp.empty(tuple(shape), dtype=part.dtype, device=device(xp, part))
    whole[cut.key(part.ndim, i)] = part
    return whole


def _scan(xp: Any, work: Blockwise, args: Sequence[Any]) -> Sequence[Array]:
    jax = sys.modules["jax"]
    arrays = {i: x for i, x in enumerate(args) if hasattr(x, "dtype")}
    count = work.count
    ragged = any(cut is not None and cut.total % cut.size > 0 for cut in work.inputs)

    def block(arrays: dict[int, Array], start: Any, sliced: Callable[..., Array]) -> Sequence[Array]:
        full = [arrays.get(i, x) for i, x in enumerate(args)]
        cuts = zip(full, work.inputs, strict=True)
        return tuple(work.body(xp, *(x if cut is None else sliced(x, cut, start) for x, cut in cuts)))

    def dynamic(x: Array, cut: Cut, start: Any) -> Array:
        return jax.lax.dynamic_slice_in_dim(x, start * cut.size, cut.size, cut.axis)

    def static(x: Array, cut: Cut, start: int) -> Array:
        return jax.lax.slice_in_dim(x, start * cut.size, cut.total, axis=cut.axis)

    # The slices are taken inside of what is recomputed, lest every block be saved.
    recomputed = jax.checkpoint(lambda arrays, i: block(arrays, i, dynamic))

    def step(sums: list[Array], i: Array) -> tuple[list[Array], list[Array]]:
        parts = recomputed(arrays, i)
        summed = [x for x, cut in zip(parts, work.outputs, strict=True) if cut is None]
        each = [x for x, cut in zip(parts, work.outputs, strict=True) if cut is not None]
        return [a + b for a, b in zip(sums, summed, strict=True)], each

    like = jax.eval_shape(recomputed, arrays, 0)
    zeros = [
        xp.zeros(x.shape, dtype=x.dtype) for x, cut in zip(like, work.outputs, strict=True) if cut is None
    ]
    sums, each = jax.lax.scan(step, zeros, xp.arange(count - ragged))
    found = [sums.pop(0) if cut is None else _side_by_side(xp, each.pop(0), cut.axis) for cut in work.outputs]
    if ragged:
        last = jax.checkpoint(lambda arrays: block(arrays, count - 1, static))(arrays)
        found = [
            a + b if cut is None else xp.concat([a, b], axis=cut.axis)
            for a, b, cut in zip(found, last, work.outputs, strict=True)
        ]
    return tuple(found)


def _side_by_side(xp: Any, stacked: Array, axis: int) -> Array:
    """The arrays that are stacked along the first axis joined along `axis`."""
    axis %= stacked.ndim - 1
    shape = list(stacked.shape[1:])
    shape[axis] *= stacked.shape[0]
    return xp.reshape(xp.moveaxis(stacked, 0, axis), tuple(shape))


# --- our own engine --------------------------------------------------------------------------------


def _bind(xp: Namespace, work: Blockwise, args: Sequence[Any]) -> Sequence[Array]:
    """As `trace.bind`, for a function with several results."""
    traces = [a.trace for a in args if type(a) is Traced]
    if not traces:
        return run(xp.base, work, args)
    trace = max(traces, key=lambda trace: trace.level)
    if trace.ended:
        raise RuntimeError(ENDED)
    inner = [a.value if type(a) is Traced and a.trace in (trace, xp.level_0) else a for a in args]
    ys = _bind(xp, work, inner)
    slopes = [a.slope if type(a) is Traced and a.trace is trace else None for a in args]
    return [Traced(trace, y, s) for y, s in zip(ys, _slopes(trace, work, slopes, ys, inner), strict=True)]


def _slopes(
    trace: Trace, work: Blockwise, slopes: list[Any], ys: Sequence[Array], args: list[Any]
) -> Sequence[Any]:
    xp, followed = trace.xp, tuple(i for i, s in enumerate(slopes) if s is not None)
    if not trace.level:
        return [None] * len(ys)
    if not isinstance(trace, Reverse):
        return _bind(xp, work.pushed(followed), [*args, *(slopes[i] for i in followed)])

    pulled: dict[int, Array] = {}  # all are computed when the first is asked for

    def pull(i: int, cotangents: Several) -> Array:
        if not pulled:
            given = tuple(cotangents)
            found = _bind(xp, work.pulled(given, followed), [*args, *cotangents.values()])
            pulled.update(zip(followed, found, strict=True))
        return pulled.pop(i)

    gathered = Entry([(slopes[i], functools.partial(pull, i)) for i in followed])
    entries = [Entry([(gathered, functools.partial(Several.of, k))]) for k in range(len(ys))]
    trace.tape += [gathered, *entries]
    return entries


class Several(dict[int, Array]):
    """The cotangents of some of several results; the sum has those of both."""

    @classmethod
    def of(cls, k: int, cotangent: Array) -> Several:
        return cls({k: cotangent})

    def __add__(self, other: Several) -> Several:
        return Several({**self, **other})
