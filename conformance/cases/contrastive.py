"""Evidence for the contrastive losses."""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp, mpf

from ..case import case, evidence, uniform
from ..pairs import FIVE, FOUR, GROUPS, TWO_EACH, anchors, cases, cosine

NAN = math.nan

A, P = uniform(51, 4, 2, low=-1.5, high=1.5), uniform(52, 4, 2)
X, Y = uniform(53, 3, 2, low=-1.5, high=1.5), uniform(54, 3, 2)
ALL, EACH = uniform(55, 3, 2), uniform(56, 3, 2, 2)
WORKED = [[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [-0.6, 0.8]]
WORKED_QUEUE = [[1.0, 0.0]], [[0.8, 0.6]], [[0.0, 1.0], [-0.6, 0.8]]
MATCHED = [[4.0, 0.0], [0.0, 4.0], [-4.0, -4.0]]
SHARED = [3, -1, 3]
WITHOUT_SECOND = [True, False, True]
HOLED = [X[0], [NAN] * 2, X[2]], [Y[0], [NAN] * 2, Y[2]]
OFFSET = [[256.0, 0.5], [256.0, -1.0], [256.0, 2.0]], [[4.0, 1.0], [4.0, 0.5], [4.0, -1.0]]
NAN_ROW = [[NAN, 1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]]


def unsure(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names)


def scaled(rows: list[list[float]], by: float) -> list[list[float]]:
    return [[v * by for v in row] for row in rows]


def unit(v: list[Any]) -> list[Any]:
    length = mp.sqrt(mp.fdot(v, v))
    return [x / length for x in v] if length else [mpf(0)] * len(v)


@evidence(
    "n_pair_loss",
    case("ordinary", A, P),
    case("worked", *WORKED),
    case("worked, mean", *WORKED, reduction="mean"),
    case("labels", X, Y, SHARED),
    case("labels, mean", X, Y, SHARED, reduction="mean"),
    case("labels that all differ", X, Y, [5, 2, 9]),
    case("labels that are all the same", X, Y, [5, 5, 5]),
    case("lengths", X, Y, l2_reg=0.5),
    case("lengths, labels", X, Y, SHARED, l2_reg=0.002),
    case("in chunks", A, P, chunk_size=3),
    case("in chunks of one row", X, Y, chunk_size=1),
    case("in one chunk", X, Y, chunk_size=3),
    case("in chunks, labels", X, Y, SHARED, chunk_size=2),
    case(
        "in chunks of one row, labels, lengths, mean",
        X,
        Y,
        SHARED,
        chunk_size=1,
        l2_reg=0.25,
        reduction="mean",
    ),
    case("in chunks, NaN under the mask", *HOLED, where=WITHOUT_SECOND, chunk_size=1),
    case("in chunks, NaN under the mask, labels", *HOLED, SHARED, where=WITHOUT_SECOND, chunk_size=2),
    case("NaN under the mask, labels, lengths", *HOLED, [3, 3, 3], where=WITHOUT_SECOND, l2_reg=0.5),
    case("labels, row of weight 0", X, Y, [0, 0, 1], sample_weight=[0.0, 1.0, 2.0]),
    case("labels, all but one row masked", X, Y, [0, 0, 1], where=[False, True, False]),
    case("a single row", [[1.0, 2.0]], [[0.5, -1.0]]),
    case("a single row, labels, in chunks", [[1.0, 2.0]], [[0.5, -1.0]], [4], chunk_size=1),
    case("one dimension", uniform(57, 3, 1), uniform(58, 3, 1)),
    case("near 0", MATCHED, MATCHED),
    case("near 0, labels", MATCHED, MATCHED, [2, 1, 0]),
    case("near 0, in chunks, labels", MATCHED, MATCHED, [2, 1, 0], chunk_size=2),
    case("far below the smallest digit of 1", MATCHED, scaled(MATCHED, 8.0)),
    case("mismatched", MATCHED, scaled(MATCHED, -8.0)),
    case("all positives the same", X, [Y[0]] * 3, gradient=unsure("anchors")),  # it cancels, up to rounding
    case("all positives the same, labels", X, [Y[0]] * 3, [1, 1, 1]),
    case("all rows are 0", [[0.0, 0.0]] * 3, [[0.0, 0.0]] * 3),
    case("a common offset", *OFFSET),
    case("a common offset, labels", *OFFSET, [0, 1, 0]),
    case("NaN in a live row", *NAN_ROW, gradient=unsure("anchors", "positives")),
    case(
        "NaN in a live row, labels, in chunks",
        *NAN_ROW,
        [0, 0],
        chunk_size=1,
        gradient=unsure("anchors", "positives"),
    ),
)
def n_pair_loss(
    anchors: list[Any],
    positives: list[Any],
    labels: list[int] | None,
    *,
    l2_reg: Any = 0,
    chunk_size: int | None = None,
) -> list[Any]:
    names = list(range(len(anchors))) if labels is None else labels

    def item(i: int) -> Any:
        e = [mp.exp(mp.fdot(anchors[i], p)) for p in positives]
        own = [-mp.log(v / mp.fsum(e)) for v, name in zip(e, names, strict=True) if name == names[i]]
        squares = mp.fdot(anchors[i], anchors[i]) + mp.fdot(positives[i], positives[i])
        return mp.fsum(own) / len(own) + l2_reg * squares / 4

    return [item(i) for i in range(len(anchors))]


@evidence(
    "info_nce_loss",
    case("ordinary", X, Y, EACH, temperature=2.0),
    case("worked", *WORKED_QUEUE, temperature=0.5),
    case("negatives of all", X, Y, ALL, temperature=2.0),
    case("negatives of all, mean", X, Y, ALL, temperature=2.0, reduction="mean"),
    case("negatives of all, default temperature", X, Y, ALL),
    case("negatives of each, default temperature", X, Y, EACH),
    case("in the batch", X, Y, temperature=2.0),
    case("in the batch, mean", X, Y, temperature=2.0, reduction="mean"),
    case("in the batch, default temperature", X, Y),
    case("high temperature", X, Y, ALL, temperature=64.0),
    case("normalised, negatives of all", X, Y, ALL, normalize=True, temperature=0.5),
    case("normalised, negatives of each", X, Y, EACH, normalize=True, temperature=0.5),
    case("normalised, in the batch", X, Y, normalize=True, temperature=0.5),
    *(
        case(f"in chunks of {size}, {name}", X, Y, *negatives, temperature=2.0, chunk_size=size)
        for size in (1, 2, 3)
        for name, negatives in (("of all", (ALL,)), ("of each", (EACH,)), ("in the batch", ()))
    ),
    case(
        "in chunks, normalised, mean",
        X,
        Y,
        ALL,
        normalize=True,
        temperature=0.5,
        chunk_size=2,
        reduction="mean",
    ),
    case("NaN under the mask, negatives of all", *HOLED, ALL, temperature=2.0, where=WITHOUT_SECOND),
    case("NaN under the mask, in the batch", *HOLED, temperature=2.0, where=WITHOUT_SECOND, reduction="mean"),
    case("NaN under the mask, in chunks", *HOLED, temperature=2.0, where=WITHOUT_SECOND, chunk_size=1),
    case(
        "NaN under the mask, in chunks, negatives of each",
        *HOLED,
        [EACH[0], [[NAN] * 2] * 2, EACH[2]],
        temperature=2.0,
        where=WITHOUT_SECOND,
        chunk_size=2,
    ),
    case("weights, in the batch", X, Y, temperature=2.0, sample_weight=[1.0, 0.0, 0.5], reduction="mean"),
    case("all but one row masked, in the batch", X, Y, where=[False, True, False]),
    case("a single row, in the batch", [[1.0, 2.0]], [[0.5, -1.0]]),
    case("one negative", X, Y, ALL[:1], temperature=2.0),
    case("as many negatives as rows", X, Y, Y, temperature=2.0),
    case("one dimension", uniform(57, 3, 1), uniform(58, 3, 1), temperature=2.0),
    case("near 0, in the batch", MATCHED, MATCHED, temperature=1.0),
    case("near 0, negatives of all", MATCHED, MATCHED, scaled(MATCHED[2:], -1.0), temperature=1.0),
    case("far below the smallest digit of 1", MATCHED, MATCHED, scaled(MATCHED[2:], -1.0), temperature=0.125),
    case("mismatched", MATCHED, scaled(MATCHED, -1.0), MATCHED, temperature=0.125),
    case("the positive is among the negatives", X, Y, Y[:1], temperature=2.0),
    case(
        "zero rows, normalised",
        [[0.0, 0.0]],
        [[0.0, 0.0]],
        [[0.0, 0.0]],
        normalize=True,
        gradient={"query": [[0.0, 0.0]], "positive": [[0.0, 0.0]], "negatives": [[0.0, 0.0]]},
    ),
    case(
        "huge, normalised",
        scaled(X, 2.0**100),
        scaled(Y, 2.0**100),
        scaled(ALL, 2.0**100),
        normalize=True,
        temperature=0.5,
        gradient=unsure("query", "positive", "negatives"),
    ),
    case(
        "tiny, normalised",
        scaled(X, 2.0**-100),
        scaled(Y, 2.0**-100),
        scaled(ALL, 2.0**-100),
        normalize=True,
        temperature=0.5,
        gradient=unsure("query", "positive", "negatives"),
    ),
    case("NaN in a live row, in the batch", *NAN_ROW, gradient=unsure("query", "positive")),
    case(
        "NaN in a live row, negatives of all",
        *NAN_ROW,
        ALL,
        gradient=unsure("query", "positive", "negatives"),
    ),
    case(
        "NaN in a negative of one",
        *WORKED,
        [[[1.0, 2.0]], [[NAN, 1.0]]],
        gradient=unsure("query", "positive", "negatives"),
    ),
)
def info_nce_loss(
    query: list[Any],
    positive: list[Any],
    negatives: list[Any] | None,
    *,
    temperature: Any = 0.07,
    normalize: bool = False,
    chunk_size: int | None = None,
) -> list[Any]:
    n = range(len(query))
    if negatives is None:
        beside = [[positive[j] for j in n if j != i] for i in n]
    else:
        beside = negatives if negatives and isinstance(negatives[0][0], list) else [negatives] * len(query)

    def direction(v: list[Any]) -> list[Any]:
        return unit(v) if normalize else v

    def item(i: int) -> Any:
        keys = [positive[i], *beside[i]]
        e = [mp.exp(mp.fdot(direction(query[i]), direction(k)) / temperature) for k in keys]
        return -mp.log(e[0] / mp.fsum(e))

    return [item(i) for i in n]


THREE_ALIKE = [0, 0, 0, 1]


@evidence(
    "nt_xent_loss",
    case("ordinary", FIVE, GROUPS, temperature=0.5),
    case("worked: mean", FOUR, TWO_EACH, reduction="mean"),
    case("worked: a temperature of a half, mean", FOUR, TWO_EACH, temperature=0.5, reduction="mean"),
    case("worked: three of one identity, mean", FOUR, THREE_ALIKE, temperature=0.5, reduction="mean"),
    case("three of one identity", FOUR, THREE_ALIKE, temperature=0.5),
    case("all in the denominator", FIVE, GROUPS, temperature=0.5, denominator="all"),
    case("all in the denominator, mean", FIVE, GROUPS, denominator="all", reduction="mean"),
    case("all in the denominator, in chunks", FIVE, GROUPS, denominator="all", temperature=0.5, chunk_size=2),
    case("all in the denominator, one identity", FIVE[:3], [5, 5, 5], denominator="all", temperature=0.5),
    case("all in the denominator, each its own identity", FIVE[:3], [0, 1, 2], denominator="all"),
    case("all in the denominator, two rows", FIVE[:2], [0, 0], denominator="all"),
    case("two rows", FIVE[:2], [0, 0]),
    case("cold: far below underflow", FOUR, TWO_EACH, temperature=0.001),
    case("hot", FIVE, GROUPS, temperature=8.0),
    *cases(temperature=0.5),
)
def nt_xent_loss(
    embeddings: list[Any],
    labels: list[int],
    ref: list[Any] | None = None,
    ref_labels: list[int] | None = None,
    *,
    temperature: Any = 0.07,
    denominator: str = "one_positive",
    **frame: Any,
) -> list[Any]:
    rows = embeddings if ref is None else ref

    def item(a: int, p: int, positive: list[int], negative: list[int]) -> Any:
        others = positive if denominator == "all" else [p]
        e = [mp.exp(cosine(embeddings[a], rows[j]) / temperature) for j in (*others, *negative)]
        return -mp.log(mp.exp(cosine(embeddings[a], rows[p]) / temperature) / mp.fsum(e))

    found = anchors(embeddings, labels, ref, ref_labels, **frame)
    return [
        [None for _ in rows]
        if each is None
        else [item(each[0], p, *each[1:]) if p in each[1] else None for p in range(len(rows))]
        for each in found
    ]


@evidence(
    "sup_con_loss",
    case("ordinary", FIVE, GROUPS, temperature=0.5),
    case("worked: three of one identity", FOUR, THREE_ALIKE, temperature=0.5),
    case("worked: three of one identity, mean", FOUR, THREE_ALIKE, temperature=0.5, reduction="mean"),
    case("worked: mean", FOUR, TWO_EACH, reduction="mean"),
    case("within the logarithm", FOUR, THREE_ALIKE, temperature=0.5, variant="in"),
    case("within the logarithm, in chunks", FIVE, GROUPS, temperature=0.5, variant="in", chunk_size=2),
    case(
        "within the logarithm, one identity",
        FIVE[:3],
        [5, 5, 5],
        variant="in",
        temperature=0.5,
        gradient={"embeddings": [[0.0, 0.0]] * 3},  # a constant
    ),
    case("within the logarithm, each its own identity", FIVE[:3], [0, 1, 2], variant="in"),
    case("base temperature", FIVE, GROUPS, temperature=0.5, base_temperature=0.07),
    case("cold", FOUR, TWO_EACH, temperature=0.001),
    case("hot", FIVE, GROUPS, temperature=8.0),
    *cases(temperature=0.5),
)
def sup_con_loss(
    embeddings: list[Any],
    labels: list[int],
    ref: list[Any] | None = None,
    ref_labels: list[int] | None = None,
    *,
    temperature: Any = 0.1,
    base_temperature: Any = None,
    variant: str = "out",
    **frame: Any,
) -> list[Any]:
    rows = embeddings if ref is None else ref

    def item(a: int, positive: list[int], negative: list[int]) -> Any:
        if not positive:
            return None
        e = {j: mp.exp(cosine(embeddings[a], rows[j]) / temperature) for j in (*positive, *negative)}
        p = [e[j] / mp.fsum(e.values()) for j in positive]
        value = -mp.log(mp.fsum(p) / len(p)) if variant == "in" else -mp.fsum(map(mp.log, p)) / len(p)
        return value if base_temperature is None else value * temperature / base_temperature

    found = anchors(embeddings, labels, ref, ref_labels, **frame)
    return [None if each is None else item(*each) for each in found]
