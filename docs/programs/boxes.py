"""Boxes moved onto their targets by gradient descent: which losses move them at all, and how far.

Every step moves the four numbers of each box, center and sides in units of the image, by one and the
same length along its own gradient. The losses differ in the direction alone.
"""

from __future__ import annotations

import numpy as np

import arraylosses as al

BOXES, STEPS, FIRST_STEP = 200, 100, 0.03
SOON = 20  # a number of steps after which one looks
STARTS = ("overlapping", "apart")
SEEDS = range(2)


LOSSES = {
    "absolute error": (al.absolute_error, {}),
    "smooth L1, beta 0.1": (al.smooth_l1_loss, {"beta": 0.1}),
    "IoU": (al.iou_loss, {"fmt": "cxcywh"}),
    "GIoU": (al.giou_loss, {"fmt": "cxcywh"}),
    "DIoU": (al.diou_loss, {"fmt": "cxcywh"}),
    "CIoU": (al.ciou_loss, {"fmt": "cxcywh"}),
}


def data(start, seed):
    """Boxes and targets that overlap, or that are one to two sides apart."""
    of = np.random.default_rng(seed)
    centers, sides = of.uniform(0.35, 0.65, (BOXES, 2)), of.uniform(0.05, 0.2, (BOXES, 2))
    angle = of.uniform(0, 2 * np.pi, BOXES)
    far = of.uniform(0.1, 0.4, BOXES) if start == "overlapping" else of.uniform(2.0, 3.0, BOXES)
    way = far[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    boxes = np.hstack([centers + way * sides, sides * of.uniform(0.6, 1.6, (BOXES, 2))])
    return boxes, np.hstack([centers, sides])


def descend(xp, loss, options, boxes, targets, looks):
    """1 - IoU of every box after some numbers of steps."""
    slope = al.grad(loss)
    found = {}
    for k in range(STEPS + 1):
        if k in looks:
            found[k] = np.asarray(1 - al.box_iou(boxes, targets, fmt="cxcywh"))
        direction = slope(boxes, targets, reduction="sum", **options)
        length = (direction * direction).sum(-1)[..., None] ** 0.5
        boxes = boxes - FIRST_STEP * 0.97**k * direction / xp.where(length > 0, length, 1.0)
    return np.stack(list(found.values()))


def curves(xp=np, seeds=SEEDS, looks=range(STEPS + 1)):
    """1 - IoU by start and loss: an array (seeds, looks, boxes) of each."""
    found = {}
    for start in STARTS:
        for name, loss in LOSSES.items():
            runs = [map(xp.asarray, data(start, seed)) for seed in seeds]
            found[start, name] = np.stack([descend(xp, *loss, *run, looks) for run in runs])
    return found


def run(xp=np, seeds=SEEDS):
    """The figures of every loss on every data set: `xp` is numpy, torch, jax.numpy, ..."""
    found, rows = curves(xp, seeds, (SOON, STEPS)), {}
    for name in LOSSES:
        rows[name] = {}
        for start in STARTS:
            soon, late = found[start, name].mean(-1).T
            rows[name] |= {f"{start}, 1 - IoU after {SOON} steps": soon, f"{start}, after {STEPS}": late}
        rows[name]["apart, reach IoU 0.9"] = (found["apart", name][:, 1] < 0.1).mean(-1)
    return rows


def draw(axes, style):
    """The mean over the boxes at every step, for both starts, on two axes beside each other."""
    found = curves()
    for ax, start in zip(axes, STARTS, strict=True):
        for name in LOSSES:
            ax.plot(found[start, name].mean((0, 2)), label=name, **style[name])
        ax.set(title=f"boxes that are {start}", xlabel="step", ylim=(0, 1.02), xlim=(0, STEPS))
    axes[0].set_ylabel("1 - IoU, mean over the boxes")


if __name__ == "__main__":
    for name, figures in run().items():
        print(name, {k: round(float(np.mean(x)), 3) for k, x in figures.items()})
