"""Ranking: the order of scores against the relevance of what they stand for."""

from __future__ import annotations

__all__: list[str] = []
