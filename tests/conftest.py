"""Settings for the whole suite."""

import os
import zlib
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
    call = item.callspec.params.get("call") if hasattr(item, "callspec") else None
    return call.spec.name if hasattr(call, "spec") else ""


# What takes seconds where the rest takes milliseconds: there a law is held for one loss in so many,
# and a loss has one law in so many.
ONE_IN = {"jax-x64": 45, "jax": 45, "jax-jit": 10, "dask": 40, "torch-compile": 24}
# Laws that take seconds everywhere, and on JAX many.
SLOW = {
    "test_engines_agree_to_third_order": 8,
    "test_extremes_to_second_order": 10,
    "test_hessian_is_the_same_in_jax_and_torch": 10,
    "test_jax_vmap_is_one_call_after_another": 10,
}
# With every loss on every library nevertheless, if not in every way of running it; so are its vectors, if
# not each (see test_vectors.py).
IN_FULL = "test_gradient_is_the_same_on_every_backend"


def is_spared(item: Any) -> bool:
    """Whether a law goes without this loss on this library."""
    if not loss_of(item):
        return False
    params, slow = item.callspec.params, SLOW.get(item.originalname, 1)
    where = str(params.get("backend", params.get("library")))
    if item.originalname == IN_FULL:
        # Of JAX compiled is enough; few are run one operation after another, in double precision.
        return where == "jax" or (where == "jax-x64" and zlib.crc32(loss_of(item).encode()) % 4 != 0)
    one_in = ONE_IN.get(where, 1)
    law = item.name if slow > 1 else f"{item.originalname} of {loss_of(item)}"
    return zlib.crc32(law.encode()) % max(one_in, slow) != 0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole-grid", action="store_true", help="every law with every loss on every library")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Loss by loss: pytest-xdist then gives most tests of a loss to one worker, and what is compiled
    for a loss is of use while its turn lasts."""
    if config.getoption("--whole-grid"):
        backends.LOWERED_ONE_IN = 1
    else:
        config.hook.pytest_deselected(items=[item for item in items if is_spared(item)])
        items[:] = [item for item in items if not is_spared(item)]
    items.sort(key=loss_of)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Forget what was compiled for a loss after its last test."""
    if loss_of(item) and (nextitem is None or loss_of(nextitem) != loss_of(item)):
        backends.forget_compiled()


from . import backends  # noqa: E402  (after the settings above)
from .laws import xp  # noqa: E402, F401  (a fixture)
