"""How commands reach a city: over the running server's local socket, or by opening the directory themselves.

Whoever can open the socket (mode 0600, in the data directory) owns the directory and may do everything: the whole
city answers there, to the operator, besides `/control/*`.
"""

from __future__ import annotations

import os
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kitamae.commands.control_heard import Heard
from kitamae.commands.control_staff import Staff
from kitamae.commands.speech import say
from kitamae.directory.layout import Layout
from kitamae.directory.lock import InUse, Lock, holder
from kitamae.kernel.context import clock
from kitamae.kernel.people.access_log.entry import CLASSES, lines
from kitamae.kernel.people.colleagues import called
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.policy import Question
from kitamae.kernel.problems import BadRequest, Conflict, NotFound, Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx2
    from starlette.types import Receive, Scope, Send

    from kitamae.adapters.sqlite.closing import Closing
    from kitamae.app import Kitamae
    from kitamae.kernel.people.policy import Policy
    from kitamae.settings import Settings

ASKED: Final = "operate", "system:control"
"""What the policy is asked before any `/control/*`; the operator may, as the machinery itself."""


class Refused(Problem):
    """The server's answer to a command was no; `detail` is its sentence, and the kind of its problem the title."""

    title = "It was not done"

    @classmethod
    def of(cls, answer: httpx2.Response) -> Self:
        """An answer of 400 or more."""
        body = orjson.loads(answer.content) if answer.content else None
        if not isinstance(body, dict):
            return cls(answer.text)
        title = str(body.get("title") or cls.title)
        return cls(str(body.get("detail") or title), title=title)


