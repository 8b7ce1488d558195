"""The primitives as functions of PyTorch, which this and the two modules beside it alone import.

A plain call works in blocks or by a kernel. Under a transformation and under Dynamo a primitive has a
class each, because Dynamo refuses one that defines `jvp`.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import array_api_compat.torch
import torch
from torch.autograd import forward_ad

from . import recompute
from .primitives import RULES, Primitive
from .rules import Like, Rule
from .torch_kernels import KERNELS, Kernel, in_blocks, single

Array = Any


class Classes(NamedTuple):
    """The function of a primitive: for plain calls, for transformations, for Dynamo, and its body."""

    plain: Any
    transformed: Any
    compiled: Any
    body: Any


XP: Any = array_api_compat.torch
CLASSES: dict[str, Classes] = {}

# What PyTorch has itself, as exact in every derivative.
NATIVE: dict[str, Any] = {
    "_log": torch.log,
    "_log1p": torch.log1p,
    "absolute": torch.abs,
    "clip": lambda x, bound: x.clamp(-bound, bound),
    "exp": torch.exp,
    "minimum": lambda x, bound: x.clamp(max=bound),
    "relu": torch.relu,
}
# What it computes as exactly, in fewer passes, and differentiates with a cancellation, but rightly.
FUSED: dict[str, Any] = {
    "finite_or_nan": lambda x: x * 0 + x,
    "huber": KERNELS["huber"].value,
    "log_add_exp": lambda a, b: _log_add_exp(a, b),
    "logit_nll": lambda z, y, weight: _logit_nll(z, y, weight),
    "logit_nll_slope": lambda z, y, weight: _logit_nll_slope(z, y, weight),
    "sigmoid": torch.sigmoid,
    "smooth_l1": KERNELS["smooth_l1"].value,
    "softplus": lambda x: -torch.nn.functional.logsigmoid(-x),
    "take_classes": lambda x, labels: x.gather(-1, _in_each_row(x, labels)),
    "tanh": torch.tanh,
}


def _log_add_exp(a: Array, b: Array) -> Array:
    high = torch.maximum(a, b)
    return high + (torch.minimum(a, b) - high.clamp(min=-3e38)).exp().log1p()


def _in_each_row(x: Array, labels: Array) -> Array:
    return labels[..., None, :].expand(*x.shape[:-1], labels.shape[-1])


def _logit_nll(z: Array, y: Array, weight: Any) -> Array:
    yes, no, positive = weight * y, 1 - y, z >= 0
    more, size = torch.where(positive, no, yes), torch.where(positive, z, -z)
    finite = torch.where((more == 0) & (size == math.inf), 0.0, size)
    return more * finite - (yes + no) * torch.nn.functional.logsigmoid(size)


def _logit_nll_slope(z: Array, y: Array, weight: Any) -> Array:
    yes, no, positive = weight * y, 1 - y, z >= 0
    e = torch.where(positive, -z, z).exp()
    return torch.where(positive, no - yes * e, no * e - yes) / (1 + e)


def apply(name: str, xp: Any, args: tuple[Any, ...]) -> Array:
    """The result of a primitive, followed by PyTorch where it follows an argument."""
    native = NATIVE.get(name)
    if native is not None:
        return native(*args)
    of = CLASSES[name]
    compiling = torch.compiler.is_compiling()
    if not compiling and not transforming():
        return of.plain(*args)
    args = RULES[name].with_parts(xp, args)
    if not compiling:
        return of.transformed.apply(*args)
    return (of.compiled.apply if followed(args) else of.body)(*args)


def followed(args: tuple[Any, ...]) -> bool:
    """Whether PyTorch keeps track of one of the arguments."""
    return torch.is_grad_enabled() and any(isinstance(a, torch.Tensor) and a.requires_grad for a in args)


def transforming() -> bool:
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def _without_tangent(x: Any) -> Any:
    """`x` without the tangent of the innermost transformation that has given it one."""
    if not isinstance(x, torch.Tensor):
        return x
    layers = torch._C._functorch
    if layers.is_batchedtensor(x):
        inner = _without_tangent(layers.get_unwrapped(x))
        return layers._add_batch_dim(inner, layers.maybe_get_bdim(x), layers.maybe_get_level(x))
    if layers.is_gradtrackingtensor(x):
        level = layers.maybe_get_level(x)
        return layers._wrap_for_grad(layers._unwrap_for_grad(x, level), level)
    return forward_ad.unpack_dual(x).primal


def saved(rule: Rule, args: tuple[Any, ...], y: Array) -> tuple[list[Array], list[Any]]:
    """The tensors that the derivative needs, and of all others what is known without them."""
    tensors, known = [], []
    for key, x in zip((*"abcdef"[: len(args)], "y"), (*args, y), strict=True):
        if not isinstance(x, torch.Tensor):
            known.append(x)
        elif key in rule.needs:
            tensors.append(x)
            known.append(None)
        else:
            known.append(Like(x.shape, x.dtype))
    return tensors, known


def restored(ctx: Any) -> list[Any]:
    tensors = iter(ctx.saved_tensors)
    *args, y = (next(tensors) if x is None else x for x in ctx.known)
    return [y, *args]


def install(name: str) -> None:
    """Build the classes of a primitive."""
    xp = XP
    of = RULES[name]
    f, rule, axes = of.f, of.rule, of.axes
    body = FUSED.get(name) or (lambda *args: f(xp, *args))

    class Back(torch.autograd.Function):  # type: ignore[misc]
        generate_vmap_rule = True

        @staticmethod
        def forward(*args: Any) -> Array:
            return body(*args)

        @staticmethod
        def setup_context(ctx: Any, args: tuple[Any, ...], y: Array) -> None:
            tensors, ctx.known = saved(rule, args, y)
            ctx.set_materialize_grads(False)  # no derivative is none, not 0, which 0·∞ would make NaN
            ctx.save_for_backward(*tensors)

        @staticmethod
        def backward(ctx: Any, c: Array) -> Any:
            y, *args = restored(ctx)
            found = [
                rule.pull(xp, i, y, *args)(c) if wanted and c is not None else None
                for i, wanted in enumerate(ctx.needs_input_grad)
            ]
            return found[0] if len(found) == 1 else tuple(found)

    class ForwardAndBack(Back):
        @staticmethod
        def setup_context(ctx: Any, args: tuple[Any, ...], y: Array) -> None:
            Back.setup_context(ctx, args, y)
            ctx.save_for_forward(*saved(rule, args, y)[0])

        @staticmethod
        def jvp(ctx: Any, *ts: Any) -> Array:
            # PyTorch switches forward mode off in here, and with it that of an outer transformation.
            with forward_ad._set_fwd_grad_enabled(True):
                y, *args = map(_without_tangent, restored(ctx))
                return rule.push(xp, list(ts), y, *args).broadcast_to(y.shape)

    class InBlocks(Back):
        @staticmethod
        def forward(*args: Any) -> Array:
            return in_blocks(body, axes)(*args)

        @staticmethod
        def backward(ctx: Any, c: Array) -> Any:
            if c is None or torch.is_grad_enabled():
                return Back.backward(ctx, c)
            y, *args = restored(ctx)
            found = [
                in_blocks(functools.partial(pull, i), axes)(c, y, *args) if wanted else None
                for i, wanted in enumerate(ctx.needs_input_grad)
            ]
            return found[0] if len(found) == 1 else tuple(found)

    def pull(i: int, c: Array, y: Array, *args: Any) -> Array:
        return rule.pull(xp, i, y, *args)(c)

    def in_blocks_of(*args: Any) -> Array:
        args = of.with_parts(xp, args)
        return InBlocks.apply(*args) if followed(args) else in_blocks(body, axes)(*args)

    kernel = KERNELS.get(name)
    plain = in_blocks_of if kernel is None else _by_kernel(of, kernel)
    CLASSES[name] = Classes(plain, ForwardAndBack, Back, body)


def _by_kernel(of: Primitive, kernel: Kernel) -> Any:
    """A primitive that has a kernel, for plain calls."""

    class ByKernel(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Array:
            y = kernel.value(*args)
            ctx.kept = ()
            if kernel.keeps:
                y, kept = y
                ctx.kept = y.detach(), kept
            ctx.set_materialize_grads(False)
            tensors, ctx.known = saved(of.rule, args, y)
            ctx.save_for_backward(*tensors)
            return y

        @staticmethod
        def backward(ctx: Any, c: Array) -> Any:
            y, *args = restored(ctx)
            found: list[Any] = [None] * len(args)
            for i, wanted in enumerate(ctx.needs_input_grad):
                if not wanted or c is None:
                    continue
                if i == 0 and kernel.pull and not torch.is_grad_enabled():
                    found[0] = kernel.pull(single(c), *args, *ctx.kept)
                else:
                    found[i] = of.rule.pull(XP, i, y, *of.with_parts(XP, tuple(args)))(c)
            return found[0] if len(found) == 1 else tuple(found)

    def plain(*args: Any) -> Array:
        if followed(args):
            return ByKernel.apply(*args)
        return kernel.value(*args)[0] if kernel.keeps else kernel.value(*args)

    return plain


for name in RULES:
    install(name)


class Recomputed(torch.autograd.Function):  # type: ignore[misc]
    """A function that is worked through in blocks, and whose derivatives are such functions too."""

    generate_vmap_rule = True

    @staticmethod
    def forward(work: recompute.Blockwise, *args: Any) -> Any:
        return recompute.run(XP, work, args)

    @staticmethod
    def setup_context(ctx: Any, args: tuple[Any, ...], ys: Any) -> None:
        ctx.work = args[0]
        ctx.set_materialize_grads(False)
        tensors = [x for x in args[1:] if isinstance(x, torch.Tensor)]
        ctx.known = [None if isinstance(x, torch.Tensor) else (x,) for x in args[1:]]
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def arguments(ctx: Any) -> list[Any]:
        tensors = iter(ctx.saved_tensors)
        return [next(tensors) if known is None else known[0] for known in ctx.known]

    @staticmethod
    def backward(ctx: Any, *cs: Any) -> Any:
        given = tuple(k for k, c in enumerate(cs) if c is not None)
        wanted = tuple(i for i, asked in enumerate(ctx.needs_input_grad[1:]) if asked)
        found: list[Any] = [None] * len(ctx.needs_input_grad)
        if given and wanted:
            args = [*Recomputed.arguments(ctx), *(cs[k] for k in given)]
            for i, c in zip(wanted, recompute.apply(XP, ctx.work.pulled(given, wanted), args), strict=True):
                found[1 + i] = c
        return tuple(found)

    @staticmethod
    def jvp(ctx: Any, _: Any, *ts: Any) -> Any:
        moving = tuple(i for i, t in enumerate(ts) if t is not None)
        with forward_ad._set_fwd_grad_enabled(True):
            args = list(map(_without_tangent, Recomputed.arguments(ctx)))
            return tuple(recompute.apply(XP, ctx.work.pushed(moving), [*args, *(ts[i] for i in moving)]))
