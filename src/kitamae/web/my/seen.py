"""What is held, who looked, and what proves it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.delegates.records import KIND as MANDATE
from kitamae.kernel.people.vault import CONSENTS, OWN, Asked
from kitamae.kernel.problems import NotFound, Unavailable
from kitamae.web.held import corrected, told
from kitamae.web.my.agreeing import states
from kitamae.web.my.ground import KEEP_NOTHING, MY, demand, signed_in

if TYPE_CHECKING:
    from starlette.requests import Request

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
        before = _number(request.query_params.get("before", str(_EVER)))
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
        number = _number(request.path_params["number"], _EVER - 1)
        opened = await opening(ground, who, number)
        if ground.log is None:
            raise Unavailable("this process does not publish the ledger", retryAfter=5)
        index = await ground.store.index(number)
        if index is None:
            raise Unavailable("that entry is published within a second: ask again", retryAfter=1)
        made = replace(await ground.log.proof(index), extra=commitment.canonical(opened))
        named = f'attachment; filename="{number}.tlog-proof"'
        return Response(
            made.data, headers={**KEEP_NOTHING, "Content-Disposition": named}, media_type="text/plain"
        )

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


def _number(text: str, most: int = _EVER) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= most):
        raise NotFound(f"{text:.40} is no number of an entry")
    return int(text)
