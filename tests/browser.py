"""A page in headless Chromium, for the tests of pages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WIDE, PHONE = (1400, 900), (390, 844)


class Browser:
    """One page in Chromium."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address

    def open(self, fragment: str = "", size: tuple[int, int] = WIDE, scheme: str = "light") -> None:
        self.appear(size, scheme)
        self.driver.get("about:blank")
        self.driver.get(self.address + fragment)

    def appear(self, size: tuple[int, int], scheme: str) -> None:
        """As on such a screen, with such a preference."""
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def js(self, script: str, *given: Any) -> Any:
        return self.driver.execute_script(script, *given)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements("css selector", selector)

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def press(self, *keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(*keys)


@contextmanager
def opened(path: Path) -> Iterator[Browser]:
    """A browser for a page, which must not have logged anything in the end."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("there is no chromium with its chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    try:
        yield Browser(driver, path.as_uri())
        assert driver.get_log("browser") == []  # of all tests: no error, nothing refused
    finally:
        driver.quit()


def luminance(colour: str) -> float:
    parts = [int(x) / 255 for x in re.findall(r"\d+", colour)[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


COLOURS = """
  const behind = (x) => {
    for (; x; x = x.parentElement) {
      const colour = getComputedStyle(x).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    throw new Error("no background");
  };
  return [...document.querySelectorAll(arguments[0])]
    .filter((x) => x.checkVisibility() && x.textContent.trim())
    .map((x) => [x.className || x.tagName, getComputedStyle(x).color, behind(x)]);
"""


def faint(browser: Browser, selector: str) -> list[tuple[str, float]]:
    """What has too little contrast to be read, of at least fifty texts."""
    found = browser.js(COLOURS, selector)
    assert len(found) > 50
    return [(what, contrast(ink, paper)) for what, ink, paper in found if contrast(ink, paper) < 4.5]
