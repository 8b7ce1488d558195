"""Self-supervised learning without negatives: statistics of two views."""

from __future__ import annotations

__all__: list[str] = []
