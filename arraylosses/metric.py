"""Metric learning: losses of given pairs, triplets and quadruplets of embeddings."""

from __future__ import annotations

__all__: list[str] = []
