"""Face recognition: softmax heads with a margin that is added to the angle."""

from __future__ import annotations

__all__: list[str] = []