class Control:
    """The ASGI application behind the local socket: `/control/*` here, everything else as the operator."""

    def __init__(self, kitamae: Kitamae) -> None:
        self._kitamae = kitamae
        self._policy: Policy | None = None
        self._own = Starlette(
            routes=[
                Route("/control/status", self._status, methods=["GET"]),
                *Staff(kitamae, _json).routes(),
                *Heard(kitamae, _json).routes(),
                Route("/control/doctor", self._doctor, methods=["GET"]),
                Route("/control/doctor/copied", self._copied, methods=["POST"]),
                Route("/control/keys/shares", self._shares, methods=["POST"]),
                Route("/control/link", self._link, methods=["POST"]),
                Route("/control/tokens", self._tokens, methods=["GET"]),
                Route("/control/tokens", self._issue, methods=["POST"]),
                Route("/control/tokens/{number}", self._revoke, methods=["DELETE"]),
                Route("/control/clients", self._clients, methods=["GET"]),
                Route("/control/clients", self._register, methods=["POST"]),
                Route("/control/clients/{id}", self._remove, methods=["DELETE"]),
                Route("/control/access-log", self._access_log, methods=["GET"]),
                Route("/control/access-log/days", self._access_days, methods=["GET"]),
                Route("/control/backup", self._backup, methods=["POST"]),
                Route("/control/restore", self._restore, methods=["POST"]),
                Route("/control/keys", self._keys, methods=["GET"]),
                Route("/control/keys/rotate", self._rotate, methods=["POST"]),
                Route("/control/keys/clock", self._clock, methods=["POST"]),
                Route("/control/keys/backup", self._backup_keys, methods=["POST"]),
                Route("/control/migrate", self._migrate, methods=["POST"]),
                Route("/control/migrate", self._moving, methods=["GET"]),
                Route("/control/migrate", self._stay, methods=["DELETE"]),
                Route("/control/compact/due", self._due, methods=["POST"]),
                Route("/control/compact", self._compact, methods=["POST"]),
                Route("/control/compact", self._compacting, methods=["GET"]),
                Route("/control/compact", self._leave_off, methods=["DELETE"]),
            ]
        )
        self._edge = kitamae.operator_edge(self._route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, `http` only."""
        await self._edge(scope, receive, send)

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """(method, path) of all that is answered here and nowhere else."""
        return [
            (method, one.path)
            for one in self._own.routes
            if isinstance(one, Route)
            for method in sorted(one.methods or ())
        ]

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/control/"):
            await self._kitamae.serve(scope, receive, send)
            return
        self._asked().demand(Question(asking(scope), *ASKED))
        await self._own.router(scope, receive, send)

    def _asked(self) -> Policy:
        """The city's policy; while it changes places, and once it has moved away, the one that was there last: whoever waits for that asks on.

        Raises Unavailable.
        """
        try:
            self._policy = self._kitamae.city.policy
        except Unavailable:
            if self._policy is None:
                raise
        return self._policy

    async def _status(self, request: Request) -> JSONResponse:
        return JSONResponse(await self._kitamae.status())

    async def _doctor(self, _: Request) -> JSONResponse:
        return JSONResponse(await self._kitamae.examine())

    async def _copied(self, request: Request) -> JSONResponse:
        await self._kitamae.put_away(str((await _json(request)).get("name")))
        return JSONResponse({}, 201)

    async def _shares(self, request: Request) -> JSONResponse:
        sent = await _json(request)
        if "count" in sent:
            made = {"count": int(sent["count"]), "threshold": int(sent["threshold"]), "key": str(sent["key"])}
            await self._kitamae.shared("shares", **made)
        else:
            await self._kitamae.shared("rehearsed", key=str(sent["key"]))
        return JSONResponse({}, 201)

    async def _link(self, request: Request) -> JSONResponse:
        sent = await _json(request)
        named = called(str(sent["name"]), str(sent.get("section", ""))) if sent.get("name") else None
        if named and not sent.get("another"):
            raise BadRequest("a name is given to a new person: add --another")
        link = await self._kitamae.sign_in_link(
            another=bool(sent.get("another")), of=sent.get("tenants", ()), called=named
        )
        return JSONResponse({"url": link})

    async def _tokens(self, request: Request) -> JSONResponse:
        return JSONResponse(await self._kitamae.city.people.tokens.all())

    async def _issue(self, request: Request) -> JSONResponse:
        sent = await _json(request)
        secret, token = await self._kitamae.city.people.tokens.issue(
            sent["name"],
            sent["scopes"],
            role=sent.get("role", "service"),
            days=sent.get("days"),
            of=sent.get("tenants", ()),
        )
        return JSONResponse({"secret": secret, "token": token}, 201)

    async def _revoke(self, request: Request) -> JSONResponse:
        return JSONResponse(await self._kitamae.city.people.tokens.revoke(request.path_params["number"]))

    async def _clients(self, request: Request) -> JSONResponse:
        return JSONResponse(await self._kitamae.city.ways.provider.clients.all())

    async def _register(self, request: Request) -> JSONResponse:
        sent = await _json(request)
        client, secret = await self._kitamae.city.ways.provider.clients.add(
            sent["name"],
            sent["purpose"],
            sent["redirects"],
            sent.get("logouts", ()),
            public=bool(sent.get("public")),
            keys=sent.get("keys"),
            backchannel=sent.get("backchannel") or "",
        )
        return JSONResponse({"client": client, "secret": secret}, 201)

    async def _remove(self, request: Request) -> JSONResponse:
        return JSONResponse(await self._kitamae.city.ways.provider.clients.remove(request.path_params["id"]))

    async def _access_log(self, request: Request) -> Response:
        asked = request.query_params
        since, until = clock.micros(asked.get("since"), "since"), clock.micros(asked.get("until"), "until")
        kinds = [one for one in CLASSES if one in asked.getlist("kind")] or CLASSES
        found = await self._kitamae.city.access.between(since, until, kinds)
        return Response(lines(found), media_type="application/jsonl")

    async def _access_days(self, _: Request) -> JSONResponse:
        return JSONResponse(await self._kitamae.city.access_upkeep.check())

    async def _backup(self, request: Request) -> JSONResponse:
        sent = await _json(request)
        keys = Path(sent["keys"]) if sent.get("keys") else None
        return JSONResponse(await self._kitamae.backup(Path(sent["to"]), keys), 201)

    async def _restore(self, request: Request) -> JSONResponse:
        sent = await _json(request)
        keys = Path(sent["keys"]) if sent.get("keys") else None
        return JSONResponse(await self._kitamae.restore(Path(sent["from"]), keys, sent.get("identity")))

    async def _keys(self, _: Request) -> JSONResponse:
        return JSONResponse(await self._kitamae.city.vault.status())

    async def _rotate(self, request: Request) -> JSONResponse:
        sent = await _json(request)
        done = await self._kitamae.rotate(city=bool(sent.get("city")), given=str(sent.get("given", "")))
        return JSONResponse({"replaced": done})

    async def _clock(self, _: Request) -> JSONResponse:
        return JSONResponse(await self._kitamae.city.vault.clock_is_right())

    async def _backup_keys(self, request: Request) -> JSONResponse:
        return JSONResponse(await self._kitamae.backup_keys(Path((await _json(request))["to"])), 201)

    async def _migrate(self, request: Request) -> JSONResponse:
        sent = await _json(request)
        await self._kitamae.migrate(sent["to"], str(sent.get("keys") or ""))
        return await self._moving(request)

    async def _moving(self, _: Request) -> JSONResponse:
        if self._kitamae.moving is None:
            raise NotFound("the city is not moving")
        return JSONResponse(self._kitamae.moving.told())

    async def _stay(self, request: Request) -> JSONResponse:
        await self._kitamae.stay()
        return await self._moving(request)

    async def _due(self, request: Request) -> JSONResponse:
        due = await self._closing().due((await _json(request)).get("until"))
        return JSONResponse([asdict(one) for one in due])

    async def _compact(self, request: Request) -> JSONResponse:
        await self._closing().begin((await _json(request)).get("until"))
        return await self._compacting(request)

    async def _compacting(self, _: Request) -> JSONResponse:
        return JSONResponse(self._closing().told())

    async def _leave_off(self, request: Request) -> JSONResponse:
        await self._closing().stop()
        return await self._compacting(request)

    def _closing(self) -> Closing:
        if self._kitamae.city.closing is None:
            raise Conflict(
                "closed months stand in files of the embedded store only: PostgreSQL keeps them as rows"
            )
        return self._kitamae.city.closing


async def _json(request: Request) -> dict[str, Any]:
    try:
        sent = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"expected a JSON object: {error}") from error
    if not isinstance(sent, dict):
        raise BadRequest("expected a JSON object")
    return sent


@contextmanager
def short(path: Path) -> Iterator[str]:
    """A name for a socket that fits into the 107 bytes the system allows, however deep the directory lies."""
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}/{path.name}"
    finally:
        os.close(fd)


def listen(layout: Layout) -> socket.socket:
    """The control socket; only the owner may connect. Call it with the lock held: an old one is removed."""
    layout.socket.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with short(layout.socket) as name:
            listening.bind(name)
    finally:
        os.umask(before)
    listening.setblocking(False)
    return listening


def of_its_city(settings: Settings) -> Settings:
    """With the city that the directory was served with last, where none is chosen: its words are the state's words."""
    served = None if settings.city else Layout(settings.data).served()
    return settings.model_copy(update={"city": served}) if served else settings


@asynccontextmanager
async def connect(settings: Settings, *, make: bool = False) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the city in `settings.data`, whether it is being served or not.

    `make`: a directory that is not there is created. Raises NotFound, Unavailable.
    """
    layout = Layout(settings.data)
    if not make and not settings.store and not layout.state.exists():
        raise NotFound(
            say(
                "there is no city in {root}; `kitamae up` makes one, --data names another place",
                root=layout.root,
            )
        )
    lock = Lock(layout.root)
    try:
        lock.acquire()
    except InUse:
        async with _running(layout) as client:
            yield client
        return
    try:
        import httpx2  # `up` is here for Control alone, and starts faster without

        from kitamae import logs  # only now: a running server answers faster than all of this is imported
        from kitamae.app import Kitamae

        logs.configure(settings)
        kitamae = Kitamae(of_its_city(settings), lock)
        async with kitamae.running(quietly=True):
            transport = httpx2.ASGITransport(app=Control(kitamae))
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://kitamae", timeout=None
            ) as client:
                yield client
    finally:
        lock.release()


@asynccontextmanager
async def _running(layout: Layout) -> AsyncIterator[httpx2.AsyncClient]:
    import httpx2

    with short(layout.socket) as name:
        transport = httpx2.AsyncHTTPTransport(uds=name)
        async with httpx2.AsyncClient(transport=transport, base_url="http://kitamae", timeout=None) as client:
            try:
                yield client
            except httpx2.TransportError as error:
                raise Unavailable(
                    f"{layout.root} is in use by {holder(layout.root)}, which does not answer: "
                    f"it is starting, stopping, or another command. Try again in a moment ({error})"
                ) from error


async def ask(client: httpx2.AsyncClient, method: str, path: str, sent: object = None) -> Any:
    """One request; the JSON of its answer. Raises Refused with the server's sentence."""
    answer = await client.request(method, path, content=None if sent is None else orjson.dumps(sent))
    if answer.status_code >= 400:
        raise Refused.of(answer)
    return orjson.loads(answer.content) if answer.content else None
