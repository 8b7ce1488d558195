"""PyTorch Metric Learning.

Its losses are modules with a reducer. The one that does nothing gives back the losses of anchors, pairs or
triplets with their places, which are the items here; those for means and sums reduce them. The weights
of the softmax heads and the proxies are parameters of the modules, and are put in their place.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from pytorch_metric_learning import distances, losses, miners, reducers

FRAMEWORK = "torch"

Tensor = torch.Tensor

REDUCERS = {
    "none": reducers.DoNothingReducer,
    "mean": reducers.MeanReducer,
    "sum": reducers.SumReducer,
}


# The softmax heads and the proxies.


def arcface_loss(
    embeddings: Tensor,
    weight: Tensor,
    labels: Tensor,
    *,
    scale: float = 64.0,
    margin: float = 0.5,
    overflow: str = "linear",
    gradient: str = "exact",
    reduction: str = "mean",
) -> Tensor:
    if overflow != "linear" or gradient != "exact":
        raise NotImplementedError("beyond the largest angle, the linear continuation")
    options = {"margin": math.degrees(margin), "scale": scale}
    return _head(losses.ArcFaceLoss, embeddings, weight, labels, reduction, **options)


def sub_center_arcface_loss(
    embeddings: Tensor,
    weight: Tensor,
    labels: Tensor,
    *,
    scale: float = 64.0,
    margin: float = 0.5,
    overflow: str = "linear",
    reduction: str = "mean",
) -> Tensor:
    if overflow != "linear":
        raise NotImplementedError("beyond the largest angle, the linear continuation")
    options = {"margin": math.degrees(margin), "scale": scale, "sub_centers": weight.shape[1]}
    return _head(losses.SubCenterArcFaceLoss, embeddings, weight, labels, reduction, **options)


def cosface_loss(
    embeddings: Tensor,
    weight: Tensor,
    labels: Tensor,
    *,
    scale: float = 64.0,
    margin: float = 0.35,
    reduction: str = "mean",
) -> Tensor:
    return _head(losses.CosFaceLoss, embeddings, weight, labels, reduction, margin=margin, scale=scale)


def am_softmax_loss(
    embeddings: Tensor,
    weight: Tensor,
    labels: Tensor,
    *,
    scale: float = 30.0,
    margin: float = 0.35,
    reduction: str = "mean",
) -> Tensor:
    return cosface_loss(embeddings, weight, labels, scale=scale, margin=margin, reduction=reduction)


def normface_loss(
    embeddings: Tensor, weight: Tensor, labels: Tensor, *, scale: float, reduction: str = "mean"
) -> Tensor:
    loss = losses.NormalizedSoftmaxLoss
    return _head(loss, embeddings, weight, labels, reduction, temperature=1 / scale)


def l_softmax_loss(
    embeddings: Tensor,
    weight: Tensor,
    labels: Tensor,
    *,
    scale: float = 1.0,
    margin: int = 4,
    lam: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    if lam != 0:
        raise NotImplementedError("nothing of the plain cosine is mixed in")
    loss = losses.LargeMarginSoftmaxLoss
    return _head(loss, embeddings, weight, labels, reduction, margin=margin, scale=scale)


def a_softmax_loss(
    embeddings: Tensor,
    weight: Tensor,
    labels: Tensor,
    *,
    scale: float = 1.0,
    margin: float = 4.0,
    lam: float = 0.0,
    normalize: bool = False,
    gradient: str = "exact",
    reduction: str = "mean",
) -> Tensor:
    if lam != 0 or margin != int(margin) or normalize or gradient != "exact":
        raise NotImplementedError("a whole factor of the angle, and embeddings as they are")
    loss = losses.SphereFaceLoss
    return _head(loss, embeddings, weight, labels, reduction, margin=margin, scale=scale)


def proxy_nca_loss(
    embeddings: Tensor,
    proxies: Tensor,
    labels: Tensor,
    *,
    include_positive: bool = True,
    scale: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    if not include_positive:
        raise NotImplementedError("a softmax over all classes")
    return _head(losses.ProxyNCALoss, embeddings, proxies, labels, reduction, softmax_scale=scale)


def proxy_anchor_loss(
    embeddings: Tensor,
    proxies: Tensor,
    labels: Tensor,
    *,
    margin: float = 0.1,
    alpha: float = 32.0,
    reduction: str = "mean",
) -> Tensor:
    classes, size = proxies.shape
    loss = _made(losses.ProxyAnchorLoss, num_classes=classes, embedding_size=size, margin=margin, alpha=alpha)
    return torch.func.functional_call(loss, {"proxies": proxies}, (embeddings, labels))


# The pairs and triplets of a batch.


def nt_xent_loss(
    embeddings: Tensor,
    labels: Tensor,
    ref: Tensor | None = None,
    ref_labels: Tensor | None = None,
    *,
    temperature: float = 0.07,
    denominator: str = "one_positive",
    reduction: str = "mean",
) -> Tensor:
    if denominator != "one_positive":
        raise NotImplementedError("a positive competes with negatives")
    loss = losses.NTXentLoss(temperature, reducer=REDUCERS[reduction]())
    return _of_batch(loss, embeddings, labels, ref, ref_labels)


def info_nce_loss(
    query: Tensor,
    positive: Tensor,
    *,
    temperature: float = 0.07,
    normalize: bool = False,
    reduction: str = "mean",
) -> Tensor:
    loss = losses.NTXentLoss(
        temperature,
        distance=distances.DotProductSimilarity(normalize_embeddings=normalize),
        reducer=REDUCERS[reduction](),
    )
    each = torch.arange(len(query))
    found = _of_batch(loss, query, each, positive, each.clone())  # the same tensor would be the same rows
    return found.diagonal() if reduction == "none" else found


def n_pair_loss(anchors: Tensor, positives: Tensor, *, reduction: str = "mean") -> Tensor:
    loss = losses.NPairsLoss(
        distance=distances.DotProductSimilarity(normalize_embeddings=False),
        reducer=REDUCERS[reduction](),
    )
    found = loss(torch.cat([anchors, positives]), torch.arange(len(anchors)).repeat(2))
    return _items(found, anchors, anchors.shape[:1]) if reduction == "none" else found


def sup_con_loss(
    embeddings: Tensor,
    labels: Tensor,
    ref: Tensor | None = None,
    ref_labels: Tensor | None = None,
    *,
    temperature: float = 0.1,
    base_temperature: float | None = None,
    variant: str = "out",
    reduction: str = "mean",
) -> Tensor:
    if base_temperature is not None or variant != "out":
        raise NotImplementedError("the mean over the positives of their logarithms")
    # Its mean is one of the losses that are not 0, lest anchors without positives count.
    reducer = reducers.AvgNonZeroReducer() if reduction == "mean" else REDUCERS[reduction]()
    return _of_batch(losses.SupConLoss(temperature, reducer=reducer), embeddings, labels, ref, ref_labels)


def multi_similarity_loss(
    embeddings: Tensor,
    labels: Tensor,
    ref: Tensor | None = None,
    ref_labels: Tensor | None = None,
    *,
    alpha: float = 2.0,
    beta: float = 50.0,
    base: float = 0.5,
    epsilon: float | None = None,
    reduction: str = "mean",
) -> Tensor:
    loss = losses.MultiSimilarityLoss(alpha, beta, base, reducer=REDUCERS[reduction]())
    mined = None
    if epsilon is not None:
        mined = miners.MultiSimilarityMiner(epsilon)(embeddings, labels, ref, ref_labels)
    return _of_batch(loss, embeddings, labels, ref, ref_labels, mined)


def circle_loss(
    embeddings: Tensor,
    labels: Tensor,
    ref: Tensor | None = None,
    ref_labels: Tensor | None = None,
    *,
    margin: float = 0.4,
    gamma: float = 80.0,
    reduction: str = "mean",
) -> Tensor:
    loss = losses.CircleLoss(margin, gamma, reducer=REDUCERS[reduction]())
    return _of_batch(loss, embeddings, labels, ref, ref_labels)


def angular_loss(
    embeddings: Tensor,
    labels: Tensor,
    ref: Tensor | None = None,
    ref_labels: Tensor | None = None,
    *,
    alpha: float = 45.0,
    reduction: str = "mean",
) -> Tensor:
    loss = losses.AngularLoss(alpha, reducer=REDUCERS[reduction]())
    return _of_batch(loss, embeddings, labels, ref, ref_labels)


def histogram_loss(embeddings: Tensor, labels: Tensor, *, bins: int = 100, reduction: str = "mean") -> Tensor:
    return losses.HistogramLoss(bins)(embeddings, labels)  # the batch is the one item


def lifted_structure_loss(
    embeddings: Tensor,
    labels: Tensor,
    *,
    margin: float = 1.0,
    generalized: bool = False,
    reduction: str = "mean",
) -> Tensor:
    cls = losses.GeneralizedLiftedStructureLoss if generalized else losses.LiftedStructureLoss
    loss = cls(margin, distance=_distance(), reducer=REDUCERS[reduction]())
    return _of_batch(loss, embeddings, labels)


def triplet_batch_all_loss(
    embeddings: Tensor,
    labels: Tensor,
    ref: Tensor | None = None,
    ref_labels: Tensor | None = None,
    *,
    margin: float = 0.2,
    squared: bool = False,
    soft: bool = False,
    nonzero_only: bool = False,
    reduction: str = "mean",
) -> Tensor:
    nonzero = nonzero_only and reduction == "mean"
    loss = losses.TripletMarginLoss(
        0.0 if soft else margin,
        smooth_loss=soft,
        distance=_distance(squared=squared),
        reducer=reducers.AvgNonZeroReducer() if nonzero else REDUCERS[reduction](),
    )
    return _of_batch(loss, embeddings, labels, ref, ref_labels)


def triplet_batch_hard_loss(
    embeddings: Tensor,
    labels: Tensor,
    ref: Tensor | None = None,
    ref_labels: Tensor | None = None,
    *,
    margin: float = 0.2,
    squared: bool = False,
    soft: bool = False,
    reduction: str = "mean",
) -> Tensor:
    distance = _distance(squared=squared)
    loss = losses.TripletMarginLoss(
        0.0 if soft else margin, smooth_loss=soft, distance=distance, reducer=REDUCERS[reduction]()
    )
    mined = miners.BatchHardMiner(distance=distance)(embeddings, labels, ref, ref_labels)
    found = _of_batch(loss, embeddings, labels, ref, ref_labels, mined)
    return found.sum((1, 2)) if reduction == "none" else found  # one triplet of each anchor


# Pairs and triplets that are given.


def contrastive_loss(
    x1: Tensor,
    x2: Tensor,
    labels: Tensor,
    *,
    margin: float = 1.0,
    pos_margin: float = 0.0,
    squared: bool = True,
) -> Tensor:
    # Its mean is one of the positive pairs, and one of the negative ones.
    if squared or x1.ndim != 2:
        raise NotImplementedError("the distance itself, and its hinge, of one axis of pairs")
    loss = losses.ContrastiveLoss(
        pos_margin, margin, distance=_distance(), reducer=reducers.DoNothingReducer()
    )
    (positive,), (negative,) = torch.where(labels == 1), torch.where(labels == 0)
    found = loss(x1, indices_tuple=(positive, positive, negative, negative), ref_emb=x2)
    square = (len(x1), len(x1))
    items = _items(found, x1, square, "pos_loss") + _items(found, x1, square, "neg_loss")
    return items.diagonal()


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
    squared: bool = False,
    soft: bool = False,
    reduction: str = "mean",
) -> Tensor:
    if anchor.ndim != 2:
        raise NotImplementedError("one axis of triplets")
    loss = losses.TripletMarginLoss(
        0.0 if soft else margin,
        swap=swap,
        smooth_loss=soft,
        distance=_distance(p=p, squared=squared),
        reducer=REDUCERS[reduction](),
    )
    count = len(anchor)
    places = torch.arange(3 * count).reshape(3, count)
    found = loss(torch.cat([anchor, positive, negative]), indices_tuple=tuple(places))
    return found["loss"]["losses"] if reduction == "none" else found


def vicreg_loss(
    x: Tensor,
    y: Tensor,
    *,
    lam: float = 25.0,
    mu: float = 25.0,
    nu: float = 1.0,
    gamma: float = 1.0,
    eps: float = 1e-4,
    convention: str = "code",
    reduction: str = "mean",
) -> Tensor:
    if gamma != 1 or convention != "code":
        raise NotImplementedError("deviations of 1, divided as in the code of the authors")
    return losses.VICRegLoss(lam, mu, nu, eps)(x, ref_emb=y)  # the batch is the one item


def _head(
    cls: Any, embeddings: Tensor, weight: Tensor, labels: Tensor, reduction: str, **options: Any
) -> Tensor:
    classes, size = weight.shape[0], weight.shape[-1]
    loss = _made(cls, reduction, num_classes=classes, embedding_size=size, **options)
    name = "proxies" if cls is losses.ProxyNCALoss else "W"
    rows = weight.reshape(-1, size)
    parameters = {name: rows if name == "proxies" else rows.T}
    found = torch.func.functional_call(loss, parameters, (embeddings.reshape(-1, size), labels.reshape(-1)))
    if reduction != "none":
        return found
    return _items(found, embeddings, (labels.numel(),)).reshape(labels.shape)


MODULES = dict[Any, Any]()


def _made(cls: Any, reduction: str | None = None, **options: Any) -> Any:
    """A module, made once: its weights are random at first, which `vmap` and a compiler do not follow."""
    key = cls, reduction, *options.values()
    if key not in MODULES:
        reducer = {} if reduction is None else {"reducer": REDUCERS[reduction]()}
        MODULES[key] = cls(**options, **reducer)
    return MODULES[key]


def _of_batch(
    loss: Any,
    embeddings: Tensor,
    labels: Tensor,
    ref: Tensor | None = None,
    ref_labels: Tensor | None = None,
    mined: Any = None,
) -> Tensor:
    found = loss(embeddings, labels, mined, ref, ref_labels)
    if not isinstance(found, dict):
        return found
    others = len(embeddings if ref is None else ref)
    items = 3 if isinstance(loss, losses.TripletMarginLoss) else 2 if isinstance(loss, PAIRS) else 1
    return _items(found, embeddings, (len(embeddings), others, others)[:items])


PAIRS = (losses.NTXentLoss, losses.AngularLoss, losses.LiftedStructureLoss)


def _items(found: dict[str, Any], embeddings: Tensor, shape: tuple[int, ...], name: str = "loss") -> Tensor:
    """The losses at their places, and 0 elsewhere. Some come with an axis too many."""
    items, places = found[name]["losses"], found[name]["indices"]
    nowhere = embeddings.new_zeros(shape)
    if not isinstance(items, Tensor):  # there are none
        return nowhere
    return nowhere.index_put(places if isinstance(places, tuple) else (places,), items.reshape(-1))


def _distance(*, p: float = 2.0, squared: bool = False) -> Any:
    return distances.LpDistance(normalize_embeddings=False, p=p, power=2 if squared else 1)
