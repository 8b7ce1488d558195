"""Ranking by gain: surrogates of the normalised discounted cumulative gain."""

from __future__ import annotations

__all__: list[str] = []
