"""Where the evidence is: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

PACKAGE = "arraylosses.conformance" if find_spec("arraylosses.conformance") else "conformance"


def module(name: str) -> Any:
    """A module of the conformance kit."""
    return importlib.import_module(f"{PACKAGE}.{name}")
