"""The explorer shows the numbers of the library, and can be used with a mouse, keys and a thumb."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses.cli import kit

from . import browser as browsers
from .browser import PHONE, WIDE, faint, luminance

pytest.importorskip("plotly", reason="plotly is not installed")

FOLDER = Path(__file__).parents[1] / "docs" / "explorer"
HALF = 2.0**-11  # half a unit in the last place of float16, which the tables have
LARGEST = 65504
READY = """const page = document.documentElement;
const wait = (done) => page.dataset.ready ? done() : setTimeout(wait, 50, done);
wait(arguments[0])"""
PRINTED = 0.5e-2  # of three digits
accuracy = kit.module("accuracy")


@pytest.fixture(scope="module")
def explorer() -> Iterator[Any]:
    """The package that builds the page."""
    spec = importlib.util.spec_from_file_location("explorer", FOLDER / "__init__.py")
    assert spec
    assert spec.loader
    sys.modules["explorer"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    for name in [name for name in sys.modules if name.partition(".")[0] == "explorer"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def path(explorer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("explorer") / "new folder" / "explorer.html"
    explorer.build(found)
    return found


class Browser(browsers.Browser):
    """The explorer in Chromium."""

    def show(self, fragment: str = "", size: tuple[int, int] = WIDE, scheme: str = "light") -> None:
        """Have the page show something, which it is not loaded anew for, and wait until it does."""
        from selenium.webdriver.support.wait import WebDriverWait

        self.appear(size, scheme)
        script = """delete document.documentElement.dataset.theme;
            find.value = '';
            document.activeElement.blur();
            scrollTo(0, 0);
            history.replaceState(null, '', arguments[0]);
            readAddress()"""
        self.js(script, self.address + fragment)
        WebDriverWait(self.driver, 60, 0.05).until(lambda _: self.js("return !!plot.data || curves.hidden"))
        self.settle()

    def settle(self) -> None:
        """Wait for what is drawn, and said in the address, a moment later."""
        self.driver.execute_async_script("setTimeout(() => requestAnimationFrame(arguments[0]), 150)")

    def drawn(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Every curve as Plotly has it."""
        self.settle()
        script = "return plot.data.map(t => [t.name, Array.from(t.x), Array.from(t.y)])"
        return {name: (np.asarray(x, float), np.asarray(y, float)) for name, x, y in self.js(script)}

    def slide(self, name: str, *keys: str) -> None:
        self.js("document.getElementById(arguments[0]).focus()", name)
        self.press(*keys)

    def readings(self) -> dict[str, list[float]]:
        """What the losses of boxes are said to be, with their gradients."""
        script = """return [...document.querySelectorAll('#readings button')].map(
            b => [b.dataset.loss, b.querySelector('b').textContent, b.querySelector('small').textContent])"""
        return {key: [number(value), *map(number, texts(slopes))] for key, value, slopes in self.js(script)}

    def place(self) -> list[float]:
        return [number(x.text) for x in self.all("#place output")]

    def rows(self) -> list[list[str]]:
        script = "return [...rows.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent))"
        return self.js(script)


def texts(slopes: str) -> list[str]:
    return re.findall(r"∂\w (\S+)", slopes)


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("∞", "inf"))


@pytest.fixture(scope="module")
def browser(path: Path) -> Iterator[Browser]:
    with browsers.opened(path) as found:
        found.open()
        found.driver.set_script_timeout(60)
        found.driver.execute_async_script(READY)
        yield Browser(found.driver, found.address)


def near(got: Any, want: Any) -> bool:
    return bool(np.allclose(got, want, rtol=HALF, atol=1e-7, equal_nan=True))


# --- the file ------------------------------------------------------------------------------------


def test_page_needs_nothing_else(path):
    text = path.read_text(encoding="utf-8")
    own = "".join(file.read_text(encoding="utf-8") for file in (FOLDER / "page").iterdir())
    assert not re.search(r"""\bsrc\s*=|@import|url\(|@font-face|\bfetch\(|\bimport\(""", own)
    assert "innerHTML" not in own
    assert {*re.findall(r"https?://[^\"/]+", own)} == {"http://www.w3.org"}  # the name of SVG
    assert "default-src 'none'" in text
    assert len(text) < 8e6
    assert "{{" not in text


