"""The one file that may ask which library an array belongs to.

Everything else in the package speaks the Python array API standard and receives the namespace as
`xp`. What the standard cannot say (stop a gradient, name a device portably, tell a tracer from an
array, know that bfloat16 is a floating dtype) is said here, once.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import array_api_compat

Array = Any
Namespace = Any

_OF_TYPE: dict[type, Namespace] = {}
_KINDS: dict[Any, str] = {}
_traced: Any = None  # the type of the arrays that `arraylosses.autodiff` follows


def follow(traced: type) -> None:
    """Make known the type of the arrays that `arraylosses.autodiff` follows."""
    global _traced
    _traced = traced


def traced_namespace(values: tuple[Any, ...]) -> Namespace | None:
    """The namespace of the traced arrays among these values, if there are any."""
    for x in values:
        if type(x) is _traced:
            return x.trace.xp
    return None


def namespace(x: Any) -> Namespace | None:
    """The array API namespace of `x`, or None if `x` is not an array."""
    xp = _OF_TYPE.get(type(x))
    if xp is not None:
        return xp
    if type(x) is _traced:
        return x.trace.xp
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        # Not by array_namespace: Dynamo warns about the cache inside it.
        import array_api_compat.torch as torch_namespace

        xp = torch_namespace
        if type(x) not in (torch.Tensor, torch.nn.Parameter):
            return xp  # Dynamo's own kinds of tensors are not to appear while it guards on this table
    elif array_api_compat.is_numpy_array(x):
        from .numpy_namespace import xp as numpy_namespace

        xp = numpy_namespace
    elif array_api_compat.is_array_api_obj(x):
        xp = array_api_compat.array_namespace(x)
    else:
        return None
    _OF_TYPE[type(x)] = xp
    return xp


def library(xp: Namespace) -> str:
    """What people call the library behind `xp`: "numpy", "torch", "jax", …"""
    return xp.__name__.removeprefix("traced ").removeprefix("array_api_compat.").partition(".")[0]


def is_jax(xp: Namespace) -> bool:
    return xp.__name__ == "jax.numpy"


def is_torch(xp: Namespace) -> bool:
    return xp.__name__ == "array_api_compat.torch"


def device(xp: Namespace, x: Array) -> Any:
    """What `device=` takes to put a new array beside `x`; None where the library places it."""
    # A JAX array may be spread over many devices, and a tracer is on none: XLA places.
    return None if library(xp) == "jax" else getattr(x, "device", None)


def kind(xp: Namespace, dtype: Any) -> str:
    """'half', 'float', 'int', 'bool', 'complex' or 'other'."""
    if is_torch(xp):  # not cached: Dynamo would guard on the cache
        if dtype.is_floating_point:
            return "half" if dtype.itemsize == 2 else "float"
        return "complex" if dtype.is_complex else "bool" if dtype == xp.bool else "int"
    found = _KINDS.get((xp, dtype))
    if found is None:
        found = _KINDS[xp, dtype] = _kind(xp, dtype)
    return found


def _kind(xp: Namespace, dtype: Any) -> str:
    # By name, because NumPy's isdtype does not know the bfloat16 of ml_dtypes.
    if dtype_name(dtype) in ("float16", "bfloat16"):
        return "half"
    kinds = {"real floating": "float", "integral": "int", "bool": "bool", "complex floating": "complex"}
    return next((short for long, short in kinds.items() if xp.isdtype(dtype, long)), "other")


def dtype_name(dtype: Any) -> str:
    """The dtype's name without its library: "float32"."""
    return getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]


def index_dtype(xp: Namespace) -> Any:
    """The widest signed integer dtype there is: int64, but int32 under JAX without x64."""
    if library(xp) == "jax":
        return sys.modules["jax"].dtypes.canonicalize_dtype("int64")
    return xp.int64


def stop_gradient(xp: Namespace, x: Array) -> Array:
    """`x` as a constant: the same value, no derivative."""
    if is_torch(xp):
        return x.detach()
    if is_jax(xp):
        return sys.modules["jax"].lax.stop_gradient(x)
    if type(x) is _traced:
        return xp.constant(untraced(x))
    return x


def is_compiling() -> bool:
    """Whether Dynamo is tracing this."""
    import torch  # not from `sys.modules`, which may grow while Dynamo reads it

    return bool(torch.compiler.is_compiling())


def compiles_a_transformation() -> bool:
    """Whether Dynamo is tracing a function that `torch.func` transforms."""
    import torch

    return is_compiling() and bool(torch._C._are_functorch_transforms_active())


def quietly() -> AbstractContextManager[Any]:
    """A context without NumPy's warnings: half of a derivative may overflow in a branch that is not taken."""
    numpy = sys.modules.get("numpy")
    return nullcontext() if numpy is None else numpy.errstate(all="ignore")


def untraced(x: Any) -> Any:
    """The library's own array inside a traced one; any other array as it is."""
    while type(x) is _traced:
        x = x.value
    return x


