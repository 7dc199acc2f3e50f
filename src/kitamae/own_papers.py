"""Privacy impact assessments of what no service holds: the city's own purposes (`[[papers]]` in city.toml), and the platform's.

In the register they stand as `city-<id>`, which no service can be called. The platform's text comes with the program
(`pia/platform.md`); a city that has `[[papers]]` with the id `platform` puts its own in the place of it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.people import platform_purposes
from kitamae.kernel.people.policy.facts import MANDATES
from kitamae.kernel.registers.assessments import PLATFORM, Paper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.people.vault import Purpose
    from kitamae.sdk.city import Assessed, City, Held

HERE: Final = Path(__file__).parent
_TEXT: Final = "pia/platform.md"
_UNTIL: Final = dt.date(2027, 11, 30)
_NAME: Final = {
    "ja": "都市OSそのもの",
    "ja_Hira": "まちの しくみ そのもの",
    "en": "The platform itself",
    "zh": "城市操作系统本身",
    "ko": "도시 운영체제 자체",
}


def of_purposes(profile: City | None) -> dict[str, str]:
    """Purpose -> the id of the entry on which it rests. A purpose of the city that names no papers rests on those with its name."""
    platform = {one.name: _entry(PLATFORM) for one in platform_purposes.ALL} | {MANDATES: _entry(PLATFORM)}
    own = {one.purpose: _entry(one.papers or one.purpose) for one in profile.personal} if profile else {}
    return platform | own


def of(profile: City | None) -> list[Paper]:
    """The platform's, and the city's; with an empty text where a purpose rests on papers that nobody wrote."""
    held: dict[str, list[Held]] = {}
    for one in profile.personal if profile else ():
        held.setdefault(of_purposes(profile)[one.purpose], []).append(one)
    written = {_entry(one.id): one for one in profile.papers} if profile else {}
    platform = _entry(PLATFORM)
    return [
        _platform(written.get(platform), profile),
        *(
            _city(id, held.get(id, []), written.get(id), profile)
            for id in {**written, **held}
            if id != platform
        ),
    ]


def _platform(own: Assessed | None, profile: City | None) -> Paper:
    """What another release changes makes it due, and it lapses after thirty days: an upgrade never stops the town hall at once."""
    about = digest(sorted((_told(one) for one in platform_purposes.ALL), key=lambda one: str(one["name"])))
    made = Paper(
        _entry(PLATFORM), _NAME, text(HERE, _TEXT), digest("persons"), about, _UNTIL, origin=PLATFORM
    )
    return _worded(made, own, profile)


def _city(id: str, held: Sequence[Held], own: Assessed | None, profile: City | None) -> Paper:
    """What the city changes in what it holds makes it lapse at once, as with a service's `personal`."""
    left_out = {"title", "use", "by", "file", "papers"}  # a mended translation makes nothing due
    about = digest([one.model_dump(mode="json", exclude=left_out) for one in held])
    name: dict[str, str] = dict(held[0].title.items()) if held and held[0].title else {"ja": id}
    return _worded(Paper(id, name, "", about, about, origin="city"), own, profile)


def _worded(made: Paper, own: Assessed | None, profile: City | None) -> Paper:
    if own is None or profile is None:
        return made
    said = text(profile.folder, own.pia)
    return replace(made, name=dict(own.name.items()), text=said, renew_by=own.pia_until)


def text(folder: Path, name: str) -> str:
    """An assessment as it lies in that folder; "" where it is not there, or elsewhere."""
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve())
    return path.read_text("utf-8") if inside and path.is_file() else ""


def digest(told: Any) -> str:
    """Of what an assessment rests on: SHA-256, hexadecimal, over its JSON with names in order."""
    return sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _entry(id: str) -> str:
    return f"city-{id}"


def _told(one: Purpose) -> dict[str, Any]:
    """Without its words."""
    plain = {
        "name": one.name,
        "basis": one.basis,
        "days": one.days,
        "law": one.law,
        "receipts": one.receipt_days,
    }
    return plain | {"fields": sorted(one.fields), "also": sorted(one.also)}
