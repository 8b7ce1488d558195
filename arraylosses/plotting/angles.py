"""Losses of cosines and margins: over the angle to the class, and the force on an embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .recipes import CASE, Field, Mark, Recipe, Walk, items

Array = Any
DEGREE = np.pi / 180
OTHERS = (120.0, -120.0)
OWN = "angle to the class of the label, in degrees"


def at(*degrees: float, radius: float = 1.0) -> Array:
    return radius * np.stack([np.cos(np.asarray(degrees) * DEGREE), np.sin(np.asarray(degrees) * DEGREE)], -1)


def points(array: Array) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in array)


def on_circle(xp: Any, degrees: Array, radius: float = 1.0) -> Array:
    turn = degrees * DEGREE
    return radius * xp.stack([xp.cos(turn), xp.sin(turn)], axis=-1)


def circle(radius: float = 1.0) -> Mark:
    return Mark("", points(at(*np.linspace(0, 360, 73), radius=radius)), "thin")


def labels(xp: Any, rows: Array, label: int = 0) -> Array:
    return xp.astype(xp.zeros_like(rows[..., 0]) + label, xp.int64)


def classes(
    vary: dict[str, tuple[Any, ...]],
    *,
    weight: Array | None = None,
    own: Array | None = None,
    radius: float = 1.0,
    radii: Mapping[str, Any] = CASE,
    caption: str = "force on an embedding",
    **more: Any,
) -> Recipe:
    """An embedding among three classes, of which the first is its own."""
    weights = at(0, *OTHERS) if weight is None else weight
    mine = at(0) if own is None else own

    def walk(xp: Any, x: Array, case: Any) -> tuple[Array, ...]:
        rows = on_circle(xp, x, case or radius)
        return rows, weights, labels(xp, rows)

    def field(xp: Any, p: Array) -> tuple[Array, ...]:
        return p, weights, labels(xp, p)

    reach = 1.6 * radius
    marks = (
        Mark("class of the label", points(radius * mine), "*"),
        Mark("other classes", points(radius * at(*OTHERS)), "X"),
        circle(radius),
    )
    return Recipe(
        (
            Walk(OWN, (0.0, 180.0), walk, radii, orders=1, places=(120.0,)),
            Field(field, (-reach, reach, -reach, reach), marks, caption),
        ),
        vary,
        unit=more.pop("unit", "nats"),
        **more,
    )


RADII = {"length 0.5": 0.5, "length 1": 1.0, "length 1.5": 1.5}
LONG = {"length 10": 10.0, "length 60": 60.0, "length 110": 110.0}
TWO_CENTRES = np.stack([at(0, 60), at(120, 140), at(-120, -140)])
SCALE = {"scale": 16.0}

RECIPES: dict[str, Recipe] = {
    "normface_loss": classes({"scale": (4.0, 16.0, 32.0)}, given=SCALE),
    "coco_loss": classes({"alpha": (4.0, 16.0, 32.0)}, given={"alpha": 16.0}),
    "l2_softmax_loss": classes({"alpha": (4.0, 16.0, 32.0)}, given={"alpha": 16.0}),
    "am_softmax_loss": classes({"margin": (0.0, 0.2, 0.35)}, given=SCALE),
    "cosface_loss": classes({"margin": (0.0, 0.2, 0.35)}, given=SCALE),
    "arcface_loss": classes({"margin": (0.0, 0.25, 0.5)}, given=SCALE),
    "combined_margin_loss": classes({"m2": (0.0, 0.3, 0.6)}, given=SCALE),
    "sub_center_arcface_loss": classes(
        {"margin": (0.0, 0.25, 0.5)}, weight=TWO_CENTRES, own=at(0, 60), given=SCALE
    ),
    "curricular_face_loss": classes({"margin": (0.0, 0.25, 0.5)}, given=SCALE),
    "mag_face_loss": classes({}, radius=60.0, radii=LONG, given=SCALE),
    "ada_face_loss": classes(
        {},
        radii=RADII,
        given={"scale": 16.0, "t_alpha": 0.0},
        fixed={"state": np.asarray([1.0, 0.5])},
        subtitle="lengths have been 1 ± 0.5 so far",
    ),
    "l_softmax_loss": classes({"margin": (1, 2, 4)}, given={"scale": 4.0}),
    "a_softmax_loss": classes({"margin": (1.0, 2.0, 4.0)}, given={"scale": 4.0}),
}


def towards(
    vary: dict[str, tuple[Any, ...]],
    make: Any,
    cases: Mapping[str, Any],
    case: Any,
    caption: str,
    orders: int = 1,
    **more: Any,
) -> Recipe:
    """A vector beside one that lies along the x axis."""

    def walk(xp: Any, x: Array, case: Any) -> tuple[Array, ...]:
        return make(xp, on_circle(xp, x), case)

    marks = (Mark("the other one", ((1.0, 0.0),), "*"), circle())
    return Recipe(
        (
            Walk("angle, in degrees", (0.0, 180.0), walk, cases, orders=orders),
            Field(lambda xp, p: make(xp, p, case), (-1.6, 1.6, -1.6, 1.6), marks, caption),
        ),
        vary,
        **more,
    )


def beside(xp: Any, rows: Array, sign: float | None) -> tuple[Array, ...]:
    other = xp.zeros_like(rows) + np.asarray([1.0, 0.0])
    return (rows, other) if sign is None else (rows, other, xp.zeros_like(rows[:, 0]) + sign)


RECIPES |= {
    "cosine_embedding_loss": towards(
        {"margin": (-0.5, 0.0, 0.5)}, beside, {"similar": 1.0, "different": -1.0}, -1.0, "force, different"
    ),
    "cosine_distance": towards({}, beside, CASE, None, "force on the prediction"),
}

# Positives and negatives on a circle, beside an embedding that goes around it.
SAME, OTHER = at(-20.0, 30.0), at(100.0, -110.0, 170.0)
REF, REF_LABELS = np.concatenate([SAME, OTHER]), np.asarray([0, 0, 1, 2, 2])
AROUND = (Mark("positives", points(SAME), "o"), Mark("negatives", points(OTHER), "X"), circle())
ANGLE = "angle of the embedding, in degrees"


def around(
    vary: dict[str, tuple[Any, ...]],
    make: Any,
    *,
    marks: tuple[Mark, ...] = AROUND,
    pick: Any = items,
    in_turn: bool = False,
    steps: int = 13,
    places: tuple[float, ...] = (-20.0, 30.0, 100.0, -110.0, 170.0),
    **more: Any,
) -> Recipe:
    """An embedding whose direction is what counts. `make(xp, rows)` gives the arrays."""
    return Recipe(
        (
            Walk(
                ANGLE,
                (-180.0, 180.0),
                lambda xp, x, _: make(xp, on_circle(xp, x)),
                orders=1,
                pick=pick,
                in_turn=in_turn,
                places=places,
            ),
            Field(
                lambda xp, p: make(xp, p),
                (-1.6, 1.6, -1.6, 1.6),
                marks,
                "force on an embedding",
                pick=pick,
                in_turn=in_turn,
                steps=steps,
            ),
        ),
        vary,
        **more,
    )
