"""Evidence for the contrastive losses."""

from __future__ import annotations

from typing import Any

from mpmath import mp

from ..case import case, evidence
from ..pairs import FIVE, FOUR, GROUPS, TWO_EACH, anchors, cases, cosine

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
