"""Boxes: overlap that counts by how good it is, and that of boxes made larger or smaller."""

from __future__ import annotations

__all__: list[str] = []