def test_every_loss_of_one_number_has_a_curve(explorer):
    found = {curve.spec.name for curve in explorer.curves.curves()}
    assert found >= {*kit.module("accuracy.settings").all_settings()}
    assert found == {name for name, spec in explorer.axes.by_chapter() if spec.signatures[0].pointwise}


def test_every_loss_of_boxes_with_four_numbers_is_there(explorer):
    takes = {n for n, s in explorer.axes.by_chapter() if s.family.startswith("box") and "fmt" in s.rules}
    assert {name for name, _ in explorer.boxes.calls()} == takes
    assert len(takes) > 12


def test_a_slider_stops_at_what_the_loss_takes(explorer):
    for curve in explorer.curves.curves():
        for axis in curve.axes:
            assert len({axis.values[axis.start], *axis.values}) == len(axis.values) > 1
            rule = curve.spec.rules.get(axis.name)
            assert all(v is None or rule is None or rule.accepts(v) for v in axis.values)
            if rule:
                assert axis.values[axis.start] == curve.spec.parameters[axis.name].default


# --- curves --------------------------------------------------------------------------------------


def test_it_starts_with_huber_and_its_neighbours(browser):
    browser.show()
    found = browser.drawn()
    assert len(found) == 12
    for name in ("huber_loss", "smooth_l1_loss", "squared_error", "absolute_error"):
        for k, what in enumerate(("value ℓ", "gradient ℓ′", "second derivative ℓ″")):
            x, y = found[f"{name}: {what}"]
            assert near(y, al.derivatives(getattr(al, name), x, np.zeros_like(x))[k])


def test_a_slider_moves_its_curve_alone(browser):
    from selenium.webdriver.common.keys import Keys

    browser.show("#show=smooth_l1_loss,huber_loss")
    before = browser.drawn()
    browser.slide("smooth_l1_loss.beta", *[Keys.ARROW_LEFT] * 10)
    output = browser.one("li[data-loss=smooth_l1_loss] output").text
    assert output == "0.1"
    after = browser.drawn()
    x, y = after["smooth_l1_loss: gradient ℓ′"]
    assert not near(y, before["smooth_l1_loss: gradient ℓ′"][1])
    assert near(y, al.derivatives(al.smooth_l1_loss, x, np.zeros_like(x), beta=0.1)[1])
    assert near(after["huber_loss: value ℓ"][1], before["huber_loss: value ℓ"][1])
    assert "smooth_l1_loss(x, 0, beta=0.1)" in browser.one("#cards").text
    browser.slide("huber_loss.delta", Keys.END)  # all of it quadratic
    x, y = browser.drawn()["huber_loss: value ℓ"]
    assert near(y, x**2 / 2)
    assert "huber_loss.delta=10" in browser.driver.current_url


def test_a_thumb_moves_a_slider(browser):
    browser.show("#show=huber_loss", size=PHONE)
    slider = browser.one("[id='huber_loss.delta']")
    browser.js("arguments[0].scrollIntoView({block: 'center'})", slider)
    r = browser.js("return arguments[0].getBoundingClientRect().toJSON()", slider)
    touch(browser, [(r["x"] + r["width"] * part, r["y"] + r["height"] / 2) for part in (0.64, 0.4, 0.1)])
    delta = float(browser.one("li[data-loss=huber_loss] output").text)
    assert delta < 0.05
    x, y = browser.drawn()["huber_loss: gradient ℓ′"]
    assert near(y, np.clip(x, -delta, delta))


def touch(browser: Browser, points: list[tuple[float, float]]) -> None:
    kinds = ["touchStart", *["touchMove"] * (len(points) - 1), "touchEnd"]
    for kind, point in zip(kinds, [*points, None], strict=True):
        at = [{"x": point[0], "y": point[1]}] if point else []
        browser.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
    browser.settle()


