"""Detection: losses of what detectors predict, classes and boxes together."""

from __future__ import annotations

__all__: list[str] = []
