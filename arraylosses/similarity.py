"""Metric learning from the similarities of all pairs in a batch."""

from __future__ import annotations

__all__: list[str] = []
