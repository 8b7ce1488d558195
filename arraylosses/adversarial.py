"""Adversarial training: the objectives of generators and discriminators, and what keeps them in check."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import REAL, nested
from ._core.entry import enter
from ._core.nested import over_arrays
from ._core.numeric import norm, relu, softplus, square
from ._core.parameters import FLAG, NONNEGATIVE, NUMBER, AxisRule, choice
from ._core.registry import loss
from ._core.structures import is_structure

A = TypeVar("A")
Array = Any
Arrays = Any  # an array, or lists, tuples and dictionaries of arrays
Namespace = Any

__all__ = [
    "gan_generator_loss",
    "gan_discriminator_loss",
    "gradient_penalty",
    "r1_penalty",
    "r2_penalty",
]

KIND = choice("minimax", "non_saturating", "lsgan", "hinge", "wgan")
BATCH_AXIS = AxisRule(("n",))


@loss("(...) -> (...)", fake_scores=nested(REAL), kind=KIND, c=NUMBER, average_scales=FLAG)
def gan_generator_loss(
    fake_scores: Arrays,
    /,
    *,
    kind: str = "non_saturating",
    c: float = 1.0,
    average_scales: bool = False,
    sample_weight: Arrays | None = None,
    where: Arrays | None = None,
    reduction: str = "mean",
    normalizer: float | Arrays | None = None,
) -> Any:
    r"""Generator loss of a GAN: how far a discriminator is from taking its samples for real ones.

    .. math::

        \ell = \begin{cases}
            -\log(1 + e^{f}) & \text{minimax} \\
            \log(1 + e^{-f}) & \text{non_saturating} \\
            (f - c)^2 & \text{lsgan} \\
            -f & \text{hinge, wgan}
        \end{cases}

    Parameters
    ----------
    fake_scores : array of real floating dtype, shape (...), or a structure of such arrays
        The scores :math:`f` that the discriminator gives to the samples of the generator: logits, with
        no sigmoid after them. Of several discriminators, such as those of several scales, a list.
    kind : {"minimax", "non_saturating", "lsgan", "hinge", "wgan"}, default "non_saturating"
        The game that is played, the same as that of :func:`gan_discriminator_loss`.
    c : float, default 1.0
        The score :math:`c` that the generator wants, of kind "lsgan".
    average_scales : bool, default False
        Whether the sum over the arrays of a structure is divided by their number.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a score.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...), or a structure of such arrays
        The mean of every array, added up.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries, devices or structures that do not go together, and for a
        parameter that is out of its range.

    Notes
    -----
    The kind "minimax" is the original game, in which the gradient vanishes where the discriminator is
    sure, at :math:`f \ll 0`; in "non_saturating" it is largest there.

    Nothing is halved, other than in the paper on "lsgan". Some implementations put a sigmoid or another
    function before the criterion: do so before the call.

    References
    ----------
    Goodfellow et al., *Generative adversarial nets*, NIPS 2014, arXiv:1406.2661; Mao et al., *Least
    squares generative adversarial networks*, ICCV 2017, arXiv:1611.04076; Lim and Ye, *Geometric GAN*,
    2017, arXiv:1705.02894; Arjovsky, Chintala, Bottou, *Wasserstein GAN*, ICML 2017, arXiv:1701.07875.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> fake = np.asarray([0.3, -2.0])
    >>> round(float(al.gan_generator_loss(fake)), 6)
    1.340642
    >>> round(float(al.gan_generator_loss([fake, fake[:1]], kind="wgan")), 6)
    0.55
    """
    if is_structure(fake_scores):
        return over_arrays(
            gan_generator_loss,
            (fake_scores,),
            sample_weight,
            where,
            reduction,
            normalizer,
            average="average_scales",
            average_scales=average_scales,
            kind=kind,
            c=c,
        )
    xp, f, kind, c, _, done = enter(
        gan_generator_loss,
        (fake_scores,),
        sample_weight,
        where,
        reduction,
        normalizer,
        kind=kind,
        c=c,
        average_scales=average_scales,
    )
    if kind == "minimax":
        return done(-softplus(xp, f))
    if kind == "non_saturating":
        return done(softplus(xp, -f))
    return done(square(xp, f - c) if kind == "lsgan" else -f)


@loss(
    "(...), (...) -> (...) | (*r), (*f) -> ()",
    real_scores=nested(REAL),
    fake_scores=nested(REAL),
    kind=KIND,
    a=NUMBER,
    b=NUMBER,
    average_scales=FLAG,
)
def gan_discriminator_loss(
    real_scores: Arrays,
    fake_scores: Arrays,
    /,
    *,
    kind: str = "non_saturating",
    a: float = 0.0,
    b: float = 1.0,
    average_scales: bool = False,
    sample_weight: Arrays | None = None,
    where: Arrays | None = None,
    reduction: str = "mean",
    normalizer: float | Arrays | None = None,
) -> Any:
    r"""Discriminator loss of a GAN: how badly real samples are told from generated ones.

    .. math::

        \ell = \begin{cases}
            \log(1 + e^{-r}) + \log(1 + e^{f}) & \text{minimax, non_saturating} \\
            (r - b)^2 + (f - a)^2 & \text{lsgan} \\
            \max(0, 1 - r) + \max(0, 1 + f) & \text{hinge} \\
            f - r & \text{wgan}
        \end{cases}

    Parameters
    ----------
    real_scores : array of real floating dtype, shape (...), or a structure of such arrays
        The scores :math:`r` of real samples: logits, with no sigmoid after them. Of several
        discriminators, such as those of several scales, a list.
    fake_scores : array of real dtype, or a structure of the same form
        The scores :math:`f` of generated samples. There may be more or fewer of them than real ones.
    kind : {"minimax", "non_saturating", "lsgan", "hinge", "wgan"}, default "non_saturating"
        The game that is played. The first two are one for the discriminator.
    a, b : float, default 0.0 and 1.0
        The scores that generated and real samples shall have, of kind "lsgan".
    average_scales : bool, default False
        Whether the sum over the arrays of a structure is divided by their number.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a pair of a real
        and a generated score; of arrays of two shapes all scores are one item.

    Returns
    -------
    array of shape (), or a structure of arrays
        The mean over the real scores and that over the generated ones, added up. With
        ``reduction="none"`` two arrays, the terms of both.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries, devices or structures that do not go together, and for a
        parameter that is out of its range.

    Notes
    -----
    Detach the generated samples from the generator before they are scored: that is for the caller to
    do. The kink of "hinge", at :math:`r = 1` and :math:`f = -1`, has gradient 0. The loss of kind
    "wgan" needs a critic whose slope is bounded: see :func:`gradient_penalty`.

    Nothing is halved, other than in the paper on "lsgan" and in pix2pix. For smoothed labels call
    :func:`binary_cross_entropy_with_logits`, with a target of 0.9 for the real scores.

    References
    ----------
    Those of :func:`gan_generator_loss`; for "hinge" also Miyato et al., *Spectral normalization for
    generative adversarial networks*, ICLR 2018, arXiv:1802.05957.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> real, fake = np.asarray([1.0, -0.5]), np.asarray([0.3, -2.0])
    >>> round(float(al.gan_discriminator_loss(real, fake)), 6)
    1.134311
    >>> round(float(al.gan_discriminator_loss(real, fake, kind="hinge")), 6)
    1.4
    """
    if is_structure(real_scores) or is_structure(fake_scores):
        return over_arrays(
            gan_discriminator_loss,
            (real_scores, fake_scores),
            sample_weight,
            where,
            reduction,
            normalizer,
            average="average_scales",
            average_scales=average_scales,
            kind=kind,
            a=a,
            b=b,
        )
    xp, r, f, kind, a, b, _, done = enter(
        gan_discriminator_loss,
        (real_scores, fake_scores),
        sample_weight,
        where,
        reduction,
        normalizer,
        kind=kind,
        a=a,
        b=b,
        average_scales=average_scales,
    )
    if kind == "lsgan":
        real, fake = square(xp, r - b), square(xp, f - a)
    elif kind == "hinge":
        real, fake = relu(xp, 1 - r), relu(xp, 1 + f)
    elif kind == "wgan":
        real, fake = -r, f
    else:
        real, fake = softplus(xp, -r), softplus(xp, f)
    if reduction == "none":
        return done(real), done(fake)
    if done.form == 1:  # two shapes, each with a sum or a mean of its own
        whole = reduction == "sum" or normalizer is not None
        real, fake = (xp.sum(x) / (1 if whole else max(1, math.prod(x.shape))) for x in (real, fake))
    return done(real + fake)


@loss(
    "(n, *s) -> (n)",
    gradients=REAL,
    weight=NONNEGATIVE,
    target=NONNEGATIVE,
    one_sided=FLAG,
    batch_axis=BATCH_AXIS,
)
def gradient_penalty(
    gradients: A,
    /,
    *,
    weight: float = 10.0,
    target: float = 1.0,
    one_sided: bool = False,
    batch_axis: int = 0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""Gradient penalty of WGAN-GP: how far the slope of a critic is from 1.

    .. math:: \ell = \lambda\, (\lVert g \rVert - K)^2

    Parameters
    ----------
    gradients : array of real floating dtype, shape (N, ...)
        The gradients :math:`g` of the critic's scores in its inputs, a row for each of N inputs; or
        their norms, of shape (N,).
    weight : float, default 10.0
        The coefficient :math:`\lambda \ge 0`.
    target : float, default 1.0
        The slope :math:`K \ge 0` that the critic shall have.
    one_sided : bool, default False
        Whether only slopes above `target` cost: with :math:`\max(0, \lVert g \rVert - K)^2`.
    batch_axis : int, default 0
        Which axis is that of the inputs. The norm is taken over all others.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an input.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In the squared unit of the gradients.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a parameter that is
        out of its range.

    Notes
    -----
    The gradients are those of the sum of the scores, for which the scores must not depend on one
    another (so no batch normalisation in the critic), at inputs that the caller draws between real and
    generated ones. They have to be differentiable in turn: see :doc:`/gradients`.

    The kink at :math:`g = 0` has gradient 0. An implementation that takes the norm along one axis
    alone, of images that along the channels, penalises something else.

    References
    ----------
    Gulrajani et al., *Improved training of Wasserstein GANs*, NIPS 2017, arXiv:1704.00028; Petzka,
    Fischer, Lukovnikov, *On the regularization of Wasserstein GANs*, ICLR 2018, arXiv:1709.08894, for
    `one_sided`.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.gradient_penalty(np.asarray([[0.3, 0.4], [2.0, 0.0]])))
    6.25
    """
    xp, g, weight, target, one_sided, done = enter(
        gradient_penalty,
        (gradients,),
        sample_weight,
        where,
        reduction,
        normalizer,
        weight=weight,
        target=target,
        one_sided=one_sided,
        batch_axis=batch_axis,
    )
    excess = norm(xp, _rows(xp, g)) - target
    return done(weight * square(xp, relu(xp, excess) if one_sided else excess))


