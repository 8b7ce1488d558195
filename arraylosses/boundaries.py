"""Boundaries: losses of masks by distances from their edges, and by their centerlines."""

from __future__ import annotations

__all__: list[str] = []
