"""Segmentation: overlap of masks mixed with other terms, or through a function."""

from __future__ import annotations

__all__: list[str] = []
