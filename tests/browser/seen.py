"""What every page has to be, looked at in a browser: nothing for axe to find, nothing that scrolls sideways, strict HTML."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import html5lib
import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe

LANGUAGES = ("ja", "ja_Hira", "en", "zh", "ko")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DRAWN = ("ja", "en")
PHONE, DESK = 320, 1280
"""Widths in CSS pixels: the smallest phone that there is, and the screen of a town hall."""
SHOTS = os.environ.get("KITAMAE_SHOTS", "")
"""A folder: then the pages are drawn into it, to be looked at."""
_ROOT = Path(__file__).resolve().parents[2]
_VALIDATE = _ROOT / "node_modules" / ".bin" / "html-validate"
_OF_A_TABLE = re.compile("<(table|thead|tbody|tr|th|td)>")
_AXE = Axe().axe_script
_FOUND = """
options => axe.run(options).then(said => said.violations.map(rule => [rule.id, rule.nodes.slice(0, 3).map(node => node.html.slice(0, 200))]))
"""


def violations(page):
    """What axe finds on the page as it is: [[rule, the first three pieces of HTML]]. What passed is not asked for: it is the most of it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    return page.evaluate(_FOUND, {"runOnly": RULES, "reporter": "no-passes"})


def sideways(page):
    """How far the page goes past the window, in CSS pixels; 0: not at all."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def wrong(page):
    """All that is wrong with the page as it is, except its source: axe, and how far it scrolls sideways."""
    over = sideways(page)
    return violations(page) + ([["scrolls sideways", [over]]] if over else [])


def read_strictly(text):
    """The source of a page. Raises ParseError."""
    html5lib.HTMLParser(strict=True).parse(text)


def invalid(folder, address, paths, lang):
    """What html-validate finds in the sources of these pages: [(path, rule, why)]. They are written into `folder`. Skips without it.

    That tables name their roles is no fault: on a phone their rows stand below each other, and `display` takes away what they are.
    """
    if not _VALIDATE.exists():
        pytest.skip("html-validate is not on this machine (npm ci --ignore-scripts)")
    files = {}
    for number, path in enumerate(paths):
        file = folder / f"{number}-{lang}.html"
        file.write_text(httpx2.get(address + path, headers={"cookie": f"lang={lang}"}).text, "utf-8")
        files[str(file)] = path
    command = [str(_VALIDATE), "--preset", "standard,a11y", "--formatter", "json", *files]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=_ROOT)
    return [
        (files[one["filePath"]], message["ruleId"], message["message"])
        for one in json.loads(answer.stdout)
        for message in one["messages"]
        if not (message["ruleId"] == "no-redundant-role" and _OF_A_TABLE.search(message["message"]))
    ]


def in_order(page, address, paths, name=""):
    """Each path is without a fault and answers 200, or as is said beside it, (path, status): on a phone in every language; on a desk no wider than it in the two that are
    looked at, and for axe in one. Drawn as `name`.
    """
    for path, status in (one if isinstance(one, tuple) else (one, 200) for one in paths):
        for lang in LANGUAGES:
            page.set_viewport_size({"width": PHONE, "height": 800})
            answer = page.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={lang}")
            assert answer.status == status, (path, lang, page.url)
            read_strictly(answer.text())
            assert wrong(page) == [], (path, lang)
            draw(page, f"{name} {path}", lang, PHONE)
            if lang in DRAWN:
                page.set_viewport_size({"width": DESK, "height": 800})
                assert sideways(page) == 0, (path, lang)
                assert lang != DRAWN[0] or violations(page) == [], path
                draw(page, f"{name} {path}", lang, DESK)


def draw(page, name, lang, width):
    """Into the folder of drawings, in the languages that are looked at."""
    if SHOTS and lang in DRAWN:
        plain = re.sub(r"\W+", "-", re.sub(r"[0-9a-f]{12,}", "x", name)).strip("-")[:60]
        page.screenshot(path=str(Path(SHOTS) / f"{plain}-{lang}-{width}.png"), full_page=True)
