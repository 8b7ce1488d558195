"""Every public loss has a picture, and it shows what the loss gives."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

import arraylosses as al
from arraylosses import plotting
from arraylosses._core.registry import LOSSES
from arraylosses.plotting import theme

PUBLIC = [name for name in al.__all__ if name in LOSSES]


def texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Every text that is drawn, and where it stands."""
    drawn: list[Text] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", lambda text, *_, **__: drawn.append(text))
        patch.setattr(Annotation, "draw", lambda text, *_, **__: drawn.append(text))
        figure.draw_without_rendering()
    return [
        (text, text.get_window_extent()) for text in drawn if text.get_visible() and text.get_text().strip()
    ]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_loss_has_a_picture_that_is_legible(name: str) -> None:
    figure = al.plot(name)
    found = texts(figure)
    page = figure.bbox
    for text, box in found:
        inside = page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert inside, f"{text.get_text()!r} is cut"
    for (a, one), (b, other) in combinations(found, 2):
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        along = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert min(across, along) < 1, f"{a.get_text()!r} is over {b.get_text()!r}"
    assert found[0][0].get_text() == name or any(text.get_text() == name for text, _ in found)
    assert not is_flat(figure), "nothing happens in this picture"


def lines(axes: Any) -> list[Any]:
    """The curves of a panel, without lines of zeros, places and dots."""
    return [line for line in axes.get_lines() if len(line.get_xdata()) > 20]


def is_flat(figure: Figure) -> bool:
    curves = [np.asarray(line.get_ydata()) for axes in figure.axes for line in lines(axes)]
    return bool(max(np.ptp(y[np.isfinite(y)]) for y in curves) <= 1e-9)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_picture_is_told_in_a_sentence(name: str) -> None:
    told = plotting.describe(name)
    assert told.startswith(f"{name}: ")
    assert told.endswith(".")
    assert len(told) > len(name) + 40


CURVES = {
    "huber_loss": (
        "delta",
        (0.5, 1.0, 2.0),
        lambda x, v: al.huber_loss(x, 0.0 * x, delta=v, reduction="none"),
    ),
    "quantile_loss": (
        "quantile",
        (0.1, 0.9),
        lambda x, v: al.quantile_loss(x, 0.0 * x, quantile=v, reduction="none"),
    ),
    "general_robust_loss": (
        "alpha",
        (2.0, -2.0),
        lambda x, v: al.general_robust_loss(x, 0.0 * x, alpha=v, reduction="none"),
    ),
    "poly1_cross_entropy": (
        "epsilon",
        (0.0, 2.0),
        lambda x, v: al.poly1_cross_entropy(
            np.stack([x, 0 * x, 0 * x], axis=-1),
            np.zeros(len(x), dtype=np.int64),
            epsilon=v,
            reduction="none",
        ),
    ),
    "alpha_iou_loss": (
        "alpha",
        (1.0, 3.0),
        lambda x, v: al.alpha_iou_loss(
            np.stack([2 * x - 1, 0 * x, 2 * x + 1, 0 * x + 1.2], axis=-1),
            np.stack([0 * x - 1, 0 * x, 0 * x + 1, 0 * x + 1.2], axis=-1),
            alpha=v,
            reduction="none",
        ),
    ),
}


@pytest.mark.parametrize("name", CURVES)
def test_curves_are_what_the_loss_gives(name: str) -> None:
    parameter, values, loss = CURVES[name]
    figure = al.plot(name, param={parameter: values})
    drawn = lines(figure.axes[0])
    assert len(drawn) == len(values)
    for line, value in zip(drawn, values, strict=True):
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        there = np.isfinite(y)
        assert there.sum() > 100
        np.testing.assert_allclose(y[there], loss(x[there], value), rtol=1e-6, atol=1e-9)


def test_a_gradient_is_the_slope_of_the_value() -> None:
    axes = al.plot("log_cosh_loss").axes
    (value,), (slope,), (curvature,) = map(lines, axes)
    x = np.asarray(value.get_xdata())
    for below, above in ((value, slope), (slope, curvature)):
        measured = np.gradient(np.asarray(below.get_ydata()), x)[1:-1]
        np.testing.assert_allclose(np.asarray(above.get_ydata())[1:-1], measured, atol=1e-3)


def test_no_line_joins_the_sides_of_a_jump() -> None:
    slope = lines(al.plot("absolute_error").axes[1])[0]
    x, y = np.asarray(slope.get_xdata()), np.asarray(slope.get_ydata())
    steps = np.abs(np.diff(y))
    assert np.nanmax(steps) < 1e-9
    assert np.isnan(y).any()
    assert set(np.unique(y[np.isfinite(y)])) == {-1.0, 0.0, 1.0}  # at the kink the subgradient is 0
    assert set(x[y == 0.0]) == {0.0}


def test_an_infinite_edge_says_so() -> None:
    said = [text.get_text() for text, _ in texts(al.plot("binary_cross_entropy"))]
    assert "↑ ∞" in said
    assert "↓ −∞" in said


def test_force_is_minus_the_gradient() -> None:
    figure = al.plot("center_loss", param={"half": True})
    arrows = next(a for axes in figure.axes for a in axes.collections if hasattr(a, "U"))
    pull = np.asarray([-1.0, 0.0]) - arrows.XY  # towards the centre of the class
    force = np.stack([arrows.U, arrows.V], axis=-1)
    cosines = np.sum(pull * force, axis=-1) / np.linalg.norm(pull, axis=-1) / np.linalg.norm(force, axis=-1)
    np.testing.assert_allclose(cosines, 1, atol=1e-9)


