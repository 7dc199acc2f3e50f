"""The incident register, and the log of the incident desk (SOC/CSIRT).

An entry's `said`:

    title, what, concerns    in Japanese: what happened, and whom or what it concerns; never who it was
    severity                 low | middle | high
    services                 ids of the services that it concerns
    found_at                 when it was found, RFC 3339 UTC
    report                   the closing report; "" until then
    published                whether all this is public; until then only that there is an entry, with a digest, is in the ledger
    nonce                    random, so that nobody guesses from the digest what an unpublished entry says

States: open, contained, resolved, closed: forward only, and closed only with a report. A mistake is corrected by the next change.

The desk's log is append-only: `incident-log` documents, each with a commitment in the ledger, that no door changes or drops.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import mynumber
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.kernel.registers.register import TENANT, Register, count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.registers.entry import Entry

TYPE: Final = "PublicIncident"
STATES: Final = {
    "open": "対応中",
    "contained": "広がりを止めた",
    "resolved": "なおった",
    "closed": "終わった",
}
SEVERITIES: Final = {"low": "小さい", "middle": "中くらい", "high": "大きい"}
LOG: Final = "incident-log"
_COUNTED: Final = "incident-count"
_LONGEST: Final = {"title": 200, "what": 4_000, "concerns": 2_000, "report": 20_000}
_NOTE: Final = 8_000
_AHEAD: Final = 60_000_000
"""Microseconds that the clock of whoever writes may be ahead: a form says minutes."""


class Note(TypedDict):
    """A line of the desk's log. `who`: the reference of the member of staff who wrote it."""

    incident: str
    at: str
    who: str
    text: str
    salt: str
    number: int


class Incidents:
    """What goes wrong, from when it is found until it is closed."""

    def __init__(
        self,
        store: Store,
        expand: Callable[[str], str],
        *,
        tenant: str = "",
        publish: bool = True,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self.register = Register(store, "incidents", TYPE, expand, tenant=tenant, publish=publish, now=now)
        self._store = store

    async def open(self, told: Mapping[str, Any], who: str) -> Entry:
        """A new one; its id is the year and a number. Raises BadRequest, HoldsMyNumber."""
        said = self._checked({**told, "report": ""}) | {"published": False, "nonce": secrets.token_hex(16)}

        async def work(tx: Transaction) -> Entry:
            year = str(days.of(self.register.now()).year)
            id = f"{year}-{await count(tx, _COUNTED, year):04}"
            return await self._write(tx, id, "open", said, "opened", who)

        return await self._store.transact(work)

    async def change(self, id: str, state: str, told: Mapping[str, Any], who: str) -> Entry:
        """Further, or differently said; `published` True makes it public, and nothing makes it secret again.

        Raises NotFound, BadRequest, Conflict, HoldsMyNumber.
        """
        order = list(STATES)
        if state not in STATES:
            raise BadRequest(f"state: expected one of {', '.join(order)}")

        async def work(tx: Transaction) -> Entry:
            before = await self._before(tx, id)
            if order.index(state) < order.index(before["state"]):
                raise Conflict(f"it is {before['state']}, and does not become {state} again: open a new one")
            earlier = before["said"]
            said = self._checked({**{name: earlier[name] for name in _FIELDS}, **_known(told)})
            if state == "closed" and not said["report"]:
                raise BadRequest("report: an incident is closed with a report of what was done")
            said["published"] = bool(earlier["published"] or told.get("published"))
            said["nonce"] = earlier["nonce"]
            what = "published" if said["published"] and not earlier["published"] else "changed"
            what = state if state != before["state"] and what == "changed" else what
            return await self._write(tx, id, state, said, what, who)

        return await self._store.transact(work)

    async def note(self, id: str, text: str, who: str) -> None:
        """One more line of the desk's log. Raises NotFound, BadRequest, HoldsMyNumber."""
        text = text.strip()
        if not text or len(text) > _NOTE:
            raise BadRequest(f"text: expected 1 to {_NOTE:,} letters")
        mynumber.demand_none({"text": text})

        async def work(tx: Transaction) -> None:
            await self._before(tx, id)
            last = await count(tx, _COUNTED, id)
            at = clock.text(self.register.now())
            told = {"incident": id, "at": at, "who": who, "text": text}
            number, salt = await commitment.log(tx, told)
            made: Note = {"incident": id, "at": at, "who": who, "text": text, "salt": salt, "number": number}
            await tx.put(TENANT, LOG, f"{id}/{last:06}", made)

        await self._store.transact(work)

    async def notes(self, id: str) -> list[Note]:
        """The desk's log of one incident, oldest first."""
        kept = await self._store.documents(TENANT, LOG)
        return [cast("Note", doc) for _, _, doc in kept if doc["incident"] == id]

    async def published(self) -> list[Entry]:
        """Those that everybody may read, in the order in which they were opened."""
        return [entry for entry in await self.register.entries() if entry["said"]["published"]]

    def _checked(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Raises BadRequest, also for a moment at which nothing can have been found yet."""
        said, now = _checked(told), self.register.now()
        found = clock.micros(said["found_at"])
        if found > now + _AHEAD:
            raise BadRequest("found_at: that moment has not come yet; expected a day and a time until now")
        days.demand_past("found_at", days.of(found), days.of(now))
        return said

    async def _before(self, tx: Transaction, id: str) -> Entry:
        before = await self.register.current(tx, id)
        if before is None:
            raise NotFound(f"there is no incident {id!r:.40}")
        return before

    async def _write(
        self, tx: Transaction, id: str, state: str, said: dict[str, Any], what: str, who: str
    ) -> Entry:
        return await self.register.write(
            tx, id, state, said, what, "incidents", who=who, hidden=not said["published"]
        )


_FIELDS: Final = ("title", "what", "concerns", "severity", "services", "found_at", "report")


def _known(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name in _FIELDS}


def _checked(told: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, longest in _LONGEST.items():
        value = told.get(name, "")
        if not isinstance(value, str) or len(value) > longest:
            raise BadRequest(f"{name}: expected a text of at most {longest:,} letters")
        said[name] = value.strip()
    if not said["title"] or not said["what"]:
        raise BadRequest("title, what: say what happened")
    if told.get("severity") not in SEVERITIES:
        raise BadRequest(f"severity: expected one of {', '.join(SEVERITIES)}")
    said["severity"] = told["severity"]
    services: Sequence[Any] = told.get("services") or []
    if len(services) > 100 or not all(isinstance(one, str) and len(one) <= 40 for one in services):
        raise BadRequest("services: expected ids of services")
    said["services"] = list(services)
    said["found_at"] = clock.text(clock.micros(told.get("found_at"), "found_at"))
    return said
