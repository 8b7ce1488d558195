"""Loss functions for every array framework, each written once against the Python array API standard.

>>> import numpy as np
>>> import arraylosses as al
>>> float(al.huber_loss(np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0])))
1.3125
"""

from . import (
    audio,
    boxes,
    classification,
    divergences,
    face,
    image,
    image_gradients,
    imbalance,
    intervals,
    likelihood,
    margins,
    metric,
    multiclass,
    multiclass_margins,
    perceptual,
    regression,
    relative,
    robust,
    segmentation,
    sequence,
)
from ._core.debugging import debug
from .audio import *
from .autodiff import derivatives, grad, hvp, jvp, objective, value_and_grad, vjp
from .boxes import *
from .classification import *
from .compiling import compile as compile
from .divergences import *
from .face import *
from .features import gram_matrix, hann_window, mel_filter_bank
from .image import *
from .image_gradients import *
from .imbalance import *
from .intervals import *
from .likelihood import *
from .margins import *
from .metric import *
from .multiclass import *
from .multiclass_margins import *
from .perceptual import *
from .regression import *
from .relative import *
from .robust import *
from .segmentation import *
from .sequence import *

__version__ = "0.1.0.dev0"

_CHAPTERS = (
    regression,
    intervals,
    relative,
    robust,
    likelihood,
    classification,
    multiclass,
    divergences,
    margins,
    multiclass_margins,
    imbalance,
    sequence,
    boxes,
    segmentation,
    metric,
    face,
    image,
    image_gradients,
    perceptual,
    audio,
)

__all__ = [
    "compile",
    "debug",
    "derivatives",
    "grad",
    "gram_matrix",
    "hann_window",
    "hvp",
    "jvp",
    "mel_filter_bank",
    "objective",
    "value_and_grad",
    "vjp",
    *(name for chapter in _CHAPTERS for name in chapter.__all__),
]
