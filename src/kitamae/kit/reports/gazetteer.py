"""The city's own names of places in every form in which people write them: what a report is located by.

Each name gives forms: as written; without what everybody leaves out (加賀市立, 旧, 町); with the short words for schools; in kana as it sounds
(づ and ず, おう and おお are one, and so are は, ば and ぱ); in Latin letters. A form knows how sure one may be who reads it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.lexicon import japanese
from kitamae.sdk.reading import fold, latin, reading
from kitamae.sdk.sphere import metres

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SPREAD: Final[Mapping[str, int]] = {"HotSpring": 800, "Hub": 1_000, "Town": 500, "RiverGauge": 2_000}
"""Metres around its point within which a thing of that type lies; of the others `_SPREAD`. Our own estimate: no source draws their outlines."""
_SPREAD: Final = 150

_SAME: Final = str.maketrans("冨嶋嶌澤邊邉濱廣學國會櫻龍瀧槇曾", "富島島沢辺辺浜広学国会桜竜滝槙曽")
_CHOME: Final = re.compile(r"([一二三四五六七八九十])(?=丁目)")
_NUMBERS: Final = {one: str(n) for n, one in enumerate("一二三四五六七八九", 1)} | {"十": "10"}
_BRACKETS: Final = re.compile(r"（([^（）]*)）|\(([^()]*)\)")
_OWNERS: Final = ("市立", "県立", "町立", "村立")
_SHORT: Final = (
    ("小学校", "小"), ("中学校", "中"), ("高等学校", "高校"), ("高等学校", "高"), ("老人福祉センター", "老人センター"),
    ("地区会館", "会館"), ("運動場", "グラウンド"), ("小学校運動場", "小グラウンド"), ("中学校運動場", "中グラウンド"), ("駐車場", ""),
)  # fmt: skip
"""What people say for it."""
_ENDINGS: Final = (("温泉", "おんせん"), ("町", "まち"), ("町", "ちょう"))
_MIXED: Final = (
    ("まち", "町"), ("ちょう", "町"), ("おんせん", "温泉"), ("しょうがっこう", "小学校"), ("しょうがっこう", "小"), ("ちゅうがっこう", "中学校"),
    ("ちゅうがっこう", "中"), ("こうとうがっこう", "高校"), ("こうえん", "公園"), ("ちょうめ", "丁目"), ("かいかん", "会館"), ("ひろば", "広場"),
)  # fmt: skip
_FAR: Final = 5_000.0
SHORTEST: Final = 3
"""Kana of a name at least; so short a one is believed only where nothing else is named (`locate`)."""
_VOICED: Final = str.maketrans(
    "がぎぐげござじずぜぞだぢづでどばびぶべぼぱぴぷぺぽぁぃぅぇぉゃゅょっゎを",
    "かきくけこさしすせそたしすてとはひふへほはひふへほあいうえおやゆよつわお",
)
_LONG: Final = re.compile(r"(?<=[おこそとのほもよろ])[うお]|(?<=[うくすつぬふむゆる])う|ー")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place of the gazetteer: WGS84 degrees; `spread` in metres. `area`: the larger place that stands before its name (大聖寺)."""

    id: str
    kind: str
    name: str
    longitude: float
    latitude: float
    spread: int = _SPREAD
    area: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write `spot`; `sure` from 0 to 1: how likely it is meant where it is read."""

    spot: Spot
    sure: float


class Gazetteer:
    """Made once from the city's things; `written`, `heard` and `latin`: form -> whose it is."""

    def __init__(
        self,
        things: Iterable[Mapping[str, Any]],
        lexicon: Mapping[str, str],
        within: Sequence[str] = (),
    ) -> None:
        """`things` as the read door gives them; `within`: the city's and the prefecture's name, which people leave out."""
        self.written: dict[str, dict[str, Form]] = {}
        self.heard: dict[str, dict[str, Form]] = {}
        self.latin: dict[str, dict[str, Form]] = {}
        self.spots: dict[str, Spot] = {}
        found = [one for one in map(_spot, things) if one is not None]
        areas = {one.name: fold(kana) for one, kana in found if one.kind in ("Hub", "HotSpring")}
        for bare, kana in found:
            spot = replace(bare, area=_area(bare, areas))
            self.spots[spot.id] = spot
            said = fold(kana) or reading(spot.name, lexicon)
            for form, sure in _written(spot, within, areas):
                _add(self.written, form, Form(spot, sure))
                if not kana and (own := reading(form, lexicon)):
                    self._heard(spot, own, sure * 0.9)
            if said:
                self._heard(spot, said, 0.9 if len(said) > 4 else 0.5)
                for name, area in areas.items():
                    if spot.kind == "Town" and spot.name.startswith(name) and area and said.startswith(area):
                        self._heard(spot, said.removeprefix(area), 0.55)
        self.longest = max(map(len, (*self.written, *self.heard, *self.latin)), default=0)

    def _heard(self, spot: Spot, said: str, sure: float) -> None:
        """A reading, with and without its ending, and with the ending in kanji, as whoever cannot write the rest does (うだに町)."""
        for kana, less in _shorter(said):
            form = Form(spot, round(sure * less, 3))
            heard = sound(kana)
            if len(fold(kana)) >= SHORTEST and not re.search(r"[^ぁ-ゖ0-9]", heard):
                _add(self.heard, heard, form)
            if len(word := latin(kana)) >= 5 and word.isascii() and word.isalpha():
                _add(self.latin, word, form)
        for ending, kanji in _MIXED:
            if said.endswith(ending) and len(said) > len(ending) + 1:
                _add(self.written, said.removesuffix(ending) + kanji, Form(spot, round(sure * 0.95, 3)))


