"""Evidence for the losses of rotated boxes, on the matrices of the textbook."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from mpmath import mp, mpf

from ..case import Case, case, evidence
from .boxes import Box, is_finite

Matrix = tuple[Any, Any, Any, Any]

PRED = [[0.5, 0.25, 4.0, 2.5, 0.5], [1.0, 1.0, 0.75, 3.0, -1.25], [-2.0, -1.5, 2.0, 1.5, 0.25]]
TARGET = [[1.0, -0.5, 3.0, 2.0, 1.5], [0.25, 0.5, 1.25, 2.25, 0.75], [-1.5, -1.0, 1.0, 1.75, -0.5]]
WORKED = [[0.0, 0.0, 4.0, 2.0, 0.0], [0.0, 0.0, 4.0, 2.0, 0.0]]
WORKED_TARGET = [[1.0, 0.5, 3.0, 2.0, math.pi / 6], [0.0, 0.0, 4.0, 2.0, math.pi / 2]]
BOX = [0.5, 0.25, 3.0, 2.0, 0.5]
OTHER = [1.0, -0.25, 1.5, 2.5, -0.75]
NAMES = ("x", "y", "w", "h", "angle")


def enlarged(boxes: list[Box], by: float) -> list[Box]:
    """The boxes at another scale; the angles stay."""
    return [[*(x * by for x in box[:4]), box[4]] for box in boxes]


def turned(boxes: list[Box]) -> list[Box]:
    """The same boxes, as other numbers: their sides exchanged. Right angles are not exact."""
    return [[x, y, h, w, angle + math.pi / 2] for x, y, w, h, angle in boxes]


def with_(box: Box, **changes: float) -> Box:
    return [changes.get(k, x) for k, x in zip(NAMES, box, strict=True)]


def hard_cases(title: str = "", **options: Any) -> list[Case]:
    """Boxes at which a formula loses its digits, in value or in gradient."""

    def one(name: str, pred: list[Box], target: list[Box], **more: Any) -> Case:
        return case(title + name, pred, target, **more, **options)

    return [
        *(
            one(f"identical, scale 2**{n}", [sized(n)], [sized(n)], strict=True, tags=("kink",))
            for n in (-40, 20)
        ),
        one("identical squares", [with_(BOX, h=3.0)], [with_(BOX, h=3.0)], strict=True, tags=("kink",)),
        one("the same square, turned", [with_(BOX, h=3.0)], [with_(BOX, h=3.0, angle=1.25)], tags=("kink",)),
        one("a square and a box", [with_(BOX, h=3.0)], [OTHER]),
        one("a box and a square", [BOX], [with_(OTHER, h=1.5)]),
        *(
            one(f"nearly identical, {what}, 2**-{n}", [BOX], [with_(BOX, **{what: x + 2.0**-n})])
            for n in (18, 40)
            for what, x in (("x", 0.5), ("w", 3.0), ("h", 2.0), ("angle", 0.5))
        ),
        one(
            "nearly identical, of the same area", [[0.0, 0.0, 2.0, 2.0, 0.0]], [[0.0, 0.0, 2.125, 1.875, 0.0]]
        ),
        one("a little wider", [[0.0, 0.0, 400.0, 20.0, 0.0]], [[0.0, 0.0, 400.0 + 2.0**-6, 20.0, 0.0]]),
        *(one(f"scale 2**{n}", enlarged(PRED[:2], 2.0**n), enlarged(TARGET[:2], 2.0**n)) for n in (-30, 30)),
        one("very far apart", [BOX], [with_(OTHER, x=2.0**20, y=2.0**18)]),
        one("much larger", [with_(BOX, w=2.0**12, h=2.0**10)], [OTHER]),
        one("much smaller", [with_(BOX, w=2.0**-12, h=2.0**-10)], [OTHER]),
        one("thin and crossed", [with_(BOX, h=2.0**-8)], [with_(OTHER, w=2.0**-9)]),
        one("very thin", [with_(BOX, h=2.0**-24)], [with_(OTHER, w=2.0**-20)]),
    ]


def shared_cases() -> list[Case]:
    """What every loss of rotated boxes has to stand."""
    sides = {
        "no width": {"w": 0.0},
        "no height": {"h": 0.0},
        "a point": {"w": 0.0, "h": 0.0},
        "negative width": {"w": -0.5},
        "negative sides": {"w": -0.5, "h": -0.25},
    }
    nan = [with_(BOX, **{name: math.nan}) for name in NAMES]
    unsure = {"pred": None, "target": None}
    return [
        case("one box", PRED[0], TARGET[0]),
        case("two dimensions of boxes", [PRED[:2], PRED[1:]], [TARGET[:2], TARGET[1:]]),
        case("whole numbers in the target", PRED[:2], [[1, 0, 3, 4, 1], [0, 2, 2, 4, -2]]),
        case("sides exchanged", turned(PRED[:2]), TARGET[:2]),
        case("half a turn", [with_(PRED[0], angle=PRED[0][4] + math.pi)], TARGET[:1]),
        case("many turns", [with_(PRED[0], angle=100.0)], [with_(TARGET[0], angle=-50.0)]),
        case("aligned", [with_(BOX, angle=0.0)], [with_(OTHER, angle=0.0)]),
        case("aligned, away from the axes", [with_(BOX, angle=0.75)], [with_(OTHER, angle=0.75)]),
        case("two squares", [with_(BOX, h=3.0)], [with_(OTHER, h=1.5)]),
        case("nearly a square", [with_(BOX, h=3.0 + 2.0**-20)], [OTHER]),
        case("far from the origin", [with_(BOX, x=2.0**20)], [with_(OTHER, x=2.0**20 + 1.0)]),
        *hard_cases(),
        *(
            case(f"{what} in the prediction", [with_(BOX, **by)], [OTHER], tags=("degenerate",))
            for what, by in sides.items()
        ),
        *(
            case(f"{what} in the target", [BOX], [with_(OTHER, **by)], tags=("degenerate",))
            for what, by in sides.items()
        ),
        case("both flat", [with_(BOX, h=0.0)], [with_(OTHER, w=0.0)], tags=("degenerate",)),
        case(
            "both flat, on one line",
            [[0.0, 0.0, 1.0, 0.0, 0.0]],
            [[2.0, 0.0, 4.0, 0.0, 0.0]],
            tags=("degenerate",),
        ),
        case(
            "flat and upright", [[0.0, 0.0, 1.0, 0.0, 0.0]], [[2.0, 0.0, 0.0, 4.0, 0.0]], tags=("degenerate",)
        ),
        case("the same flat box", [with_(BOX, h=0.0)], [with_(BOX, h=0.0)], tags=("degenerate",)),
        case(
            "the same flat box, turned",
            [with_(BOX, h=0.0)],
            [with_(BOX, h=0.0, angle=1.5)],
            tags=("degenerate",),
        ),
        case("the same point", [with_(BOX, w=0.0, h=0.0)], [with_(BOX, w=0.0, h=0.0)], tags=("degenerate",)),
        case("the same point at the origin", [[0.0] * 5], [[0.0] * 5], tags=("degenerate",)),
        case("two points", [with_(BOX, w=0.0, h=0.0)], [with_(OTHER, w=0.0, h=0.0)], tags=("degenerate",)),
        case("NaN in a live prediction", nan, [OTHER] * 5, gradient=unsure),
        case("NaN in a live target", [OTHER] * 5, nan, gradient=unsure),
        case("NaN beside a side of 0", [with_(BOX, w=0.0, x=math.nan)], [OTHER], gradient=unsure),
        case("infinite", [with_(BOX, **{name: math.inf}) for name in NAMES], [OTHER] * 5, tags=("inf",)),
    ]


def sized(log2: int) -> Box:
    return [0.5, 0.25, 3.0 * 2.0**log2, 2.0 * 2.0**log2, 0.5]


# --- matrices of two rows, as four numbers --------------------------------------------------------


def precisely(f: Any) -> Any:
    """With digits to spare, so that what does not depend on an angle does not seem to by the last digit."""

    @functools.wraps(f)
    def computed(*args: Any, **options: Any) -> Any:
        with mp.extradps(40):
            result = f(*args, **options)
        return +result

    return computed


def covariance(box: Box) -> Matrix:
    """R diag(w²/4, h²/4) Rᵀ of a box, whose sides are 0 where they are negative."""
    w, h = (max(side, mpf(0)) for side in box[2:4])
    c, s = mp.cos(box[4]), mp.sin(box[4])
    return product(product((c, -s, s, c), (w**2 / 4, mpf(0), mpf(0), h**2 / 4)), (c, s, -s, c))


def product(m: Matrix, n: Matrix) -> Matrix:
    (a, b, c, d), (e, f, g, h) = m, n
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


def determinant(m: Matrix) -> Any:
    return m[0] * m[3] - m[1] * m[2]


def trace(m: Matrix) -> Any:
    return m[0] + m[3]


def inverse(m: Matrix) -> Matrix:
    a, b, c, d = (x / determinant(m) for x in m)
    return d, -b, -c, a


def square_root(m: Matrix) -> Matrix:
    """That of a positive semidefinite matrix."""
    root = mp.sqrt(positive(determinant(m), trace(m) ** 2))
    size = mp.sqrt(positive(trace(m) + 2 * root, mpf(0)))
    a, b, c, d = m
    return ((a + root) / size, b / size, c / size, (d + root) / size) if size else m


def positive(x: Any, beside: Any) -> Any:
    """What is left of numbers that cancel: nothing, where it is of the size of their last digits."""
    return x if x > beside * mpf(10) ** (20 - mp.dps) else mpf(0)


@precisely
def wasserstein(pred: Box, target: Box, alpha: Any, normalize: bool) -> Any:
    m, m_t = covariance(pred), covariance(target)
    root = square_root(m)
    both, one = trace(m) + trace(m_t), trace(square_root(product(product(root, m_t), root)))
    way = (pred[0] - target[0]) ** 2 + (pred[1] - target[1]) ** 2
    squared = way + alpha**2 * positive(both - 2 * one, both)
    if not normalize or not squared:
        return squared
    areas = [positive(determinant(x), trace(x) ** 2) for x in (m, m_t)]
    return squared / (2 * mp.root(areas[0] * areas[1], 8)) ** 2 if all(areas) else mp.inf


def has_area(*boxes: Box) -> bool:
    return all(side > 0 for box in boxes for side in box[2:4])


@precisely
def divergence(p: Box, t: Box) -> Any:
    """The Kullback-Leibler divergence of the Gaussian of p from that of t."""
    if not has_area(p, t):
        return mp.inf
    m, m_t = covariance(p), covariance(t)
    a, b, c, d = inverse(m_t)
    x, y = p[0] - t[0], p[1] - t[1]
    terms = [a * x * x + (b + c) * x * y + d * y * y, trace(product(inverse(m_t), m)), mpf(-2)]
    terms.append(mp.log(determinant(m_t) / determinant(m)))
    return positive(sum(terms) / 2, sum(map(abs, terms)))


@precisely
def overlap(p: Box, t: Box) -> Any:
    if not has_area(p, t):
        return mpf(0)
    m, m_t = covariance(p), covariance(t)
    both = tuple(a + b for a, b in zip(m, m_t, strict=True))
    shared = 4 * mp.sqrt(determinant(product(product(m, inverse(both)), m_t)))
    return shared / (p[2] * p[3] + t[2] * t[3] - shared)


# --- losses ---------------------------------------------------------------------------------------


def told(squared: Any, fun: str, tau: Any) -> Any:
    """What is made of a squared distance."""
    if mp.isinf(squared):
        return mpf(1) if tau > 0 else squared
    f = {"none": squared, "sqrt": mp.sqrt(squared), "log1p": mp.log(1 + squared)}[fun]
    return 1 - 1 / (tau + f) if tau > 0 else f


FORMS = [(fun, tau) for fun in ("none", "sqrt", "log1p") for tau in (0.0, 1.0, 2.0)]


def form_cases(title: str = "", **options: Any) -> list[Case]:
    """Every function of a distance, bounded or not."""
    nearly = [[BOX], [with_(BOX, w=3.0 + 2.0**-18)]]
    forms = [(f"{title}{fun}, tau of {tau}", {"fun": fun, "tau": tau} | options) for fun, tau in FORMS]
    return [
        *(case(name, PRED, TARGET, **form) for name, form in forms),
        *(
            case(f"{name}, identical", [BOX], [BOX], strict=True, tags=("kink",), **form)
            for name, form in forms
        ),
        *(case(f"{name}, nearly identical", *nearly, **form) for name, form in forms),
    ]


@evidence(
    "gwd_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET),
    case("worked, squared distance", WORKED, WORKED_TARGET, fun="none", tau=0.0),
    case("worked, distance", WORKED, WORKED_TARGET, fun="sqrt"),
    case("worked, normalized", WORKED, WORKED_TARGET, normalize=True),
    *form_cases(),
    *form_cases("normalized, ", normalize=True, alpha=2.0)[:18],
    case("tau as an array", PRED, TARGET, tau=np.asarray(3.0)),
    case("tau as an array, 0", PRED, TARGET, tau=np.asarray(0.0)),
    *(case(f"alpha of {alpha}", PRED, TARGET, alpha=alpha) for alpha in (0.0, 0.5, 3.0)),
    case("alpha as an array", PRED, TARGET, alpha=np.asarray(1.5)),
    case(
        "centers only, of one center",
        [BOX],
        [with_(OTHER, x=0.5, y=0.25)],
        alpha=0.0,
        fun="sqrt",
        tags=("kink",),
    ),
    *shared_cases(),
    *hard_cases("squared distance, ", fun="none", tau=0.0),
    *hard_cases("distance, ", fun="sqrt", tau=0.0),
    *hard_cases("normalized, ", normalize=True, tau=0.0),
    *(
        case(f"normalized, {what}, tau of {tau}", *boxes, normalize=True, tau=tau, tags=("degenerate",))
        for tau in (0.0, 1.0)
        for what, boxes in (
            ("flat", ([with_(BOX, h=0.0)], [OTHER])),
            ("the same flat box", ([with_(BOX, h=0.0)], [with_(BOX, h=0.0)])),
            ("two points", ([with_(BOX, w=0.0, h=0.0)], [with_(OTHER, w=0.0, h=0.0)])),
        )
    ),
    peers={"mmrotate": "mmrotate.models.losses.GDLoss('gwd', fun='sqrt', tau=2.0, normalize=False)"},
)
def gwd_loss(
    pred: Box, target: Box, *, fun: str = "log1p", tau: Any = 1, alpha: Any = 1, normalize: bool = False
) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    return told(wasserstein(pred, target, alpha, normalize), fun, tau)


@evidence(
    "kld_loss",
    case("ordinary", PRED, TARGET),
    case("worked", WORKED, WORKED_TARGET),
    *(
        case(
            f"worked, {direction}",
            WORKED,
            WORKED_TARGET,
            direction=direction,
            fun="none",
            tau=0.0,
            kink="split",  # of the second pair both directions are the same
        )
        for direction in ("pt", "tp", "jeffreys", "max", "min")
    ),
    *form_cases(),
    *form_cases("root, ", direction="tp", sqrt=True),
    *form_cases("jeffreys, ", direction="jeffreys", sqrt=True)[:9],
    case("tau as an array", PRED, TARGET, tau=np.asarray(3.0)),
    case("tau as an array, 0", PRED, TARGET, tau=np.asarray(0.0)),
    *(
        case(f"{direction}, {what}", *boxes, direction=direction, kink=kink, tags=("kink",))
        for direction in ("max", "min")
        for what, boxes, kink in (
            ("one greater than the other", (PRED, TARGET), "least"),
            ("identical", ([BOX], [BOX]), "least"),
            ("apart only", ([BOX], [with_(BOX, x=1.5)]), "split"),
            ("flat", ([with_(BOX, h=0.0)], [OTHER]), "least"),
        )
    ),
    *shared_cases(),
    *hard_cases("divergence, ", fun="none", tau=0.0),
    *hard_cases("root, jeffreys, ", direction="jeffreys", fun="none", tau=0.0, sqrt=True),
    *(
        case(f"{what}, unbounded", [with_(BOX, **by)], [OTHER], fun=fun, tau=0.0, tags=("degenerate",))
        for what, by, fun in (("flat", {"h": 0.0}, "none"), ("a point", {"w": 0.0, "h": 0.0}, "log1p"))
    ),
    peers={"mmrotate": "mmrotate.models.losses.GDLoss('kld', fun='log1p', tau=1.0, sqrt=False)"},
)
def kld_loss(
    pred: Box, target: Box, *, direction: str = "pt", fun: str = "log1p", tau: Any = 1, sqrt: bool = False
) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    ways = {"pt": [(pred, target)], "tp": [(target, pred)]}.get(direction, [(pred, target), (target, pred)])
    found = [divergence(p, t) for p, t in ways]
    d = max(found) if direction == "max" else min(found) if direction == "min" else sum(found) / len(found)
    return told(mp.sqrt(d) if sqrt else d, fun, tau)


CENTERS = [[0.5, -0.25], [0.0, 0.125], [1.0, 0.0]], [[0.25, -0.25], [0.0, 0.25], [-0.5, 0.0625]]


@evidence(
    "kfiou_loss",
    case("ordinary", PRED, TARGET),
    *(
        case(f"worked, {fun}", WORKED, WORKED_TARGET, fun=fun, rescale=rescale)
        for fun, rescale in (("none", False), ("ln", False), ("exp", False))
    ),
    *(
        case(f"{fun}, rescaled: {rescale}", PRED, TARGET, fun=fun, rescale=rescale)
        for fun in ("none", "ln", "exp")
        for rescale in (False, True)
    ),
    *(
        case(f"{fun}, rescaled: {rescale}, identical", [BOX], [BOX], fun=fun, rescale=rescale)
        for fun in ("none", "ln", "exp")
        for rescale in (False, True)
    ),
    case("centers", PRED, TARGET, center_pred=CENTERS[0], center_target=CENTERS[1]),
    case("centers, ln", PRED, TARGET, center_pred=CENTERS[0], center_target=CENTERS[1], fun="ln"),
    case(
        "centers, one masked",
        PRED,
        TARGET,
        center_pred=[CENTERS[0][0], [math.nan, math.inf], CENTERS[0][2]],
        center_target=CENTERS[1],
        where=np.asarray([True, False, True]),
        tags=("mask",),
    ),
    *shared_cases(),
    *hard_cases("rescaled, ", rescale=True),
    *hard_cases("ln, rescaled, ", fun="ln", rescale=True),
    *hard_cases("exp, ", fun="exp"),
    *(
        case(f"flat, {fun}, rescaled: {rescale}", [with_(BOX, h=0.0)], [OTHER], fun=fun, rescale=rescale)
        for fun in ("ln", "exp")
        for rescale in (False, True)
    ),
    peers={"mmrotate": "mmrotate.models.losses.KFLoss(fun='none')"},
)
def kfiou_loss(
    pred: Box,
    target: Box,
    *,
    fun: str = "none",
    rescale: bool = False,
    center_pred: Any = None,
    center_target: Any = None,
) -> Any:
    if not is_finite(pred, target):
        return mp.nan
    x = overlap(pred, target) * (3 if rescale else 1)
    item = 1 - x if fun == "none" else mp.exp(1 - x) - 1 if fun == "exp" else -mp.log(x) if x else mp.inf
    if center_pred is None:
        return item
    ways = [abs(u - v) for u, v in zip(center_pred, center_target, strict=True)]
    return item + sum(r * r * 9 / 2 if r < mpf(1) / 9 else r - mpf(1) / 18 for r in ways)
