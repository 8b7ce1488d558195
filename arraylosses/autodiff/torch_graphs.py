"""What Dynamo is not to look into. Imported when it compiles, because its own import takes seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .._core.namespaces import is_torch
from .recompute import RECURSIONS, Blockwise, work_of
from .torch_functions import XP, Recomputed


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def work_through(name: str, size: int, *args: Any) -> Any:
    """An installed blockwise function; AOTAutograd, which traces tensors, finds its derivative."""
    return Recomputed.apply(work_of(name, size, args), *args)


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def recur(name: str, results: int, *args: Any) -> Any:
    """A recursion: one node of the graph, however many steps it has."""

    def body(xp: Any, *args: Any) -> Sequence[Any]:
        if is_torch(xp) and not torch._C._are_functorch_transforms_active():
            found: Sequence[Any] = steps(name, results, args)
            return found
        return RECURSIONS[name](xp, *args)

    return Recomputed.apply(Blockwise(body, (None,) * len(args), (None,) * results), *args)


@torch.library.custom_op(  # type: ignore[untyped-decorator]
    "arraylosses::steps", mutates_args=(), schema="(str name, int results, Tensor[] args) -> Tensor[]"
)
def steps(name: str, results: int, args: Any) -> Any:
    return [y.contiguous() for y in RECURSIONS[name](XP, *args)]


@steps.register_fake  # type: ignore[untyped-decorator]
def _like(name: str, results: int, args: Any) -> Any:
    a = args[0]
    return [a.new_empty(shape) for shape in (a.shape[1:-1], a.shape)[:results]]
