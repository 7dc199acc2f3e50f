"""What the city keeps of the feeds that it follows, as documents.

`feed`           by its name:       {marks, long_marks, asked, answered, news, behind, why}
`feed-wanted`    by the entry's id: {feed, href, title, office, updated, tries, next}         to be fetched
`feed-taken`     by the entry's id: {at}                                                      never fetched again
`feed-refused`   by the entry's id: {feed, href, title, office, updated, at, reason, why, content}
`feed-heard`     by the format:     what its service notes of messages that came
`feed-hub`       by the feed's name: see `hub.py`

Times are RFC 3339 in UTC. What is wanted and what is refused is nothing that was lost: it is fetched, or read again when the
city's profile says more.
"""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.kernel.context import clock
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kit.feeds.atom import Entry

FEED: Final = "feed"
WANTED: Final = "feed-wanted"
TAKEN: Final = "feed-taken"
REFUSED: Final = "feed-refused"
HEARD: Final = "feed-heard"

Reason = Literal["area", "form", "gone"]
"""It names no area that the city's profile knows; it cannot be read; it is not to be had."""

MOST_REFUSED: Final = 200
MOST_KEPT: Final = 2_000_000
"""Bytes of a message that is kept because it was refused."""


async def want(tx: Transaction, feed: str, entries: Iterable[Entry], now: int) -> int:
    """Those that are not known yet are to be fetched; how many."""
    count = 0
    for one in entries:
        if await known(tx, one.id):
            continue
        doc = {
            "feed": feed, "href": one.href, "title": one.title, "office": one.office,
            "updated": one.updated.isoformat().replace("+00:00", "Z") if one.updated else "",
            "tries": 0, "next": clock.text(now),
        }  # fmt: skip
        await tx.put(TENANT, WANTED, one.id, doc)
        count += 1
    return count


async def wish(tx: Transaction, id: str, doc: dict[str, Any], now: int) -> None:
    """What was not to be had is to be fetched again. `doc`: as it was refused."""
    if await tx.drop(TENANT, REFUSED, id):
        again = {name: doc[name] for name in ("feed", "href", "title", "office", "updated")}
        await tx.put(TENANT, WANTED, id, {**again, "tries": 0, "next": clock.text(now)})


async def known(tx: Transaction, id: str) -> bool:
    """Whether an entry was heard of before."""
    for kind in (TAKEN, WANTED, REFUSED):
        if await tx.get(TENANT, kind, id) is not None:
            return True
    return False


async def take(tx: Transaction, id: str, now: int) -> None:
    """It is done with."""
    await tx.drop(TENANT, WANTED, id)
    await tx.drop(TENANT, REFUSED, id)
    await tx.put(TENANT, TAKEN, id, {"at": clock.text(now)})


async def hear(tx: Transaction, format: str, news: Mapping[str, str | None]) -> None:
    """Notes of messages that came, from whoever heard them: of two the later one counts; None: forgotten."""
    before = await tx.get(TENANT, HEARD, format) or {}
    after = {**before, **{key: max(at, before.get(key, "")) for key, at in news.items() if at is not None}}
    for key in [key for key, at in news.items() if at is None]:
        after.pop(key, None)
    if after != before:
        await tx.put(TENANT, HEARD, format, after)


async def refuse(
    tx: Transaction, id: str, doc: dict[str, Any], reason: Reason, why: str, content: bytes | None, now: int
) -> None:
    """`doc`: what was known of it; its content is kept, so that it can be read again."""
    await tx.drop(TENANT, WANTED, id)
    packed = (
        base64.b85encode(zlib.compress(content)).decode() if content and len(content) <= MOST_KEPT else ""
    )
    kept = {name: doc[name] for name in ("feed", "href", "title", "office", "updated")}
    await tx.put(
        TENANT, REFUSED, id,
        {**kept, "at": clock.text(now), "reason": reason, "why": why[:1_000], "content": packed},
    )  # fmt: skip


def content(doc: dict[str, Any]) -> bytes | None:
    """Of a refused message; None where it was not to be had."""
    return zlib.decompress(base64.b85decode(doc["content"])) if doc.get("content") else None


async def all_of(store: Store, kind: str) -> dict[str, dict[str, Any]]:
    """By id, in the order in which they came."""
    return {id: doc for _, id, doc in await store.documents(TENANT, kind)}
