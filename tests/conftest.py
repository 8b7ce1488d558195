"""Settings for the whole suite."""

import os
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # a GPU is for the libraries that are asked to use it

import array_api_strict
import pytest

array_api_strict.set_array_api_strict_flags(api_version="2024.12")

try:
    import torch
except ImportError:
    pass
else:
    torch.set_num_threads(1)  # the workers of pytest-xdist share the machine


def loss_of(item: Any) -> str:
    """The loss that a contract is tested for, or nothing."""
    return str(item.callspec.params.get("call", "")) if hasattr(item, "callspec") else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Loss by loss: pytest-xdist then gives most tests of a loss to one worker, and what is compiled
    for a loss is of use while its turn lasts."""
    items.sort(key=loss_of)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Forget what was compiled for a loss after its last test."""
    if loss_of(item) and (nextitem is None or loss_of(nextitem) != loss_of(item)):
        from .backends import forget_compiled

        forget_compiled()
