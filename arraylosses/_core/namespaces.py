"""The one file that may ask which library an array belongs to.

Everything else in the package speaks the Python array API standard and receives the namespace as
`xp`. What the standard cannot say (stop a gradient, name a device portably, tell a tracer from an
array, know that bfloat16 is a floating dtype) is said here, once.
"""

from __future__ import annotations

import sys
from typing import Any

import array_api_compat

Array = Any
Namespace = Any

_OF_TYPE: dict[type, Namespace] = {}
_KINDS: dict[Any, str] = {}


def namespace(x: Array) -> Namespace | None:
    """The array API namespace of `x`, or None if `x` is not an array."""
    xp = _OF_TYPE.get(type(x))
    if xp is not None:
        return xp
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        # Not by array_namespace: Dynamo warns about the cache inside it.
        import array_api_compat.torch as xp
    elif array_api_compat.is_array_api_obj(x):
        xp = array_api_compat.array_namespace(x)
    else:
        return None
    _OF_TYPE[type(x)] = xp
    return xp


def library(xp: Namespace) -> str:
    """What people call the library behind `xp`: "numpy", "torch", "jax", …"""
    return xp.__name__.removeprefix("array_api_compat.").partition(".")[0]


def is_jax(xp: Namespace) -> bool:
    return xp.__name__ == "jax.numpy"


def is_torch(xp: Namespace) -> bool:
    return xp.__name__ == "array_api_compat.torch"


def device(xp: Namespace, x: Array) -> Any:
    """What `device=` takes to put a new array beside `x`; None where the library places it."""
    # A JAX array may be spread over many devices, and a traced one is on none: XLA places.
    return None if is_jax(xp) else getattr(x, "device", None)


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
    if is_jax(xp):
        return sys.modules["jax"].dtypes.canonicalize_dtype("int64")
    return xp.int64


def stop_gradient(xp: Namespace, x: Array) -> Array:
    """`x` as a constant: the same value, no derivative."""
    if is_torch(xp):
        return x.detach()
    if is_jax(xp):
        return sys.modules["jax"].lax.stop_gradient(x)
    return x


def has_values(xp: Namespace, x: Array) -> bool:
    """Whether the numbers of `x` can be looked at now: no tracer, lazy graph or meta tensor."""
    if is_torch(xp):
        torch = sys.modules["torch"]
        wrapped = torch._C._functorch.is_functorch_wrapped_tensor(x)
        return not (torch.compiler.is_compiling() or x.device.type == "meta" or wrapped)
    if is_jax(xp):
        return not isinstance(x, sys.modules["jax"].core.Tracer)
    return library(xp) != "dask"
