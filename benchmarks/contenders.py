"""Who takes part, framework by framework: ours and the peers, as functions of ready arrays."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
import torch
from hot_set import Function, Hot
from measure import peak_bytes

import arraylosses as al

Array = Any


class Contender(NamedTuple):
    """A loss on one framework: its value, its value with its gradients, and the modes it is compared in."""

    name: str
    modes: frozenset[str]
    value: Function
    both: Function | None  # the gradient of SciPy's is nobody's


class Framework(NamedTuple):
    """What differs between the frameworks."""

    modes: tuple[str, ...]  # in each of which the first contender is ours
    array: Callable[[Array], Any]
    contenders: Callable[[Hot], Iterator[Contender]]
    peak: Callable[[Function, tuple[Any, ...]], int]


os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # PyTorch's profiler talks
COMPILE = getattr(al, "compile", None)


def compiled_by_us(hot: Hot, mode: str, ready: Function = lambda f: f) -> Iterator[Contender]:
    if COMPILE is not None:
        f = COMPILE(hot.loss, **hot.options)
        yield Contender(
            "ours, al.compile", frozenset((mode,)), ready(f), ready(al.value_and_grad(f, argnums=hot.wrt))
        )


# --- PyTorch -------------------------------------------------------------------------------------

EAGER, COMPILED, OURS_TORCH = "PyTorch", "torch.compile", "al.compile, PyTorch"


def of_torch(hot: Hot) -> Iterator[Contender]:
    torch.compiler.reset()

    def contender(name: str, modes: tuple[str, ...], f: Function) -> Contender:
        def both(*args: Any) -> Any:
            leaves = [args[i].detach().requires_grad_() for i in hot.wrt]
            filled = list(args)
            for i, leaf in zip(hot.wrt, leaves, strict=True):
                filled[i] = leaf
            value = f(*filled)
            return value.detach(), torch.autograd.grad(value, leaves)

        return Contender(name, frozenset(modes), f, both)

    ours = functools.partial(hot.loss, **hot.options)
    yield contender("ours", (EAGER,), ours)
    yield contender("ours, torch.compile", (COMPILED,), torch.compile(ours, fullgraph=True, dynamic=False))
    yield from compiled_by_us(hot, OURS_TORCH)
    for peer in hot.peers["torch"]:
        yield contender(peer.name, (EAGER, COMPILED, OURS_TORCH), peer.value)
        name, compiled = f"{peer.name}, compiled", torch.compile(peer.value, dynamic=False)
        yield contender(name, (COMPILED, OURS_TORCH), compiled)


def torch_peak(f: Function, args: tuple[Any, ...]) -> int:
    """The most that the allocator has held during a call, as the profiler saw it."""
    f(*args)
    on = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=on, profile_memory=True) as seen:
        result = f(*args)
    del result
    held = most = 0
    for event in seen.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


# --- JAX -----------------------------------------------------------------------------------------

JIT, OURS_JAX = "JAX, jit", "al.compile, JAX"


def waiting(f: Function) -> Function:
    return lambda *args: jax.block_until_ready(f(*args))


def of_jax(hot: Hot) -> Iterator[Contender]:
    def contender(name: str, modes: tuple[str, ...], f: Function) -> Contender:
        both = jax.jit(jax.value_and_grad(f, argnums=hot.wrt))
        return Contender(name, frozenset(modes), waiting(jax.jit(f)), waiting(both))

    yield contender("ours", (JIT,), functools.partial(hot.loss, **hot.options))
    yield from compiled_by_us(hot, OURS_JAX, waiting)
    for peer in hot.peers["jax"]:
        yield contender(peer.name, (JIT, OURS_JAX), peer.value)


def jax_peak(f: Function, args: tuple[Any, ...]) -> int:
    """What XLA has planned for: temporaries and results."""
    plan: Any = jax.jit(f).lower(*args).compile().memory_analysis()
    return int(plan.temp_size_in_bytes + plan.output_size_in_bytes)


# --- NumPy ---------------------------------------------------------------------------------------

PLAIN, OURS_NUMPY = "NumPy", "al.compile, NumPy"


def of_numpy(hot: Hot) -> Iterator[Contender]:
    ours = functools.partial(hot.loss, **hot.options)
    yield Contender("ours", frozenset((PLAIN,)), ours, al.value_and_grad(ours, argnums=hot.wrt))
    yield from compiled_by_us(hot, OURS_NUMPY)
    for peer in hot.peers["numpy"]:
        yield Contender(peer.name, frozenset((PLAIN, OURS_NUMPY)), peer.value, peer.both)


def numpy_peak(f: Function, args: tuple[Any, ...]) -> int:
    return peak_bytes(lambda: f(*args))


FRAMEWORKS = (
    Framework((EAGER, COMPILED, OURS_TORCH), torch.from_numpy, of_torch, torch_peak),
    Framework((JIT, OURS_JAX), jax.numpy.asarray, of_jax, jax_peak),
    Framework((PLAIN, OURS_NUMPY), np.asarray, of_numpy, numpy_peak),
)
