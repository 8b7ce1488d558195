"""Settings for the whole suite."""

import gc
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
ONE_IN = {
    "jax-x64": 60,
    "jax": 60,
    "jax-jit": 15,
    "dask": 50,
    "torch-compile": 40,
    "strictest": 6,
    "torch": 5,
}
# What takes seconds everywhere, and on JAX many. The site runs all tutorials and draws all pictures.
SLOW = {
    "test_a_tutorial_runs": 4,
    "test_another_framework_finds_the_same": 3,
    "test_every_loss_has_a_picture_that_is_legible": 2,
    "test_engines_agree_to_third_order": 16,
    "test_extremes_to_second_order": 40,
    "test_hessian_is_the_same_in_jax_and_torch": 20,
    "test_jax_vmap_is_one_call_after_another": 20,
}
# Laws that one loss in so many has, whatever else is said: every loss has its gradient on every library,
# and is traced by torch.compile.
OFTEN = {
    ("test_gradient_is_the_same_on_every_backend", ""): 1,
    ("test_gradient_is_the_same_on_every_backend", "jax"): 0,  # compiled is enough
    ("test_gradient_is_the_same_on_every_backend", "jax-x64"): 6,
    ("test_gradient_is_the_same_on_every_backend", "torch-compile"): 20,
    ("test_weighed_and_masked_mean_is_that_of_numpy", "torch-compile"): 1,
}
# Tests of the machinery, and the vectors of a loss: one in so many.
OF_NO_CONTRACT = {"jax": 6, "jax-x64": 6, "dask": 6}


def is_spared(item: Any) -> bool:
    """Whether a law goes without this loss on this library."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    where = next((params[k] for k in ("backend", "library", "framework") if k in params), "")
    where = str(getattr(where, "name", where))
    loss, law = loss_of(item), item.originalname
    if not loss:
        return zlib.crc32(item.name.encode()) % max(OF_NO_CONTRACT.get(where, 1), SLOW.get(law, 1)) != 0
    often = OFTEN.get((law, where), OFTEN.get((law, "")))
    if often is not None:
        return often == 0 or zlib.crc32(loss.encode()) % often != 0
    slow = SLOW.get(law, 1)
    name = item.name if slow > 1 else f"{law} of {loss}"
    return zlib.crc32(name.encode()) % max(ONE_IN.get(where, 1), slow) != 0


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


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what has been collected, and most of what is compiled, to the end: to look through it for
    garbage again and again takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20000, 50, 100)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Forget what was compiled for a loss after its last test."""
    if loss_of(item) and (nextitem is None or loss_of(nextitem) != loss_of(item)):
        backends.forget_compiled()


from . import backends  # noqa: E402  (after the settings above)
from .laws import xp  # noqa: E402, F401  (a fixture)
