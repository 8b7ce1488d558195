"""Contrastive learning: the positive against all that stands beside it, by a softmax."""

from __future__ import annotations

__all__: list[str] = []
