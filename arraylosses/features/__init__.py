"""Features: what losses compare in the place of the data, and what it takes to compute them.

No losses: arrays in, arrays out, by the conventions of the losses.
"""

from .correlations import gram_matrix

__all__ = ["gram_matrix"]
