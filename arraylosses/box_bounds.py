"""Boxes: other bounds and measures of their overlap."""

from __future__ import annotations

__all__: list[str] = []
