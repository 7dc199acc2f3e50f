"""What is to be told to whoever asked for such: written in the transaction of what it tells, so that none is forgotten and none invented.

`announcement` by number:     `Announcement`, kept three years
`announcement-due` by number: `Due`, until everybody was told

What belongs together and comes within moments (a message of 気象庁 raises several alerts, a town hall opens ten shelters) is one announcement
as long as nobody was told of it. Nothing here is about a person.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.ended import MARK
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.store import Reader, Store, Transaction

KIND: Final = "announcement"
DUE: Final = "announcement-due"
OPEN: Final = "announcement-open"
"""By kind: the number of the announcement that still takes in what comes."""
DAYS: Final = 3 * 365
SECOND: Final = 1_000_000
USE: Final = 6 * 3_600 * SECOND
"""After so long it is of no use any more, and nobody is told: an order that is in force stands on the page."""

About = Literal["orders", "alerts", "shelters"]
State = Literal["waiting", "done", "late", "restored"]
GATHERS: Final[Mapping[About, int]] = {"orders": 0, "alerts": 5 * SECOND, "shelters": 60 * SECOND}
"""How long more of the kind is waited for. An order goes at once."""
_MOST: Final = 200
"""Items of one announcement."""


class Item(TypedDict):
    """`what`: issued, lifted, withdrawn (an order), raised, ended (an alert), opened (a shelter). `level`: 警戒レベル, or as what it counts
    (`watch.weight`), 0 for a shelter. `stated`: whether that level is its own. `name`: in Japanese. `places`: ids of the districts that it is
    about, with their names; none: the whole city.
    """

    what: str
    level: int
    stated: bool
    name: str
    places: dict[str, str]


def standing(items: Sequence[Item]) -> list[Item]:
    """Of alerts those that were raised, without what ended after it: what one announcement gathers may have begun and ended in it."""
    return [
        one
        for n, one in enumerate(items)
        if one["what"] == "raised"
        and not any(later["what"] == "ended" and later["name"] == one["name"] for later in items[n + 1 :])
    ]


class Announcement(TypedDict):
    """`at`: when it was written, `done`: when the last one was told, "" before. `ref`: the number of the order. `rehearsal`: nobody is told.
    `counts`: channel -> what became of it (`sent`, `gone`, `refused`, `unsure`, `failed`, `again`, `rehearsed`) -> how many. `restore`: into which state it was
    written (`ended.MARK`).
    """

    kind: About
    items: list[Item]
    ref: str
    at: str
    done: str
    rehearsal: bool
    state: State
    counts: dict[str, dict[str, int]]
    restore: str


class Due(TypedDict):
    """`next`: not before, microseconds UTC. `channel`, `bucket`, `after`: how far it has got; `begun`: ids that are being told."""

    next: int
    channel: int
    bucket: int
    after: str
    begun: list[str]


async def owe(
    tx: Transaction, kind: About, items: Sequence[Item], now: int, *, ref: str = "", rehearsal: bool = False
) -> str:
    """The number of the announcement that tells it; it commits with what it tells. `now`: microseconds UTC."""
    if GATHERS[kind] and not rehearsal and (joined := await _joined(tx, kind, items, now)):
        return joined
    number = secrets.token_hex(8)
    made = Announcement(
        kind=kind, items=list(items), ref=ref, at=clock.text(now), done="", rehearsal=rehearsal, state="waiting",
        counts={}, restore=await restore(tx),
    )  # fmt: skip
    await tx.put(TENANT, KIND, number, dict(made))
    due = Due(next=now + GATHERS[kind], channel=0, bucket=0, after="", begun=[])
    await tx.put(TENANT, DUE, number, dict(due))
    if GATHERS[kind]:
        await tx.put(TENANT, OPEN, kind, number)
    return number


async def _joined(tx: Transaction, kind: About, items: Sequence[Item], now: int) -> str:
    number = cast("str", await tx.get(TENANT, OPEN, kind) or "")
    there, waits = await one(tx, number), await due(tx, number)
    if there is None or waits is None or waits["next"] <= now or waits["channel"] or waits["begun"]:
        return ""
    news = [item for item in items if item not in there["items"]]
    if len(there["items"]) + len(news) > _MOST:
        return ""
    await tx.put(TENANT, KIND, number, {**there, "items": [*there["items"], *news]})
    return number


async def closed(tx: Transaction, number: str) -> tuple[Announcement, Due] | None:
    """To be told as it is now, for nothing joins it any more. None: everybody was told."""
    told, waits = await one(tx, number), await due(tx, number)
    if told is None or waits is None:
        return None
    if await tx.get(TENANT, OPEN, told["kind"]) == number:
        await tx.drop(TENANT, OPEN, told["kind"])
    return told, waits


async def restore(store: Reader) -> str:
    """A name of the last restore; "" where there was none."""
    mark = cast("Any", await store.get(TENANT, *MARK)) or {}
    return str(mark.get("restore", ""))


async def one(store: Reader, number: str) -> Announcement | None:
    """None: there is none of that number."""
    return cast("Announcement | None", await store.get(TENANT, KIND, number))


async def due(store: Reader, number: str) -> Due | None:
    """None: everybody was told."""
    return cast("Due | None", await store.get(TENANT, DUE, number))


async def all_due(store: Store) -> dict[str, Due]:
    """What is still to be told, by number."""
    return {number: cast("Due", doc) for _, number, doc in await store.documents(TENANT, DUE)}


async def every(store: Store) -> list[tuple[str, Announcement]]:
    """Newest first."""
    found = [(number, cast("Announcement", doc)) for _, number, doc in await store.documents(TENANT, KIND)]
    return sorted(found, key=lambda one: one[1]["at"], reverse=True)


async def count(tx: Transaction, number: str, channel: str, became: Mapping[str, int]) -> None:
    """So many more of that channel; below zero: fewer."""
    there = await one(tx, number)
    if there is None:
        return
    counts = {name: dict(told) for name, told in there["counts"].items()}
    told = counts.setdefault(channel, {})
    for outcome, more in became.items():
        told[outcome] = told.get(outcome, 0) + more
    counts[channel] = {outcome: count for outcome, count in told.items() if count}
    await tx.put(TENANT, KIND, number, {**there, "counts": counts})


async def over(tx: Transaction, number: str, state: State, now: int) -> None:
    """Nobody is to be told any more."""
    there = await one(tx, number)
    await tx.drop(TENANT, DUE, number)
    if there is not None:
        await tx.put(TENANT, KIND, number, {**there, "state": state, "done": clock.text(now)})