CALLS: dict[str, Any] = {
    "sigmoid_focal_loss": ({"alpha": 0.5, "gamma": 0.0}, 0.0),
    "hinge_loss": ({"margin": 2.0}, -1.0),
    "binary_cross_entropy": ({}, 0.0),
    "general_robust_loss": ({"alpha": -2.0, "scale": 0.63}, 0.0),
    "tweedie_deviance": ({"power": 3.0}, 4.0),
    "charbonnier_loss": ({"eps": 0.5, "shift": True}, 0.0),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_address_shows_the_loss_that_it_names(browser, name):
    options, target = CALLS[name]
    words = [f"{name}.{k}={v if isinstance(v, bool) else f'{v:g}'}" for k, v in options.items()]
    browser.show("&".join([f"#show={name}", "panels=0,1,2", f"{name}.target={target:g}", *words]))
    found = browser.drawn()
    x = found[f"{name}: value ℓ"][0]
    with np.errstate(all="ignore"):
        want = al.derivatives(getattr(al, name), x, np.full_like(x, target), **options)
    for (_, y), numbers in zip(found.values(), want, strict=True):
        drawn = np.abs(numbers) < LARGEST
        assert drawn.sum() > 100
        assert near(y, np.where(drawn, numbers, np.nan))


def test_a_label_is_that_of_all_losses(browser):
    browser.show("#show=hinge_loss,logistic_loss")
    browser.one("[id='hinge_loss.target'] option:first-child").click()
    assert "hinge_loss(x, -1, margin=1)" in browser.one("#cards").text
    assert "logistic_loss(x, -1)" in browser.one("#cards").text


def test_numbers_are_read_with_keys(browser):
    from selenium.webdriver.common.keys import Keys

    browser.show("#show=squared_error")
    browser.slide("x", Keys.HOME, *[Keys.ARROW_RIGHT] * 16)
    browser.settle()
    assert browser.one("#at").text == "At residual x = −4"
    assert [number(b.text) for b in browser.all("#cards b")] == [16, -8, 2]


def test_tab_leads_to_the_sliders(browser):
    from selenium.webdriver.common.keys import Keys

    browser.show("#show=huber_loss")
    browser.js("document.querySelector('#theme').focus()")
    passed = []
    while (here := browser.js("return document.activeElement.id")) != "huber_loss.delta":
        passed.append(here)
        assert len(passed) < 12
        browser.press(Keys.TAB)
    browser.press(Keys.ARROW_RIGHT)
    label = "return [document.activeElement.ariaLabel, document.activeElement.getAttribute('aria-valuetext')]"
    assert browser.js(label) == ["delta of huber_loss", "1.25"]


def test_losses_are_found_and_chosen(browser):
    browser.show()
    browser.one("#find").send_keys("focal")
    labels = [x for x in browser.all("#list label") if x.is_displayed()]
    names = {x.find_element("css selector", "input").get_attribute("value") for x in labels}
    assert names == {"sigmoid_focal_loss", "quality_focal_loss", "varifocal_loss"}
    assert "3 losses" in browser.one("#found").text
    labels[0].click()  # of logits, and so not beside residuals
    assert {name.partition(":")[0] for name in browser.drawn()} == {"sigmoid_focal_loss"}
    assert browser.one("#group").get_attribute("value") == "logit"
    browser.one("#cards .close").click()
    assert browser.drawn() == {}


# --- boxes ---------------------------------------------------------------------------------------


def want(explorer: Any, place: list[float]) -> dict[str, np.ndarray]:
    """The numbers of the library for one box."""
    found = {}
    for name, options in explorer.boxes.calls():
        key = name + "".join(f"({k}={v!r})" for k, v in options.items() if k in explorer.boxes.SHOWN)
        target = np.asarray([explorer.boxes.TARGET])
        value, slope = al.value_and_grad(getattr(al, name))(
            np.asarray([place]), target, fmt="cxcywh", **options
        )
        found[key] = np.asarray([value, *slope[0]])
    return found


def assert_read(browser: Browser, explorer: Any) -> None:
    got, expected = browser.readings(), want(explorer, browser.place())
    assert [*got] == [*expected]
    for key, numbers in expected.items():
        assert np.allclose(got[key], numbers, rtol=PRINTED + HALF, atol=2e-6), key


@pytest.mark.parametrize("at", ["1.7,-1.1,1,0.7", "-0.3,0.2,2,0.5", "-2.4,-1.8,0.35,2.8", "0,0,1.4,1"])
def test_readings_are_those_of_the_library(browser, explorer, at):
    browser.show(f"#view=boxes&at={at}")
    assert browser.place() == [float(x) for x in at.split(",")]
    assert_read(browser, explorer)


def test_a_box_is_dragged(browser, explorer):
    from selenium.webdriver import ActionChains

    browser.show("#view=boxes")
    before = browser.place()
    unit = browser.js("return stage.getScreenCTM().a") * 100
    ActionChains(browser.driver).drag_and_drop_by_offset(
        browser.one("#box .pred"), round(-2 * unit), round(0.7 * unit)
    ).perform()
    after = browser.place()
    assert np.allclose(np.subtract(after, before), [-2, 0.7, 0, 0], atol=0.11)
    assert_read(browser, explorer)
    grip = browser.all("#box .grip-area")[3]
    ActionChains(browser.driver).drag_and_drop_by_offset(grip, round(0.6 * unit), round(0.6 * unit)).perform()
    assert browser.place() == [*after[:2], 2.0, 2.0]
    assert_read(browser, explorer)
    browser.settle()
    assert f"at={after[0]:g},{after[1]:g},2,2" in browser.driver.current_url


def test_a_thumb_drags_a_box_and_not_the_page(browser, explorer):
    browser.show("#view=boxes", size=PHONE)
    r = browser.js("return document.querySelector('#box .pred').getBoundingClientRect().toJSON()")
    x, y = r["x"] + r["width"] / 2, r["y"] + r["height"] / 2
    before = browser.place()
    touch(browser, [(x, y), (x - 20, y + 20), (x - 60, y + 60)])
    assert browser.place()[0] < before[0] - 0.5
    assert browser.place()[1] > before[1] + 0.5
    assert browser.js("return scrollY") == 0
    assert_read(browser, explorer)


def test_keys_move_a_box(browser, explorer):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    browser.show("#view=boxes&at=0,0,1,0.7")
    browser.js("box.focus()")
    browser.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    assert browser.place() == [0.2, -0.1, 1, 0.7]
    ActionChains(browser.driver).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP).perform()
    ActionChains(browser.driver).key_up(Keys.SHIFT).perform()
    assert browser.place() == [0.2, -0.1, 1.4, 1]
    assert_read(browser, explorer)
    assert browser.js("return box.ariaLabel") == "Predicted box: centre 0.2, −0.1, 1.4 wide, 1 high"


