"""Whether a contract is in force, and what that makes of a key: asked wherever a key is looked up, so that it dies with its contract."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from kitamae.kernel.people.person import Metered
from kitamae.kernel.people.providers.records import CONTRACT, PROVIDER, Contract, Provider, Version
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from kitamae.kernel.context.store import Reader
    from kitamae.kernel.people.providers.terms import Terms
    from kitamae.kernel.people.records import Token

Stands = Literal["prepared", "offered", "refused", "waits", "in force", "over", "ended"]


class Program(NamedTuple):
    """What a key may do now: None, nothing. `again`: microseconds UTC, when that changes by itself; None: never."""

    scopes: frozenset[str] | None
    metered: Metered | None
    again: int | None


def begins(day: date, zone: ZoneInfo) -> int:
    """The first moment of a day, microseconds UTC."""
    return int(datetime.combine(day, time(), zone).timestamp()) * 1_000_000


def today(now: int, zone: ZoneInfo) -> date:
    """In the city, at that moment (microseconds UTC)."""
    return datetime.fromtimestamp(now // 1_000_000, UTC).astimezone(zone).date()


def version(contract: Contract, day: date) -> Version | None:
    """The one that holds on that day: the newest that was accepted and has begun. Whether the contract was ended is not asked."""
    said = day.isoformat()
    for one in reversed(contract["versions"]):
        if "accepted" in one and one["starts"] <= said:
            return one if said <= one["ends"] else None
    return None


def stands(contract: Contract, day: date) -> Stands:
    """`prepared`: waits for a second person; `offered`: for the provider. Of a contract in force a new version may wait as well."""
    if "ended" in contract:
        return "ended"
    if version(contract, day) is not None:
        return "in force"
    accepted = [one for one in contract["versions"] if "accepted" in one]
    last = contract["versions"][-1]
    if waiting(contract) is not None:
        return "offered" if "confirmed" in last else "prepared"
    if not accepted:
        return "refused"
    return "waits" if day.isoformat() < accepted[-1]["starts"] else "over"


def waiting(contract: Contract) -> Version | None:
    """The last version, where somebody must still say something about it."""
    last = contract["versions"][-1]
    return None if "ended" in contract or "accepted" in last or "refused" in last else last


async def program(store: Reader, token: Token, terms: Terms, zone: ZoneInfo, now: int) -> Program:
    """Of a token that belongs to a contract: the scopes that both have."""
    contract = cast("Contract | None", await store.get(TENANT, CONTRACT, token.get("contract", "")))
    if contract is None or "ended" in contract:
        return Program(None, None, None)
    provider = cast("Provider | None", await store.get(TENANT, PROVIDER, contract["provider"]))
    if provider is None or provider["state"] != "accepted":
        return Program(None, None, None)
    day = today(now, zone)
    again = begins(day + timedelta(1), zone)
    held = version(contract, day)
    if held is None:
        return Program(None, None, again)
    metered = Metered(contract["id"], token["number"], held["minute"], held["day"])
    return Program(frozenset(token["scopes"]) & terms.scopes(held), metered, again)
