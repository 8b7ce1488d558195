"""What Dynamo is not to look into. Imported when it compiles, because its own import takes seconds."""

from __future__ import annotations

from typing import Any

import torch

from .recompute import work_of
from .torch_functions import Recomputed


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def work_through(name: str, size: int, *args: Any) -> Any:
    """An installed blockwise function; AOTAutograd, which traces tensors, finds its derivative."""
    return Recomputed.apply(work_of(name, size, args), *args)
