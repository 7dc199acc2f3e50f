"""What somebody with a link sends: from a form, or later from a phone's queue as JSON."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.observed import Outcome

_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_MEMBERS: Final = {"id", "at", "entity", "values", "position"}


@dataclass(frozen=True, slots=True)
class Sent:
    """`id`: the phone's own number for this update, by which a repetition is known. `at`: its time, microseconds UTC; None: now.

    `position`: longitude and latitude in degrees (WGS84), where the phone knows them.
    """

    id: str
    values: Mapping[str, Any]
    entity: str = ""
    at: int | None = None
    position: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise BadRequest(
                f"id: expected the update's own number, 8 to 64 letters and digits, got {self.id!r:.60}"
            )

    @classmethod
    def read(cls, told: object) -> Sent:
        """From JSON: {id, at, entity?, values, position?: [longitude, latitude]}. Raises BadRequest."""
        if not isinstance(told, dict) or told.keys() - _MEMBERS or not isinstance(told.get("values"), dict):
            raise BadRequest(f"an update is an object with {', '.join(sorted(_MEMBERS))}")
        id, entity = told.get("id"), told.get("entity", "")
        if not isinstance(id, str) or not isinstance(entity, str):
            raise BadRequest("id and entity: texts are expected")
        at = clock.micros(told["at"], "at") if "at" in told else None
        return cls(id, told["values"], entity, at, place(told.get("position")))

    @property
    def digest(self) -> str:
        """Of all that it says: a repetition has the same."""
        said = [self.entity, self.at, dict(self.values)]
        try:
            return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
        except TypeError as error:
            raise BadRequest(f"values: {error}") from error


def place(told: object) -> tuple[float, float] | None:
    """`[longitude, latitude]`, or nothing. Raises BadRequest."""
    if told is None:
        return None
    if not (
        isinstance(told, list)
        and len(told) == 2
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in told)
        and -180 <= told[0] <= 180
        and -90 <= told[1] <= 90
    ):
        raise BadRequest(f"position: expected longitude and latitude in degrees, got {told!r:.60}")
    return float(told[0]), float(told[1])


@dataclass(frozen=True, slots=True)
class Done:
    """`now`: what the city knows of those attributes after it, with the time of each: where it is late, what is newer."""

    entity: str
    outcome: Outcome
    again: bool = False
    now: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
