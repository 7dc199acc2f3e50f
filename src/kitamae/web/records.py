"""What is held about persons, over HTTP, as JSON: `/my/...` for oneself, `/people/...` for whoever may look for a purpose.

Every answer with something personal in it left its receipt before it was sent, and is kept by no cache.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.vault import OWN, Asked
from kitamae.kernel.problems import BadRequest
from kitamae.web.my.ground import demand
from kitamae.web.orders.desk import HERE as ORDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

    from kitamae.kernel.people.orders import Orders
    from kitamae.kernel.people.vault import Erasing, Record, Vault

PAGE: Final = 100
_MOST: Final = 1_000
_LONGEST: Final = 2_000_000  # bytes that are sent
_EVER: Final = (1 << 63) - 1
_HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Cookie, Authorization"}


def routes(vault: Callable[[], Vault], orders: Orders) -> list[Route]:
    """`/my/records`, `/my/receipts`, `/people/{person}/records`, `/people/search`; all JSON. `vault()` raises VaultClosed."""

    async def my_records(request: Request) -> Response:
        """What is held about oneself, or about whom one acts for, as far as the mandate goes; the first look in a session leaves a receipt."""
        who = demand(request, acting=True)
        asked = Asked(who, OWN, (who.subject,), _listed(request, "kind"), **_page(request))
        return _records(await vault().read(asked), asked.most)

    async def my_erasure(request: Request) -> Response:
        """Erase what rests on one's consent; `class` names it, unless all of it is meant."""
        who = demand(
            request
        )  # what he reads here while he acts is the other one's, and what went would be his own
        done = await vault().erase(who, who.ref, _listed(request, "class"))
        return _erased(done)

    async def my_receipts(request: Request) -> Response:
        """Who looked at, wrote or erased one's data (`act`), newest first, each with what proves it from the ledger."""
        who = demand(request, acting=True)
        most = _number(request, "limit", PAGE, 1, _MOST)
        asked = Asked(who, OWN, (who.ref,))
        found = await vault().receipts(asked, _number(request, "before", _EVER, 1, _EVER), most)
        rows = [
            {
                "at": clock.text(one.at), "who": one.who, "purpose": one.purpose, "basis": one.basis,
                "act": one.act, "said": one.said, "fields": one.fields, "proof": one.proof(),
            }
            for one in found
        ]  # fmt: skip
        return _json({"receipts": rows, "before": found[-1].number if len(found) == most else None})

    async def records(request: Request) -> Response:
        """One person's records, for the declared purpose `purpose`; leaves a receipt that the person sees."""
        asked = Asked(
            asking(request.scope),
            _purpose(request.query_params.get("purpose", "")),
            (request.path_params["person"],),
            _listed(request, "kind"),
            _listed(request, "field"),
            **_page(request),
        )
        return _records(await vault().read(asked), asked.most)

    async def keep(request: Request) -> Response:
        """Write a record {class, kind, fields}, or (with `id`) put it in the place of that one. A My Number in it is refused."""
        sent = await _sent(request, {"class": str, "kind": str, "fields": dict}, {"id": str})
        id = await vault().keep(
            asking(request.scope),
            request.path_params["person"],
            sent["class"],
            sent["kind"],
            sent["fields"],
            id=sent.get("id", ""),
        )
        return _json({"id": id}, 200 if "id" in sent else 201)

    async def erase(request: Request) -> Response:
        """Destroy the person's key of the declared purpose `purpose`, and with it all that was collected for it. The person sees who did.

        Whoever asks says why {why}, staff as a program with its token, and a member of staff who is somebody else decides: the answer is 202
        with the order's number and where it is decided.
        """
        purpose, person = _purpose(request.query_params.get("purpose", "")), request.path_params["person"]
        sent = await _sent(request, {"why": str})
        number = await orders.ask(asking(request.scope), person, purpose, sent["why"])
        where = f"{ORDERS}/{number}"
        return _json({"order": number, "address": where}, 202, Location=where)

    async def search(request: Request) -> Response:
        """Whose name, kana, address or birth date that is: {purpose, field, text}. A name stands in no address bar or log."""
        sent = await _sent(request, {"purpose": str, "field": str, "text": str})
        asked = Asked(asking(request.scope), _purpose(sent["purpose"]), ("?",))
        return _records(await vault().find(asked, {sent["field"]: sent["text"]}), _MOST + 1)

    return [
        Route("/my/records", my_records, methods=["GET"]),
        Route("/my/records", my_erasure, methods=["DELETE"]),
        Route("/my/receipts", my_receipts, methods=["GET"]),
        Route("/people/search", search, methods=["POST"]),
        Route("/people/{person}/records", records, methods=["GET"]),
        Route("/people/{person}/records", keep, methods=["POST"]),
        Route("/people/{person}/records", erase, methods=["DELETE"]),
    ]


def _purpose(text: str) -> str:
    if not text or text == OWN:
        raise BadRequest(
            "purpose: for what? Name the declared purpose; what is about yourself is at /my/records"
        )
    return text


def _listed(request: Request, name: str) -> tuple[str, ...]:
    return tuple(one for one in request.query_params.getlist(name) if one)


def _page(request: Request) -> dict[str, Any]:
    return {
        "after": request.query_params.get("after", ""),
        "most": _number(request, "limit", PAGE, 1, _MOST),
    }


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most):
        raise BadRequest(f"{name}: expected a number from {least} to {most}")
    return int(text)


async def _sent(
    request: Request, needed: Mapping[str, type], optional: Mapping[str, type] | None = None
) -> dict[str, Any]:
    """A JSON object of these members. Raises BadRequest."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST:
            raise BadRequest(f"at most {_LONGEST} bytes are read here")
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"expected a JSON object: {error}") from error
    known = {**needed, **(optional or {})}
    if (
        not isinstance(sent, dict)
        or not needed.keys() <= sent.keys() <= known.keys()
        or not all(isinstance(sent[name], known[name]) for name in sent)
    ):
        raise BadRequest(
            f"expected an object with {', '.join(f'{name} ({one.__name__})' for name, one in known.items())}"
        )
    return sent


def _erased(done: Erasing) -> Response:
    return _json(
        {
            "classes": done.classes,
            "records": done.records,
            "at": clock.text(done.at),
            "inBackupsUntil": clock.text(done.until),
            "kept": done.kept,
            "number": done.number or None,
            "proof": done.proof(),
        }
    )


def _records(found: Sequence[Record], most: int) -> Response:
    rows = [
        {
            **dataclasses.asdict(one),
            "created": clock.text(one.created),
            "modified": clock.text(one.modified),
            "due": clock.text(one.due),
            "former": [{**past._asdict(), "at": clock.text(past.at)} for past in one.former],
        }
        for one in found
    ]
    for row in rows:
        row["class"] = row.pop("klass")
    return _json({"records": rows, "after": found[-1].id if len(found) == most else None})


def _json(content: object, status: int = 200, **headers: str) -> Response:
    return Response(orjson.dumps(content), status, {**_HEADERS, **headers}, "application/json")
