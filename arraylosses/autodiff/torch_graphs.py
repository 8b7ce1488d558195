"""What Dynamo is not to look into. Imported when it compiles, because its own import takes seconds."""

from __future__ import annotations

from typing import Any

import torch

from .recompute import work_of
from .torch_functions import Recomputed
from .torch_kernels import KERNELS, LOOPS, Kernel

Array = Any


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def work_through(name: str, size: int, *args: Any) -> Any:
    """An installed blockwise function; AOTAutograd, which traces tensors, finds its derivative."""
    return Recomputed.apply(work_of(name, size, args), *args)


def as_operator(name: str, kernel: Kernel) -> Any:
    """A kernel of four tensors, of which the first has a derivative, as one operator of the graph."""
    value = torch.library.custom_op(
        f"arraylosses::{name}",
        lambda *args: kernel.value(*args),
        mutates_args=(),
        schema="(Tensor a, Tensor b, Tensor c, Tensor d) -> (Tensor, Tensor)",
    )
    pull = torch.library.custom_op(
        f"arraylosses::pull{name}",
        lambda *args: kernel.pull(*args),
        mutates_args=(),
        schema="(Tensor t, Tensor a, Tensor b, Tensor c, Tensor d, Tensor y, Tensor kept) -> Tensor",
    )

    def save(ctx: Any, inputs: tuple[Array, ...], output: tuple[Array, ...]) -> None:
        ctx.save_for_backward(*inputs, *output)

    def backward(ctx: Any, c: Array, _: Array) -> Any:
        return pull(c, *ctx.saved_tensors), None, None, None

    value.register_fake(kernel.looks)
    pull.register_fake(lambda c, a, *rest: torch.empty_like(a))
    value.register_autograd(backward, setup_context=save)
    return value


OPERATORS = {name: as_operator(name, KERNELS[name]) for name in LOOPS}
