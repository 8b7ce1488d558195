"""Pictures of losses, by matplotlib, which is imported when the first one is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._core.registry import spec_of

__all__ = ["describe", "plot"]

NEEDS = "plot: a picture needs matplotlib: pip install 'arraylosses[plot]'"


def plot(
    loss: str | Callable[..., Any], *, param: Mapping[str, Any] | None = None, dark: bool = False
) -> Any:
    """A picture of a loss: its values and derivatives, or its force, as the library computes them.

    Parameters
    ----------
    loss : function or str
        A loss of this library, or its name.
    param : mapping of str, optional
        Values of parameters of the loss: several of one of them, such as ``{"delta": [0.5, 1, 2]}``, for
        as many curves, and one value of any others.
    dark : bool, default False
        Whether the picture is for a dark page.

    Returns
    -------
    matplotlib.figure.Figure
        Without any state of pyplot: notebooks show it, and `savefig` writes it.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If there is no such loss or parameter, or the loss refuses a value.

    Examples
    --------
    >>> import arraylosses as al
    >>> figure = al.plot(al.huber_loss, param={"delta": [0.5, 1.0, 2.0]})  # doctest: +SKIP
    >>> figure.savefig("huber_loss.svg")  # doctest: +SKIP
    """
    from . import settings
    from .catalogue import recipe_of

    spec = spec_of(loss, "plot")
    recipe = recipe_of(spec)
    chosen = settings.settings(spec, recipe, param)
    try:
        from . import drawing, theme
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "matplotlib":
            raise
        raise ModuleNotFoundError(NEEDS, name="matplotlib") from None
    return drawing.draw(spec.name, spec.function, recipe, chosen, theme.DARK if dark else theme.LIGHT)


def describe(loss: str | Callable[..., Any], param: Mapping[str, Any] | None = None) -> str:
    """What the picture of a loss shows, in one sentence, for those who do not see it."""
    from . import settings
    from .catalogue import recipe_of, sentence

    spec = spec_of(loss, "plot")
    recipe = recipe_of(spec)
    return sentence(spec, recipe, settings.settings(spec, recipe, param))
