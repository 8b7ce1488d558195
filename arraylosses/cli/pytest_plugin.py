"""The pytest plugin: `def test_losses(conforms): conforms("my_package.my_adapter")`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from . import kit

SHOWN = 10  # findings that are printed in full


@pytest.fixture
def conforms() -> Callable[..., None]:
    """Hold losses of yours against the evidence, and fail with what does not hold.

    Give it the name of an adapter, or functions by the name of the loss that they are, as
    ``conforms(huber_loss=my_huber, framework="torch")``; and, if only some cases matter, their tags.
    """

    def check(
        adapter: str = "", *, framework: str = "", tags: tuple[str, ...] = (), **functions: Callable[..., Any]
    ) -> None:
        wanted = kit.module("runner").Wanted(tags)
        implementation = _implementation(adapter, framework, functions)
        jobs = kit.module("workers")
        outcomes = [jobs.held(loss, implementation, wanted) for loss in implementation.functions]
        if failed := [o for o in outcomes if not o.holds]:
            pytest.fail("\n\n".join(map(_text, failed)), pytrace=False)
        if not any(o.cases for o in outcomes):
            pytest.fail(f"{implementation.name}: no case applies", pytrace=False)

    return check


def _implementation(adapter: str, framework: str, functions: dict[str, Callable[..., Any]]) -> Any:
    module = kit.module("implementations")
    try:
        if adapter:
            return module.Source("adapter", adapter, framework).implementation
        return module.of_functions(functions, framework)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def _text(outcome: Any) -> str:
    lines = [f"{outcome.loss} of {outcome.implementation}: {len(outcome.findings)} findings"]
    for f in outcome.findings[:SHOWN]:
        lines += [f"  {f.case} ({f.dtype}): {f.kind}: {f.what}", f"    {f.call}"]
        lines += [f"    expected {f.expected}", f"    got      {f.got}"]
    if (more := len(outcome.findings) - SHOWN) > 0:
        lines.append(f"  and {more} more")
    return "\n".join(lines)