def _rows(xp: Namespace, x: Array) -> Array:
    """An array of a row for each item."""
    return xp.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


@loss("(n, *s) -> (n)", gradients=REAL, gamma=NONNEGATIVE, batch_axis=BATCH_AXIS)
def r1_penalty(
    gradients: A,
    /,
    *,
    gamma: float = 10.0,
    batch_axis: int = 0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""R1 penalty: the squared slope of a discriminator at real samples.

    .. math:: \ell = \frac{\gamma}{2} \lVert g \rVert^2

    Parameters
    ----------
    gradients : array of real floating dtype, shape (N, ...)
        The gradients :math:`g` of the discriminator's scores in its inputs, a row for each of N real
        samples.
    gamma : float, default 10.0
        The coefficient :math:`\gamma \ge 0`.
    batch_axis : int, default 0
        Which axis is that of the samples. The norm is taken over all others.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a sample.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In the squared unit of the gradients.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `gamma`.

    Notes
    -----
    Smooth everywhere. The gradients are those of the sum of the scores, and have to be differentiable
    in turn: see :doc:`/gradients`. Some implementations leave :math:`\gamma/2` to the caller.

    References
    ----------
    Mescheder, Geiger, Nowozin, *Which training methods for GANs do actually converge?*, ICML 2018,
    arXiv:1801.04406.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.r1_penalty(np.asarray([[3.0, 4.0], [0.0, 0.0]])))
    62.5
    """
    xp, g, gamma, done = enter(
        r1_penalty,
        (gradients,),
        sample_weight,
        where,
        reduction,
        normalizer,
        gamma=gamma,
        batch_axis=batch_axis,
    )
    return done(gamma / 2 * xp.sum(square(xp, _rows(xp, g)), axis=-1))


@loss("(n, *s) -> (n)", gradients=REAL, gamma=NONNEGATIVE, batch_axis=BATCH_AXIS)
def r2_penalty(
    gradients: A,
    /,
    *,
    gamma: float = 10.0,
    batch_axis: int = 0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""R2 penalty: the squared slope of a discriminator at generated samples.

    .. math:: \ell = \frac{\gamma}{2} \lVert g \rVert^2

    Parameters
    ----------
    gradients : array of real floating dtype, shape (N, ...)
        The gradients :math:`g` of the discriminator's scores in its inputs, a row for each of N
        generated samples.
    gamma : float, default 10.0
        The coefficient :math:`\gamma \ge 0`.
    batch_axis : int, default 0
        Which axis is that of the samples. The norm is taken over all others.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a sample.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (N,)
        In the squared unit of the gradients.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, and for a negative `gamma`.

    Notes
    -----
    It is :func:`r1_penalty` of the gradients at other samples.

    References
    ----------
    Mescheder, Geiger, Nowozin, *Which training methods for GANs do actually converge?*, ICML 2018,
    arXiv:1801.04406.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.r2_penalty(np.asarray([[3.0, 4.0], [0.0, 0.0]]), gamma=1.0))
    6.25
    """
    _, g, gamma, done = enter(
        r2_penalty,
        (gradients,),
        sample_weight,
        where,
        reduction,
        normalizer,
        gamma=gamma,
        batch_axis=batch_axis,
    )
    return done(r1_penalty(g, gamma=gamma, reduction="none"))
