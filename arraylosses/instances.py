"""Instances: embeddings of pixels that are to gather by instance."""

from __future__ import annotations

__all__: list[str] = []
