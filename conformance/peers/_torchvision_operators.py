"""Import torchvision, also where its compiled operators do not load.

Its losses are plain Python, but importing them registers shapes for some compiled operators, and that
fails where these do not exist: beside a PyTorch that the operators were not compiled for, such as one
for CPUs only. Then they are declared here, by name and without code; whoever calls one gets an error.
Adapters of what imports torchvision import this module first.
"""

from __future__ import annotations

import importlib
import sys

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _declare() -> list[torch.library.Library]:
    """Declare what is not there. A declaration lives as long as the library that is returned."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in SCHEMAS:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
            library.define(schema)
    return [library]


try:
    importlib.import_module("torchvision")
except (RuntimeError, ImportError):
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # what was imported by half
    _declared = _declare()
    importlib.import_module("torchvision")
