"""`/ledger/*`: the log as C2SP tlog-tiles serves it, proofs, and the way in for public registers.

    GET  /ledger/checkpoint                the newest, with the cosignatures that it has
    GET  /ledger/witnessed                 the newest that witnesses have cosigned
    GET  /ledger/tile/...                  hashes and entries; never change
    GET  /ledger/proof/<index>             a tlog-proof
    GET  /ledger/entries/<number>          where an entry stands
    POST /ledger/entries                   statements of public registers; operate:system:ledger
    GET  /ledger/earlier/<n>/...           a log in whose place this one stands

Everything but the way in is for everybody.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context.api import body
from kitamae.kernel.ledger import statements
from kitamae.kernel.ledger.checkpoint import number
from kitamae.kernel.ledger.files import CHECKPOINT, EARLIER, WITNESSED, Folder
from kitamae.kernel.ledger.refusals import Malformed
from kitamae.kernel.ledger.tiles import Tile
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.policy import Question
from kitamae.kernel.problems import MethodNotAllowed, NotFound, Unavailable, UnsupportedMediaType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from kitamae.kernel.context.store import Store
    from kitamae.kernel.ledger.log import Log
    from kitamae.kernel.people.policy import Policy

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ENTRIES: Final = "/ledger/entries"
_MOST_BODY: Final = 4_000_000
_PLAIN: Final = b"text/plain; charset=utf-8"
_BINARY: Final = b"application/octet-stream"
_SOON: Final = b"public, max-age=1"
_FOR_EVER: Final = b"public, max-age=31536000, immutable"
_EARLIER: Final = re.compile(rf"{EARLIER}/([1-9][0-9]{{0,5}})/(.+)", re.ASCII)


class Api:
    """ASGI, `http` only, for what begins with `/ledger/`. `log` None: this process publishes none."""

    def __init__(self, store: Store, policy: Policy, log: Log | None) -> None:
        self._store, self._policy, self._log = store, policy, log
        self._appender = statements.Appender(store)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Problem."""
        path: str = scope["path"]
        if scope["method"] == "POST" and path == ENTRIES:
            await self._append(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{path[:200]} is only read")
        self._policy.demand(Question(asking(scope), "read", "page:/ledger"))
        status, kind, keep, found = 200, _PLAIN, _SOON, b""
        name = path.removeprefix("/ledger/")
        if name.startswith("proof/"):
            found, keep = (
                (await self._demand_log().proof(_number(name.removeprefix("proof/")))).data,
                b"no-cache",
            )
        elif name.startswith("entries/"):
            found, kind, keep = await self._place(name), b"application/json", b"no-cache"
        elif earlier := _EARLIER.fullmatch(name):
            folder = Folder(self._demand_log().folder.root / EARLIER / earlier[1])
            found, kind, keep = await self._file(folder, earlier[2])
        else:
            found, kind, keep = await self._file(self._demand_log().folder, name)
        await _answer(scope, send, status, found, kind, keep)

    def _demand_log(self) -> Log:
        if self._log is None:
            raise Unavailable("this process does not publish the ledger", retryAfter=5)
        return self._log

    async def _file(self, folder: Folder, name: str) -> tuple[bytes, bytes, bytes]:
        """Content, its type, how long it is kept."""
        log = self._demand_log()
        if name == CHECKPOINT and folder is log.folder:
            return log.served(), _PLAIN, _SOON
        if name in (CHECKPOINT, WITNESSED):
            found = await asyncio.to_thread(folder.get, name)
            if found is None:
                raise NotFound(
                    "no witness has cosigned this log yet" if name == WITNESSED else "there is no such log"
                )
            return found, _PLAIN, _SOON
        try:
            tile = Tile.at(name)
            if folder is log.folder and not tile.within(log.head.checkpoint.size):
                raise NotFound(f"the log has no {name} yet")
            return await asyncio.to_thread(folder.read, tile), _BINARY, _FOR_EVER
        except Malformed as error:
            raise NotFound(error.detail) from error

    async def _place(self, name: str) -> bytes:
        asked = _number(name.removeprefix("entries/"))
        index = await self._store.index(asked)
        if index is None:
            raise NotFound(f"no entry {asked} is published: there is none, or it will be within a second")
        return orjson.dumps({"number": asked, "index": index, "proof": f"/ledger/proof/{index}"})

    async def _append(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = asking(scope)
        self._policy.demand(Question(who, "operate", "system:ledger"))
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if headers.get(b"content-type", b"").partition(b";")[0].strip() != b"application/json":
            raise UnsupportedMediaType("expected application/json")
        expected = body.length(headers.get(b"content-length"), _MOST_BODY)
        sent = body.parse(await body.read(receive, expected, _MOST_BODY))
        by = who.ref if who.role in ("service", "device") else who.role
        numbers = await self._appender.append(statements.entries(sent, by))
        told = {"numbers": numbers} if isinstance(sent, list) else {"number": numbers[0]}
        await _answer(scope, send, 201, orjson.dumps(told), b"application/json", b"no-store")


def _number(text: str) -> int:
    try:
        return number(text)
    except Malformed:
        raise NotFound(f"{text[:40]!r} is no number of an entry") from None


async def _answer(scope: Scope, send: Send, status: int, found: bytes, kind: bytes, keep: bytes) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(found)).encode()),
        (b"cache-control", keep),
        (b"access-control-allow-origin", b"*"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else found})