def assemble(xp: Namespace, *parts: Array, keys: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """Zeros of a shape with every part added at its index."""
    first = parts[0]
    if is_torch(xp):  # where vmap goes over the parts, it is to go over the whole too
        whole = first.new_zeros(shape)
    else:
        whole = xp.zeros(shape, dtype=first.dtype, device=device(xp, first))
    for part, key in zip(parts, keys, strict=True):
        if is_jax(xp):
            whole = whole.at[key].add(part)
        elif library(xp) != "dask":
            whole[key] += part
        elif 0 not in part.shape:  # Dask does not add nothing to nothing
            whole = whole + _among_zeros(xp, part, key, whole)
    return whole


def _among_zeros(xp: Namespace, part: Array, key: tuple[Any, ...], like: Array) -> Array:
    """`part` at an index of an array of zeros, on Dask.

    An assignment would copy the graph of what is assigned.
    """
    if not all(map(_is_plain, key)):
        whole = xp.zeros_like(like)
        whole[key] = part
        return whole
    at = key.index(...) if ... in key else len(key)
    tail = key[at + 1 :]
    key = (*key[:at], *(slice(None),) * (like.ndim - at - len(tail)), *tail)
    for axis, (k, size) in enumerate(zip(key, like.shape, strict=True)):
        if isinstance(k, int):
            part, k = xp.expand_dims(part, axis=axis), slice(k % size, k % size + 1)
        start, stop, _ = k.indices(size)
        part = between_zeros(part, axis, start, size - stop)
    return in_chunks_of(xp, like, part)


def between_zeros(x: Array, axis: int, before: int, after: int) -> Array:
    """`x` with so many zeros at its ends, for which Dask's own `pad` takes a chunk each."""
    xp: Namespace = namespace(x)

    def zeros(n: int) -> list[Array]:
        shape = tuple(n if i == axis % x.ndim else size for i, size in enumerate(x.shape))
        # Dask has no chunks of nothing.
        return [xp.zeros(shape, dtype=x.dtype, device=device(xp, x))] if n else []

    return xp.concat([*zeros(before), x, *zeros(after)], axis=axis)


def _is_plain(k: Any) -> bool:
    """Whether an index takes one element, or elements that are next to each other."""
    return k is ... or isinstance(k, int) or (isinstance(k, slice) and k.step in (None, 1))


def add_rows(xp: Namespace, rows: Array, indices: Array, *, count: int) -> Array:
    """Zeros, `count` along the first axis, with every row added at its index."""
    if library(xp) == "numpy":
        whole = xp.zeros((count, *rows.shape[1:]), dtype=rows.dtype)
        sys.modules["numpy"].add.at(whole, indices, rows)
        return whole
    each = xp.arange(count, dtype=indices.dtype, device=device(xp, indices))
    hot = xp.astype(indices[:, None] == each, rows.dtype)
    return xp.moveaxis(matmul(xp, xp.moveaxis(rows, 0, -1), hot), -1, 0)


def settle(xp: Namespace, x: Array) -> Array:
    """`x`, computed once: XLA may otherwise round it in one way here and in another there."""
    return sys.modules["jax"].lax.optimization_barrier(x) if is_jax(xp) else x


def columns(xp: Namespace, x: Array) -> tuple[Array, ...]:
    """The slices along the last axis."""
    if not is_torch(xp):
        return tuple(xp.unstack(x, axis=-1))
    # Its namespace's own `unstack` has no batching rule. What is read again and again is to lie together.
    return x.movedim(-1, 0).contiguous().unbind(0)


def classes(xp: Namespace, like: Array, axis: int = -1) -> Array:
    """0, 1, … along the last axis of `like`, beside it."""
    return xp.arange(like.shape[axis], dtype=index_dtype(xp), device=device(xp, like))


def one_hot(xp: Namespace, labels: Array, like: Array) -> Array:
    """Whether each class, along the last axis of `like`, is the label."""
    return labels[..., None] == classes(xp, like)


def take_label(xp: Namespace, x: Array, labels: Array) -> Array:
    """The entry of the last axis that each label names, the axis being kept."""
    if is_torch(xp):
        return x.gather(-1, labels[..., None])
    if library(xp) == "dask" or type(x) is _traced:
        return xp.sum(xp.where(one_hot(xp, labels, x), x, 0.0), axis=-1, keepdims=True)
    return xp.take_along_axis(x, labels[..., None], axis=-1)


def put_label(xp: Namespace, x: Array, labels: Array, value: Any) -> Array:
    """`x`, which is not needed any more, with another value at the entry that each label names.

    The value is a number or has one element for each label.
    """
    if library(xp) == "numpy" and type(x) is not _traced:
        sys.modules["numpy"].put_along_axis(x, labels[..., None], value, axis=-1)
        return x
    if is_torch(xp) and not is_compiling():  # a compiler fuses the select with what is around it
        return x.scatter(-1, labels[..., None], value)
    return xp.where(one_hot(xp, labels, x), value, x)


def cumulative_sum(xp: Namespace, x: Array) -> Array:
    """The running sums along the last axis."""
    # Dynamo warns about a cache inside the torch namespace's own.
    return x.cumsum(-1) if is_torch(xp) else xp.cumulative_sum(x, axis=-1)


def matmul(xp: Namespace, a: Array, b: Array) -> Array:
    """The matrix product, in the full precision of the dtype."""
    # On accelerators JAX would by default multiply float32 in fewer bits.
    return xp.matmul(a, b, precision="highest") if is_jax(xp) else xp.matmul(a, b)


def has_fft(xp: Namespace) -> bool:
    """Whether the library has the extension of the standard for Fourier transforms."""
    return hasattr(getattr(xp, "base", xp), "fft")


def spectrum(xp: Namespace, x: Array, *, size: int) -> Array:
    """The Fourier transform along the last axis, after zeros up to `size`: real parts, then imaginary."""
    if type(x) is _traced:
        return xp.spectrum(x, size=size)
    if 0 in x.shape:  # which PyTorch cannot transform
        return xp.broadcast_to(x[..., :1], (*x.shape[:-1], 2 * (size // 2 + 1)))
    z = xp.fft.rfft(_in_one_chunk(xp, x), n=size)
    return xp.concat([xp.real(z), xp.imag(z)], axis=-1)


def signal(xp: Namespace, c: Array, *, size: int, length: int) -> Array:
    """The transpose of `spectrum` for arrays with `length` elements along the last axis."""
    if 0 in c.shape:
        return xp.broadcast_to(c[..., :1], (*c.shape[:-1], length))
    count = size // 2 + 1
    k = xp.arange(count, dtype=c.dtype, device=device(xp, c))
    # The inverse counts every frequency twice that is not its own mirror image.
    times = xp.where((k == 0) | (2 * k == size), 1.0, xp.full_like(k, 0.5))
    dtype = xp.complex64 if c.dtype == xp.float32 else xp.complex128
    real, imaginary = (xp.astype(times * part, dtype) for part in (c[..., :count], c[..., count:]))
    return size * xp.fft.irfft(_in_one_chunk(xp, real + 1j * imaginary), n=size)[..., :length]


def in_chunks_of(xp: Namespace, like: Array, x: Array) -> Array:
    """`x`, where it is the same elements moved on: on Dask every move would leave smaller chunks."""
    return in_chunks(xp, x, chunks=untraced(like).chunks) if library(xp) == "dask" else x


def in_chunks(xp: Namespace, x: Array, *, chunks: Any) -> Array:
    """An array of Dask in other chunks."""
    return xp.in_chunks(x, chunks=chunks) if type(x) is _traced else x.rechunk(chunks)


def _in_one_chunk(xp: Namespace, x: Array) -> Array:
    """`x`, where Dask can transform it along the last axis."""
    return x.rechunk({x.ndim - 1: -1}) if library(xp) == "dask" else x


def fold(
    xp: Namespace, step: Callable[..., Any], state: tuple[Array, ...], inputs: Array
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """The last state of a recursion `state, outputs = step(*state, row)` over the first axis of an array.

    The outputs are stacked along a new first axis.
    """
    if is_jax(xp):  # a scan, because XLA would take minutes to compile the unrolled loop
        last: tuple[Any, Any] = sys.modules["jax"].lax.scan(lambda s, row: step(*s, row), state, inputs)
        return last
    kept = []
    # The torch namespace's own `unstack` has no batching rule.
    for row in inputs.unbind() if is_torch(xp) else xp.unstack(inputs, axis=0):
        state, outputs = step(*state, row)
        kept.append(outputs)
    return state, tuple(xp.stack(each, axis=0) for each in zip(*kept, strict=True))


def scan(
    xp: Namespace, step: Callable[..., Any], state: tuple[Array, ...], inputs: tuple[Array, ...]
) -> tuple[Array, ...]:
    """All states of a recursion, as `fold` has it, along a new first axis."""
    if is_jax(xp):

        def both(state: tuple[Array, ...], slices: tuple[Array, ...]) -> Any:
            state = step(*state, *slices)
            return state, state

        found: tuple[Array, ...] = sys.modules["jax"].lax.scan(both, state, inputs)[1]
        return found
    rows = (x.unbind() if is_torch(xp) else xp.unstack(x, axis=0) for x in inputs)
    states = []
    for slices in zip(*rows, strict=True):
        state = step(*state, *slices)
        states.append(state)
    return tuple(xp.stack(each, axis=0) for each in zip(*states, strict=True))


def has_values(xp: Namespace, x: Array) -> bool:
    """Whether the numbers of `x` can be looked at now: no tracer, lazy graph or meta tensor."""
    if type(x) is _traced:
        return has_values(xp.base, untraced(x))
    if is_torch(xp):
        torch = sys.modules["torch"]
        wrapped = torch._C._functorch.is_functorch_wrapped_tensor(x)
        return not (torch.compiler.is_compiling() or x.device.type == "meta" or wrapped)
    if is_jax(xp):
        return not isinstance(x, sys.modules["jax"].core.Tracer)
    return library(xp) != "dask"


def on_host(x: Array) -> Any:
    """The values of an array as one of NumPy, wherever they are."""
    xp = namespace(x)
    x = untraced(stop_gradient(xp, x))
    if is_torch(xp):
        return x.detach().cpu().numpy()
    return x.get() if library(xp) == "cupy" else importlib.import_module("numpy").asarray(x)
