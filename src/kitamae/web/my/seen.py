"""What is held, who looked, and what proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.delegates.records import KIND as MANDATE
from kitamae.kernel.people.vault import CONSENTS, OWN, Asked
from kitamae.kernel.problems import NotFound
from kitamae.web.held import corrected, told
from kitamae.web.my.agreeing import states
from kitamae.web.my.ground import MY, demand, signed_in
from kitamae.web.proofs import number as demand_number

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Record
    from kitamae.web.my.ground import Ground

SHOWN: Final = 200
"""Records on the page; all of them are in the file that one takes along."""
NEWEST: Final = 5
LOOKS: Final = 50
_EVER: Final = (1 << 63) - 1


def routes(ground: Ground) -> list[Route]:
    """`/my`, `/my/log`, `/my/proof/<number>`."""

    async def index(request: Request) -> Response:
        who = signed_in(request)
        if who is None:
            return ground.sign_in(request)
        vault, mine = ground.vault(), Asked(who, OWN, (who.ref,), most=SHOWN)
        records = await vault.read(mine)
        looks = await vault.receipts(mine, _EVER, NEWEST)
        return ground.show(
            request,
            "my.html",
            held=held(ground, records),
            more=len(records) == SHOWN,
            consents=await states(ground, who, request),
            looks=await ground.looks(who, looks),
            withheld=[clock.text(one) for one in await vault.withheld(mine)],
        )

    async def log(request: Request) -> Response:
        who = signed_in(request)
        if who is None:
            return ground.sign_in(request)
        vault, mine = ground.vault(), Asked(who, OWN, (who.ref,))
        before = demand_number(request.query_params.get("before", str(_EVER)), _EVER)
        looks = await vault.receipts(mine, before, LOOKS)
        return ground.show(
            request,
            "my-log.html",
            looks=await ground.looks(who, looks),
            older=looks[-1].number if len(looks) == LOOKS else None,
            withheld=[clock.text(one) for one in await vault.withheld(mine)],
        )

    async def proof(request: Request) -> Response:
        """A C2SP tlog-proof whose `extra` holds what the leaf commits to, with its salt."""
        who = demand(request)
        number = demand_number(request.path_params["number"])
        opened = await opening(ground, who, number)
        return await ground.proofs.file(number, opened["committed"], opened["salt"])

    return [
        Route(MY, index, methods=["GET"]),
        Route(f"{MY}/log", log, methods=["GET"]),
        Route(f"{MY}/proof/{{number}}", proof, methods=["GET"]),
    ]


async def opening(ground: Ground, who: Principal, number: int) -> dict[str, Any]:
    """What that entry of the ledger commits to and its salt: a look at one's data, or an event of one's consents or mandates. Raises NotFound."""
    vault, mine = ground.vault(), Asked(who, OWN, (who.ref,))
    found = await vault.receipts(mine, number + 1, 1)
    if found and found[0].number == number:
        one = found[0].proof()
        return {"committed": one["receipt"], "salt": one["salt"]}
    for event in await vault.read(Asked(who, OWN, (who.ref,), ("consent", MANDATE))):
        if event.klass == CONSENTS and event.fields["number"] == number:
            return {"committed": event.fields["event"], "salt": event.fields["salt"]}
    raise NotFound(f"no entry {number} of the ledger is about you")


def held(ground: Ground, records: list[Record]) -> list[dict[str, Any]]:
    """By purpose: what is said about it, until when it is kept, and the fields of each record."""
    by_class: dict[str, list[Record]] = {}
    for one in records:
        by_class.setdefault(one.klass, []).append(one)
    return [
        {
            "purpose": ground.purpose(klass),
            "count": len(rows),
            "until": clock.text(max(one.due for one in rows)),
            "records": [] if klass == CONSENTS else [told(one) for one in rows],
            "former": [] if klass == CONSENTS else corrected(rows),
            "entered": klass in ground.consents.purposes and bool(ground.consents.purposes[klass].entered),
        }
        for klass, rows in sorted(by_class.items(), key=lambda item: (item[0] == CONSENTS, item[0]))
    ]
