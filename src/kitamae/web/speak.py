"""Things of the city said in the reader's language: names, readings, addresses, numbers and times for templates."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from babel import Locale
from babel.dates import format_date
from markupsafe import Markup, escape

from kitamae.kernel.days import JST
from kitamae.kernel.municipality import whole
from kitamae.sdk.context import point, short
from kitamae.web.hangul import spoken
from kitamae.web.languages import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jinja2 import Environment

    from kitamae.sdk.context import Entity
    from kitamae.sdk.manifest import Language
    from kitamae.web.words import Words

"""Japan keeps one time and changes it never; the machine need not have a table of time zones."""

_NAMES: Final = ("名称", "name", "title")
_READINGS: Final = ("名称_カナ",)
_ADDRESSES: Final = ("住所", "address")
_ENGLISH: Final = ("名称_英語",)
_TIME: Final[dict[Language, tuple[str, str]]] = {
    "ja": ("y年M月d日", " {0.hour}:{0.minute:02}"),
    "ja_Hira": ("y'ねん' M'がつ' d'にち'", " {0.hour}:{0.minute:02}"),
    "en": ("d MMMM y", ", {0.hour:02}:{0.minute:02}"),
    "zh": ("y年M月d日", " {0.hour:02}:{0.minute:02}"),
    "ko": ("y년 M월 d일", " {0.hour:02}:{0.minute:02}"),
}
"""A day as CLDR patterns it, and the time of day as Python does: it is said a thousand times on a page."""
_LOCALE: Final[dict[Language, str]] = {
    "ja": "ja",
    "ja_Hira": "ja",
    "en": "en_GB",
    "zh": "zh_Hans",
    "ko": "ko",
}
_COMPOSED: Final = {"Koaza": ("町名", "名称"), "PopulationByAge": ("人口種別", "年")}
"""Kinds whose things are told apart only by several attributes: a 小字 is often one kana, which many towns have."""
_COUNTABLE: Final = 1e15
_JAPANESE: Final = re.compile(r"[ぁ-ヿ㐀-鿿々]")
_KANA: Final = re.compile(r"[ぁ-ゖァ-ヺ]")
_HIRAGANA: Final = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}


def text(value: Any, language: Language) -> str:
    """A plain text, or the entry of a language map that is nearest to the reader."""
    if isinstance(value, dict):
        words = value.get("languageMap", value)
        words = words if isinstance(words, dict) else {}
        chosen = {
            key.replace("-", "_"): text(word, language) for key, word in words.items() if key[:1] != "@"
        }
        return say({key: word for key, word in chosen.items() if word}, language)
    if isinstance(value, list):
        return text(value[0], language) if value else ""
    return "" if value is None else str(value)


def name(entity: Entity, language: Language) -> str:
    """What people call it; its id where it has no name."""
    if parts := _COMPOSED.get(kinds(entity)[0]):
        return " ".join(text(entity[part], language) for part in parts if part in entity) or str(entity["id"])
    attributes = (*_ENGLISH, *_NAMES) if language == "en" else _NAMES
    return next((said for key in attributes if (said := text(entity.get(key), language))), str(entity["id"]))


def reading(entity: Entity, language: Language) -> str:
    """How the name is read, in hiragana or, for readers of Korean, in Hangul; empty where unknown.

    Readers of English and Chinese are not helped by it.
    """
    if language not in ("ja", "ja_Hira", "ko"):
        return ""
    kana = next((said for key in _READINGS if (said := text(entity.get(key), "ja"))), "")
    return spoken(kana) if language == "ko" else kana.translate(_HIRAGANA)


def sort_key(entity: Entity) -> str:
    """As people look names up: by reading where it is known."""
    return reading(entity, "ja") or name(entity, "ja")


def address(entity: Entity, language: Language) -> str:
    """In one line, from a text or a schema.org PostalAddress."""
    for key in _ADDRESSES:
        value = entity.get(key)
        if isinstance(value, dict) and "languageMap" not in value:
            parts = ("addressRegion", "addressLocality", "addressTown", "streetAddress", "extendedAddress")
            return "".join(text(value[part], language) for part in parts if value.get(part))
        if said := text(value, language):
            return said
    return ""


def municipality(entity: Entity) -> str:
    """The 全国地方公共団体コード (six digits) that it or its id says; empty where neither does."""
    parts = str(entity["id"]).split(":")
    said = text(entity.get("地方公共団体コード"), "ja") or (parts[3] if len(parts) > 4 else "")
    try:
        return whole(said)
    except ValueError:
        return ""


def types(entity: Entity) -> list[str]:
    """Its types as the read door names them: short, or a URI where the city's @context has no name for it."""
    found = entity["type"]
    return [found] if isinstance(found, str) else list(found)


def kinds(entity: Entity) -> list[str]:
    """Its types, short whatever the @context knows."""
    return [short(type_) for type_ in types(entity)]


