"""What is kept of a report outside the vault: when it came, what it is about, where that is to a hundred metres, and what became of it. No word of its sender.

`report`       by number
`report-code`  by the digest of the code in the sender's link: {number, mark}: `mark` a keyed one of all that the form said
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import mynumber
from kitamae.kernel.people.duties.records import Leaf, log
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.kit.reports.likeness import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.store import Reader, Store, Transaction
    from kitamae.kernel.people.vault import Asked, Vault

KIND: Final = "report"
CODE: Final = "report-code"
PURPOSE: Final = "reports"
"""Which a city declares that takes reports: its retention, its papers, whose duty it is."""
CLASS_FIELDS: Final = ("event", "at", "text", "where", "longitude", "latitude", "photo")
"""What that purpose must declare."""
LONGEST: Final = 1_000
"""Letters of what somebody writes."""
OPEN: Final = ("new", "seen")
_BREAKS: Final = re.compile(r"\r\n|[\r\u2028\u2029]")
GRID: Final = 3
"""Decimals of a degree to which a place is kept outside the vault: about a hundred metres."""

State = Literal["new", "seen", "joined", "closed", "taken-back"]
By = Literal["text", "sender"]


class Place(TypedDict):
    """`name`: of the gazetteer; where the sender pointed at it (`spot` ""), of the town that is nearest; `by`: who says so; `spread` in metres; `sure` from 0 to 1."""

    spot: str
    name: str
    longitude: float
    latitude: float
    spread: int
    sure: float
    by: By


class Report(TypedDict):
    """`ref`: whose records of the vault are the rest. `at`: RFC 3339 UTC. `like`: numbers that it is probably one with, and how probably.
    `joined`: the number of the report that it is the same as; `followers`: of those that are the same as it. `code`: the digest of the sender's code. `upto`: of the key that goes with
    what was taken back, until it is gone.
    """

    ref: str
    at: str
    state: State
    kinds: list[str]
    rank: int
    places: list[Place]
    photo: bool
    answered: bool
    signature: list[int]
    like: list[tuple[str, float]]
    joined: str
    followers: list[str]
    code: str
    upto: int
    steps: list[Leaf]


@dataclass(frozen=True, slots=True)
class Told:
    """What was said with a step, in plain text."""

    event: str
    fields: Mapping[str, Any]


def trace(report: Report) -> Trace:
    """What is compared."""
    place = report["places"][0] if report["places"] else None
    at = (place["longitude"], place["latitude"]) if place else None
    return Trace(
        *(tuple(report["kinds"]), clock.micros(report["at"]), at, place["spread"] if place else 0),
        *(report["signature"], place["spot"] if place else ""),
    )


async def one(store: Reader, number: str) -> Report:
    """Raises NotFound."""
    found = cast("Report | None", await store.get(TENANT, KIND, number))
    if found is None:
        raise NotFound(f"there is no report {number!r:.40}")
    return found


async def every(store: Store) -> dict[str, Report]:
    """By number, the oldest first."""
    return {number: cast("Report", doc) for _, number, doc in await store.documents(TENANT, KIND)}


async def told(vault: Vault, asked: Asked) -> list[Told]:
    """What was said with each step, in order. Raises as `Vault.read`."""
    wanted = ("event", "at", *asked.fields) if asked.fields else ()
    found = await vault.read(replace(asked, fields=wanted))
    said = [Told(str(one.fields["event"]), one.fields) for one in found]
    return sorted(said, key=lambda one: str(one.fields.get("at", "")))


def kind(number: str) -> str:
    """The kind of the vault's records of one report."""
    return f"report:{number}"


def plain(field: str, text: str, least: int, most: int) -> str:
    """Trimmed, every space and tab one plain space, without joiners and marks that nobody sees, without a My Number.

    Raises BadRequest, also for control characters; HoldsMyNumber.
    """
    kinds = [(one, unicodedata.category(one)) for one in _BREAKS.sub("\n", text).replace("\t", " ")]
    said = "".join(" " if kind == "Zs" else one for one, kind in kinds if kind != "Cf").strip()
    if not least <= len(said) <= most:
        raise BadRequest(f"{field}: expected {least} to {most} characters")
    if any(kind in ("Cc", "Cs", "Co") and one != "\n" for one, kind in kinds):
        raise BadRequest(f"{field}: something in it is no text: write it anew")
    mynumber.demand_none({field: said})
    return said


async def step(tx: Transaction, number: str, report: Report, event: str, by: str, at: str) -> None:
    """Keep it after a step, with the step's leaf in the ledger. What was said is not in the leaf."""
    told = {"event": event, "report": number, "by": by, "at": at}
    await tx.put(TENANT, KIND, number, {**report, "steps": [*report["steps"], await log(tx, told)]})


async def part(tx: Transaction, number: str, report: Report) -> None:
    """It is not the same as what it was joined to."""
    if report["joined"]:
        other = await one(tx, report["joined"])
        left = [follower for follower in other["followers"] if follower != number]
        await tx.put(TENANT, KIND, report["joined"], {**other, "followers": left})


def demand_open(report: Report) -> None:
    """Raises Conflict."""
    if report["state"] == "taken-back":
        raise Conflict("its sender took this report back")
