"""The page of a run holds all of it, needs nothing else, and can be used with a mouse, keys and a thumb."""

from __future__ import annotations

import copy
import itertools
import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arraylosses.cli import kit

from . import browser as browsers
from .browser import PHONE, faint, luminance

reports = kit.module("report")
Source = kit.module("implementations").Source
KINDS = kit.module("outcomes").KINDS
FOLDER = kit.module("page").FOLDER
page, data_of, pack, unpack = (
    getattr(kit.module("page"), name) for name in ("page", "data_of", "pack", "unpack")
)
Wanted = kit.module("runner").Wanted
Job = kit.module("workers").Job

HOSTILE = """</script><script>document.title = "owned"</script><img src=x onerror="x()">'" {{data}} π\u2028"""

PLANTED = f"""
import numpy as np

FRAMEWORK = "numpy"
DIFFERENTIABLE = False


def absolute_error(pred, target, *, reduction="mean"):
    if reduction != "none":
        raise NotImplementedError({HOSTILE!r})
    return abs(pred - target) * (1 + 1e-12)


def squared_error(pred, target):
    return np.where(pred > 0, (pred - target) ** 2, np.nan)


def huber_loss(pred, target, *, delta=1.0):
    e = abs(pred - target)
    return np.where(e < delta, 0.5 * e**2, delta * e)


def log_cosh_loss(pred, target):
    if np.any(pred > 1):
        raise ValueError({HOSTILE!r})
    return np.log(np.cosh(pred - target))


def hinge_loss(scores, target):
    return np.maximum(1 - scores * np.where(target == 1, 1, -1), 0)
"""
PEER = "planted_peer"  # whose deviations are known
NEW = "planted_new"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A run of ours and of two adapters with errors, those of one of them known."""
    folder = tmp_path_factory.mktemp("adapters")
    (folder / f"{NEW}.py").write_text(PLANTED, encoding="utf-8")
    (folder / f"{PEER}.py").write_text(PLANTED.partition("def log_cosh")[0], encoding="utf-8")
    sys.path.insert(0, str(folder))
    wanted = Wanted(dtypes=("float64",))
    sources = [Source("ours", "numpy"), Source("adapter", PEER), Source("adapter", NEW)]
    losses = {
        "numpy": ["absolute_error", "huber_loss", "hinge_loss"],
        PEER: ["absolute_error", "squared_error", "huber_loss"],
        NEW: ["squared_error", "huber_loss", "log_cosh_loss", "hinge_loss"],
    }
    jobs = [Job(s, loss, wanted, snippets=True) for s in sources for loss in losses[s.name]]
    made = reports.of([job.run() for job in jobs], sources, wanted)
    known = {
        "imprecise": {"says": "It rounds.", "kind": "convention", "issue": "https://example.org/issues/7"},
        "wrong": {"says": f"It is wrong. {HOSTILE}", "kind": "defect", "issue": "javascript:owned()"},
    }
    for outcome in made["outcomes"]:
        if outcome["implementation"] == PEER:
            for finding in outcome["findings"]:
                finding["deviation"] = known.get(finding["kind"])
    made["unseen"] = [{"peer": PEER, "loss": "huber_loss", "outcome": "raises", "says": HOSTILE}]
    yield made
    sys.path.remove(str(folder))


def as_text(x: Any) -> str:
    return json.dumps(x, sort_keys=True)


# --- the file ------------------------------------------------------------------------------------


def test_the_report_stands_in_the_page(report):
    assert {o["kind"] for o in report["outcomes"]} >= {"pass", "imprecise", "wrong", "NaN", "raises"}
    assert as_text(data_of(page(report))["report"]) == as_text(report)


@pytest.mark.parametrize(
    "x",
    [
        {"$": 3, "$lines": ["a"], "$$": {"$": "inf"}, "": None},
        [math.inf, -math.inf, math.nan, -0.0, 1e-320, 1, True, None],
        ["a long text that stands twice", ["a long text that stands twice"]] * 3,
        [[1.0, 2.0, 3.0, 4.0, 5.0], [1, 2, 3, 4, 5]] * 2,
        {"a\nb": "one long line\none long line\n\n"},
        HOSTILE,
        "half a character: \ud800",
    ],
)
def test_packed_data_come_back(x):
    assert as_text(unpack(json.loads(as_text(pack(x))))) == as_text(x)


def test_what_stands_twice_is_kept_once():
    call = "huber_loss(" + "1.0, " * 100 + ")"
    twice = json.dumps(pack([{"call": call, "n": n} for n in range(50)]))
    assert twice.count(call) == 1


def test_same_report_same_page(report):
    assert page(report) == page(copy.deepcopy(report))
    assert "2031-02-03" in page(report, "2031-02-03")


def test_page_needs_nothing_else(report):
    text = page(report)
    template = "".join(path.read_text(encoding="utf-8") for path in FOLDER.iterdir())
    assert not re.search(r"""\bsrc\s*=|@import|url\(|@font-face|\bfetch\(|import\(|https?://""", template)
    assert not re.search(r"""\son\w+\s*=\s*["']""", (FOLDER / "report.html").read_text(encoding="utf-8"))
    assert "innerHTML" not in template
    assert "default-src 'none'" in text
    assert "{{" not in text.replace("{{data}}", "")


def test_hostile_words_stay_words(report):
    text = page(report)
    assert text.count("</script>") == 2  # of the data, and of the script
    assert "<img" not in text


def test_page_is_small(report):
    """Of 100 losses of 12 implementations with 2000 findings, none like another."""
    number = itertools.count()
    findings = [f for o in report["outcomes"] for f in o["findings"] if f["snippet"]]
    assert len(findings) > 20

    def other(finding: dict[str, Any], loss: int) -> dict[str, Any]:
        """The same case of other dtypes and implementations has another number, and another program."""
        n = next(number)
        told = {k: f"{v} {loss}" for k, v in finding.items() if k in ("case", "call")}
        program = finding["snippet"].replace("(", f"({n}, ", 1)
        return finding | told | {"snippet": program, "got": n / 7, "expected": n / 3, "ulp": n / 11}

    names = list(data_of(page(report))["losses"])[:100]
    outcomes = []
    for loss, peer in itertools.product(range(100), range(12)):
        some = [findings[(loss + k) % len(findings)] for k in range(2 if peer % 3 else 1)]
        outcome = report["outcomes"][0] | {"loss": names[loss], "implementation": f"peer {peer}"}
        outcomes.append(outcome | {"findings": [other(f, loss) for f in some]})
    assert sum(len(o["findings"]) for o in outcomes) == 2000
    implementations = [report["implementations"][0] | {"name": f"peer {k}"} for k in range(12)]
    assert len(page(report | {"outcomes": outcomes, "implementations": implementations})) < 3e6


# --- in a browser --------------------------------------------------------------------------------


class Browser(browsers.Browser):
    """The page of a report."""

    def choose(self, values: dict[str, str]) -> tuple[set[str], str]:
        """Set the filters; what is seen, and what the page says of it."""
        script = """for (const [k, v] of Object.entries(arguments[0])) form.elements[k].value = v;
            form.dispatchEvent(new Event("input"));
            return document.querySelector("#count").value"""
        count = self.js(script, values)
        return self.rows(), count

    def settle(self) -> None:
        """Open what is folded, and let the page do what it does thereupon."""
        script = """const done = arguments[0];
            const unfold = (n) => {
              for (const d of document.querySelectorAll("details")) d.open = true;
              setTimeout(() => n ? unfold(n - 1) : done(), 20);
            };
            unfold(3);"""
        self.driver.execute_async_script(script)

    def rows(self) -> set[str]:
        """The losses that are seen."""
        script = "return [...document.querySelectorAll('[data-loss]')].filter(x => x.checkVisibility())"
        return set(self.js(f"{script}.map(x => x.dataset.loss)"))

    def cell(self, loss: str, name: str) -> Any:
        return self.one(f"tr[data-loss={loss}] td[data-of={name}] button")

    def focus(self) -> str:
        """What the focus is on."""
        return self.js("return document.activeElement.ariaLabel ?? document.activeElement.textContent")


@pytest.fixture(scope="module")
def browser(report: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    path: Path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(report), encoding="utf-8")
    with browsers.opened(path) as found:
        yield Browser(found.driver, found.address)


def losses_with(report: dict[str, Any], has: Callable[[dict[str, Any]], bool]) -> set[str]:
    return {o["loss"] for o in report["outcomes"] if has(o)}


def cause_of(finding: dict[str, Any]) -> str:
    return finding["deviation"]["kind"] if finding["deviation"] else "new"


def test_hostile_words_do_nothing(browser, report):
    for cell in (f"log_cosh_loss%2F{NEW}", f"absolute_error%2F{PEER}", f"huber_loss%2F{PEER}"):
        browser.open(f"#cell={cell}")
        browser.settle()
        assert browser.driver.title == "Losses held against the evidence"
        assert browser.all("img, #panel script") == []
        hrefs = browser.js("return [...document.querySelectorAll('a')].map(a => a.href)")
        assert {*hrefs} <= {"https://example.org/issues/7"}  # not what is no address
    assert HOSTILE[:30] in browser.one("#unseen").get_attribute("textContent")


def test_matrix_shows_every_outcome(browser, report):
    browser.open()
    assert browser.rows() == losses_with(report, lambda o: True)
    assert len(browser.all("#matrix td button")) == len(report["outcomes"])
    script = "[...document.querySelectorAll(arguments[0])].map(x => x.textContent)"
    legend = browser.js(f"return {script}", "#legend .sign")
    signs = dict(zip(KINDS, legend[:-1], strict=True))  # the last is how one looks that is a convention
    assert len({*signs.values()}) == len(KINDS)
    for o in report["outcomes"]:
        assert browser.cell(o["loss"], o["implementation"]).text.startswith(signs[o["kind"]])
    for found in report["implementations"]:
        own = [o for o in report["outcomes"] if o["implementation"] == found["name"]]
        row = next(r.text for r in browser.all("#counts tbody tr") if found["name"] in r.text)
        assert f"{sum(o['cases'] for o in own):,}" in row


CHOICES: dict[str, Callable[[dict[str, Any], str], bool]] = {
    "family": lambda o, v: o["family"] == v,
    "outcome": lambda o, v: o["kind"] == v,
    "tag": lambda o, v: any(v in f["tags"] for f in o["findings"]),
    "cause": lambda o, v: any(cause_of(f) == v for f in o["findings"]),
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices_narrow_the_rows(browser, report, name):
    """Each choice, alone and with a part of a name."""
    browser.open()
    values = browser.js(f"return [...form.elements.{name}.options].map(x => x.value)")
    assert len(values) > 2
    for value, word in itertools.product(values, ("", "error")):
        rows, count = browser.choose({name: value, "q": word})
        some = losses_with(report, lambda o, v=value: not v or CHOICES[name](o, v))
        expected = {loss for loss in some if word in loss}
        assert rows == expected
        assert count.startswith(f"{len(expected)} loss")


def test_filters_combine_in_one_finding(browser, report):
    tags = sorted({t for o in report["outcomes"] for f in o["findings"] for t in f["tags"]})
    browser.open()
    some = 0
    for tag, cause in itertools.product(tags, ("new", "defect", "convention")):

        def sought(o: dict[str, Any], tag: str = tag, cause: str = cause) -> int:
            found = [f for f in o["findings"] if tag in f["tags"] and cause_of(f) == cause]
            return len(found) if o["kind"] == "wrong" else 0

        rows, count = browser.choose({"tag": tag, "cause": cause, "outcome": "wrong"})
        assert rows == losses_with(report, lambda o: bool(sought(o)))
        n = sum(map(sought, report["outcomes"]))
        assert count.endswith(f" {n} finding{'' if n == 1 else 's'}")
        some += n > 0
    assert 0 < some < 3 * len(tags)


def test_implementations_are_chosen(browser, report):
    browser.open()
    browser.one("#shown summary").click()
    browser.one(f"[name=of][value={PEER}]").click()
    assert browser.rows() == losses_with(report, lambda o: o["implementation"] != PEER)
    assert not browser.cell("huber_loss", PEER).is_displayed()
    next(b for b in browser.all("#shown p button")).click()  # only ours
    assert browser.rows() == losses_with(report, lambda o: o["implementation"] == "numpy")
    browser.one("#counts tbody tr:last-child button").click()  # what of the last one is in the first column
    assert browser.rows() <= losses_with(report, lambda o: o["implementation"] == NEW)
    browser.open()
    browser.one("[name=all]").click()
    assert browser.rows() == set(data_of(page(report))["losses"])


def test_address_keeps_what_is_shown(browser, report):
    browser.open()
    browser.one("[name=q]").send_keys("loss")
    browser.one("[name=outcome] option[value=wrong]").click()
    browser.one("#shown summary").click()
    browser.one(f"[name=of][value={NEW}]").click()
    address, rows = browser.driver.current_url, browser.rows()
    assert rows == {"huber_loss"}
    browser.open(address.removeprefix(browser.address))
    assert browser.rows() == rows
    assert browser.one("[name=q]").get_attribute("value") == "loss"
    assert browser.one("[name=outcome]").get_attribute("value") == "wrong"
    browser.one("[type=reset]").click()
    assert "#" not in browser.driver.current_url
    browser.js("location.hash = 'q=hinge'")
    browser.settle()
    assert browser.rows() == {"hinge_loss"}


def test_cell_opens_and_shows_what_was_found(browser, report):
    found = next(o for o in report["outcomes"] if (o["loss"], o["implementation"]) == ("huber_loss", PEER))
    assert found["kind"] == "wrong"
    browser.open()
    browser.cell("huber_loss", PEER).click()
    panel = browser.one("#panel")
    assert panel.is_displayed()
    assert "huber_loss" in panel.text
    for kind, n in found["counts"].items():
        assert f"{n} {kind}" in panel.text
    for reason in found["not_applicable"]:
        assert reason.splitlines()[0] in panel.text
    assert "known defect" in panel.text
    browser.settle()
    text = panel.get_attribute("textContent")
    for f in found["findings"]:
        for part in ("case", "dtype", "what", "call", "command", "snippet"):
            assert f[part] in text
    first = next(f for f in found["findings"] if isinstance(f["got"], list) and len(f["got"]) > 1)
    expected, got = np.ravel(first["expected"]), np.ravel(first["got"])
    assert f"{got[np.argmax(abs(expected - got))]:.7g}" in text
    copies = browser.all("#panel .copy")
    assert len(copies) >= 3
    assert all(b.get_attribute("aria-label").startswith("Copy the ") for b in copies[:5])
    copies[0].click()
    browser.settle()
    assert copies[0].text in ("Copied", "Selected")


def test_keys_go_from_cell_to_cell_and_back(browser):
    from selenium.webdriver.common.keys import Keys

    browser.open()
    browser.js("document.querySelector('[type=reset]').focus()")
    browser.press(Keys.TAB)
    assert browser.focus().startswith("absolute_error, arraylosses on numpy: pass, value ")
    browser.press(Keys.ARROW_RIGHT)
    assert browser.focus().startswith(f"absolute_error, {PEER}: ")
    browser.press(Keys.ARROW_DOWN)
    label = browser.focus()
    assert label.startswith(f"squared_error, {PEER}: NaN")
    browser.press(Keys.ENTER)
    assert browser.one("#panel").is_displayed()
    assert "squared_error" in browser.one("#panel-title").text
    assert browser.focus() == "Close"
    assert "cell=squared_error" in browser.driver.current_url
    browser.press(Keys.ESCAPE)
    browser.settle()
    assert not browser.one("#panel").is_displayed()
    assert browser.focus() == label
    assert "cell=" not in browser.driver.current_url


def test_text_stands_out_in_light_and_dark(browser):
    backgrounds = set()
    for scheme in ("light", "dark"):
        browser.open(f"#cell=squared_error%2F{NEW}", scheme=scheme)
        browser.settle()
        assert not faint(browser, "body, p, small, th, label, .sign, .tag, .kind, summary, pre, td")
        backgrounds.add(browser.js("return getComputedStyle(document.body).backgroundColor"))
    assert len(backgrounds) == 2
    browser.open(scheme="dark")
    assert browser.one("#theme").text == "Light"
    browser.one("#theme").click()
    assert luminance(browser.js("return getComputedStyle(document.body).backgroundColor")) > 0.8
    browser.js("localStorage.clear()")


def test_phone_scrolls_the_matrix_not_the_page(browser):
    for fragment in ("", f"#cell=huber_loss%2F{NEW}"):
        browser.open(fragment, PHONE)
        browser.settle()
        assert browser.js("return document.documentElement.scrollWidth") <= PHONE[0]
        assert browser.js("return panel.scrollWidth <= panel.clientWidth")
    browser.open("", PHONE)
    assert browser.js("const m = document.querySelector('#matrix'); return m.scrollWidth > m.clientWidth")
    assert browser.js("return document.querySelector('#matrix').getBoundingClientRect().right") <= PHONE[0]
    head = browser.one("tr[data-loss=huber_loss] th")
    before = head.rect["x"]
    browser.js("document.querySelector('#matrix').scrollLeft = 100")
    assert head.rect["x"] == before
