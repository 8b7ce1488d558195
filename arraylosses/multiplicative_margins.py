"""Face recognition: softmax heads with a margin that multiplies the angle."""

from __future__ import annotations

__all__: list[str] = []
