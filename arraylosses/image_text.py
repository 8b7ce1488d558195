"""Two views of one thing: rows of one modality against rows of another."""

from __future__ import annotations

__all__: list[str] = []
