"""Over what the contracts run: `@every_loss`, `@every_library`, `@every_backend`.

What is said about numbers holds on every library. That a library says the same in all ways of running
it, which cost another compilation for every shape and option, is tested for the ordinary call.
"""

from __future__ import annotations

import pytest

from .backends import BACKENDS, LIBRARIES
from .calls import NAMES, ordinary

ORDINARY = [ordinary(name) for name in NAMES]

every_loss = pytest.mark.parametrize("call", ORDINARY, ids=str)
# The gradient of the others is by design not the slope of their value.
every_loss_of_one_piece = pytest.mark.parametrize(
    "call", [call for call in ORDINARY if not call.holds_a_part_constant], ids=str
)
every_loss_of_structures = pytest.mark.parametrize(
    "call",
    [call for call in ORDINARY if all(call.domain(name).nested for name in call.spec.arrays)],
    ids=str,
)


def _over(backends):
    return pytest.mark.parametrize("backend", backends, ids=str)


every_library = _over(LIBRARIES)
every_backend = _over(BACKENDS)
every_backend_with_values = _over([b for b in BACKENDS if b.has_values])
every_library_with_gradients = _over([b for b in LIBRARIES if b.differentiates])
every_backend_with_gradients = _over([b for b in BACKENDS if b.differentiates])
