"""Losses of no use but to test what every loss goes through. They are not in the registry."""

from typing import Any

from arraylosses._core.domains import CLASSES, POSITIVE, REAL, broadcast
from arraylosses._core.entry import enter
from arraylosses._core.parameters import CLASS_AXIS, CLASS_MASK, CLASS_WEIGHT, FLAG, FRACTION, choice
from arraylosses._core.parameters import POSITIVE as POSITIVE_NUMBER
from arraylosses._core.registry import LOSSES, loss

Array = Any


@loss("(...), (...), (...) -> (...)", pred=REAL, target=REAL, var=broadcast(POSITIVE), scale=POSITIVE_NUMBER)
def toy_residual(
    pred, target, var=None, /, *, scale=1.0, sample_weight=None, where=None, reduction="mean", normalizer=None
):
    """The residual, scaled."""
    _, p, t, var, scale, done = enter(
        toy_residual, (pred, target, var), sample_weight, where, reduction, normalizer, scale=scale
    )
    r = scale * (p - t)
    return done(r if var is None else r / var)


@loss(
    "(..., c), (...) -> (...) | (..., c), (..., c) -> (...)",
    logits=REAL,
    target=(CLASSES, REAL),
    axis=CLASS_AXIS,
    class_weight=CLASS_WEIGHT,
    class_mask=CLASS_MASK,
    smoothing=FRACTION,
    normalized=FLAG,
    kind=choice("hard", "soft", "mixed"),
)
def toy_classes(
    logits,
    target,
    /,
    *,
    axis=-1,
    class_weight=None,
    class_mask=None,
    smoothing=0.0,
    normalized=False,
    kind="hard",
    ignore_index=-100,
    sample_weight=None,
    where=None,
    reduction="mean",
    normalizer=None,
):
    """The sum of the logits."""
    xp, z, *_, done = enter(
        toy_classes,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        ignore_index=ignore_index,
        axis=axis,
        class_weight=class_weight,
        class_mask=class_mask,
        smoothing=smoothing,
        normalized=normalized,
        kind=kind,
    )
    return done(xp.sum(z, axis=-1))


@loss("(..., c), (...) -> (...)", logits=REAL, labels=CLASSES)
def toy_labels(logits, labels, /, *, sample_weight=None, where=None, reduction="mean", normalizer=None):
    """The sum of the logits, whatever the labels."""
    xp, z, _, done = enter(toy_labels, (logits, labels), sample_weight, where, reduction, normalizer)
    return done(xp.sum(z, axis=-1))


for _toy in (toy_residual, toy_classes, toy_labels):
    del LOSSES[_toy.loss.name]
