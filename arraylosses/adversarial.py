"""Adversarial training: the objectives of generators and of discriminators."""

from __future__ import annotations

import math
from typing import Any

from ._core.domains import REAL, nested
from ._core.entry import enter
from ._core.namespaces import stop_gradient
from ._core.nested import over_arrays
from ._core.numeric import absolute, divide, relu, softplus, square
from ._core.parameters import FLAG, NONNEGATIVE, NUMBER, choice
from ._core.registry import loss
from ._core.results import HiFiGANGeneratorLoss
from ._core.structures import is_structure
from .regression import absolute_error

Array = Any
Arrays = Any  # an array, or lists, tuples and dictionaries of arrays

__all__ = [
    "gan_generator_loss",
    "gan_discriminator_loss",
    "feature_matching_loss",
    "hifigan_generator_loss",
    "hifigan_discriminator_loss",
]

KIND = choice("minimax", "non_saturating", "lsgan", "hinge", "wgan")


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
    Goodfellow et al., *Generative adversarial nets*, NIPS 2014, arXiv:1406.2661; Mao et al., *Least
    squares generative adversarial networks*, ICCV 2017, arXiv:1611.04076; Lim and Ye, *Geometric GAN*,
    2017, arXiv:1705.02894; Arjovsky, Chintala, Bottou, *Wasserstein GAN*, ICML 2017, arXiv:1701.07875;
    Miyato et al., *Spectral normalization for generative adversarial networks*, ICLR 2018,
    arXiv:1802.05957, for "hinge".

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
    "(*s), (*s) -> ()",
    mask="(*s)",
    fake=nested(REAL),
    real=nested(REAL),
    weight=NONNEGATIVE,
    metric=choice("l1", "l2"),
    average_layers=FLAG,
)
def feature_matching_loss(
    fake: Arrays,
    real: Arrays,
    /,
    *,
    weight: float = 2.0,
    metric: str = "l1",
    average_layers: bool = False,
    sample_weight: Arrays | None = None,
    where: Arrays | None = None,
    reduction: str = "mean",
    normalizer: float | Arrays | None = None,
) -> Any:
    r"""Feature matching loss: how far the features of generated samples are from those of real ones.

    .. math:: \ell = \lambda \operatorname{mean}\, |f - r|

    Parameters
    ----------
    fake : array of real floating dtype, shape (...), or a structure of such arrays
        The features :math:`f` of the generated samples: what the layers of a discriminator make of them.
        Of several layers a list, of several discriminators a list of such lists.
    real : array of real dtype, or a structure of the same form
        The features :math:`r` of the real samples, in the same shapes. They are held constant.
    weight : float, default 2.0
        The coefficient :math:`\lambda \ge 0`; or a structure with one for each array.
    metric : {"l1", "l2"}, default "l1"
        Whether the mean is one of absolute differences, as in the formula, or of squared ones.
    average_layers : bool, default False
        Whether the sum over the arrays of a structure is divided by their number.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An array is one item, of
        which `where` masks elements.

    Returns
    -------
    array of shape (), or with ``reduction="none"`` a structure of them
        The mean over every array, added up.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries, devices or structures that do not go together, for a structure
        without arrays, and for a parameter that is out of its range.

    Notes
    -----
    The kink of "l1", at :math:`f = r`, has gradient 0. The defaults are those of HiFi-GAN; pix2pixHD
    takes a `weight` of 10, weighs the layers and averages over the discriminators.

    References
    ----------
    Salimans et al., *Improved techniques for training GANs*, NIPS 2016, arXiv:1606.03498; Wang et al.,
    *High-resolution image synthesis and semantic manipulation with conditional GANs*, CVPR 2018,
    arXiv:1711.11585; Kong, Kim, Bae, *HiFi-GAN: generative adversarial networks for efficient and high
    fidelity speech synthesis*, NeurIPS 2020, arXiv:2010.05646.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> fake = [np.asarray([1.5, 2.0]), np.asarray([1.0])]
    >>> real = [np.asarray([1.0, 2.0]), np.asarray([0.0])]
    >>> float(al.feature_matching_loss(fake, real))
    2.5
    >>> [float(x) for x in al.feature_matching_loss(fake, real, weight=[1.0, 0.5], reduction="none")]
    [0.25, 0.5]
    """
    if is_structure(fake) or is_structure(real):
        return over_arrays(
            feature_matching_loss,
            (fake, real),
            sample_weight,
            where,
            reduction,
            normalizer,
            average="average_layers",
            average_layers=average_layers,
            weight=weight,
            metric=metric,
        )
    xp, f, r, weight, metric, _, done = enter(
        feature_matching_loss,
        (fake, real),
        sample_weight,
        where,
        reduction,
        normalizer,
        weight=weight,
        metric=metric,
        average_layers=average_layers,
    )
    apart = (absolute if metric == "l1" else square)(xp, f - stop_gradient(xp, r))
    if done.where is None:
        return done(weight * xp.sum(apart) / max(1, math.prod(apart.shape)))
    count = xp.sum(xp.astype(xp.broadcast_to(done.where, apart.shape), apart.dtype))
    return done(weight * divide(xp, xp.sum(apart), count))  # what is masked is 0 on both sides


