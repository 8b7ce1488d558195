"""Gradient harmonizing: losses in which every size of gradient is heard alike, however many have it."""

from __future__ import annotations

from typing import Any, TypeVar

from ._core.domains import PROBABILITY, REAL
from ._core.entry import enter
from ._core.log_loss import logit_nll, logit_nll_slope
from ._core.namespaces import stop_gradient
from ._core.numeric import columns, minimum, one_plus_square, quotient
from ._core.parameters import COUNT, FLAG, FRACTION, POSITIVE, ArrayRule, choice
from ._core.registry import loss
from ._core.states import LossAndState
from .regression import charbonnier_loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["ghm_classification_loss", "ghm_regression_loss"]

# What both losses by gradient density take: how gradients are counted, and with what memory.
HARMONY: dict[str, Any] = {
    "state": ArrayRule(("(bins)",)),
    "bins": COUNT,
    "momentum": FRACTION,
    "bias_correction": FLAG,
    "divide_by": choice("valid_bins", "bins"),
}


@loss("(*s), (*s) -> (*s)", parts=LossAndState._fields, logits=REAL, target=PROBABILITY, **HARMONY)
def ghm_classification_loss(
    logits: A,
    target: Array,
    /,
    *,
    state: Array | None = None,
    bins: int = 10,
    momentum: float | Array = 0.0,
    bias_correction: bool = False,
    divide_by: str = "valid_bins",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> LossAndState[A]:
    r"""Gradient harmonizing loss, GHM-C: binary cross entropy, every size of gradient heard alike.

    .. math::

        \ell = \beta \bigl[-y \ln p - (1-y) \ln(1-p)\bigr] \qquad
        \beta = \frac{N}{S_j\, n}, \quad j = \lfloor M\, |p - y| \rfloor, \quad p = \sigma(z)

    with the number :math:`N` of elements that count, and of those among them, :math:`S_j`, whose
    gradient :math:`|p - y|` is in the same one of :math:`M` bins, of which :math:`n` are not empty.

    Parameters
    ----------
    logits : array of real floating dtype, shape (*s)
        The logits :math:`z`, one for each class of each anchor.
    target : array of real dtype, shape (*s)
        The label :math:`y`, 0 or 1, or a probability in between.
    state : array of real dtype, shape (bins,), optional
        The number :math:`S_j` of gradients in every bin, averaged over the calls before: the state that
        the last call returned, or :func:`arraylosses.initial_state`. Without it the gradients of this
        call alone count, as they do without `momentum`.
    bins : int, default 10
        The number :math:`M` of bins, of equal width, into which gradients from 0 to 1 fall.
    momentum : float, default 0.0
        How much :math:`\mu`, from 0 to 1, of the number in a bin is kept where this call has something to
        add. The paper takes 0.75.
    bias_correction : bool, default False
        Whether a bin that was empty so far takes the number of this call as it is. Otherwise an average
        that begins at 0 makes the first losses too large, by :math:`1 / (1 - \mu)`.
    divide_by : {"valid_bins", "bins"}, default "valid_bins"
        Whether :math:`n` is the number of bins that this call does not leave empty, as in the authors' code,
        or that of all, as in the paper.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item that does not
        count is not counted in its bin either; one that does is counted once, whatever its weight.

    Returns
    -------
    loss : array of shape () or, with ``reduction="none"``, (*s)
        In nats.
    state : array of shape (bins,)
        The number of gradients in every bin, for the next call, in the dtype of the loss.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for options that are
        out of their range.

    Notes
    -----
    The factor :math:`\beta` is held constant where the loss is differentiated. It depends on all elements of
    a call, and without `momentum` its mean over them is 1; if all gradients are in one bin the loss
    is :func:`binary_cross_entropy_with_logits`. Both the many easy examples and the few outliers, which
    have gradients near 0 and near 1, count less than they would. A gradient of exactly 1 is in the last bin.
    An empty bin keeps its number, as in the authors' code, where the paper has it decay.

    References
    ----------
    Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, arXiv:1811.05181.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, target = np.asarray([-2.0, 0.0, 1.0, 3.0]), np.asarray([0, 0, 1, 1])
    >>> loss, state = al.ghm_classification_loss(logits, target, bins=5)
    >>> loss.round(6), state
    (np.float64(0.364722), array([2., 1., 1., 0., 0.]))
    """
    xp, z, y, state, bins, momentum, bias_correction, divide_by, done = enter(
        ghm_classification_loss,
        (logits, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        state=state,
        bins=bins,
        momentum=momentum,
        bias_correction=bias_correction,
        divide_by=divide_by,
    )
    norm = xp.abs(stop_gradient(xp, logit_nll_slope(xp, z, y, 1.0)))
    beta, state = _harmonize(xp, done, norm, state, bins, momentum, bias_correction, divide_by)
    return LossAndState(done(beta * logit_nll(xp, z, y, 1.0)), state)


@loss("(*s), (*s) -> (*s)", parts=LossAndState._fields, pred=REAL, target=REAL, mu=POSITIVE, **HARMONY)
def ghm_regression_loss(
    pred: A,
    target: Array,
    /,
    *,
    mu: float | Array = 0.02,
    state: Array | None = None,
    bins: int = 10,
    momentum: float | Array = 0.0,
    bias_correction: bool = False,
    divide_by: str = "valid_bins",
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> LossAndState[A]:
    r"""Gradient harmonizing loss, GHM-R: a smooth absolute error, every size of gradient heard alike.

    .. math::

        \ell = \beta \bigl[\sqrt{r^2 + \epsilon^2} - \epsilon\bigr] \qquad
        \beta = \frac{N}{S_j\, n}, \quad
        j = \Bigl\lfloor M\, \frac{|r|}{\sqrt{r^2 + \epsilon^2}} \Bigr\rfloor, \quad r = p - t

    with the number :math:`N` of elements that count, and of those among them, :math:`S_j`, whose
    gradient :math:`|r| / \sqrt{r^2 + \epsilon^2}` is in the same one of :math:`M` bins, of which :math:`n`
    are not empty.

    Parameters
    ----------
    pred : array of real floating dtype, shape (*s)
        The prediction :math:`p`, in the unit of the target.
    target : array of real dtype, shape (*s)
        The target :math:`t`.
    mu : float, default 0.02
        The residual :math:`\epsilon > 0`, the paper's :math:`\mu`, up to which the error is quadratic
        rather than absolute, in the unit of the target.
    state : array of real dtype, shape (bins,), optional
        The number :math:`S_j` of gradients in every bin, averaged over the calls before: the state that
        the last call returned, or :func:`arraylosses.initial_state`. Without it the gradients of this
        call alone count, as they do without `momentum`.
    bins : int, default 10
        The number :math:`M` of bins, of equal width, into which gradients from 0 to 1 fall.
    momentum : float, default 0.0
        How much :math:`\mu`, from 0 to 1, of the number in a bin is kept where this call has something to
        add. The authors take 0.7.
    bias_correction : bool, default False
        Whether a bin that was empty so far takes the number of this call as it is. Otherwise an average
        that begins at 0 makes the first losses too large, by :math:`1 / (1 - \mu)`.
    divide_by : {"valid_bins", "bins"}, default "valid_bins"
        Whether :math:`n` is the number of bins that this call does not leave empty, as in the authors' code,
        or that of all, as in the paper.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item that does not
        count is not counted in its bin either; one that does is counted once, whatever its weight.

    Returns
    -------
    loss : array of shape () or, with ``reduction="none"``, (*s)
        In the unit of the target.
    state : array of shape (bins,)
        The number of gradients in every bin, for the next call, in the dtype of the loss.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for options that are
        out of their range.

    Notes
    -----
    The factor :math:`\beta` is held constant where the loss is differentiated; given it the loss is
    convex. It depends on all elements of a call, and without `momentum` its mean over them is 1; if all
    gradients are in one bin the loss is :func:`charbonnier_loss` with ``shift=True``. A gradient that
    rounds to 1 is in the last bin. An empty bin keeps its number, as in the authors' code, where the
    paper has it decay.

    References
    ----------
    Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, arXiv:1811.05181.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> pred, target = np.asarray([0.0, 0.01, 0.05, 1.0]), np.zeros(4)
    >>> loss, state = al.ghm_regression_loss(pred, target)
    >>> loss.round(6), state
    (np.float64(0.169795), array([1., 0., 0., 0., 1., 0., 0., 0., 0., 2.]))
    """
    xp, p, t, mu, state, bins, momentum, bias_correction, divide_by, done = enter(
        ghm_regression_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        mu=mu,
        state=state,
        bins=bins,
        momentum=momentum,
        bias_correction=bias_correction,
        divide_by=divide_by,
    )
    x = stop_gradient(xp, p - t) / mu
    norm = minimum(xp, xp.abs(x), 1.0) / xp.sqrt(1 + one_plus_square(xp, x)[1])
    beta, state = _harmonize(xp, done, norm, state, bins, momentum, bias_correction, divide_by)
    items = charbonnier_loss(p, t, eps=mu, shift=True, reduction="none")
    return LossAndState(done(beta * items), state)


def _harmonize(
    xp: Namespace,
    done: Any,
    norm: Array,
    state: Array | None,
    bins: int,
    momentum: Any,
    bias_correction: bool,
    divide_by: str,
) -> tuple[Array, Array]:
    """β of every element, by the density of elements with gradients as large; and the next state."""
    bin_of = minimum(xp, xp.floor(stop_gradient(xp, norm) * bins), bins - 1)

    def number(truth: Array) -> Array:
        return xp.sum(xp.astype(done.counting(truth), norm.dtype))

    # Bin after bin, in the memory of one.
    count = xp.stack([number(bin_of == j) for j in range(bins)])
    filled = count > 0
    mean = count
    if state is not None:
        mean = momentum * state + (1 - momentum) * count
        mean = xp.where(filled, xp.where(state == 0, count, mean) if bias_correction else mean, state)
    n = xp.sum(xp.astype(filled, norm.dtype)) if divide_by == "valid_bins" else bins
    beta = xp.zeros_like(norm)
    for j, weight in enumerate(columns(xp, quotient(xp, xp.sum(count), mean * n))):
        beta = xp.where(bin_of == j, weight, beta)
    return beta, stop_gradient(xp, mean)