def test_an_arrow_is_a_step_against_the_gradient(browser, explorer):
    browser.show("#view=boxes&at=-1,0.6,1,0.7&arrows=giou_loss")
    path = browser.js("return document.querySelector('.marks [data-of]').getAttribute('d')")
    x, y, to_x, to_y = map(float, re.match(r"M(\S+) (\S+)L(\S+) ([^M]+)M", path).groups())
    step = -want(explorer, [-1, 0.6, 1, 0.7])["giou_loss"][1:3]
    assert np.allclose([x, y], [-100, 60])
    way = np.asarray([to_x - x, to_y - y])
    assert np.allclose(way / np.hypot(*way), step / np.hypot(*step), atol=1e-3)
    browser.one("#readings [data-loss=giou_loss]").click()
    assert browser.all(".marks [data-of]") == []
    browser.one("#field option[value=giou_loss]").click()
    assert browser.js("return document.querySelector('.field-marks').getAttribute('d').length") > 1000


# --- worst cases ---------------------------------------------------------------------------------


def test_worst_cases_are_filtered_and_sorted(browser):
    browser.show("#view=worst")
    every = accuracy.read("vectors")
    script = """for (const [k, v] of Object.entries(arguments[0])) filters.elements[k].value = v;
        filters.dispatchEvent(new Event('input'))"""
    browser.js(script, {"q": "huber", "dtype": "float64", "on": "torch", "measured": "vectors"})
    found = {(row[0], row[2]): float(row[6]) for row in browser.rows()}
    for name in ("huber_loss", "modified_huber_loss"):
        for what in ("value", "gradient"):
            assert found[name, what] == pytest.approx(every[name]["torch float64"][what], rel=PRINTED)
    assert all("huber" in loss for loss, _ in found)
    browser.settle()
    browser.show(browser.driver.current_url.removeprefix(browser.address))
    assert {(row[0], row[2]) for row in browser.rows()} == {*found}
    browser.one("th[data-column=ulp] button").click()  # the least first
    ulps = [float(row[6]) for row in browser.rows()]
    assert ulps == sorted(ulps)
    assert browser.one("th[data-column=ulp]").get_attribute("aria-sort") == "ascending"
    browser.one("[type=reset]").click()
    browser.settle()
    assert len(browser.rows()) == 100
    browser.one("#more").click()
    assert len(browser.rows()) == 200


