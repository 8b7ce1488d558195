"""What losses return that is more than one number: the first field is the loss, and is differentiated."""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any


class LossAndLogSumExp(NamedTuple):
    """A loss of logits, and the logarithm of the softmax's denominator of every item."""

    loss: Array
    lse: Array
