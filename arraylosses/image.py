"""Images: losses of how far a picture is from its reference, in its pixels and its local structure."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.numeric import log, square
from ._core.parameters import COUNT, NONNEGATIVE, POSITIVE, AxisRule, choice
from ._core.registry import loss

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["psnr_loss", "ssim_loss"]

SPATIAL_AXES = AxisRule(("h", "w"))


@loss(
    "(..., c, h, w), (..., c, h, w) -> (...)",
    pred=REAL,
    target=REAL,
    data_range=POSITIVE,
    eps=NONNEGATIVE,
    event_axes=AxisRule(("c", "h", "w")),
)
def psnr_loss(
    pred: A,
    target: Array,
    /,
    *,
    data_range: float = 1.0,
    eps: float = 1e-8,
    event_axes: tuple[int, int, int] = (-3, -2, -1),
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""PSNR loss, negative peak signal-to-noise ratio: image restoration in decibels.

    .. math::

        \ell = 10 \log_{10}\left(\frac{1}{L^2} \operatorname{mean}\,(p - t)^2 + \varepsilon\right)

    with the mean over the channels and pixels of one image.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., C, H, W)
        The image :math:`p`, on the scale that `data_range` tells.
    target : array of real dtype, shape (..., C, H, W)
        The reference image :math:`t`, on the same scale.
    data_range : float, default 1.0
        The range :math:`L` of the data: 1 for images in [0, 1], 255 for bytes.
    eps : float, default 1e-8
        What :math:`\varepsilon \ge 0` is added to the mean squared error of images of range 1. It is
        what identical images have: -80 dB.
    event_axes : tuple of three int, default (-3, -2, -1)
        Which axes make up an image. Their order is of no consequence.
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        In decibels, from 10 log₁₀ `eps` on, and the lower the better.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a `data_range` that is
        not positive, and for a negative `eps`.

    Notes
    -----
    Monotone in the squared error of an image, but not convex, and with a gradient that grows as the
    images become alike, until `eps` stops it: of identical images it is 0. Without `eps` these have
    the loss -∞, and no gradient.

    A mean is one of decibels, not the decibels of a mean squared error over the batch, which some
    libraries have: of two images with errors of 0.01 and 0.0001 it is -30 dB, not -22.97.

    References
    ----------
    Chen, Lu, Zhang, Chu, Chen, *HINet*, CVPR Workshops 2021, arXiv:2105.06086, for its use as a loss.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> dark, bright = np.full((1, 1, 4, 4), 0.5), np.full((1, 1, 4, 4), 0.6)
    >>> round(float(al.psnr_loss(dark, bright, eps=0.0)), 6)
    -20.0
    """
    xp, p, t, data_range, eps, done = enter(
        psnr_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        data_range=data_range,
        eps=eps,
        event_axes=event_axes,
    )
    error = xp.mean(square(xp, (p - t) / data_range), axis=(-3, -2, -1))
    return done(10 / math.log(10) * log(xp, error + eps))