def pixels(figure: Figure) -> Any:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba()).copy()


@pytest.mark.parametrize("name", ["huber_loss", "giou_loss", "dice_loss", "arcface_loss", "ctc_loss"])
def test_dark_and_light_have_their_own_paper_and_nothing_of_the_other(name: str) -> None:
    light, dark = al.plot(name), al.plot(name, dark=True)
    assert light.get_facecolor()[:3] == pytest.approx(rgb(theme.LIGHT.paper))
    assert dark.get_facecolor()[:3] == pytest.approx(rgb(theme.DARK.paper))
    bright, dim = pixels(light)[..., :3].mean(), pixels(dark)[..., :3].mean()
    assert bright > 200
    assert dim < 70


def rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


@pytest.mark.parametrize("paper", [theme.LIGHT, theme.DARK])
def test_what_is_written_can_be_read_on_the_paper(paper: theme.Theme) -> None:
    for color, least in ((paper.ink, 7.0), (paper.muted, 4.5), *((c, 2.0) for c in paper.curves)):
        assert contrast(color, paper.paper) >= least, color


def contrast(a: str, b: str) -> float:
    """The contrast of two colours, as the accessibility guidelines of the web define it."""

    def luminance(color: str) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb(color)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_parameter_changes_the_picture() -> None:
    one, other = (al.plot(al.huber_loss, param={"delta": v}) for v in ([0.5, 1], [0.5, 2]))
    assert (pixels(one) != pixels(other)).any()
    labels = [text.get_text() for text, _ in texts(other)]
    assert "δ = 0.5" in labels
    assert "δ = 2" in labels


def test_one_value_of_another_parameter_is_fixed() -> None:
    figure = al.plot("sigmoid_focal_loss", param={"alpha": None})
    drawn = lines(figure.axes[0])
    assert len(drawn) == 4  # the usual values of gamma
    x, y = drawn[0].get_xdata(), drawn[0].get_ydata()
    np.testing.assert_allclose(y, np.log1p(np.exp(-x)), rtol=1e-9)


def test_the_function_is_as_good_as_its_name() -> None:
    assert (pixels(al.plot(al.hinge_loss)) == pixels(al.plot("hinge_loss"))).all()


def test_notebooks_show_it() -> None:
    figure = al.plot("hinge_loss")
    data, size = figure._repr_png_()
    assert data.startswith(b"\x89PNG")
    assert size["width"] == 720


def test_settings_of_matplotlib_change_nothing() -> None:
    import matplotlib

    usual = pixels(al.plot("hinge_loss"))
    with matplotlib.rc_context({"lines.linewidth": 9, "axes.grid": False, "font.size": 20}):
        assert (pixels(al.plot("hinge_loss")) == usual).all()


@pytest.mark.parametrize(
    ("loss", "param", "message"),
    [
        (
            "hubber_loss",
            None,
            "plot: loss must be the name of a loss, got 'hubber_loss' (near it: huber_loss",
        ),
        ("zzz", None, "plot: loss must be the name of a loss, got 'zzz' (arraylosses list has them all)"),
        (len, None, "plot: loss must be a loss of arraylosses, or its name, got len"),
        ("huber_loss", {"beta": 1}, "huber_loss: param must name a parameter, one of delta, got 'beta'"),
        (
            "absolute_error",
            {"beta": 1},
            "absolute_error: param must name a parameter, and this loss has none, got 'beta'",
        ),
        ("huber_loss", {"delta": []}, "huber_loss: param['delta'] must have at least one value, got ()"),
        ("huber_loss", {"delta": [1, -1.0]}, "huber_loss: delta must be positive, got -1.0"),
        ("huber_loss", {"delta": "x"}, "huber_loss: delta must be positive, got 'x'"),
        (
            "balanced_l1_loss",
            {"alpha": [1, 2], "beta": [1, 2]},
            "balanced_l1_loss: param must give several values to one parameter at most, "
            "got several for alpha and beta",
        ),
        (
            "iou_loss",
            {"fmt": "xyxy"},
            "iou_loss: param must name a parameter, one of mode, clip_min, got 'fmt'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(loss: Any, param: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as refused:
        al.plot(loss, param=param)
    assert str(refused.value).startswith(message)


def in_a_new_process(code: str) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_importing_imports_no_matplotlib() -> None:
    imported = in_a_new_process("import sys, arraylosses; print(*sys.modules)").split()
    assert not {"matplotlib", "numpy"} & set(imported)


def test_drawing_leaves_no_state_in_pyplot() -> None:
    imported = in_a_new_process(
        "import sys, arraylosses as al; al.plot('hinge_loss'); print(*sys.modules)"
    ).split()
    assert "matplotlib" in imported
    assert "matplotlib.pyplot" not in imported


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [m for m in sys.modules if m.startswith(("matplotlib", "arraylosses.plotting.d"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(plotting, "drawing", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError) as refused:
        al.plot("hinge_loss")
    assert str(refused.value) == "plot: a picture needs matplotlib: pip install 'arraylosses[plot]'"
