"""Images: losses of how far a picture is from its reference, in its pixels and its local structure."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ._core.domains import REAL
from ._core.entry import enter
from ._core.errors import refuse
from ._core.namespaces import device
from ._core.numeric import expm1, log, log1p, square
from ._core.parameters import COUNT, NONNEGATIVE, POSITIVE, AxisRule, Rule, choice
from ._core.registry import loss
from ._core.windows import local_moments

A = TypeVar("A")
Array = Any
Namespace = Any

__all__ = ["psnr_loss", "ssim_loss", "ms_ssim_loss"]

SPATIAL_AXES = AxisRule(("h", "w"))
POSITIVES = Rule(
    "be a tuple of positive numbers",
    lambda v: isinstance(v, tuple) and len(v) > 0 and all(type(w) in (int, float) and w > 0 for w in v),
    ((), (0.5, 0.0), 0.5),
    numeric=False,
)


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
    Chen, Lu, Zhang, Chu, Chen, *HINet: half instance normalization network for image restoration*, CVPR
    Workshops 2021, arXiv:2105.06086, for its use as a loss.

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
    window = _gaussian_window(xp, window_size, sigma, p)
    mean_d, var_d = local_moments(xp, p - t, window)
    mean_s, var_s = local_moments(xp, p + t, window)
    square_d, square_s = mean_d * mean_d, mean_s * mean_s
    c1, c2 = (k1 * data_range) * (k1 * data_range), (k2 * data_range) * (k2 * data_range)
    u = square_d / ((square_s + square_d) / 2 + c1)
    v = var_d / ((var_s + var_d) / 2 + c2)
    return done(xp.mean(u + v - u * v, axis=(-3, -2, -1)))


@loss(
    "(..., c, h, w), (..., c, h, w) -> (...)",
    pred=REAL,
    target=REAL,
    weights=POSITIVES,
    window_size=COUNT,
    sigma=POSITIVE,
    k1=POSITIVE,
    k2=POSITIVE,
    data_range=POSITIVE,
    padding=choice("valid"),
    normalize=choice("relu", "simple"),
    axes=SPATIAL_AXES,
)
def ms_ssim_loss(
    pred: A,
    target: Array,
    /,
    *,
    weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_range: float = 1.0,
    padding: str = "valid",
    normalize: str = "relu",
    axes: tuple[int, int] = (-2, -1),
    sample_weight: Array | None = None,
    where: Array | None = None,
    reduction: str = "mean",
    normalizer: float | Array | None = None,
) -> A:
    r"""MS-SSIM loss: structural dissimilarity at several scales, for viewers near and far.

    .. math::

        \ell = 1 - \operatorname{mean}_c \left( S_M^{w_M} \prod_{j<M} C_j^{w_j} \right), \qquad
        C = \operatorname{mean} \frac{2\sigma_{pt} + C_2}{\sigma_p^2 + \sigma_t^2 + C_2}

    where :math:`S` is the similarity of :func:`ssim_loss` in one channel and :math:`C` its factor of
    contrast and structure, both averaged over the positions of the window. From one of the M scales to
    the next the images are halved by averaging 2 by 2 pixels; an odd row or column at the end is dropped.

    Parameters
    ----------
    pred : array of real floating dtype, shape (..., C, H, W)
        The image :math:`p`, on the scale that `data_range` tells.
    target : array of real dtype, shape (..., C, H, W)
        The reference image :math:`t`, on the same scale.
    weights : tuple of float, default (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
        The exponents :math:`w_j > 0`, one for each scale, the finest first.
    window_size : int, default 11
        How many pixels the window is high and wide, at every scale.
    sigma : float, default 1.5
        The standard deviation of the Gaussian window, in pixels. Infinity gives a uniform window.
    k1, k2 : float, default 0.01 and 0.03
        How large, against the range, the constants are that steady dark and flat regions.
    data_range : float, default 1.0
        The range :math:`L` of the data: 1 for images in [0, 1], 255 for bytes.
    padding : "valid", default "valid"
        The window stays inside the image.
    normalize : {"relu", "simple"}, default "relu"
        What is done about factors below 0, of which there is no power: "relu" puts 0 in their place,
        "simple" takes (C + 1) / 2 for every factor.
    axes : tuple of two int, default (-2, -1)
        Which axes are height and width. The last of the others is the channel: channels-last images
        take (-3, -2).
    sample_weight, where, reduction, normalizer
        How items are weighed, masked and reduced: see :doc:`/conventions`. An item is an image.

    Returns
    -------
    array of shape () or, with ``reduction="none"``, (...)
        Without a unit: between 0 for identical images and 1.

    Raises
    ------
    TypeError, ValueError
        For dtypes, shapes, libraries or devices that do not go together, for parameters out of their
        range, and for an image that is smaller than the window at the coarsest scale: by default it is
        to have 176 pixels each way.

    Notes
    -----
    Symmetric and not convex; 0, with gradient 0, for identical images, and with a window of 2 pixels or more
    for no others. With "relu" a channel with a factor of 0 or below has the loss 1 and gradient 0. Of a
    single scale with weight 1 it is :func:`ssim_loss`, unless that is above 1 in a channel.

    Others average the channels before the product, pad when they halve an odd size, or, without "relu" or
    "simple", give NaN for negative factors. In the paper on restoration an absolute error is added to it.

    References
    ----------
    Wang, Simoncelli, Bovik, *Multiscale structural similarity for image quality assessment*, Asilomar
    2003; Zhao, Gallo, Frosio, Kautz, *Loss functions for image restoration with neural networks*, IEEE
    Trans. Comput. Imaging 3(1), 2017, arXiv:1511.08861.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> dark, bright = np.full((1, 1, 176, 176), 0.5), np.full((1, 1, 176, 176), 0.6)
    >>> round(float(al.ms_ssim_loss(dark, bright)), 6)
    0.002201
    """
    xp, p, t, weights, window_size, sigma, k1, k2, data_range, _, normalize, done = enter(
        ms_ssim_loss,
        (pred, target),
        sample_weight,
        where,
        reduction,
        normalizer,
        weights=weights,
        window_size=window_size,
        sigma=sigma,
        k1=k1,
        k2=k2,
        data_range=data_range,
        padding=padding,
        normalize=normalize,
        axes=axes,
    )
    least = window_size * 2 ** (len(weights) - 1)
    if min(p.shape[-2:]) < least:
        rule = f"be at least {least} long along its spatial axes, for {len(weights)} scales"
        raise refuse("ms_ssim_loss", "pred", rule, tuple(pred.shape))  # type: ignore[attr-defined]
    window = _gaussian_window(xp, window_size, sigma, p)
    c1, c2 = (k1 * data_range) * (k1 * data_range), (k2 * data_range) * (k2 * data_range)
    # 1 - Π fʷ is -expm1(Σ w log f), in which a product near 1 keeps its digits.
    difference, total, exponent = p - t, p + t, 0.0
    for j, weight in enumerate(weights, start=1):
        (mean_d, var_d), (mean_s, var_s) = (local_moments(xp, x, window) for x in (difference, total))
        factor = _likeness(var_d, var_s, var_s - var_d, c2)
        if j == len(weights):
            product_pt = (mean_s - mean_d) * (mean_s + mean_d)
            factor = _both(factor, _likeness(mean_d * mean_d, mean_s * mean_s, product_pt, c1))
        else:
            difference, total = _halved(difference), _halved(total)
        exponent = exponent + weight * _log_of_mean(xp, *factor, normalize)
    return done(xp.mean(-expm1(xp, exponent), axis=-1))


# --- what the losses of structure share ----------------------------------------------------------


def _likeness(d: Array, s: Array, apart: Array, c: Any) -> tuple[Array, Array, Array]:
    """1 - f, f and 1 + f of a factor f = (2xy + c) / (x² + y² + c), from d = (x - y)² and s = (x + y)².

    `apart` is s - d. Each of the three has digits that the others lack.
    """
    whole = (s + d) / 2 + c
    return d / whole, (apart / 2 + c) / whole, (s + 2 * c) / whole


def _both(one: tuple[Array, Array, Array], other: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    """The same of the product of two factors."""
    (lost, kept, raised), (less, left, more) = one, other
    return (lost * more + less * raised) / 2, kept * left, (raised * more + lost * less) / 2


def _log_of_mean(xp: Namespace, lost: Array, kept: Array, raised: Array, normalize: str) -> Array:
    """The logarithm of the mean of a factor over the positions; -∞, with no derivative, from 0 down."""
    if normalize == "simple":
        lost, kept = lost / 2, raised / 2
    lost, kept = xp.mean(lost, axis=(-2, -1)), xp.mean(kept, axis=(-2, -1))
    none_left, much = kept <= 0, kept > 0.5
    near, far = xp.where(much, lost, 0.0), xp.where(much | none_left, 1.0, kept)
    return xp.where(none_left, -math.inf, xp.where(much, log1p(xp, -near), log(xp, far)))


def _halved(x: Array) -> Array:
    """The means of 2 by 2 pixels."""
    h, w = (n - n % 2 for n in x.shape[-2:])
    rows = x[..., 0:h:2, :w] + x[..., 1:h:2, :w]
    return (rows[..., 0::2] + rows[..., 1::2]) / 4


def _gaussian_window(xp: Namespace, size: int, sigma: Any, like: Array) -> Array:
    """The weights of a Gaussian window, which sum to 1, beside `like`."""
    exp = math.exp if isinstance(sigma, float) else xp.exp
    # Counted from the pixel nearest to the centre, whose weight so never vanishes.
    squares = [((2 * i - size + 1) ** 2 - (size + 1) % 2) / 4 for i in range(size)]
    raw = [exp(-square / sigma / sigma / 2) for square in squares]
    total = sum(raw)
    if isinstance(sigma, float):
        return xp.asarray([w / total for w in raw], dtype=like.dtype, device=device(xp, like))
    return xp.stack(raw) / total
