"""The frameworks a loss can be held against the vectors on: arrays in, numbers and gradients out."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from arraylosses.autodiff import jvp, vjp

Call = Callable[..., Any]


class Framework:
    """A framework without gradients of its own: the engine of the library brings them."""

    differentiates = False  # code that is no code of the array API standard

    def __init__(self, name: str, module: str, dtypes: tuple[str, ...]) -> None:
        self.name, self.module, self.dtypes = name, module, dtypes

    def installed(self) -> bool:
        return importlib.util.find_spec(self.module.partition(".")[0]) is not None

    def version(self) -> str:
        return getattr(importlib.import_module(self.module.partition(".")[0]), "__version__", "")

    def runs_with(self) -> dict[str, str]:
        """What else decides on its numbers."""
        return {}

    @property
    def xp(self) -> Any:
        return importlib.import_module(self.module)

    def on(self, device: str) -> Framework:
        """The framework on a device of this name."""
        raise ValueError(f"{self.name} has no device {device}")

    def is_of_tracing(self, error: Exception) -> bool:
        """Whether an error says that a compiler cannot follow."""
        return False

    def session(self, dtype: str) -> Any:
        """A context in which arrays of this dtype exist."""
        return nullcontext()

    def asarray(self, a: np.ndarray, dtype: str | None) -> Any:
        """An array of integers or booleans (`dtype` None), or of a floating dtype."""
        return self.xp.asarray(a) if dtype is None else self.xp.asarray(a, dtype=getattr(self.xp, dtype))

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(x)

    def dtype_of(self, x: Any) -> str:
        return "float64" if isinstance(x, float) else str(x.dtype).rpartition(".")[2]

    def forget_compiled(self) -> None:
        """Let go of the code of a loss: a process cannot hold that of all of them."""

    def value(self, call: Call, arrays: dict[str, Any]) -> Any:
        return call(**arrays)

    def both(
        self, call: Call, arrays: dict[str, Any], wrt: list[str], cotangent: Any
    ) -> tuple[Any, dict[str, Any]]:
        """The value, and the gradients of Σ cotangent·value in some of the arrays."""

        def of_some(*some: Any) -> Any:
            return call(**arrays | dict(zip(wrt, some, strict=True)))

        some = [arrays[k] for k in wrt]
        value, pull = vjp(of_some, *some, engine="own")
        gradients = dict(zip(wrt, pull(cotangent), strict=True))
        # Half precision becomes single at the door: of the value without derivatives the others tell.
        half = all(self.dtype_of(x) in ("float16", "bfloat16") for x in some)
        return (value if half else call(**arrays)), gradients

    def forward(self, call: Call, arrays: dict[str, Any], tangents: dict[str, Any]) -> Any:
        """The derivative of the value along tangents of some of the arrays."""

        def of_some(*some: Any) -> Any:
            return call(**arrays | dict(zip(tangents, some, strict=True)))

        return self._jvp(of_some, tuple(arrays[k] for k in tangents), tuple(tangents.values()))

    def _jvp(self, function: Call, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        return jvp(function, primals, tangents, engine="own")[1]

    @property
    def eager(self) -> Framework:
        """The framework as it computes one operation after another."""
        return self

    def compiled(self, call: Call) -> Call | None:
        """The call as one program, where the framework can make one."""
        return None

    def batched(self, call: Call, over: list[str]) -> Call | None:
        """The call mapped over the first axis of some of the arrays, where the framework can map."""
        return None


class Strict(Framework):
    @property
    def xp(self) -> Any:
        module = importlib.import_module(self.module)
        if module.get_array_api_strict_flags()["api_version"] != "2024.12":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module.set_array_api_strict_flags(api_version="2024.12")
        return module

    def asarray(self, a: np.ndarray, dtype: str | None) -> Any:
        return self.xp.asarray(a.copy(), dtype=None if dtype is None else getattr(self.xp, dtype))


class Dask(Framework):
    HOW: ClassVar[dict[str, Any]] = {"scheduler": "synchronous", "optimize_graph": False}

    def value(self, call: Call, arrays: dict[str, Any]) -> Any:
        return call(**arrays).compute(**self.HOW)

    def both(
        self, call: Call, arrays: dict[str, Any], wrt: list[str], cotangent: Any
    ) -> tuple[Any, dict[str, Any]]:
        lazy = super().both(call, arrays, wrt, cotangent)
        with np.errstate(all="ignore"):  # the branches that a derivative does not take
            value, gradients = importlib.import_module("dask").compute(*lazy, **self.HOW)
        return value, gradients

    def forward(self, call: Call, arrays: dict[str, Any], tangents: dict[str, Any]) -> Any:
        with np.errstate(all="ignore"):
            return super().forward(call, arrays, tangents).compute(**self.HOW)


class CuPy(Framework):
    def installed(self) -> bool:
        if not super().installed():
            return False
        try:
            return self.xp.cuda.runtime.getDeviceCount() > 0
        except Exception:  # the driver's own errors have no common type
            return False

    def runs_with(self) -> dict[str, str]:
        return {"card": self.xp.cuda.runtime.getDeviceProperties(0)["name"].decode()}

    def numpy(self, x: Any) -> np.ndarray:
        return self.xp.asnumpy(x)


class Torch(Framework):
    differentiates = True
    device = "cpu"

    def on(self, device: str) -> Framework:
        try:
            self.xp.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(f"torch has no device {device}") from error
        there = copy.copy(self)
        there.device = device
        return there

    def asarray(self, a: np.ndarray, dtype: str | None) -> Any:
        x = self.xp.asarray(np.array(a), device=self.device)
        return x if dtype is None else x.to(getattr(self.xp, dtype))

    def numpy(self, x: Any) -> np.ndarray:
        x = x.detach().cpu()
        return x.to(self.xp.float64 if x.dtype == self.xp.bfloat16 else x.dtype).numpy()

    def both(
        self, call: Call, arrays: dict[str, Any], wrt: list[str], cotangent: Any
    ) -> tuple[Any, dict[str, Any]]:
        leaves = {k: arrays[k].clone().requires_grad_() for k in wrt}
        value = call(**arrays | leaves)
        if not value.requires_grad:
            return value, {k: self.xp.zeros_like(x) for k, x in leaves.items()}
        found = self.xp.autograd.grad(value, list(leaves.values()), cotangent, allow_unused=True)
        pairs = zip(leaves.items(), found, strict=True)
        return value, {k: self.xp.zeros_like(x) if g is None else g for (k, x), g in pairs}

    def _jvp(self, function: Call, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        return self.xp.func.jvp(function, primals, tangents)[1]

    def compiled(self, call: Call) -> Call | None:
        # Traced as a user's code is, but without generating machine code, which takes a minute a loss.
        return self.xp.compile(call, fullgraph=True, dynamic=False, backend="aot_eager")

    def batched(self, call: Call, over: list[str]) -> Call | None:
        return _mapped(self.xp.func.vmap, call, over)

    def forget_compiled(self) -> None:
        if (dynamo := sys.modules.get("torch._dynamo")) is not None:
            dynamo.reset()


class CUDATorch(Torch):
    device = "cuda"

    def installed(self) -> bool:
        return super().installed() and self.xp.cuda.is_available()

    def runs_with(self) -> dict[str, str]:
        return {"card": self.xp.cuda.get_device_name()}


class Jax(Framework):
    differentiates = True
    device: Any = None

    @property
    def jax(self) -> Any:
        return importlib.import_module("jax")

    @cached_property
    def eager(self) -> Framework:
        there = EagerJax(self.name, self.module, self.dtypes)
        there.device = self.device
        return there

    def runs_with(self) -> dict[str, str]:
        flags = os.environ.get("XLA_FLAGS")
        return {"XLA_FLAGS": flags} if flags else {}

    def on(self, device: str) -> Framework:
        try:
            found = self.jax.devices(device)[0]
        except RuntimeError as error:
            raise ValueError(f"jax has no device {device}") from error
        there = copy.copy(self)
        there.device = found
        return there

    def is_of_tracing(self, error: Exception) -> bool:
        return isinstance(error, (self.jax.errors.JAXTypeError, self.jax.errors.JAXIndexError))

    @contextmanager
    def session(self, dtype: str) -> Iterator[None]:
        before = self.jax.config.jax_enable_x64
        self.jax.config.update("jax_enable_x64", dtype == "float64")
        try:
            yield
        finally:
            self.jax.config.update("jax_enable_x64", before)

    def asarray(self, a: np.ndarray, dtype: str | None) -> Any:
        if dtype is None and a.dtype == np.int64 and not self.jax.config.jax_enable_x64:
            a = a.astype(np.int32)
        return self.jax.device_put(super().asarray(a, dtype), self.device)

    # Compiled, as JAX is used, and once for cases of one form and shape; operation by operation would
    # compile more, not less.
    @cached_property
    def _value(self) -> Call:
        return self.jax.jit(lambda call, arrays: call(**arrays), static_argnums=0)

    @cached_property
    def _both(self) -> Call:
        return self.jax.jit(self._both_eager, static_argnums=(0, 1))

    def _both_eager(
        self, call: Call, wrt: tuple[str, ...], arrays: dict[str, Any], cotangent: Any
    ) -> tuple[Any, dict[str, Any]]:
        value, pull = self.jax.vjp(lambda some: call(**arrays | some), {k: arrays[k] for k in wrt})
        return value, pull(cotangent)[0]

    def _jvp(self, function: Call, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        return self.jax.jit(lambda p, t: self.jax.jvp(function, p, t)[1])(primals, tangents)

    def compiled(self, call: Call) -> Call | None:
        return self.jax.jit(call)

    def batched(self, call: Call, over: list[str]) -> Call | None:
        return _mapped(self.jax.vmap, call, over)

    def forget_compiled(self) -> None:
        self._value.clear_cache()
        self._both.clear_cache()

    def value(self, call: Call, arrays: dict[str, Any]) -> Any:
        return self._value(call, arrays)

    def both(
        self, call: Call, arrays: dict[str, Any], wrt: list[str], cotangent: Any
    ) -> tuple[Any, dict[str, Any]]:
        return self._both(call, tuple(wrt), arrays, cotangent)


class EagerJax(Jax):
    """JAX, operation by operation."""

    def value(self, call: Call, arrays: dict[str, Any]) -> Any:
        return call(**arrays)

    def both(
        self, call: Call, arrays: dict[str, Any], wrt: list[str], cotangent: Any
    ) -> tuple[Any, dict[str, Any]]:
        return self._both_eager(call, tuple(wrt), arrays, cotangent)


def _mapped(vmap: Any, call: Call, over: list[str]) -> Call:
    def mapped(**arrays: Any) -> Any:
        some = {k: arrays.pop(k) for k in over}
        return vmap(lambda one: call(**arrays | one))(some)

    return mapped


FLOATS = ("float64", "float32", "float16")
FRAMEWORKS: dict[str, Framework] = {
    f.name: f
    for f in (
        Framework("numpy", "numpy", FLOATS),
        Strict("strict", "array_api_strict", FLOATS[:2]),
        Torch("torch", "torch", (*FLOATS, "bfloat16")),
        Jax("jax", "jax.numpy", (*FLOATS, "bfloat16")),
        Dask("dask", "dask.array", FLOATS[:2]),
        CuPy("cupy", "cupy", FLOATS),
        CUDATorch("torch-cuda", "torch", (*FLOATS, "bfloat16")),
    )
}


def installed() -> list[Framework]:
    return [f for f in FRAMEWORKS.values() if f.installed()]


def precision(dtype: str) -> tuple[float, float, float]:
    """The machine epsilon, the smallest normal and the largest number of a dtype."""
    if dtype == "bfloat16":
        return 2.0**-7, 2.0**-126, 2.0**127 * (2 - 2.0**-7)
    info = np.finfo(dtype)
    return float(info.eps), float(info.smallest_normal), float(info.max)


def is_exact(a: np.ndarray, dtype: str) -> bool:
    """Whether every number of a float64 array is one of the dtype, and a normal one."""
    if dtype == "float64":
        return True
    with np.errstate(over="ignore", under="ignore"):
        if dtype == "bfloat16":  # a float32 whose lower half is empty
            short = a.astype(np.float32)
            exact = (short.view(np.uint32) & 0xFFFF) == 0
            tiny = float(np.finfo(np.float32).smallest_normal)
        else:
            short, exact = a.astype(dtype), True
            tiny = float(np.finfo(dtype).smallest_normal)
    same = (short.astype(np.float64) == a) & exact & ((a == 0) | (np.abs(a) >= tiny))
    return bool(np.all(same | ~np.isfinite(a)))
