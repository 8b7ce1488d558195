"""The libraries a loss runs on, and the ways of running it: eager, compiled, lazy, on no device.

A `Backend` makes arrays out of NumPy's, calls a loss, differentiates it, and hands back NumPy arrays.
A library that is not installed has no backends here, and CUDA is tried where there is a GPU.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import operator
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import array_api_strict
import numpy as np

import arraylosses as al
from arraylosses._core.registry import Loss
from arraylosses._core.structures import leaves

from .calls import Call

Array = Any
COTANGENT = (1.0, -0.5, 2.0, 0.75, -1.25)


def cotangent(shape: tuple[int, ...]) -> Any:
    """What results are multiplied with before they are differentiated."""
    return np.resize(np.asarray(COTANGENT), shape) if shape else np.asarray(1.5)


_COMPILED: list[Any] = []


def compiled_once(make: Callable[..., Any]) -> Callable[..., Any]:
    """Keep what is compiled until the tests of a loss are over."""
    cached = functools.cache(make)
    _COMPILED.append(cached)
    return cached


class Backend:
    """One library, or one way of running it."""

    name = "numpy"
    dtypes: tuple[str, ...] = ("float32", "float64")
    halves: tuple[str, ...] = ()
    has_values = True
    differentiates = True

    def __str__(self) -> str:
        return self.name

    @property
    def widest(self) -> str:
        return self.dtypes[-1]

    def context(self) -> contextlib.AbstractContextManager[Any]:
        """The settings under which arrays are made and losses called."""
        return contextlib.nullcontext()

    def array(self, x: Any, dtype: str | None = None) -> Array:
        """The NumPy array `x` in this library; numbers in `dtype`, labels and masks as they are."""
        raise NotImplementedError

    def numpy(self, x: Array) -> Any:
        return np.asarray(x)

    def transform(self, function: Callable[..., Array]) -> Callable[..., Array]:
        """The loss as this way of running it wants it: compiled, say."""
        return function

    def arguments(self, call: Call, dtype: str) -> tuple[list[Array], dict[str, Any]]:
        """The arrays and the options of a call, in this library."""
        arrays = [
            None if call.arrays.get(name) is None else self._typed(call.arrays[name], dtype)
            for name in call.spec.arrays
        ]
        options = {
            k: self._typed(v, dtype) if isinstance(v, (np.ndarray, np.bool)) else v
            for k, v in call.options.items()
        }
        return arrays, options

    def _typed(self, x: Any, dtype: str) -> Array:
        return self.array(np.asarray(x), dtype if np.asarray(x).dtype.kind == "f" else None)

    def run(self, call: Call, dtype: str | None = None) -> Array:
        """The result of a call, in this library. Of a loss with several results, the first."""
        with self.context():
            arrays, options = self.arguments(call, dtype or self.widest)
            return first_field(call.spec, self.transform(call.spec.function)(*arrays, **options))

    def value(self, call: Call, dtype: str | None = None) -> Any:
        """The result of a call in NumPy."""
        with self.context():
            return self.numpy(self.run(call, dtype))

    def gradient(self, call: Call, dtype: str | None = None) -> dict[str, Any]:
        """The derivative of the result, times a cotangent, in every array the evidence names.

        By the engine of the library, where there is no other.
        """
        with self.context():
            arrays, options = self.arguments(call, dtype or self.widest)
            places = [call.spec.arrays.index(name) for name in call.differentiable]

            def of_variables(*variables: Array) -> Array:
                full = list(arrays)
                for place, variable in zip(places, variables, strict=True):
                    full[place] = variable
                return first_field(call.spec, call.spec.function(*full, **options))

            result, pull = al.vjp(of_variables, *(arrays[place] for place in places), engine="own")
            slopes = pull(
                self.array(cotangent(result.shape), "float64" if "64" in str(result.dtype) else "float32")
            )
            return {name: self.numpy(g) for name, g in zip(call.differentiable, slopes, strict=True)}


def first_field(spec: Loss, result: Any) -> Any:
    """Of several results the first; of a structure, the sum of what is in it."""
    return result[0] if spec.parts else functools.reduce(operator.add, leaves(result).values())


class NumPy(Backend):
    halves = ("float16", "bfloat16") if importlib.util.find_spec("ml_dtypes") else ("float16",)

    def array(self, x: Any, dtype: str | None = None) -> Array:
        if dtype == "bfloat16":
            import ml_dtypes

            return np.array(x, dtype=ml_dtypes.bfloat16)
        return np.array(x, dtype=dtype)


class ReadOnlyNumPy(NumPy):
    name = "numpy-readonly"

    def array(self, x: Any, dtype: str | None = None) -> Array:
        x = super().array(x, dtype)
        x.flags.writeable = False
        return x


class Strict(Backend):
    """array-api-strict, which has nothing that the standard (2024.12, see conftest) does not name."""

    name = "strict"
    device = "CPU_DEVICE"

    def array(self, x: Any, dtype: str | None = None) -> Array:
        device = array_api_strict.Device(self.device)
        return array_api_strict.asarray(np.array(x, dtype=dtype), device=device)

    def numpy(self, x: Array) -> Any:
        return np.asarray(x.to_device(array_api_strict.Device("CPU_DEVICE")))


class Strictest(Strict):
    """No indexing by masks, no shapes that depend on data, and not on the default device."""

    name = "strictest"
    device = "device1"

    def context(self) -> contextlib.AbstractContextManager[Any]:
        return array_api_strict.ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False)


class Dask(Backend):
    """Lazy: the call must not compute anything. Arrays come in two chunks."""

    name = "dask"

    def array(self, x: Any, dtype: str | None = None) -> Array:
        import dask.array as da

        x = np.array(x, dtype=dtype)
        chunks = tuple(max(1, -(-n // 2)) if i == 0 else n for i, n in enumerate(x.shape))
        return da.from_array(x, chunks=chunks)

    def run(self, call: Call, dtype: str | None = None) -> Array:
        import dask

        with dask.config.set(scheduler=_refuse_to_compute):
            return super().run(call, dtype)

    def numpy(self, x: Array) -> Any:
        return np.asarray(x.compute(scheduler="synchronous", optimize_graph=False))  # ten times as fast


def _refuse_to_compute(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("the loss computed a lazy array")


class CuPy(Backend):
    name = "cupy"
    halves = ("float16",)

    def array(self, x: Any, dtype: str | None = None) -> Array:
        import cupy

        return cupy.asarray(np.array(x, dtype=dtype))

    def numpy(self, x: Array) -> Any:
        return x.get()


class Torch(Backend):
    halves = ("float16", "bfloat16")

    def __init__(self, device: str = "cpu") -> None:
        self.name = {"cpu": "torch", "meta": "torch-meta"}.get(device, f"torch-{device}")
        self.device = device
        self.has_values = device != "meta"
        self.differentiates = self.has_values

    def array(self, x: Any, dtype: str | None = None) -> Array:
        import torch

        wanted = None if dtype is None else getattr(torch, dtype)
        return torch.tensor(x, dtype=wanted, device=self.device)

    def numpy(self, x: Array) -> Any:
        import torch

        x = x.detach().cpu()
        return (x.to(torch.float32) if x.dtype == torch.bfloat16 else x).numpy()

    def gradient(self, call: Call, dtype: str | None = None) -> dict[str, Any]:
        import torch

        dtype = dtype or self.widest
        arrays, options = self.arguments(call, dtype)
        places = [call.spec.arrays.index(name) for name in call.differentiable]
        variables = [arrays[i].requires_grad_() for i in places]
        result = first_field(call.spec, self.differentiable(call.spec.function)(*arrays, **options))
        upstream = self.array(cotangent(result.shape)).to(result.dtype)
        slopes = torch.autograd.grad(result, variables, upstream, materialize_grads=True)
        return {name: self.numpy(g) for name, g in zip(call.differentiable, slopes, strict=True)}

    def differentiable(self, function: Callable[..., Array]) -> Callable[..., Array]:
        return function


LOWERED_ONE_IN = 2  # losses


class CompiledTorch(Torch):
    """torch.compile without graph breaks; of some losses lowered by AOTAutograd for gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "torch-compile"

    def transform(self, function: Callable[..., Array]) -> Callable[..., Array]:
        return _compiled(function, "eager")

    def differentiable(self, function: Callable[..., Array]) -> Callable[..., Array]:
        # Dynamo traces every derivative of ours; to lower what it has traced takes as long again.
        lowered = zlib.crc32(function.__name__.encode()) % LOWERED_ONE_IN == 0
        return _compiled(function, "aot_eager" if lowered else "eager")


