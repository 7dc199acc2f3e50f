"""What is asked of somebody who cannot flee alone: what 災害対策基本法 第49条の10第2項 names, and who helps; a form and a row of a file say it alike."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from kitamae.kernel import days
from kitamae.kernel.people import mynumber
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

TEXTS: Final = {"name": 60, "kana": 60, "address": 120, "support": 100, "helper": 60}
"""Field -> letters at most."""
PHONES: Final = ("phone", "helper_phone")
FIELDS: Final = ("number", *TEXTS, *PHONES, "birth_date", "gender", "town", "needs", "agreed", "account")
SHOWN: Final = (
    "name", "kana", "town", "address", "phone", "needs", "support", "helper", "helper_phone",
)  # fmt: skip
"""What a helper sees: no day of birth, no sex."""
_GENDERS: Final = {"": "", "1": "1", "2": "2", "男": "1", "女": "2", "男性": "1", "女性": "2"}
_NUMBER: Final = re.compile(r"[0-9A-Za-z-]{1,20}")
_PHONE: Final = re.compile(r"\+?[0-9][0-9() -]{5,18}")


class Wrong(BadRequest):
    """One field that is not what it must be. `expected`: one word, which pages say in the reader's language; `value` "" where it is not shown."""

    def __init__(self, *, field: str, value: str, expected: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {value!r:.60}")
        self.field, self.value, self.expected = field, value[:60], expected


@dataclass(frozen=True, slots=True)
class Known:
    """`needs`: which there are; `towns`: of each district its id, by its name and by its id; `today`: the city's day."""

    needs: Collection[str]
    towns: Mapping[str, str]
    today: date


@dataclass(frozen=True, slots=True)
class Told:
    """`number`: the list's own; `town`: the district's id; `birth_date`, `agreed`: ISO 8601 or ""; `gender`: "1", "2" or ""; `account`:
    the person's own reference on My page, or "". All but number, name, town and address may be empty.
    """

    number: str
    name: str
    kana: str
    birth_date: str
    gender: str
    town: str
    address: str
    phone: str
    needs: tuple[str, ...]
    support: str
    helper: str
    helper_phone: str
    agreed: str
    account: str

    @classmethod
    def read(cls, told: Mapping[str, str], needs: Collection[str], known: Known) -> Told:
        """Raises Wrong."""
        said = {name: plain(told.get(name, "")) for name in FIELDS}
        for name in FIELDS:
            try:
                mynumber.demand_none({name: said[name]})
            except mynumber.HoldsMyNumber:
                raise Wrong(field=name, value="", expected="no-my-number") from None
        for name in ("number", "name", "town", "address"):
            if not said[name]:
                raise Wrong(field=name, value="", expected="filled")
        if not _NUMBER.fullmatch(said["number"]):
            raise Wrong(field="number", value=said["number"], expected="number")
        for name, most in TEXTS.items():
            if len(said[name]) > most or not said[name].isprintable():
                raise Wrong(field=name, value=said[name], expected="shorter")
        for name in PHONES:
            if said[name] and not _PHONE.fullmatch(said[name]):
                raise Wrong(field=name, value=said[name], expected="phone")
        if said["gender"] not in _GENDERS:
            raise Wrong(field="gender", value=said["gender"], expected="gender")
        if said["town"] not in known.towns:
            raise Wrong(field="town", value=said["town"], expected="town")
        if unknown := sorted({plain(one) for one in needs} - set(known.needs)):
            raise Wrong(field="needs", value=unknown[0], expected="needs")
        said["town"], said["gender"] = known.towns[said["town"]], _GENDERS[said["gender"]]
        for name in ("birth_date", "agreed"):
            said[name] = day(name, said[name], known.today) if said[name] else ""
        kept = {name: said[name] for name in FIELDS if name != "needs"}
        return cls(needs=tuple(one for one in known.needs if one in {plain(two) for two in needs}), **kept)

    def fields(self) -> dict[str, object]:
        """As the vault keeps it."""
        names = ("name", "kana", "birth_date", "gender", "town", "address", "phone", "support", "helper", "helper_phone")  # fmt: skip
        return {
            "number": self.number,
            **{one: getattr(self, one) for one in names},
            "needs": list(self.needs),
        }


def day(name: str, text: str, today: date) -> str:
    """ISO 8601, not after today. Raises Wrong."""
    try:
        read = days.read(name, text)
    except BadRequest:
        raise Wrong(field=name, value=text, expected="day") from None
    if not days.OLDEST <= read <= today:
        raise Wrong(field=name, value=text, expected="past-day")
    return read.isoformat()


def plain(text: str) -> str:
    """As it is kept: NFKC, one space between words."""
    return " ".join(unicodedata.normalize("NFKC", text).split())
