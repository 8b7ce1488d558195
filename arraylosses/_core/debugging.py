"""`arraylosses.debug`: value checks for those who ask.

By default no loss looks at a value, so that it traces, stays lazy and never waits for a device.
Inside `with arraylosses.debug():`, or with ARRAYLOSSES_DEBUG=1 in the environment, values that
break an argument's domain raise, naming the loss, the argument, the first bad index and its value.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .errors import Words, refuse
from .namespaces import has_values, stop_gradient

_active = os.environ.get("ARRAYLOSSES_DEBUG", "") not in ("", "0")


def active() -> bool:
    """Whether values are checked."""
    return _active


@contextmanager
def debug(enabled: bool = True) -> Iterator[None]:
    """Check values inside the block: labels, domains, box validity, NaN.

    A value that breaks the domain of its argument raises `ValueError`, naming the loss, the
    argument, the first bad index and the value there. Masked elements may hold anything. Arrays
    whose values cannot be looked at (tracers, lazy graphs, meta tensors) are not checked. The
    switch is one for the whole process; setting ARRAYLOSSES_DEBUG=1 turns it on from the start.

    Parameters
    ----------
    enabled : bool, default True
        False switches the checks off inside the block.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> with al.debug():
    ...     al.cross_entropy(np.zeros((2, 3)), np.asarray([0, 3]))
    Traceback (most recent call last):
    ...
    ValueError: cross_entropy: target must be class labels from 0 to 2, got 3 at index (1,)
    """
    global _active
    before, _active = _active, enabled
    try:
        yield
    finally:
        _active = before


def forbid(loss: str, argument: str, rule: str, xp: Any, x: Any, bad: Any) -> None:
    """Raise if any element is bad, showing the first."""
    if not (has_values(xp, x) and has_values(xp, bad)):
        return
    bad = xp.reshape(xp.broadcast_to(bad, x.shape), (-1,))
    x = stop_gradient(xp, x)
    if not bool(xp.any(bad)):
        return
    at = int(xp.argmax(xp.astype(bad, xp.int8)))
    value = xp.reshape(x, (-1,))[at]
    got = int(value) if xp.isdtype(value.dtype, "integral") else float(value)
    raise refuse(loss, argument, rule, Words(f"{got} at index {unravel(at, tuple(x.shape))}"))


def unravel(at: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of the element that stands at `at` when the array is flattened."""
    return tuple(at // math.prod(shape[i + 1 :]) % n for i, n in enumerate(shape))
