"""What a formula costs in one form and in another: why the bodies are written as they are.

`python benchmarks/forms.py` prints the table and writes it into docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from measure import markdown, side_by_side, spelled, write_between_marks
from rich.console import Console
from rich.markdown import Markdown

import arraylosses as al
from arraylosses._core.namespaces import namespace

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
N = 10**6
rng = np.random.default_rng(0)
real = (3 * rng.normal(size=N)).astype(np.float32)
binary = (rng.random(N) < 0.5).astype(np.float32)

Call = Callable[[], Any]
Pair = tuple[str, str, Call, Call]


def on_numpy() -> list[Pair]:
    condition = real > 0
    xp = namespace(real)
    assert xp is not None
    whole = al.value_and_grad(al.binary_cross_entropy_with_logits)
    blocks = al.value_and_grad(al.compile(al.binary_cross_entropy_with_logits))
    large, target = np.tile(real, 10), np.tile(binary, 10)
    return [
        (
            "NumPy: a select on a condition without a pattern",
            "`np.where`, which branches; bits masked and merged",
            lambda: np.where(condition, real, binary),
            lambda: xp.where(condition, real, binary),
        ),
        (
            "NumPy: log(1 + eˣ)",
            "`logaddexp`; max(x, 0) + log1p(exp(-abs(x)))",
            lambda: np.logaddexp(real, 0),
            lambda: np.maximum(real, 0) + np.log1p(np.exp(-np.abs(real))),
        ),
        (
            "NumPy: value and gradient of 10⁷ logits",
            "whole arrays; blocks that stay in the cache",
            lambda: whole(large, target),
            lambda: blocks(large, target),
        ),
    ]


def on_jax() -> list[Pair]:
    x = jnp.asarray(real)

    def jitted(f: Callable[[Any], Any]) -> Call:
        g = jax.jit(lambda x: jnp.mean(f(x)))
        return lambda: jax.block_until_ready(g(x))

    def branches(r: Any) -> Any:
        return jnp.where(jnp.abs(r) <= 1, r * r / 2, jnp.abs(r) - 0.5)

    def clipped(r: Any) -> Any:
        q = jnp.clip(r, -1, 1)
        return q * (r - q / 2)

    def product(r: Any) -> Any:
        d = jnp.abs(r)
        q = jnp.minimum(d, 1)
        return q * (d - q / 2)

    form = "JAX, jit: Huber's loss as a product"
    return [
        (form, "two branches; q(d - q/2), q = min(d, δ)", jitted(branches), jitted(product)),
        (form, "q(r - q/2), q = clip(r, -δ, δ); q = min(d, δ)", jitted(clipped), jitted(product)),
    ]


def rows_on_jax() -> list[Pair]:
    z = jnp.asarray(real.reshape(-1, 16))
    labels = jnp.asarray(rng.integers(0, 16, len(z)))

    def jitted(f: Callable[[Any], Any]) -> Call:
        g = jax.jit(lambda z: jnp.mean(f(z)))
        return lambda: jax.block_until_ready(g(z))

    def selected(z: Any) -> Any:
        return jnp.sum(jnp.where(labels[:, None] == jnp.arange(16), z, 0), axis=-1)

    def with_log(x: Any) -> Any:
        u = jax.lax.optimization_barrier(1 + x)
        return jnp.log(u) + (x - (u - 1)) / u

    total = partial(jnp.sum, axis=-1)
    return [
        (
            "JAX, jit: the entry of 16 that a label names",
            "one-hot select and sum; `take_along_axis`",
            jitted(selected),
            jitted(lambda z: jnp.take_along_axis(z, labels[:, None], axis=-1)),
        ),
        (
            "JAX, jit: log(1 + x) of sums of 16",
            "`log1p`; log(u) + (x - (u - 1))/u, u = 1 + x",
            jitted(lambda z: jnp.log1p(total(z * z))),
            jitted(lambda z: with_log(total(z * z))),
        ),
    ]


def on_torch() -> list[Pair]:
    x, y = torch.asarray(real), torch.asarray(binary)
    large, target = x.repeat(10), y.repeat(10)

    def chain(x: Any, y: Any) -> Any:
        return torch.log1p(torch.exp(-x.abs())) + x * y

    def blocks() -> Any:
        result = torch.empty_like(large)
        size = 2**18
        for i in range(0, len(large), size):
            result[i : i + size] = chain(large[i : i + size], target[i : i + size])
        return result

    return [
        (
            "PyTorch eager: log(1 + eˣ)",
            "max(x, 0) + log1p(exp(-abs(x))); -logsigmoid(-x)",
            lambda: x.clamp(min=0) + torch.log1p(torch.exp(-x.abs())),
            lambda: -torch.nn.functional.logsigmoid(-x),
        ),
        (
            "PyTorch eager: 1 - y or -y by the sign of x",
            "`torch.where`; (sign + 1)/2 - y",
            lambda: torch.where(x >= 0, 1 - y, -y),
            lambda: torch.copysign(x.new_tensor(0.5), x).add_(0.5).sub_(y),
        ),
        (
            "PyTorch eager: five operations on 10⁷ numbers",
            "whole arrays; blocks that stay in the cache",
            lambda: chain(large, target),
            blocks,
        ),
    ]


def on_torch_compiled() -> list[Pair]:
    y, x = torch.asarray(binary), torch.asarray(real).requires_grad_()

    def gradient(f: Callable[[Any, Any], Any]) -> Call:
        g = torch.compile(lambda x, y: f(x, y).sum(), fullgraph=True, dynamic=False)
        return lambda: torch.autograd.grad(g(x, y), x)

    return [
        (
            "torch.compile: the gradient of x², with a weight",
            "0 where x is infinite, by a mask that is kept; without",
            gradient(lambda x, y: y * torch.where((y == 0) & ~torch.isfinite(x * x), 0.0, x * x)),
            gradient(lambda x, y: y * x * x),
        )
    ]


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for what, forms, one, other in (
        *on_numpy(),
        *on_jax(),
        *rows_on_jax(),
        *on_torch(),
        *on_torch_compiled(),
    ):
        first, second = side_by_side(one, other, least=2e-2)
        rows.append([what, forms, spelled(first.seconds), spelled(second.seconds), f"{second.ratio:.2f}"])
    text = markdown(["10⁶ float32", "one form; the other", "one", "the other", "ratio"], rows)
    Console().print(Markdown(text))
    write_between_marks(PAGE, "forms", text)


if __name__ == "__main__":
    main()
