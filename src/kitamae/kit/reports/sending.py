"""What the sender does: sends, says where it was, looks at it again, takes it back. Whoever has the link is the sender.

Every report has a reference of its own in the vault, also where one person sends two, or is signed in: nothing ties them.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.secret import digest
from kitamae.kernel.people.vault import OWN, Asked, Ordered
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.kit.reports import record
from kitamae.kit.reports.gazetteer import nearest
from kitamae.kit.reports.incident import incident
from kitamae.kit.reports.likeness import LEAST, same, signature
from kitamae.kit.reports.locate import locate
from kitamae.kit.reports.record import CODE, GRID, KIND, OPEN, PURPOSE, Place, Report, Told, trace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.vault import Vault
    from kitamae.kit.reports.gazetteer import Gazetteer
    from kitamae.kit.reports.photo import Photo

COMPARED: Final = 1_000
"""Reports that wait and came last, with which another one is compared: what is older is rarely of the same thing."""
_NUMBER: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is taken for another on the telephone
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_LIKE: Final = 5
_EVER: Final = 1 << 62
"""Whatever version of the key: nothing is written under that reference any more."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody sends. `once`: 43 letters that his form was given: sent twice with the same words, it is one report, and his link is made from it. `where`: how he
    calls the place; `place`: (longitude, latitude) that he gave himself.
    """

    once: str
    text: str
    where: str = ""
    place: tuple[float, float] | None = None
    photo: Photo | None = None


class Sending:
    """On one store. `vault()` raises VaultClosed; `key` marks pairs of letters (`likeness`); `gazetteer()` is the city's, as it is now."""

    def __init__(
        self,
        store: Store,
        vault: Callable[[], Vault],
        key: Callable[[], bytes],
        gazetteer: Callable[[], Awaitable[Gazetteer]],
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._store, self._vault, self._key, self._gazetteer, self._now = store, vault, key, gazetteer, now

    async def send(self, wish: Wish) -> tuple[str, str]:
        """The number of the report and the code of its sender's link; the same again for the same `wish`.

        Raises BadRequest, HoldsMyNumber, SentOtherwise, Forbidden where no papers are in force, VaultClosed.
        """
        if not _CODE.fullmatch(wish.once):
            raise BadRequest("once: the form is not one that was given here: load the page again")
        text, where = (
            record.plain("text", wish.text, 2, record.LONGEST),
            record.plain("where", wish.where, 0, 200),
        )
        code = wish.once
        photo = wish.photo.jpeg if wish.photo else b""
        said = json.dumps([text, where, wish.place]).encode() + b"\0" + photo
        mark = hmac.digest(self._key(), b"sent " + said, "sha256").hex()
        if (there := await self._sent(code)) is not None:
            return _again(there, mark), code
        at, names, waiting = self._now(), await self._gazetteer(), await self._waiting()
        made = await asyncio.to_thread(self._made, text, where, wish, at, digest(code), names)
        made["like"] = await asyncio.to_thread(_like, made, waiting)
        number = "".join(secrets.choice(_NUMBER) for _ in range(7))

        async def along(tx: Transaction) -> Mapping[str, object]:
            if await tx.get(TENANT, CODE, made["code"]) is not None:
                raise _SentAlready
            if await tx.get(TENANT, KIND, number) is not None:
                raise NotFound("that number is taken")  # one in ten thousand million: send it once more
            await tx.put(TENANT, CODE, made["code"], {"number": number, "mark": mark})
            await record.step(tx, number, made, "sent", "", made["at"])
            return {"at": made["at"]}

        fields: dict[str, object] = {"event": "sent", "text": text, "where": where}
        if wish.place:
            fields |= {"longitude": wish.place[0], "latitude": wish.place[1]}
        if wish.photo:
            fields["photo"] = base64.b64encode(wish.photo.jpeg).decode()
        try:
            await self._vault().keep(SYSTEM, made["ref"], PURPOSE, record.kind(number), fields, along=along)
        except _SentAlready:
            return _again(await self._sent(code) or {}, mark), code
        return number, code

    async def own(self, code: str) -> tuple[str, Report]:
        """The report whose sender holds this code. Raises NotFound."""
        sent = await self._sent(code)
        if sent is None:
            raise NotFound("this link is not known")
        number = str(sent["number"])
        return number, await record.one(self._store, number)

    async def said_by(self, code: str) -> list[Told]:
        """What its sender sent and was answered, the photo with it. It is about himself."""
        number, report = await self.own(code)
        who = Principal(report["ref"], "visitor", assurance=1, session=report["code"])
        return await record.told(self._vault(), Asked(who, OWN, (report["ref"],), (record.kind(number),)))

    async def point(self, code: str, place: tuple[float, float]) -> None:
        """The sender says where it was: exactly in the vault, to a hundred metres outside. Raises NotFound, Conflict, BadRequest."""
        if not (abs(place[0]) <= 180 and abs(place[1]) <= 90):
            raise BadRequest("place: expected longitude and latitude in degrees")
        number, report = await self.own(code)
        record.demand_open(report)
        pointed = _pointed(place, await self._gazetteer())
        waiting = {n: one for n, one in (await self._waiting()).items() if n != number}
        placed: Report = {**report, "places": [pointed, *_others(report)]}
        like = await asyncio.to_thread(_like, placed, waiting)

        async def along(tx: Transaction) -> Mapping[str, object]:
            now = await record.one(tx, number)
            record.demand_open(now)
            moved: Report = {**now, "places": [pointed, *_others(now)], "like": like}
            at = clock.text(self._now())
            await record.step(tx, number, moved, "placed", "", at)
            return {"at": at}

        fields = {"event": "placed", "longitude": place[0], "latitude": place[1]}
        await self._vault().keep(SYSTEM, report["ref"], PURPOSE, record.kind(number), fields, along=along)

    async def near(self, place: tuple[float, float]) -> str:
        """The town that is nearest; "" where none is."""
        found = nearest(await self._gazetteer(), place)
        return found.name if found else ""

    async def take_back(self, code: str) -> None:
        """The sender takes it back: words, photo and answers go, and their key; that there was a report stays. Raises NotFound."""
        number, report = await self.own(code)
        if report["state"] == "taken-back":
            return

        async def decided(tx: Transaction, _: int) -> None:
            now = await record.one(tx, number)
            bare: Report = {
                **now, "state": "taken-back", "places": [], "signature": [], "like": [], "kinds": [], "photo": False, "upto": _EVER,
                "joined": "", "followers": [],
            }  # fmt: skip
            at = clock.text(self._now())
            for one in now["followers"]:  # they were done with only because this one stood for them
                freed: Report = {**await record.one(tx, one), "state": "seen", "joined": ""}
                await record.step(tx, one, freed, f"freed of {number}", "", at)
            await record.part(tx, number, now)
            await tx.put(TENANT, CODE, now["code"], {"number": number, "mark": ""})
            await record.step(tx, number, bare, "taken back", "", at)

        said = Ordered(report["ref"], {}, decided)
        await self._vault().discard(SYSTEM, report["ref"], PURPOSE, record.kind(number), said)
        await self._vault().finish_erasing(report["ref"], PURPOSE, _EVER)
        await self.gone(number)

    def _made(self, text: str, where: str, wish: Wish, at: int, code: str, names: Gazetteer) -> Report:
        """Takes long for a long text: off the event loop."""
        about = incident(text)
        guesses = locate(where, names) if where else []
        guesses = guesses or locate(text, names)
        places: list[Place] = [
            {
                "spot": one.spot.id, "name": one.spot.name, "longitude": round(one.spot.longitude, GRID),
                "latitude": round(one.spot.latitude, GRID), "spread": one.spot.spread, "sure": one.score, "by": "text",
            }
            for one in guesses
        ]  # fmt: skip
        if wish.place:
            places.insert(0, _pointed(wish.place, names))
        return {
            "ref": f"report-{secrets.token_hex(12)}", "at": clock.text(at), "state": "new", "kinds": list(about.kinds), "rank": about.rank,
            "places": places, "photo": wish.photo is not None, "answered": False, "signature": list(signature(text, self._key())),
            "like": [], "joined": "", "followers": [], "code": code, "upto": 0, "steps": [],
        }  # fmt: skip

    async def _sent(self, code: str) -> Mapping[str, Any] | None:
        """What is known of a form: the report's number, and a keyed mark of all that it said, "" after it was taken back."""
        found: Any = await self._store.get(TENANT, CODE, digest(code))
        return cast("Mapping[str, Any] | None", found)

    async def _waiting(self) -> dict[str, Report]:
        """The newest of them."""
        every = (await record.every(self._store)).items()
        found = [(number, one) for number, one in every if one["state"] in OPEN]
        return dict(sorted(found, key=lambda one: one[1]["at"], reverse=True)[:COMPARED])

    async def gone(self, number: str) -> None:
        """The key of what was taken back is gone."""

        async def work(tx: Transaction) -> None:
            await tx.put(TENANT, KIND, number, {**await record.one(tx, number), "upto": 0})

        await self._store.transact(work)


class SentOtherwise(Conflict):
    """The same form with other words: nothing of these is kept yet."""


class _SentAlready(Conflict):
    """The same form twice at once."""


def _again(sent: Mapping[str, Any], mark: str) -> str:
    """The number of the report that says just that. Raises SentOtherwise."""
    if not hmac.compare_digest(str(sent.get("mark", "")), mark):
        raise SentOtherwise(
            "this form was sent already with other words: send it once more to keep these too"
        )
    return str(sent["number"])


def _others(report: Report) -> list[Place]:
    """Places that its sender did not point at."""
    return [one for one in report["places"] if one["by"] != "sender"]


def _like(made: Report, waiting: Mapping[str, Report]) -> list[tuple[str, float]]:
    mine = trace(made)
    found = [(number, same(mine, trace(one))) for number, one in waiting.items()]
    return sorted((one for one in found if one[1] >= LEAST), key=lambda one: (-one[1], one[0]))[:_LIKE]


def _pointed(place: tuple[float, float], names: Gazetteer) -> Place:
    near = nearest(names, place)
    return {
        "spot": "",
        "name": near.name if near else "",
        "longitude": round(place[0], GRID),
        "latitude": round(place[1], GRID),
        "spread": 100,
        "sure": 1.0,
        "by": "sender",
    }
