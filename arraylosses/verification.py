"""Face recognition: features held together beside a softmax."""

from __future__ import annotations

__all__: list[str] = []