def nearest(gazetteer: Gazetteer, place: tuple[float, float]) -> Spot | None:
    """What a place of the map is called by: the town whose point is nearest, within five kilometres."""
    towns = [one for one in gazetteer.spots.values() if one.kind == "Town"]
    found = min(towns, key=lambda one: metres(place, (one.longitude, one.latitude)), default=None)
    near = found is not None and metres(place, (found.longitude, found.latitude)) <= _FAR
    return found if near else None


def plain(text: str) -> str:
    """A text as forms are written: NFKC, without spaces and dots, in hiragana, old characters as new ones, 一丁目 as 1丁目."""
    told = fold(text).translate(_SAME)
    return _CHOME.sub(lambda match: _NUMBERS[match[1]], told)


def sound(kana: str) -> str:
    """How kana sound to somebody who is not sure how they are written. Of the same length only by chance."""
    return _LONG.sub("", fold(kana).translate(_VOICED))


def _spot(thing: Mapping[str, Any]) -> tuple[Spot, str] | None:
    """With its reading; None for what has no name, or lies at no point."""
    at = thing.get("location")
    name = japanese(thing.get("名称"))
    if not name or not isinstance(at, dict) or at.get("type") != "Point":
        return None
    longitude, latitude = at["coordinates"][:2]
    kind = thing["type"] if isinstance(thing["type"], str) else thing["type"][0]
    spot = Spot(str(thing["id"]), kind, name, longitude, latitude, SPREAD.get(kind, _SPREAD))
    return spot, unicodedata.normalize("NFKC", japanese(thing.get("名称_カナ")))


def _written(spot: Spot, within: Sequence[str], areas: Iterable[str]) -> Iterator[tuple[str, float]]:
    """(form, how sure)"""
    whole = _BRACKETS.sub("", spot.name)
    names = [whole, *(inner for pair in _BRACKETS.findall(spot.name) for inner in pair if inner)]
    if spot.kind == "RiverGauge":
        names = names[:1]  # a gauge's brackets say at which town or bridge; the town has its own entry
    for name in names:
        bare = name.removeprefix("旧")
        for place in within:
            for owner in (*(f"{place}{one[-1]}" for one in _OWNERS), place):
                bare = bare.removeprefix(owner) if len(bare) > len(owner) + 1 else bare
        for form, sure in ((name, 1.0), (bare, 1.0 if len(bare) > 2 else 0.8)):
            yield form, sure
            for long, short in _SHORT:
                if form.endswith(long) and len(form) > len(long) + 1:
                    yield form.removesuffix(long) + short, sure * 0.9
            yield from _without(form, areas, spot.kind)


def _without(form: str, areas: Iterable[str], kind: str) -> Iterator[tuple[str, float]]:
    """Without 町 and 温泉, and without the larger place that stands before it, which others of that name have too."""
    for ending, _ in _ENDINGS[:2]:
        if kind in ("Town", "HotSpring") and form.endswith(ending) and len(form) > len(ending) + 1:
            yield form.removesuffix(ending), 0.8
    if kind != "Town":
        return
    block = re.sub(r"[一二三四五六七八九十]+丁目$", "", form)
    if block != form:
        yield block, 0.7
    for area in areas:
        for inner in {form, block}:
            if inner.startswith(area) and len(inner) > len(area) + 1 and inner != f"{area}温泉":
                short = inner.removeprefix(area)
                yield short, 0.6
                if short.endswith("町") and len(short) > 2:
                    yield short.removesuffix("町"), 0.5


def _shorter(said: str) -> Iterator[tuple[str, float]]:
    """(kana, how much less sure)"""
    yield said, 1.0
    for _, ending in _ENDINGS:
        if said.endswith(ending) and len(said) - len(ending) >= SHORTEST:
            yield said.removesuffix(ending), 0.8
    if said.endswith("しょうがっこう"):
        yield said.removesuffix("しょうがっこう") + "しょう", 0.8


def _area(spot: Spot, areas: Mapping[str, str]) -> str:
    """大聖寺 of 大聖寺南町, 山中 of 山中温泉菅谷町; "" where none stands before it."""
    own = spot.name.removesuffix("温泉")  # 山代温泉 does not lie in 山代: it is that
    found = [
        one
        for one in areas
        if spot.kind == "Town" and spot.name.startswith(one) and own not in (one, one.removesuffix("温泉"))
    ]
    return max(found, key=len).removesuffix("温泉") if found else ""


def _add(forms: dict[str, dict[str, Form]], text: str, form: Form) -> None:
    key = plain(text)
    if len(key) < 2:
        return
    there = forms.setdefault(key, {})
    if form.spot.id not in there or there[form.spot.id].sure < form.sure:
        there[form.spot.id] = form
