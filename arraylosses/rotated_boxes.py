"""Rotated boxes: distances of the Gaussians that stand for them."""

from __future__ import annotations

__all__: list[str] = []