@compiled_once
def _compiled(function: Callable[..., Array], backend: str) -> Callable[..., Array]:
    import torch

    return torch.compile(function, fullgraph=True, dynamic=False, backend=backend)


class JAX(Backend):
    dtypes = ("float32",)
    halves = ("float16", "bfloat16")

    def __init__(self, name: str = "jax", *, jit: bool = False, x64: bool = False) -> None:
        self.name, self.jit, self.x64 = name, jit, x64
        if x64:
            self.dtypes = ("float32", "float64")

    def context(self) -> contextlib.AbstractContextManager[Any]:
        import jax

        return jax.enable_x64(self.x64)

    def array(self, x: Any, dtype: str | None = None) -> Array:
        import jax.numpy as jnp

        x = np.asarray(x)
        if x.dtype == np.int64 and not self.x64:
            x = x.astype(np.int32)
        return jnp.asarray(x, dtype=dtype)

    def run(self, call: Call, dtype: str | None = None) -> Array:
        if not self.jit:
            return super().run(call, dtype)
        with self.context():
            arrays, options = self.arguments(call, dtype or self.widest)
            given, static = apart(options)
            return first_field(call.spec, _jitted(call.spec.function, static)(arrays, given))

    def gradient(self, call: Call, dtype: str | None = None) -> dict[str, Any]:
        with self.context():
            arrays, options = self.arguments(call, dtype or self.widest)
            given, static = apart(options)
            places = tuple(call.spec.arrays.index(name) for name in call.differentiable)
            slopes = _jitted_gradient(call.spec, static, places)(arrays, given)
            return {k: self.numpy(g) for k, g in zip(call.differentiable, slopes, strict=True)}


