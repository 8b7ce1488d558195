"""Face recognition: softmax heads whose margin follows what has been seen."""

from __future__ import annotations

__all__: list[str] = []
