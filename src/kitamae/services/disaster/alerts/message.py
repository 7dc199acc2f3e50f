"""A message of whoever warns: what it is about, where, since when and until when; whatever format it came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

Status = Literal["actual", "exercise", "test"]
"""For real (通常), 訓練, 試験. Only what is for real may become an alert."""

Action = Literal["issue", "correction", "cancellation"]
"""発表, 訂正, 取消."""

IN_FORCE, LIFTED, WITHDRAWN = "発表中", "解除", "取消"
LOST = "途絶"
"""状態 of an Alert entity. The last: whoever raised it (a gauge) has said nothing for a day."""

ENDED = frozenset({"解除", "なし", "発表警報・注意報はなし", "取消", "海上警報なし"})
"""What a statement says of a kind that is not in force, or not any more."""


@dataclass(frozen=True, slots=True)
class Area:
    """A place in one of the code lists that messages use. `scheme`: the list, as the message names it ("": it does not)."""

    code: str
    name: str
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One kind of warning for one area. `layer`: of which partition of the country the area is.

    `state`: as the message has it (発表, 継続, 解除, ...; "": it only names the kind). `level`: 警戒レベル, None where there is none.
    """

    kind: str
    code: str
    state: str
    level: int | None
    area: Area
    layer: str

    @property
    def in_force(self) -> bool:
        """Whether it says that the kind is in force."""
        return bool(self.kind) and not ENDED & {self.state, self.kind} and not self.kind.endswith("解除")


@dataclass(frozen=True, slots=True)
class Message:
    """Times in UTC. `bulletin`: which product it is; `series`: what a later message of the same event carries too ("": nothing);
    `refers`: numbers of all the earlier messages that it names; `reach`: municipalities that what it warns of would reach.
    """

    format: Literal["jma", "cap"]
    bulletin: str
    title: str
    office: str
    status: Status
    action: Action
    series: str
    serial: str
    sent: datetime
    reported: datetime
    target: datetime | None
    valid_until: datetime | None
    headline: str
    statements: tuple[Statement, ...]
    refers: tuple[str, ...] = ()
    reach: tuple[Area, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """By what a later message may call this one, beside its series. A serial of 気象庁 counts within its series only."""
        return (self.serial,) if self.format == "cap" else ()

    @property
    def in_force(self) -> tuple[Statement, ...]:
        """Nothing that a cancellation names."""
        return () if self.action == "cancellation" else tuple(one for one in self.statements if one.in_force)

    @property
    def level(self) -> int | None:
        """The highest 警戒レベル that it puts into force."""
        return max((one.level for one in self.in_force if one.level is not None), default=None)

    def as_json(self) -> dict[str, Any]:
        """A line of `kitamae import --dry-run --json`."""
        alerts = self.in_force
        return {
            "title": self.title,
            "bulletin": self.bulletin,
            "office": self.office,
            "status": self.status,
            "action": self.action,
            "kind": list(dict.fromkeys(one.kind for one in alerts)),
            "level": self.level,
            "areas": [
                {"code": area.code, "name": area.name}
                for area in dict.fromkeys(Area(one.area.code, one.area.name) for one in alerts)
            ],
            "times": {
                name: None if at is None else at.isoformat().replace("+00:00", "Z")
                for name, at in (
                    ("sent", self.sent),
                    ("reported", self.reported),
                    ("target", self.target),
                    ("until", self.valid_until),
                )
            },
            "alerts": [
                {
                    "kind": one.kind,
                    "code": one.code,
                    "state": one.state,
                    "level": one.level,
                    "area": one.area.code,
                    "name": one.area.name,
                    "layer": one.layer,
                }
                for one in self.statements
            ],
        }
