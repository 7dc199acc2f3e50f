"""What every page has to be, looked at in a browser: nothing for axe to find, nothing that scrolls sideways, strict HTML."""

from __future__ import annotations

import os
import re
from pathlib import Path

import html5lib
from axe_playwright_python.sync_playwright import Axe

LANGUAGES = ("ja", "ja_Hira", "en", "zh", "ko")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DRAWN = ("ja", "en")
PHONE, DESK = 320, 1280
"""Widths in CSS pixels: the smallest phone that there is, and the screen of a town hall."""
SHOTS = os.environ.get("KITAMAE_SHOTS", "")
"""A folder: then the pages are drawn into it, to be looked at."""
_AXE = Axe()


def violations(page):
    """What axe finds on the page as it is: [(rule, the first three pieces of HTML)]."""
    found = _AXE.run(page, options={"runOnly": RULES}).response["violations"]
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"]][:3]) for rule in found]


def sideways(page):
    """How far the page goes past the window, in CSS pixels; 0: not at all."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def wrong(page):
    """All that is wrong with the page as it is, except its source: axe, and how far it scrolls sideways."""
    over = sideways(page)
    return violations(page) + ([("scrolls sideways", [over])] if over else [])


def read_strictly(text):
    """The source of a page. Raises ParseError."""
    html5lib.HTMLParser(strict=True).parse(text)


def in_order(page, address, paths, name=""):
    """Each path is without a fault: on a phone in every language, on a desk in the two that are looked at, drawn as `name`."""
    for path in paths:
        for lang in LANGUAGES:
            page.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={lang}")
            read_strictly(page.request.get(page.url).text())
            for width in (PHONE, DESK) if lang in DRAWN else (PHONE,):
                page.set_viewport_size({"width": width, "height": 800})
                assert wrong(page) == [], (path, lang, width)
                draw(page, f"{name} {path}", lang, width)


def draw(page, name, lang, width):
    """Into the folder of drawings, in the languages that are looked at."""
    if SHOTS and lang in DRAWN:
        plain = re.sub(r"\W+", "-", re.sub(r"[0-9a-f]{12,}", "x", name)).strip("-")[:60]
        page.screenshot(path=str(Path(SHOTS) / f"{plain}-{lang}-{width}.png"), full_page=True)