Static = tuple[tuple[str, Any], ...]


def apart(options: dict[str, Any]) -> tuple[dict[str, Array], Static]:
    """The options that jit traces, being arrays, and those that it compiles for."""
    given = {k: v for k, v in options.items() if hasattr(v, "dtype")}
    return given, tuple((k, v) for k, v in options.items() if k not in given)


@compiled_once
def _jitted(function: Callable[..., Array], static: Static) -> Callable[..., Array]:
    import jax

    return jax.jit(lambda arrays, given: function(*arrays, **given, **dict(static)))


@compiled_once
def _jitted_gradient(spec: Loss, static: Static, places: tuple[int, ...]) -> Callable[..., Array]:
    import jax
    import jax.numpy as jnp

    def slopes(arrays: list[Array], given: dict[str, Array]) -> Array:
        def total(*variables: Array) -> Array:
            full = list(arrays)
            for place, variable in zip(places, variables, strict=True):
                full[place] = variable
            result = first_field(spec, spec.function(*full, **given, **dict(static)))
            return jnp.sum(result * jnp.asarray(cotangent(result.shape), dtype=result.dtype))

        return jax.grad(total, tuple(range(len(places))))(*(arrays[place] for place in places))

    return jax.jit(slopes)


def forget_compiled() -> None:
    """Let go of everything that was compiled."""
    for cached in _COMPILED:
        cached.cache_clear()
    if "torch._dynamo" in sys.modules:
        sys.modules["torch._dynamo"].reset()


# --- which there are ------------------------------------------------------------------------------


def _installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


def _cupy_has_gpu() -> bool:
    import cupy

    try:
        return cupy.cuda.runtime.getDeviceCount() > 0
    except cupy.cuda.runtime.CUDARuntimeError:
        return False


def _libraries() -> Iterator[Backend]:
    yield from (NumPy(), Strictest())
    if _installed("torch"):
        import torch

        yield Torch()
        if torch.cuda.is_available():
            yield Torch("cuda")
    if _installed("jax"):
        yield JAX("jax-x64", x64=True)
    if _installed("dask"):
        yield Dask()
    if _installed("cupy") and _cupy_has_gpu():
        yield CuPy()


def _other_ways() -> Iterator[Backend]:
    yield from (ReadOnlyNumPy(), Strict())
    if _installed("torch"):
        yield from (Torch("meta"), CompiledTorch())
    if _installed("jax"):
        yield from (JAX(), JAX("jax-jit", jit=True))


# Each library in one way, for the laws; and all ways, for agreement.
LIBRARIES = tuple(_libraries())
BACKENDS = LIBRARIES + tuple(_other_ways())