@loss(
    "(..., c, h, w), (..., c, h, w) -> (...)",
    pred=REAL,
    target=REAL,
    window_size=COUNT,
    sigma=POSITIVE,
    k1=POSITIVE,
    k2=POSITIVE,
    data_range=POSITIVE,
    padding=choice("valid"),
    axes=SPATIAL_AXES,
)
def ssim_loss(
    pred: A,
    target: Array,
    /,
    *,
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_range: float = 1.0,
    padding: str = "valid",
    axes: tuple[int, int] = (-2, -1),
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""SSIM loss, structural dissimilarity: image restoration that a viewer would approve.

    .. math::

        \ell = 1 - \operatorname{mean}
        \frac{(2\mu_p\mu_t + C_1)\,(2\sigma_{pt} + C_2)}
             {(\mu_p^2 + \mu_t^2 + C_1)\,(\sigma_p^2 + \sigma_t^2 + C_2)}
        \qquad C_i = (k_i L)^2

    where :math:`\mu`, :math:`\sigma^2` and :math:`\sigma_{pt}` are the means, variances and
    covariance under a Gaussian window around a pixel, and the mean is taken over all positions of
    the window and all channels. With :math:`d = p - t` and :math:`s = p + t` it is computed as

    .. math::

        \ell = \operatorname{mean}\,(u + v - uv), \qquad
        u = \frac{\mu_d^2}{(\mu_s^2 + \mu_d^2)/2 + C_1}, \quad
        v = \frac{\sigma_d^2}{(\sigma_s^2 + \sigma_d^2)/2 + C_2}

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., C, H, W)
        The image :math:`p`, on the scale that `data_range` tells.
    target : array of real dtype, shape (..., C, H, W)
        The reference image :math:`t`, on the same scale.
    window_size : int, default 11
        How many pixels the window is high and wide.
    sigma : float, default 1.5
        The standard deviation of the Gaussian window, in pixels. Infinity gives a uniform window.
    k1, k2 : float, default 0.01 and 0.03
        How large, against the range, the constants are that steady dark and flat regions.
    data_range : float, default 1.0
        The range :math:`L` of the data: 1 for images in [0, 1], 255 for bytes. It is never inferred
        from the images, since a loss must not depend on what else is in the batch.
    padding : "valid", default "valid"
        The window stays inside the image: there are H - `window_size` + 1 positions along the height.
    axes : tuple of two int, default (-2, -1)
        Which axes are height and width. The last of the others is the channel: channels-last images
        take (-3, -2).
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Without a unit: between 0 for identical images and 2.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for a parameter that is not
        positive, and for an image that is smaller than the window.

    Notes
    -----
    Symmetric, smooth and not convex; 0, with gradient 0, if and only if the images are equal. The
    moments are those of the population, as in the paper.

    Others mean other things by this name. Some halve the loss, some pad by reflection before
    filtering, some use a uniform window with the covariance of a sample, some derive the size of the
    window from `sigma`.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli, *Image quality assessment: from error visibility to structural
    similarity*, IEEE Trans. Image Process. 13(4), 2004.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> dark, bright = np.full((1, 1, 16, 16), 0.5), np.full((1, 1, 16, 16), 0.6)
    >>> round(float(al.ssim_loss(dark, bright)), 6)
    0.016391
    """
    xp, p, t, window_size, sigma, k1, k2, data_range, _, done = enter(
        ssim_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        window_size=window_size,
        sigma=sigma,
        k1=k1,
        k2=k2,
        data_range=data_range,
        padding=padding,
        axes=axes,
    )
    if min(p.shape[-2:]) < window_size:
        rule = f"be at least window_size = {window_size} long along its spatial axes"
        raise refuse("ssim_loss", "pred", rule, tuple(pred.shape))  # type: ignore[attr-defined]
    # 1 - SSIM cancels near 0. In d = p - t and s = p + t it is a sum of products instead, because
    # (μp - μt)² = μd², μp² + μt² = (μs² + μd²)/2, and the same for variances.
    window = _gaussian_window(xp, window_size, sigma)
    mean_d, var_d = _local_moments(p - t, window)
    mean_s, var_s = _local_moments(p + t, window)
    square_d, square_s = mean_d * mean_d, mean_s * mean_s
    c1, c2 = (k1 * data_range) * (k1 * data_range), (k2 * data_range) * (k2 * data_range)
    u = square_d / ((square_s + square_d) / 2 + c1)
    v = var_d / ((var_s + var_d) / 2 + c2)
    return done(xp.mean(u + v - u * v, axis=(-3, -2, -1)))


def _gaussian_window(xp: Namespace, size: int, sigma: Any) -> list[Any]:
    """The weights of a Gaussian window, which sum to 1."""
    exp = math.exp if isinstance(sigma, float) else xp.exp
    # Counted from the pixel nearest to the centre, whose weight so never vanishes.
    squares = [((2 * i - size + 1) ** 2 - (size + 1) % 2) / 4 for i in range(size)]
    raw = [exp(-square / sigma / sigma / 2) for square in squares]
    total = sum(raw)
    return [w / total for w in raw]


def _local_moments(x: Array, window: list[Any]) -> tuple[Array, Array]:
    """The mean and the variance of `x` under a separable window over its last two axes."""
    # One axis at a time: the variance of a column of row means adds to the mean of the row
    # variances. Every term is a square, where E x² - (E x)² would cancel.
    mean, spread = x, None
    for axis in (-1, -2):
        length = x.shape[axis] - len(window) + 1
        tail = (slice(None),) * (-1 - axis)
        cuts = [(..., slice(k, k + length), *tail) for k in range(len(window))]
        parts = [mean[cut] for cut in cuts]
        mean = _weighted_sum(window, parts)
        around = [(part - mean) * (part - mean) for part in parts]
        if spread is not None:
            around = [within + spread[cut] for within, cut in zip(around, cuts, strict=True)]
        spread = _weighted_sum(window, around)
    return mean, spread


def _weighted_sum(weights: list[Any], parts: list[Array]) -> Array:
    """Σ w·x over pairs of a number and an array."""
    total = weights[0] * parts[0]
    for w, part in zip(weights[1:], parts[1:], strict=True):
        total = total + w * part
    return total
