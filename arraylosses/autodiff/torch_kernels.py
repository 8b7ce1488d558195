"""What PyTorch computes eagerly: the values and first derivatives of primitives, in few passes.

Without a compiler every operation is a pass over memory, a new array costs as much as several
passes, and a select on a condition without a pattern as much as thirty. So these kernels have
signs where the formulas have branches, work in place on what they have allocated, and large
arrays go through them in blocks that stay in the cache. They are for plain calls: what is
differentiated again, batched or compiled has the primitive and its maps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

Array = Any

BLOCK = 2**18


def block(x: Array) -> int:
    """How many numbers to work through at a time: on a GPU all, since there a block is a launch more."""
    return BLOCK if x.device.type == "cpu" else max(1, x.numel())


class Kernel(NamedTuple):
    """The value, and the pullback of a cotangent to the first argument, if not the map's: `pull(c, *args)`.

    One that `keeps` something for the pullback gives it with the value, and gets both after the
    arguments.
    """

    value: Callable[..., Any]
    pull: Callable[..., Array] | None = None
    keeps: bool = False


def in_blocks(f: Callable[..., Array], axes: int | None) -> Callable[..., Array]:
    """A function of arrays that leaves all axes but the last `axes` alone, in blocks where they are large.

    An argument may have the length 1 for the last axes, or not have them. What is a number, or an array
    without axes or with fewer than these, goes along with every block.
    """

    if axes is None:
        return f

    @functools.wraps(f)
    def blocked(*args: Any) -> Array:
        whole = max((x for x in args if isinstance(x, torch.Tensor)), key=torch.numel)
        if whole.numel() <= 2 * block(whole):
            return f(*args)
        lead = whole.shape[: whole.ndim - axes]
        size = max(1, BLOCK * lead.numel() // whole.numel())
        cuts: list[Any] = []
        for x in args:
            if not isinstance(x, torch.Tensor) or x.ndim < max(axes, 1):
                cuts.append(None)
            elif x.shape[: len(lead)] == lead and x.is_contiguous():
                cuts.append(x.view(-1, *x.shape[len(lead) :]).split(size))
            else:
                return f(*args)
        result: Any = None
        for i in range(-(-lead.numel() // size)):
            part = f(*(x if cut is None else cut[i] for x, cut in zip(args, cuts, strict=True)))
            if part is None:
                return None
            if result is None:
                result = part.new_empty((lead.numel(), *part.shape[1:]))
            result[i * size : (i + 1) * size] = part
        return result.view(*lead, *result.shape[1:])

    return blocked


def single(c: Array) -> Array:
    """A cotangent that has been expanded from one number as that number."""
    return c if c.ndim == 0 or any(c.stride()) else c.as_strided((), ())


def _sign(x: float, like: Array) -> Array:
    return torch.copysign(like.new_full((), x), like)


def _huber(r: Array, delta: Any) -> Array:
    if isinstance(delta, torch.Tensor):
        q = r.clamp(-delta, delta)
        return q * (r - q / 2)
    return torch.nn.functional.huber_loss(r, r.new_zeros(()).expand_as(r), reduction="none", delta=delta)


def _pull_huber(c: Array, r: Array, delta: Any) -> Array:
    return r.clamp(-delta, delta).mul_(c)


def _smooth_l1(r: Array, beta: Any) -> Array:
    if isinstance(beta, torch.Tensor):
        return _huber(r, beta) / beta
    return torch.nn.functional.smooth_l1_loss(r, r.new_zeros(()).expand_as(r), reduction="none", beta=beta)


def _pull_smooth_l1(c: Array, r: Array, beta: Any) -> Array:
    return (r / beta).clamp_(-1, 1).mul_(c)


def _below_zero(z: Array) -> Array:
    """-|z|."""
    return z.abs().neg_()


def _logit_parts(z: Array, y: Array, weight: Any) -> tuple[Array, Any]:
    """H and T of the loss z·H + T·softplus(-|z|), whose slope is H - sign(z)·T·sigmoid(-|z|)."""
    positive = _sign(0.5, z).add_(0.5)
    far = positive - y  # 1 - y, or -y
    if isinstance(weight, float) and weight == 1:
        return far, None
    far.mul_(positive.mul_(1 - weight).add_(weight))
    return far, (y * (weight - 1)).add_(1)


def _logit_nll(z: Array, y: Array, weight: Any) -> Array:
    far, total = _logit_parts(z, y, weight)
    nll = _below_zero(z).exp_().log1p_()
    if total is not None:
        nll.mul_(total)
    return nll.add_(_times(far, z))


def _times(far: Array, z: Array) -> Array:
    """far·z, where 0·∞ = 0."""
    most = torch.finfo(z.dtype).max
    bound = far.abs().mul_(most).mul_(most).mul_(most)  # infinite, or 0
    return torch.minimum(bound, z.abs(), out=bound).copysign_(z).mul_(far)


def _pull_logit_nll(c: Array, z: Array, y: Array, weight: Any) -> Array:
    far, total = _logit_parts(z, y, weight)
    near = _below_zero(z).sigmoid_().copysign_(z)
    if total is not None:
        near.mul_(total)
    return far.sub_(near).mul_(c)


def _focal_parts(z: Array, y: Array) -> tuple[Array, Array, Array, Array]:
    """H as above, softplus(-|z|), sigmoid(-|z|), and the probability of the wrong label."""
    far, _ = _logit_parts(z, y, 1.0)
    e = _below_zero(z).exp_()
    near = e.log1p()
    less = e.div_(1 + e)
    u = _sign(1.0, z).mul_(far)
    return far, near, less, (1 - 2 * u).mul_(less).add_(u)


def _focal_nll(z: Array, y: Array) -> Array:
    far, near, _, q = _focal_parts(z, y)
    return near.add_(_times(far, z)).mul_(q).mul_(q)


def _pull_focal_nll(c: Array, z: Array, y: Array) -> Array:
    far, near, less, q = _focal_parts(z, y)
    most = torch.finfo(z.dtype).max
    nll = near.add_(far * z.clamp(-most, most))  # a finite one, for 0·∞ to be 0
    change = less.mul(1 - less).mul_(1 - 2 * y)
    return far.sub_(less.copysign_(z)).mul_(q).add_(change.mul_(nll), alpha=2).mul_(q).mul_(c)


def _share(c: Array, a: Array, b: Array) -> Array:
    """`c` where a > b, and half of it where they are equal."""
    return (a > b).to(a.dtype).add_((a >= b).to(a.dtype)).mul_(c / 2)


def _part(a: Array, b: Array) -> Array:
    least = torch.finfo(a.dtype).smallest_normal * torch.finfo(a.dtype).eps
    ratio = torch.minimum(a, b).div_(torch.maximum(a, b).clamp_(min=least))
    numerator = (a > b).to(a.dtype).mul_(1 - ratio).add_(ratio)  # 1 or the ratio
    return numerator.div_(ratio.add_(1))


def _pull_part(c: Array, a: Array, b: Array) -> Array:
    least = torch.finfo(a.dtype).smallest_normal * torch.finfo(a.dtype).eps
    return _part(b, a).div_((a + b).clamp_(min=least)).mul_(c)


def _keep(x: Array, kept: Array) -> Array:
    bits = torch.int32 if x.dtype == torch.float32 else torch.int64
    return (x.view(bits) & kept.to(bits).neg_()).view(x.dtype)


def _pull_keep(c: Array, x: Array, kept: Array) -> Array:
    return _keep(c.expand(x.shape), kept)


def _label_nll(z: Array, labels: Array) -> tuple[Array, Array]:
    """-log p_y, and the p of all classes but the label."""
    label, rows = labels.reshape(-1, 1), z.reshape(-1, z.shape[-1])
    p, less, others = (rows.new_empty((len(rows), n)) for n in (z.shape[-1], 1, 1))
    size = max(1, block(z) // z.shape[-1])
    for i in range(0, len(rows), size):
        here = slice(i, i + size)
        e = torch.sub(rows[here], rows[here].amax(-1, keepdim=True), out=p[here])
        torch.gather(e, -1, label[here], out=less[here]).neg_()
        e.exp_().scatter_(-1, label[here], 0.0)
        torch.sum(e, -1, keepdim=True, out=others[here])
        e.div_(others[here] + torch.exp(-less[here]))
    nll = others.add_(torch.expm1(-less)).log1p_().add_(less)
    return nll.view(*z.shape[:-1], 1), p.view(z.shape)


def _pull_label_nll(c: Array, z: Array, labels: Array, y: Array, p: Array) -> Array:
    return (p * c).scatter_(-1, labels[..., None], torch.expm1(-y) * c)


KERNELS: dict[str, Kernel] = {
    "finite_or_nan": Kernel(lambda x: (x * 0).add_(x)),
    "greater": Kernel(torch.maximum, _share),
    "lesser": Kernel(torch.minimum, lambda c, a, b: _share(c, b, a)),
    "huber": Kernel(_huber, _pull_huber),
    "keep": Kernel(_keep, _pull_keep),
    "log_add_exp": Kernel(torch.logaddexp),
    "_label_nll": Kernel(_label_nll, _pull_label_nll, keeps=True),
    "focal_nll": Kernel(in_blocks(_focal_nll, 0), in_blocks(_pull_focal_nll, 0)),
    "logit_nll": Kernel(in_blocks(_logit_nll, 0), in_blocks(_pull_logit_nll, 0)),
    "smooth_l1": Kernel(_smooth_l1, _pull_smooth_l1),
    "part": Kernel(in_blocks(_part, 0), in_blocks(_pull_part, 0)),
    "square": Kernel(lambda r: r * r, lambda c, r: r * (2 * c)),
}
