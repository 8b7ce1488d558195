"""What the gradients of the library's own engine cost, beside PyTorch's and beside the value alone.

`python benchmarks/gradients.py` prints the tables and writes them into docs/gradients.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import markdown, peak_bytes, side_by_side, spelled, write_between_marks
from rich.console import Console
from rich.markdown import Markdown

import arraylosses as al

PAGE = Path(__file__).parents[1] / "docs" / "gradients.md"
N = 10**6


def overhead() -> str:
    """A chain of 200 operations on 8 elements: nothing but overhead."""

    def chain(x: Any) -> Any:
        xp = x.__array_namespace__() if hasattr(x, "__array_namespace__") else torch
        y = x
        for _ in range(100):
            y = y * x
            y = y + x
        return xp.sum(y)

    start = np.linspace(0.1, 0.2, 8, dtype=np.float32)
    tensor = torch.asarray(start.copy()).requires_grad_()
    ours = al.value_and_grad(chain)

    def theirs() -> Any:
        return torch.autograd.grad(chain(tensor), tensor)

    torch_eager, own = side_by_side(theirs, lambda: ours(start), rounds=25)
    rows = [
        ["PyTorch eager", spelled(torch_eager.seconds / 200), "1.00"],
        ["this library on NumPy", spelled(own.seconds / 200), f"{own.ratio:.2f}"],
    ]
    return markdown(["forward and backward, 8 elements", "per operation", "ratio"], rows)


def losses() -> dict[str, tuple[Callable[..., Any], Any, Any]]:
    rng = np.random.default_rng(0)
    real = (3 * rng.normal(size=N)).astype(np.float32)
    binary = (rng.random(N) < 0.5).astype(np.float32)
    share = rng.random(N).astype(np.float32)
    return {
        "smooth L1": (al.smooth_l1_loss, real, real[::-1].copy()),
        "binary cross-entropy with logits": (al.binary_cross_entropy_with_logits, real, binary),
        "sigmoid focal": (al.sigmoid_focal_loss, real, binary),
        "Dice, 4 images": (al.dice_loss, share.reshape(4, -1), binary.reshape(4, -1)),
        "cross-entropy, 100 classes": (
            al.cross_entropy,
            real.reshape(-1, 100),
            rng.integers(0, 100, N // 100),
        ),
    }


def large() -> str:
    rows = []
    for name, (loss, pred, target) in losses().items():
        both = al.value_and_grad(loss)
        value, gradient = side_by_side(
            lambda loss=loss, p=pred, t=target: loss(p, t), lambda f=both, p=pred, t=target: f(p, t)
        )
        memory = [
            f"{peak_bytes(call) / pred.nbytes:.1f}"
            for call in (
                lambda loss=loss, p=pred, t=target: loss(p, t),
                lambda f=both, p=pred, t=target: f(p, t),
            )
        ]
        rows.append(
            [name, spelled(value.seconds), spelled(gradient.seconds), f"{gradient.ratio:.2f}", *memory]
        )
    columns = ["NumPy, 10⁶ float32", "value", "value and gradient", "ratio", "peak, value", "peak, both"]
    return markdown(columns, rows)


def recursion() -> str:
    """CTC over 200 steps: a loop over slices."""
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(8, 200, 32)).astype(np.float32)
    log_probs = raw - np.log(np.sum(np.exp(raw), axis=-1, keepdims=True))
    labels = rng.integers(1, 32, (8, 20))
    tensor, targets = torch.asarray(log_probs.copy()).requires_grad_(), torch.asarray(labels)
    ours = al.value_and_grad(al.ctc_loss)

    def theirs() -> Any:
        return torch.autograd.grad(al.ctc_loss(tensor, targets), tensor)

    torch_eager, own = side_by_side(theirs, lambda: ours(log_probs, labels), rounds=7)
    rows = [
        ["PyTorch eager", spelled(torch_eager.seconds), "1.00"],
        ["this library on NumPy", spelled(own.seconds), f"{own.ratio:.2f}"],
    ]
    return markdown(["CTC, 8 × 200 × 32, one body", "value and gradient", "ratio"], rows)


def boosting() -> str:
    rng = np.random.default_rng(0)
    score, label = (3 * rng.normal(size=N)).astype(np.float32), (rng.random(N) < 0.5).astype(np.float32)
    ours = al.objective(al.binary_cross_entropy_with_logits)

    def naive() -> Any:
        p = 1 / (1 + np.exp(-score))
        return p - label, p * (1 - p)

    def stable() -> Any:
        e = np.exp(-np.abs(score))
        p, q = np.where(score >= 0, 1, e) / (1 + e), np.where(score >= 0, e, 1) / (1 + e)
        return (1 - label) * p - label * q, p * q

    by_hand, by_hand_stable, own = side_by_side(naive, stable, lambda: ours(label, score))
    rows = [
        ["by hand, which rounds 1 - p to 0", spelled(by_hand.seconds), "1.00"],
        ["by hand, right at both ends", spelled(by_hand_stable.seconds), f"{by_hand_stable.ratio:.2f}"],
        ["`al.objective`", spelled(own.seconds), f"{own.ratio:.2f}"],
    ]
    return markdown(["gradient and Hessian of BCE, 10⁶ float32", "time", "ratio"], rows)


def main() -> None:
    torch.set_num_threads(1)
    text = "\n\n".join((overhead(), large(), recursion(), boosting()))
    Console().print(Markdown(text))
    write_between_marks(PAGE, "measured", text)


if __name__ == "__main__":
    main()