def test_the_worst_input_stands_beside_the_error(browser):
    browser.show("#view=worst&q=tukey&measured=float32&of=value")
    record = accuracy.read("exhaustive")["tukey_biweight_loss"]["x, 0"]["value"]
    (row,) = browser.rows()
    assert float(row[6]) == pytest.approx(record["ulp"], rel=PRINTED)
    at = browser.one("#rows .inputs span")
    assert at.get_attribute("title") == next(iter(record["worst"]))
    assert number(at.text) == pytest.approx(float.fromhex(at.get_attribute("title")), rel=1e-5)
    browser.one("#rows a").click()
    browser.settle()
    assert browser.js("return curves.hidden") is False
    assert "tukey_biweight_loss" in browser.one("#cards").text


# --- all of it -----------------------------------------------------------------------------------

VIEWS = ("#show=huber_loss,smooth_l1_loss", "#view=boxes&field=ciou_loss", "#view=worst")


@pytest.mark.parametrize("view", VIEWS)
def test_phone_has_no_horizontal_overflow(browser, view):
    browser.show(view, size=PHONE)
    browser.settle()
    assert browser.js("return document.documentElement.scrollWidth") <= PHONE[0]
    outside = """return [...document.querySelectorAll('main:not([hidden]) :is(button, select, input, svg)')]
        .filter(x => x.checkVisibility() && !x.closest('.scroll'))
        .filter(x => x.getBoundingClientRect().right > innerWidth).map(x => x.outerHTML)"""
    assert browser.js(outside) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(browser, scheme):
    for view in VIEWS:
        browser.show(view, scheme=scheme)
        assert not faint(browser, "body, p, small, th, td, label, b, code, summary, button, span, output, a")
    dark = luminance(browser.js("return getComputedStyle(document.body).backgroundColor")) < 0.1
    assert dark == (scheme == "dark")


def test_theme_is_switched_with_what_is_plotted(browser):
    browser.show("#show=huber_loss", scheme="dark")
    before = browser.js("return plot.data[0].line.color")
    assert browser.one("#theme").text == "Light"
    browser.one("#theme").click()
    browser.settle()
    assert luminance(browser.js("return getComputedStyle(document.body).backgroundColor")) > 0.8
    assert browser.js("return plot.data[0].line.color") != before


def test_tabs_are_changed_with_arrows(browser):
    from selenium.webdriver.common.keys import Keys

    browser.show()
    browser.one("#tab-curves").click()
    browser.press(Keys.ARROW_RIGHT)
    assert browser.js("return [boxes.hidden, curves.hidden, document.activeElement.id]") == [
        False,
        True,
        "tab-boxes",
    ]
    browser.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert browser.js("return worst.hidden") is False


def test_nothing_is_asked_of_a_network(browser):
    browser.show()
    assert browser.js("return performance.getEntriesByType('resource').map(x => x.name)") == []