def moment(value: Any, language: Language) -> str:
    """An RFC 3339 text or an aware datetime, as people in Japan read the clock. Raises ValueError."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    try:
        local = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(JST)
    except OverflowError:  # the last evening of the year 9999: somebody's word for "never ends"
        return str(value)
    return _day(local.date(), language) + _TIME[language][1].format(local)


def whole_day(value: Any, language: Language) -> Markup:
    """A day that is no moment (`2026-11-21`, a date) as an element, as the language writes it. Raises ValueError."""
    one = value if isinstance(value, date) else date.fromisoformat(str(value))
    return Markup(f'<time datetime="{one.isoformat()}">{escape(_day(one, language))}</time>')  # noqa: S704  # escaped


def through(value: Any, language: Language) -> Markup:
    """The last day of what ends at this moment (RFC 3339): 00:00 is the end of the day before. Raises ValueError."""
    last = datetime.fromisoformat(str(value)).astimezone(JST) - timedelta(microseconds=1)
    return whole_day(last.date(), language)


@lru_cache(1_024)
def _day(day: date, language: Language) -> str:
    return format_date(day, _TIME[language][0], locale=_LOCALE[language])


def _time(value: Any, language: Language) -> Markup:
    """A moment as an element, so that programs know it too and no line breaks within it."""
    stamp = value.isoformat() if isinstance(value, datetime) else str(value)
    return Markup(f'<time datetime="{escape(stamp)}">{escape(moment(value, language))}</time>')  # noqa: S704  # escaped


def number(value: float, language: Language, decimals: int | None = None) -> str:
    """With the separators of the language; as it is written where it is beyond counting.

    `decimals`: exactly so many, for figures that are compared with each other; without it at most three.
    """
    if not abs(value) < _COUNTABLE:
        return str(value)
    said = f"{Decimal(str(value)):,.{3 if decimals is None else decimals}f}"
    if decimals is None:
        said = said.rstrip("0").removesuffix(".")
    return said.translate(_separators(language))


@lru_cache
def _separators(language: Language) -> dict[int, str]:
    """From Python's comma and point to those that people there write."""
    symbols = Locale.parse(_LOCALE[language]).number_symbols["latn"]
    return str.maketrans({",": symbols["group"], ".": symbols["decimal"]})


def distance(metres: float, language: Language) -> str:
    """`850 m`, `1.2 km`: as exact as it is useful."""
    if metres < 1000:
        return f"{number(round(metres, -1), language)} m"
    return f"{number(round(metres / 1000, 1), language)} km"


def decimals(values: Iterable[Any]) -> int:
    """How many the numbers among some values need to be told with as many each: at most three."""
    numbers = (one for one in values if isinstance(one, int | float) and not isinstance(one, bool))
    told = (number(one, "en") for one in numbers if abs(one) < _COUNTABLE)
    return max((len(one.partition(".")[2]) for one in told), default=0)


def link(entity: Entity | str) -> str:
    """The address of an entity's own page."""
    return "/entity/" + quote(entity if isinstance(entity, str) else str(entity["id"]), safe=":")


def anchor(entity: Entity) -> str:
    """Its place on a page: the id without what a URL's fragment or a selector would trip over."""
    return "e-" + re.sub(r"[^\w-]", "-", str(entity["id"]))


def foreign(said: str, language: Language) -> Markup:
    """The attribute that tells a screen reader to change its voice (WCAG 3.1.2): Japanese in another language.

    Kanji alone are no sign of Japanese on a Chinese page, and a Chinese voice reads them as its listeners know them.
    """
    letters = _KANA if language == "zh" else _JAPANESE
    elsewhere = language not in ("ja", "ja_Hira") and letters.search(said) is not None
    return Markup(' lang="ja"') if elsewhere else Markup()


def kind_link(type_: str) -> str:
    """The address of the list of all things of a kind."""
    return "/kind/" + quote(type_, safe=":")


def install(environment: Environment, language: Language, words: Words) -> None:
    """Make all of this known to templates as filters: `{{ toilet | name }}`."""
    filters: dict[str, Callable[..., Any]] = {
        "name": lambda entity: name(entity, language),
        "reading": lambda entity: reading(entity, language),
        "address": lambda entity: address(entity, language),
        "say": lambda value: text(value, language),
        "moment": lambda value: _time(value, language),
        "through": lambda value: through(value, language),
        "day": lambda value: whole_day(value, language),
        "number": lambda value, decimals=None: number(value, language, decimals),
        "distance": lambda value: distance(value, language),
        "kind": lambda value: words.kind(value, language),
        "one": lambda value: words.one(value, language),
        "attribute": lambda value: words.attribute(value, language),
        "unit": lambda value: words.unit(value, language),
        "icon": words.icon,
        "kinds": kinds,
        "point": point,
        "link": link,
        "kind_link": kind_link,
        "anchor": anchor,
        "foreign": lambda said: foreign(said, language),
    }
    environment.filters.update(filters)
