"""Evacuation orders: what is told of one, written in the transaction that puts it in force (`Evacuation`'s `announce`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.people.records import TENANT
from kitamae.kernel.registers.evacuation import NOW
from kitamae.kernel.registers.evacuation_state import LEVELS, WHOLE
from kitamae.kit.notices.area.announcement import Item, owe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.store import Reader, Transaction
    from kitamae.kernel.registers.evacuation_state import District, Proposal, Standing
    from kitamae.kit.notices.area.announcement import Announcement

_WHAT: Final = {"issue": "issued", "lift": "lifted", "withdraw": "withdrawn"}


async def announced(
    tx: Transaction, order: str, proposal: Proposal, before: Mapping[str, Standing], now: int
) -> None:
    """Of an order that is issued, those districts for which it changes something; of one that ends, those by the level that was in force."""
    if proposal["act"] == "issue":
        fresh = [one for one in proposal["districts"] if _changes(proposal, before.get(one["id"]))]
        items = [_item(proposal, proposal["level"], fresh)]
    else:
        levels = sorted({before[one["id"]]["level"] for one in proposal["districts"]}, reverse=True)
        items = [
            _item(
                proposal, level, [one for one in proposal["districts"] if before[one["id"]]["level"] == level]
            )
            for level in levels
        ]
    await owe(tx, "orders", items, now, ref=order, rehearsal=proposal["rehearsal"])


async def still(store: Reader, told: Announcement) -> dict[int, Item]:
    """Of an announcement the items that hold yet, by their place in it, each with the districts for which it does: an order, as long as no
    later one stands in its place; the end of one, until something is ordered there again.
    """
    items = dict(enumerate(told["items"]))
    if told["kind"] != "orders" or not told["ref"]:
        return items
    standing: Any = await store.get(TENANT, NOW, "live") or {}
    found = {}
    for n, item in items.items():
        there = item["places"] or {WHOLE: ""}
        ref = told["ref"] if item["what"] == "issued" else ""
        holds = {id: name for id, name in there.items() if standing.get(id, {"order": ""})["order"] == ref}
        if holds:
            found[n] = item if not item["places"] else Item(**{**item, "places": holds})
    return found


def _changes(proposal: Proposal, there: Standing | None) -> bool:
    return there is None or any(there[name] != proposal[name] for name in ("level", "hazard", "text"))


def _item(proposal: Proposal, level: int, districts: Sequence[District]) -> Item:
    places = {one["id"]: one["name"] for one in districts}
    return Item(
        what=_WHAT[proposal["act"]],
        level=level,
        stated=True,
        name=LEVELS[level],
        places={} if WHOLE in places else places,
    )
