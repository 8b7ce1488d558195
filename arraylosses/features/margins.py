"""Margins of face recognition: put into cosines that are there already, and what scales and centroids are."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from .._core import errors
from .._core.companions import in_working_dtype, labels_of_rows, require_beside, together
from .._core.entry import check_parameter
from .._core.errors import refuse
from .._core.heads import GRADIENT, OVERFLOW, add_angle, add_to_multiple, straight_through
from .._core.namespaces import device, namespace, stop_gradient
from .._core.numeric import clip, divide, keep, matmul, one_hot, pick, sqrt
from .._core.parameters import ANGLE, COUNT, NONNEGATIVE, NUMBER, POSITIVE, Rule

A = TypeVar("A")
Array = Any
Namespace = Any

BETWEEN = Rule("be between 0 and 1, and neither of them", lambda v: 0 < v < 1, (0.0, 1.0))
AT_LEAST_2 = Rule("be an integer of at least 2", lambda v: type(v) is int and v >= 2, (1, 2.5), numeric=False)
AT_LEAST_3 = Rule("be an integer of at least 3", lambda v: type(v) is int and v >= 3, (2, 3.5), numeric=False)


def arcface_logits(
    cosine: A,
    labels: Array,
    /,
    *,
    scale: float | Array = 64.0,
    margin: float | Array = 0.5,
    overflow: str = "linear",
    gradient: str = "exact",
) -> A:
    r"""Scaled cosines, the one of the label with the margin of ArcFace.

    .. math:: z_y = s \cos(\theta_y + m) \qquad z_j = s \cos\theta_j

    Parameters
    ----------
    cosine : array of real floating dtype, shape (..., C)
        The cosines :math:`\cos\theta` with the centres of all classes. What is beyond 1 by rounding is 1.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each row. Rows whose label is no class have no margin.
    scale, margin, overflow, gradient
        As for :func:`arraylosses.arcface_loss`.

    Returns
    -------
    array of shape (..., C)
        Logits, for :func:`arraylosses.cross_entropy`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not go together, and for a parameter that is out of its range.

    See Also
    --------
    arraylosses.arcface_loss : The loss, which is more exact.

    Notes
    -----
    The sine is :math:`\sqrt{(1 - c)(1 + c)}`, because more is not known: at angles that are small beside
    the precision of the cosine, and near :math:`\pi`, it has few digits. At 0 and :math:`\pi` themselves it
    has no derivative.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.arcface_logits(np.asarray([0.8, 0.3, -0.1]), np.asarray(0), scale=8.0).round(6)
    array([ 3.315286,  2.4     , -0.8     ])
    """
    name = "arcface_logits"
    xp, cos, labels, (scale, margin) = _enter(
        name, cosine, labels, scale=(scale, POSITIVE), margin=(margin, ANGLE)
    )
    check_parameter(name, "overflow", overflow, OVERFLOW)
    check_parameter(name, "gradient", gradient, GRADIENT)
    own = pick(xp, cos, labels)
    target = add_angle(xp, own, _sine(xp, own), margin, overflow)
    if gradient == "straight_through":
        target = straight_through(xp, target, own)
    return _put(xp, scale, cos, labels, target)


def cosface_logits(
    cosine: A, labels: Array, /, *, scale: float | Array = 64.0, margin: float | Array = 0.35
) -> A:
    r"""Scaled cosines, the one of the label less the margin of CosFace and AM-Softmax.

    .. math:: z_y = s (\cos\theta_y - m) \qquad z_j = s \cos\theta_j

    Parameters
    ----------
    cosine : array of real floating dtype, shape (..., C)
        The cosines :math:`\cos\theta` with the centres of all classes. What is beyond 1 by rounding is 1.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each row. Rows whose label is no class have no margin.
    scale, margin
        As for :func:`arraylosses.cosface_loss`.

    Returns
    -------
    array of shape (..., C)
        Logits, for :func:`arraylosses.cross_entropy`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not go together, and for a parameter that is out of its range.

    See Also
    --------
    arraylosses.cosface_loss, arraylosses.am_softmax_loss : The loss.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.cosface_logits(np.asarray([0.8, 0.3, -0.1]), np.asarray(0), scale=8.0).round(6)
    array([ 3.6,  2.4, -0.8])
    """
    xp, cos, labels, (scale, margin) = _enter(
        "cosface_logits", cosine, labels, scale=(scale, POSITIVE), margin=(margin, NONNEGATIVE)
    )
    return _put(xp, scale, cos, labels, pick(xp, cos, labels) - margin)


def combined_margin_logits(
    cosine: A,
    labels: Array,
    /,
    *,
    scale: float | Array = 64.0,
    m1: float | Array = 1.0,
    m2: float | Array = 0.3,
    m3: float | Array = 0.2,
    overflow: str = "linear",
) -> A:
    r"""Scaled cosines, the one of the label with three margins.

    .. math:: z_y = s (\cos(m_1 \theta_y + m_2) - m_3) \qquad z_j = s \cos\theta_j

    Parameters
    ----------
    cosine : array of real floating dtype, shape (..., C)
        The cosines :math:`\cos\theta` with the centres of all classes. What is beyond 1 by rounding is 1.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each row. Rows whose label is no class have no margin.
    scale, m1, m2, m3, overflow
        As for :func:`arraylosses.combined_margin_loss`.

    Returns
    -------
    array of shape (..., C)
        Logits, for :func:`arraylosses.cross_entropy`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not go together, and for a parameter that is out of its range.

    See Also
    --------
    arraylosses.combined_margin_loss : The loss, which is more exact.

    Notes
    -----
    The sine is found from the cosine as in :func:`arcface_logits`.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.combined_margin_logits(np.asarray([0.8, 0.3, -0.1]), np.asarray(0), scale=8.0).round(6)
    array([ 3.095657,  2.4     , -0.8     ])
    """
    xp, cos, labels, (scale, m1, m2, m3) = _enter(
        "combined_margin_logits",
        cosine,
        labels,
        scale=(scale, POSITIVE),
        m1=(m1, POSITIVE),
        m2=(m2, ANGLE),
        m3=(m3, NONNEGATIVE),
    )
    check_parameter("combined_margin_logits", "overflow", overflow, OVERFLOW)
    own = pick(xp, cos, labels)
    target = add_to_multiple(xp, own, _sine(xp, own), m1, m2, overflow) - m3
    return _put(xp, scale, cos, labels, target)


def curricular_face_logits(
    cosine: A,
    labels: Array,
    t: float | Array,
    /,
    *,
    scale: float | Array = 64.0,
    margin: float | Array = 0.5,
) -> A:
    r"""Scaled cosines, with the margin and the curriculum of CurricularFace.

    .. math::

        z_y = s \cos(\theta_y + m) \qquad z_j = s \begin{cases}
        \cos\theta_j\,(t + \cos\theta_j) & \cos\theta_j > \cos(\theta_y + m) \\
        \cos\theta_j & \text{else} \end{cases}

    Parameters
    ----------
    cosine : array of real floating dtype, shape (..., C)
        The cosines :math:`\cos\theta` with the centres of all classes. What is beyond 1 by rounding is 1.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each row. Rows whose label is no class have neither margin nor curriculum.
    t : float or array of shape ()
        How far training has come: the running mean of the cosines of labels. A constant.
    scale, margin
        As for :func:`arraylosses.curricular_face_loss`.

    Returns
    -------
    array of shape (..., C)
        Logits, for :func:`arraylosses.cross_entropy`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not go together, and for a parameter that is out of its range.

    See Also
    --------
    arraylosses.curricular_face_loss : The loss, which is more exact, and keeps `t` itself.

    Notes
    -----
    The sine is found from the cosine as in :func:`arcface_logits`.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.curricular_face_logits(np.asarray([0.5, 0.6, -0.2]), np.asarray(0), 0.25, scale=8.0).round(6)
    array([ 0.188773,  4.08    , -1.6     ])
    """
    xp, cos, labels, (t, scale, margin) = _enter(
        "curricular_face_logits",
        cosine,
        labels,
        t=(t, NUMBER),
        scale=(scale, POSITIVE),
        margin=(margin, ANGLE),
    )
    t = stop_gradient(xp, t) if namespace(t) is not None else t
    own = pick(xp, cos, labels)
    sin = _sine(xp, own)
    hard = cos > add_angle(xp, own, sin, margin, "none")[..., None]
    hard = hard & xp.any(one_hot(xp, labels, cos), axis=-1, keepdims=True)
    negatives = xp.where(hard, cos * (t + cos), cos)
    return _put(xp, scale, negatives, labels, add_angle(xp, own, sin, margin, "linear"))


def class_centroids(embeddings: A, labels: Array, /, *, count: int) -> A:
    r"""The mean of the embeddings of every class.

    .. math:: c_k = \frac{1}{n_k} \sum_{y_i = k} x_i

    Parameters
    ----------
    embeddings : array of real floating dtype, shape (..., D)
        The embeddings :math:`x`.
    labels : array of integer dtype, shape (...)
        The class :math:`y` of each. One whose label is no class is left out.
    count : int
        How many classes there are.

    Returns
    -------
    array of shape (count, D)
        0 for a class without embeddings. Of half precision it is in float32.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not go together, and for a `count` that is not a positive integer.

    See Also
    --------
    arraylosses.coco_loss : Which compares embeddings with them.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings = np.asarray([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
    >>> al.class_centroids(embeddings, np.asarray([0, 2, 0]), count=3)
    array([[0.5, 1.5],
           [0. , 0. ],
           [3. , 0. ]])
    """
    name = "class_centroids"
    check_parameter(name, "count", count, COUNT)
    xp, x, labels = _rows(name, "embeddings", "(..., d)", embeddings, labels)
    x, labels = xp.reshape(x, (-1, x.shape[-1])), xp.reshape(labels, (-1,))
    k = xp.arange(count, dtype=labels.dtype, device=device(xp, labels))
    of_class = k[:, None] == labels
    x = keep(xp, x, xp.any(of_class, axis=0)[:, None])
    hot = xp.astype(of_class, x.dtype)
    means: A = divide(xp, matmul(xp, hot, x), xp.sum(hot, axis=-1, keepdims=True))
    return means


def normface_lower_bound(*, classes: int, scale: float) -> float:
    r"""What the NormFace loss cannot go below, even with every embedding on its centre.

    .. math:: \ln\bigl(1 + (n - 1)\, e^{-n s / (n - 1)}\bigr)

    Parameters
    ----------
    classes : int
        How many classes :math:`n \ge 2` there are.
    scale : float
        The scale :math:`s > 0` of the cosines.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    TypeError, ValueError
        For numbers that are out of their range.

    See Also
    --------
    arraylosses.normface_loss : The loss.

    References
    ----------
    Wang, Xiang, Cheng, Yuille, *NormFace: L2 hypersphere embedding for face verification*, ACM
    Multimedia 2017, arXiv:1704.06369.

    Examples
    --------
    >>> import arraylosses as al
    >>> round(al.normface_lower_bound(classes=10, scale=1.0), 6)
    1.376935
    """
    n = check_parameter("normface_lower_bound", "classes", classes, AT_LEAST_2)
    s = _plain("normface_lower_bound", "scale", scale, POSITIVE)
    return math.log1p((n - 1) * math.exp(-n * s / (n - 1)))


def coco_alpha(*, classes: int, eps: float) -> float:
    r"""A scale for the COCO loss that lets it become small.

    .. math:: \tfrac{1}{2} \ln \frac{K - 1}{\epsilon}

    Parameters
    ----------
    classes : int
        How many classes :math:`K \ge 2` there are.
    eps : float
        How small the loss shall become, about, :math:`\epsilon > 0`.

    Returns
    -------
    float
        The `alpha` of :func:`arraylosses.coco_loss`.

    Raises
    ------
    TypeError, ValueError
        For numbers that are out of their range.

    References
    ----------
    Liu, Li, Wang, *Rethinking feature discrimination and polymerization for large-scale recognition*,
    2017, arXiv:1710.00870.

    Examples
    --------
    >>> import arraylosses as al
    >>> round(al.coco_alpha(classes=10_000, eps=1e-4), 6)
    9.21029
    """
    k = check_parameter("coco_alpha", "classes", classes, AT_LEAST_2)
    return math.log((k - 1) / _plain("coco_alpha", "eps", eps, POSITIVE)) / 2


def l2_softmax_lower_bound(*, classes: int, p: float) -> float:
    r"""How large the radius of the L2-constrained softmax must be at least.

    .. math:: \ln \frac{p\, (C - 2)}{1 - p}

    Parameters
    ----------
    classes : int
        How many classes :math:`C \ge 3` there are.
    p : float
        The probability, between 0 and 1, that an embedding on its centre is to have of its class.

    Returns
    -------
    float
        The least `alpha` of :func:`arraylosses.l2_softmax_loss`.

    Raises
    ------
    TypeError, ValueError
        For numbers that are out of their range.

    References
    ----------
    Ranjan, Castillo, Chellappa, *L2-constrained softmax loss for discriminative face verification*, 2017,
    arXiv:1703.09507.

    Examples
    --------
    >>> import arraylosses as al
    >>> round(al.l2_softmax_lower_bound(classes=10, p=0.9), 6)
    4.276666
    """
    c = check_parameter("l2_softmax_lower_bound", "classes", classes, AT_LEAST_3)
    p = _plain("l2_softmax_lower_bound", "p", p, BETWEEN)
    return math.log(p * (c - 2)) - math.log1p(-p)


def _plain(function: str, name: str, value: Any, rule: Rule) -> float:
    """A number that keeps the rule, and no array."""
    number = check_parameter(function, name, value, rule)
    if not isinstance(number, float):
        raise refuse(function, name, rule.rule, value)
    return number


def _rows(function: str, name: str, shape: str, x: Any, labels: Any) -> tuple[Namespace, Array, Array]:
    """Rows along the last axis, and the label of each."""
    x, labels = together(x, labels)
    xp, rows = in_working_dtype(function, name, x)
    require_beside(function, xp, "labels", labels, name, x)
    if rows.ndim == 0:
        raise refuse(function, name, errors.shape(shape), tuple(rows.shape))
    return xp, rows, labels_of_rows(function, xp, labels, rows)


def _enter(
    function: str, cosine: Any, labels: Any, **numbers: tuple[Any, Rule]
) -> tuple[Namespace, Array, Array, list[Any]]:
    """Cosines within [-1, 1], labels, and numbers in whose place arrays of shape () may stand."""
    names = list(numbers)
    cosine, labels, *values = together(cosine, labels, *(value for value, _ in numbers.values()))
    xp, cos, labels = _rows(function, "cosine", "(..., c)", cosine, labels)
    for i, name in enumerate(names):
        value = values[i] = check_parameter(function, name, values[i], numbers[name][1])
        if not isinstance(value, float):
            require_beside(function, xp, name, value, "cosine", cosine)
            if tuple(value.shape) != ():
                raise refuse(function, name, errors.NUMBER_OR_0D, tuple(value.shape))
            values[i] = xp.astype(value, cos.dtype)
    return xp, clip(xp, cos, 1.0), labels, values


def _sine(xp: Namespace, cos: Array) -> Array:
    return sqrt(xp, (1 - cos) * (1 + cos))


def _put(xp: Namespace, scale: Any, cos: Array, labels: Array, target: Array) -> Any:
    """The scaled cosines, with what the target is for the class of the label."""
    return scale * xp.where(one_hot(xp, labels, cos), target[..., None], cos)
