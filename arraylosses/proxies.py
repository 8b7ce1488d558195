"""Metric learning against one proxy for each class."""

from __future__ import annotations

__all__: list[str] = []
