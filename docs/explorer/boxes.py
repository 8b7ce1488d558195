"""The boxes: every loss of the overlap of two axis-aligned boxes, while one of them moves and grows."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import numpy as np

import arraylosses as al
from arraylosses._core.registry import LOSSES

from .axes import by_chapter

TARGET = (0.0, 0.0, 1.4, 1.0)  # center and sides
PICTURE = (6.0, 4.5)
# One quarter of all places: see `quarters`.
ACROSS = np.arange(25) / 10
DOWN = np.arange(19) / 10
SIDES = np.asarray([0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8])

NEEDED: dict[str, dict[str, Any]] = {"mpdiou_loss": {"image_size": PICTURE}}
# Beside the defaults.
MORE: dict[str, list[dict[str, Any]]] = {
    "iou_loss": [{"mode": "log"}],
    "wiou_loss": [{"version": 3, "iou_loss_mean": 0.5}],
}
SHOWN = ("mode", "version")  # the options that tell one call from another
START = ("iou_loss", "giou_loss", "ciou_loss", "siou_loss")


def calls() -> list[tuple[str, dict[str, Any]]]:
    """The losses of boxes with four numbers, and their options."""
    names = [
        name
        for name, spec in by_chapter()
        if [spec.domains[k][0].name for k in spec.arrays] == ["box", "box"] and "fmt" in spec.rules
    ]
    return [(name, NEEDED.get(name, {}) | more) for name in names for more in ({}, *MORE.get(name, ()))]


def value_and_gradient(name: str, options: dict[str, Any], boxes: np.ndarray) -> np.ndarray:
    """Of every box (center and sides) the loss and its slope in each of the four numbers."""
    target = np.broadcast_to(np.asarray(TARGET), boxes.shape).copy()
    loss = partial(LOSSES[name].function, fmt="cxcywh", reduction="none", **options)
    with np.errstate(all="ignore"):
        value, pull = al.vjp(lambda pred: loss(pred, target), boxes)
        return np.concatenate([value[..., None], pull(np.ones_like(value))[0]], axis=-1)


def tables() -> tuple[dict[str, Any], np.ndarray]:
    """What there is, and by loss, quarter, height, width, place down and across the five numbers."""
    grid = np.meshgrid(SIDES, SIDES, DOWN, ACROSS, indexing="ij")
    boxes = np.stack([grid[3], grid[2], grid[1], grid[0]], axis=-1)
    rows, described, place = [], [], 0
    for name, options in calls():
        table = quarters(name, options, boxes)
        rows.append(table.ravel())
        described.append(
            {
                "key": name + "".join(f"({k}={v!r})" for k, v in options.items() if k in SHOWN),
                "says": (inspect.getdoc(LOSSES[name].function) or "").partition("\n")[0],
                "range": [float(table[..., 0].min()), float(table[..., 0].max())],
                "quarters": len(table),
                "place": place,
            }
        )
        place += table.size
    about = {
        "target": TARGET,
        "picture": PICTURE,
        "across": ACROSS.tolist(),
        "down": DOWN.tolist(),
        "sides": SIDES.tolist(),
        "losses": described,
        "start": START,
    }
    return about, np.concatenate(rows)


def quarters(name: str, options: dict[str, Any], boxes: np.ndarray) -> np.ndarray:
    """The table of one quarter of all places if the others are its mirror images, of all four otherwise.

    Of a mirrored place it has the slopes as if it were not: a positive one leads away from the target.
    """
    signs = [np.asarray([across, down, 1, 1]) for down in (1, -1) for across in (1, -1)]
    of_all = np.stack(
        [value_and_gradient(name, options, boxes * sign) * np.asarray([1, *sign]) for sign in signs]
    )
    mirrored = np.allclose(of_all, of_all[:1], rtol=1e-9, atol=1e-9, equal_nan=True)
    return of_all[:1] if mirrored else of_all
