"""Triplets of a batch: of each anchor the positives and negatives that count."""

from __future__ import annotations

__all__: list[str] = []
