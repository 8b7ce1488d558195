"""What losses return that is more than one number: the first field is the loss, and is differentiated."""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any


class HiFiGANGeneratorLoss(NamedTuple):
    """The objective of the generator of HiFi-GAN, and the terms of which it is the sum."""

    loss: Array
    adversarial: Array
    feature_matching: Array
    mel: Array


class DetectionLoss(NamedTuple):
    """The loss of a detector, and the parts of which it is the weighted sum."""

    loss: Array
    classification: Array
    box: Array


class SetLoss(NamedTuple):
    """The loss of a set of predictions, and the parts of which it is the weighted sum."""

    loss: Array
    classification: Array
    l1: Array
    giou: Array


class LossAndLogSumExp(NamedTuple):
    """A loss of logits, and the logarithm of the softmax's denominator of every item."""

    loss: Array
    lse: Array