@loss(
    "(*d), (*f), (*f), (*m), (*m) -> ()",
    parts=HiFiGANGeneratorLoss._fields,
    fake_scores=nested(REAL),
    fake_features=nested(REAL),
    real_features=nested(REAL),
    fake_mel=REAL,
    real_mel=REAL,
    feature_weight=NONNEGATIVE,
    mel_weight=NONNEGATIVE,
)
def hifigan_generator_loss(
    fake_scores: Arrays,
    fake_features: Arrays,
    real_features: Arrays,
    fake_mel: Array,
    real_mel: Array,
    /,
    *,
    feature_weight: float = 2.0,
    mel_weight: float = 45.0,
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> HiFiGANGeneratorLoss:
    r"""Generator objective of HiFi-GAN: least squares, feature matching and mel spectrograms.

    .. math::

        \ell = \sum_k \operatorname{mean}\, (d_k - 1)^2
             + \lambda_f \sum_{k,l} \operatorname{mean}\, |f_{kl} - r_{kl}|
             + \lambda_m \operatorname{mean}\, |m - \hat m|

    Parameters
    ----------
    fake_scores : array of real floating dtype, or a structure of such arrays
        The scores :math:`d_k` that the discriminators give to the generated waveforms: a list with an
        array for every discriminator, those of periods and those of scales together.
    fake_features, real_features : array of real dtype, or a structure of such arrays
        The features :math:`f_{kl}` and :math:`r_{kl}` that the discriminators have of generated and of
        real waveforms: a list with a list for every discriminator, of an array for every layer. Those of
        real ones are held constant.
    fake_mel, real_mel : array of real dtype, shape (...)
        The log-mel spectrograms :math:`m` and :math:`\hat m` of generated and of real waveforms.
    feature_weight : float, default 2.0
        The coefficient :math:`\lambda_f \ge 0` of the feature matching.
    mel_weight : float, default 45.0
        The coefficient :math:`\lambda_m \ge 0` of the spectrograms.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. There is one item.

    Returns
    -------
    named tuple of arrays of shape ()
        The ``loss``, and its three terms, with their coefficients: ``adversarial``,
        ``feature_matching`` and ``mel``.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries, devices or structures that do not go together, for a structure
        without arrays, and for a negative coefficient.

    Notes
    -----
    It is :func:`gan_generator_loss` of kind "lsgan", :func:`feature_matching_loss` and
    :func:`absolute_error`, added up. Gradients are those of the ``loss``.

    References
    ----------
    Kong, Kim, Bae, *HiFi-GAN: generative adversarial networks for efficient and high fidelity speech
    synthesis*, NeurIPS 2020, arXiv:2010.05646.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores = [np.asarray([0.5, 1.0]), np.asarray([0.0])]
    >>> fake = [[np.asarray([1.5, 2.0])], [np.asarray([1.0])]]
    >>> real = [[np.asarray([1.0, 2.0])], [np.asarray([0.0])]]
    >>> found = al.hifigan_generator_loss(scores, fake, real, np.asarray([0.25]), np.asarray([0.5]))
    >>> float(found.loss), float(found.adversarial), float(found.feature_matching), float(found.mel)
    (14.875, 1.125, 2.5, 11.25)
    """
    _, scores, fake, real, mel, target, feature_weight, mel_weight, done = enter(
        hifigan_generator_loss,
        (fake_scores, fake_features, real_features, fake_mel, real_mel),
        sample_weight,
        where,
        reduction,
        normalizer,
        feature_weight=feature_weight,
        mel_weight=mel_weight,
    )
    adversarial = gan_generator_loss(scores, kind="lsgan", where=done.valid)
    matching = feature_matching_loss(fake, real, weight=feature_weight, where=done.valid)
    spectral = mel_weight * absolute_error(mel, target, where=done.valid)
    return HiFiGANGeneratorLoss(done(adversarial + matching + spectral), adversarial, matching, spectral)


@loss("(...), (...) -> (...)", real_scores=nested(REAL), fake_scores=nested(REAL))
def hifigan_discriminator_loss(
    real_scores: Arrays,
    fake_scores: Arrays,
    /,
    *,
    sample_weight: Arrays | None = None,
    where: Arrays | None = None,
    reduction: str = "mean",
    normalizer: float | Arrays | None = None,
) -> Any:
    r"""Discriminator objective of HiFi-GAN: least squares, over all discriminators.

    .. math:: \ell = (r - 1)^2 + f^2

    Parameters
    ----------
    real_scores : array of real floating dtype, shape (...), or a structure of such arrays
        The scores :math:`r` of real waveforms: a list with an array for every discriminator, those of
        periods and those of scales together.
    fake_scores : array of real dtype, or a structure of the same form
        The scores :math:`f` of generated waveforms, in the same shapes.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is a pair of a real
        and a generated score.

    Returns
    -------
    array of shape (), or a structure of arrays
        The mean over the real scores and that over the generated ones, added up over the
        discriminators. With ``reduction="none"`` two arrays for each, the terms of both.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries, devices or structures that do not go together, and for a
        structure without arrays.

    Notes
    -----
    It is :func:`gan_discriminator_loss` of kind "lsgan". Detach the generated waveforms from the
    generator before they are scored.

    References
    ----------
    Kong, Kim, Bae, *HiFi-GAN: generative adversarial networks for efficient and high fidelity speech
    synthesis*, NeurIPS 2020, arXiv:2010.05646.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> real, fake = [np.asarray([1.0, 0.5]), np.asarray([0.0])], [np.asarray([0.0, 0.5]), np.asarray([1.0])]
    >>> float(al.hifigan_discriminator_loss(real, fake))
    2.25
    """
    if is_structure(real_scores) or is_structure(fake_scores):
        return over_arrays(
            hifigan_discriminator_loss,
            (real_scores, fake_scores),
            sample_weight,
            where,
            reduction,
            normalizer,
        )
    _, r, f, done = enter(
        hifigan_discriminator_loss,
        (real_scores, fake_scores),
        sample_weight,
        where,
        reduction,
        normalizer,
    )
    real, fake = gan_discriminator_loss(r, f, kind="lsgan", reduction="none")
    return (done(real), done(fake)) if reduction == "none" else done(real + fake)
