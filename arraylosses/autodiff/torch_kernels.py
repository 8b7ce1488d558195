"""What PyTorch computes eagerly: the values and first derivatives of primitives, in few passes.

Without a compiler every operation is a pass over memory, a new array costs as much as several
passes, and a select on a condition without a pattern as much as thirty. So these kernels have
signs where the formulas have branches, work in place on what they have allocated, and large
arrays go through them in blocks that stay in the cache. They are for plain calls: what is
differentiated again, batched or compiled has the primitive and its maps.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

Array = Any

BLOCK = 2**18


class Kernel(NamedTuple):
    """The value, and the pullback of a cotangent to the first argument: `pull(c, *args)`.

    One that `keeps` something for the pullback gives it with the value, and gets both after the
    arguments.
    """

    value: Callable[..., Any]
    pull: Callable[..., Array]
    keeps: bool = False
    # Of a loop over so many steps that a compiler is not to look into it, what its results look like.
    looks: Callable[..., tuple[Array, Array]] | None = None


def in_blocks(f: Callable[..., Array], axes: int) -> Callable[..., Array]:
    """A function of arrays that leaves all axes but the last `axes` alone, in blocks where they are large.

    An argument may have the length 1 for the last axes, or not have them. What is a number, or an array
    without axes, goes along with every block.
    """

    @functools.wraps(f)
    def blocked(*args: Any) -> Array:
        whole = max((x for x in args if isinstance(x, torch.Tensor)), key=torch.numel)
        if whole.numel() <= 2 * BLOCK:
            return f(*args)
        lead = whole.shape[: whole.ndim - axes]
        size = max(1, BLOCK * lead.numel() // whole.numel())
        cuts: list[Any] = []
        for x in args:
            if not isinstance(x, torch.Tensor) or not x.ndim:
                cuts.append(None)
            elif x.shape[: len(lead)] == lead and x.is_contiguous():
                cuts.append(x.view(-1, *x.shape[len(lead) :]).split(size))
            else:
                return f(*args)
        result: Any = None
        for i in range(-(-lead.numel() // size)):
            part = f(*(x if cut is None else cut[i] for x, cut in zip(args, cuts, strict=True)))
            if result is None:
                result = part.new_empty((lead.numel(), *part.shape[1:]))
            result[i * size : (i + 1) * size] = part
        return result.view(*lead, *result.shape[1:])

    return blocked


def single(c: Array) -> Array:
    """A cotangent that has been expanded from one number as that number."""
    return c if c.ndim == 0 or any(c.stride()) else c.as_strided((), ())


def _sign(x: float, like: Array) -> Array:
    return torch.copysign(like.new_tensor(x), like)


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
    p, log_p_y, others = (rows.new_empty((len(rows), n)) for n in (z.shape[-1], 1, 1))
    size = max(1, BLOCK // z.shape[-1])
    for i in range(0, len(rows), size):
        here = slice(i, i + size)
        torch.ops.aten._log_softmax.out(rows[here], -1, False, out=p[here])
        torch.gather(p[here], -1, label[here], out=log_p_y[here])
        p[here].exp_().scatter_(-1, label[here], 0.0)
        torch.sum(p[here], -1, keepdim=True, out=others[here])
    # 1 - p_y and log p_y, of which the first has more digits where p_y is near 1.
    nll = torch.where(others < 0.5, -torch.log1p(-others), -log_p_y)
    return nll.view(*z.shape[:-1], 1), p.view(z.shape)


def _pull_label_nll(c: Array, z: Array, labels: Array, y: Array, p: Array) -> Array:
    return (p * c).scatter_(-1, labels[..., None], torch.expm1(-y) * c)


def _sequences_last(x: Array, axes: int) -> Array:
    """(..., T, K) as (T, K, N): neighbours on the path then lie in one piece, at which kernels are fast."""
    return x.reshape(-1, *x.shape[x.ndim - axes :]).movedim(0, -1).contiguous()


OFTEN = 4  # how many frames go by until their greatest is taken from log-probabilities


def _places(x: Array) -> tuple[Array, Array, Array]:
    """The places of a path that has two more before it, those before them, and those before these."""
    return x[..., 2:, :], x[..., 1:-1, :], x[..., :-2, :]


def _come(here: Array, before: Array, past: Array, skip: Array, out: Array) -> Array:
    """The log-probability of coming to each place."""
    torch.logaddexp(here, before, out=out)
    return torch.logaddexp(out, past + skip, out=out)


def _less_greatest(x: Array) -> Array:
    """Take the greatest from each column, and return it."""
    m = x.amax(0).clamp_(min=torch.finfo(x.dtype).min)
    x.sub_(m)
    return m


def _log_likelihood(emitted: Array, skip: Array, live: Array, count: Array) -> tuple[Array, Array]:
    """The log-likelihood, and the forward variables but for what all of a frame have in common."""
    e, skip, live = (_sequences_last(x, axes) for x, axes in ((emitted, 2), (skip, 1), (live, 1)))
    T, K, N = e.shape
    alpha = e.new_full((T + 1, K + 2, N), -math.inf)
    alpha[0, 2] = 0.0
    places: Any = zip(*(x.unbind() for x in _places(alpha)), strict=True)
    here, total = next(places), e.new_zeros(N)
    # What comes of the frames after its last is of no use to a sequence, and not looked at.
    for t, (e_t, after) in enumerate(zip(e.unbind(), places, strict=True)):
        _come(here[0], here[1], here[2], skip, out=after[0]).add_(e_t)
        if t % OFTEN == 0:
            total += _less_greatest(after[0]) * live[t]
        here = after
    # Two places before the first stand for the label where there is none.
    two, n = torch.tensor([[2], [1]], device=e.device), torch.arange(N, device=e.device)
    ends = alpha[live.sum(0), 2 * count.reshape(-1) + two, n]
    return torch.logaddexp(ends[0], ends[1]).add_(total).view(*emitted.shape[:-2], 1, 1), alpha


def _pull_log_likelihood(
    c: Array, emitted: Array, skip: Array, live: Array, count: Array, y: Array, alpha: Array
) -> Array:
    e, skip, live = (_sequences_last(x, axes) for x, axes in ((emitted, 2), (skip, 1), (live, 1)))
    T, K, N = e.shape
    # Along the path from its end, with two places before that.
    nowhere = skip.new_full((2, N), -math.inf)
    skip, padded = torch.cat([skip[2:], nowhere])[:K].flip(0), e.new_full((K + 2, N), -math.inf)
    from_end = 2 * count.reshape(-1) - torch.arange(K, device=e.device).flip(0)[:, None]
    beta, places = e.new_empty((T + 1, K, N)), _places(padded)
    beta[T] = torch.where((from_end == 0) | (from_end == 1), 0.0, -math.inf)
    frames = (x.flip(0).unbind() for x in (e.flip(1), live))
    each = beta.unbind()[::-1]
    for t, (after, before, e_t, on) in enumerate(zip(each[:-1], each[1:], *frames, strict=True)):
        torch.add(after, e_t, out=places[0])
        torch.where(on, _come(*places, skip, before), after, out=before)
        if t % OFTEN == 0:
            _less_greatest(before)
    share = beta[1:].flip(1).add_(alpha[1:, 2:])
    share.sub_(share.logsumexp(1, keepdim=True).clamp_(min=torch.finfo(e.dtype).min)).exp_()
    share = torch.where(live[:, None], share, 0.0).mul_(c.reshape(-1) if c.ndim else c)
    return share.movedim(-1, 0).contiguous().view(emitted.shape)


def _looks_of_log_likelihood(emitted: Array, *_: Array) -> tuple[Array, Array]:
    *lead, T, K = emitted.shape
    return emitted.new_empty((*lead, 1, 1)), emitted.new_empty((T + 1, K + 2, math.prod(lead)))


KERNELS: dict[str, Kernel] = {
    "greater": Kernel(torch.maximum, _share),
    "lesser": Kernel(torch.minimum, lambda c, a, b: _share(c, b, a)),
    "huber": Kernel(_huber, _pull_huber),
    "keep": Kernel(_keep, _pull_keep),
    "_log_likelihood": Kernel(
        _log_likelihood, _pull_log_likelihood, keeps=True, looks=_looks_of_log_likelihood
    ),
    "_label_nll": Kernel(_label_nll, _pull_label_nll, keeps=True),
    "focal_nll": Kernel(in_blocks(_focal_nll, 0), in_blocks(_pull_focal_nll, 0)),
    "logit_nll": Kernel(in_blocks(_logit_nll, 0), in_blocks(_pull_logit_nll, 0)),
    "smooth_l1": Kernel(_smooth_l1, _pull_smooth_l1),
    "part": Kernel(in_blocks(_part, 0), in_blocks(_pull_part, 0)),
    "square": Kernel(lambda r: r * r, lambda c, r: r * (2 * c)),
}
LOOPS = frozenset(name for name, kernel in KERNELS.items() if kernel.looks)
