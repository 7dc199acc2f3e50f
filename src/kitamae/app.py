"""The composition root: the only place that knows all the rooms.

`Kitamae` is the process: the lock on the data directory, the city that is open in it, the ways in. `City`
(`kitamae.opened`) is what is opened on one data directory; a restore closes one and opens the next while requests wait
outside with a 503.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

from kitamae import __version__, doctor, personal
from kitamae.adapters import sqlite
from kitamae.directory import restore as restoring
from kitamae.directory import sandbox
from kitamae.directory.backup import backup
from kitamae.directory.layout import Layout
from kitamae.doctor import keys as doctor_keys
from kitamae.doctor import notes
from kitamae.edge.edge import Edge
from kitamae.edge.measures import Measures
from kitamae.kernel.people.person import Principal
from kitamae.kernel.problems import Conflict, NotFound, Unavailable, Unprocessable
from kitamae.moving import Moving
from kitamae.opened import City
from kitamae.opening import open_city
from kitamae.settings import listed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

    from kitamae.directory.lock import Lock
    from kitamae.kernel.people.access_log import Entry
    from kitamae.kernel.people.colleagues import Called
    from kitamae.kernel.problems import Problem
    from kitamae.settings import Settings

OPERATOR: Final = Principal("operator", "system", assurance=3)
"""Whoever owns the data directory, over the local socket."""

_DRAIN_SECONDS: Final = 5.0
_log = structlog.get_logger("kitamae")


class Kitamae:
    """One process on one data directory; an ASGI application while `running`."""

    def __init__(self, settings: Settings, lock: Lock, *, address: str = "") -> None:
        """`lock` is held by the caller. `address` is how people reach the server, for the links it hands out.

        Raises Conflict where a sandbox would be served with what is a real city's.
        """
        self.layout = Layout(settings.data)
        self.settings = settings = sandbox.alone(settings, self.layout)
        self.address = (address or settings.public_url or f"http://{settings.host}:{settings.port}").rstrip(
            "/"
        )
        self.measures = Measures()
        self._lock = lock
        self._city: City | None = None
        self._serving = 0
        self._idle = asyncio.Event()
        self._quietly = False
        self._changing = asyncio.Lock()
        self._gone = ""
        self.moving: Moving | None = None
        self._move: asyncio.Task[None] | None = None
        self._edge = Edge(
            self.serve,
            settings,
            self.measures,
            self._let_in,
            error_page=self._error_page,
            tell=self._told,
            kept=self._kept,
        )

    @property
    def city(self) -> City:
        """What is open now. Raises Unavailable while a restore changes places, and when it has moved away."""
        if self._city is None:
            raise Unavailable(self._gone or "the city is being opened; try again in a moment", retryAfter=5)
        return self._city

    @asynccontextmanager
    async def running(self, *, quietly: bool = False) -> AsyncIterator[None]:
        """Open the directory, close it at the end. `quietly`: for one command, without notifications and loading."""
        self._quietly = quietly
        self.layout.make()
        if self.settings.city and not quietly:
            self.layout.city.write_text(str(self.settings.city.absolute()), "utf-8")
        if restoring.finish(self.layout):
            _log.warning("a restore that was cut off is finished now")
        await self._open()
        try:
            yield
        finally:
            await self.stay()
            await self._close()

    # --- serving
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, `http` only: for everybody."""
        await self._edge(scope, receive, send)

    def operator_edge(self, inner: ASGIApp) -> Edge:
        """As for everybody, but whoever comes is the operator: for the local socket."""
        trusted = self.settings.model_copy(update={"open": False, "max_body_mb": 1024})
        return Edge(
            inner, trusted, self.measures, self._let_in, everybody=OPERATOR, tell=self._told, here=True
        )

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """To the open city; a restore waits for what was begun."""
        city = self.city
        self._serving += 1
        try:
            await city(scope, receive, send)
        finally:
            self._serving -= 1
            if not self._serving:
                self._idle.set()

    async def _let_in(self, scope: Scope) -> None:
        await self.city.gate.let_in(scope)

    def _told(self, entry: Entry) -> None:
        """For the access log; between two cities, while a restore changes places, there is none."""
        if self._city is not None:
            self._city.access.heard(entry)

    def _kept(self, scope: Scope) -> ASGIApp | None:
        return self._city.kept(scope) if self._city is not None else None

    def _error_page(self, scope: Mapping[str, Any], problem: Problem, request: str) -> bytes:
        return self.city.error_page(scope, problem, request)

    # --- what the operator asks for
    async def sign_in_link(
        self, *, another: bool = False, of: Sequence[str] = (), called: Called | None = None
    ) -> str:
        """The address of a one-time sign-in. See `People.staff`."""
        people = self.city.people
        secret = await people.invite(await people.staff(another=another, of=of, called=called))
        return f"{self.address}/sign-in/{secret}"

    async def backup(self, to: Path, keys: Path | None = None) -> dict[str, Any]:
        """See `directory/backup.py`. `keys`: where persons' keys go, apart and afterwards: every record has its key then."""
        sandbox.demand_none(self.layout, "is not backed up")
        async with self._changing:
            if keys is not None:
                _demand_free(keys)
            made = await backup(self.city.store, self.layout, to, listed(self.settings.backup_to))
            await notes.note(self.city.store, notes.BACKUP, encrypted=bool(self.settings.backup_to))
            if keys is not None:
                await self.backup_keys(keys)
            return made

    async def backup_keys(self, to: Path) -> dict[str, Any]:
        """Persons' keys, still wrapped by the city's: to be kept apart from every other backup, and for a short time."""
        _demand_free(to)
        await self.city.vault.backup(str(to))
        await notes.note(self.city.store, notes.KEYS_BACKUP)
        return {"days": self.settings.keys_backup_days}

    async def examine(self) -> list[dict[str, Any]]:
        """What is misconfigured: see `kitamae.doctor`."""
        return await doctor.examine(self.city, self.settings, self.layout)

    async def put_away(self, name: str) -> None:
        """There is a copy of `seal.key` or `ledger.key` elsewhere. Raises NotFound."""
        try:
            await doctor_keys.copied(self.city, self.settings, self.layout, name)
        except (KeyError, OSError):
            raise NotFound(f"there is no {name!r:.80} here; expected seal.key or ledger.key") from None

    async def shared(self, what: Literal["shares", "rehearsed"], **more: Any) -> None:
        """Shares of the city's key were made, or tried."""
        await notes.note(self.city.store, what, **more)

    async def rotate(self, *, city: bool, given: str = "") -> int:
        """Give every person new keys, or (`city`) the city a new key; how many keys were replaced. `given`: see `personal.rotate_city_key`."""
        async with self._changing:
            if city:
                return await personal.rotate_city_key(self.settings, self.layout, self.city.vault, given)
            return await self.city.vault.rotate()

    async def restore(
        self, file: Path, keys: Path | None = None, identity: str | None = None
    ) -> dict[str, Any]:
        """See `directory/restore.py`. What was taken back (tokens, passkeys, links, mandates, duties) and consents that were withdrawn
        since the backup stay so; sessions end; whoever was erased stays so. `keys`: a backup of persons' keys that is put in their place. `identity`: what opens an encrypted backup.
        """
        sandbox.demand_none(self.layout, "takes no backup of a city")
        if self._changing.locked():
            raise Conflict("a backup, a restore or a move is going on; wait until it is done")
        if self.settings.store:
            raise Unprocessable("this city is kept on PostgreSQL: it is restored there, while no worker runs")
        async with self._changing:
            manifest = await asyncio.to_thread(restoring.unpack, file, self.layout, sqlite.verify, identity)
            ended = await self.city.people.ended()
            withdrawn = await self.city.consents.withdrawn()
            seen = await self.city.access.held(str(manifest["at"])[:10])
            await self._close()
            try:
                if keys is not None:  # first: what is refused leaves everything as it was
                    await asyncio.to_thread(personal.restore_keys, self.settings, self.layout, keys)
                await asyncio.to_thread(restoring.swap, self.layout)
            finally:
                await self._open()
            await self.city.people.restored(ended)
            await self.city.consents.restored(withdrawn)
            await self.city.access.restored(seen)
            return manifest

    async def migrate(self, to: str, keys: str = "") -> None:
        """Begin to move into another store, and persons' keys into `keys`; `moving` tells how it goes. See `moving.py`."""
        if self._changing.locked():
            raise Conflict("a backup, a restore or a move is going on; wait until it is done")
        moving = await Moving.begin(self.settings, self.layout, to, self.city.broker.alias, keys)
        if self._move is not None and not self._move.done():
            await moving.close()
            raise Conflict(
                f"the city is moving already, to {self.moving.where if self.moving else 'elsewhere'}"
            )
        self.moving = moving
        self._move = asyncio.create_task(self._go(moving))

    async def stay(self) -> None:
        """Leave off moving; what is copied already is found there by the next try."""
        if self._move is not None:
            if self.moving is None or self.moving.state in (
                "copying",
                "closing",
            ):  # else it is only letting go
                self._move.cancel()
            await asyncio.gather(self._move, return_exceptions=True)

    async def _go(self, moving: Moving) -> None:
        try:
            async with self._changing:
                await moving.near()
                await self._close()
                try:
                    await moving.last()
                except BaseException:
                    await self._open()
                    raise
                self._gone = f"the city has moved to {moving.where}: serve it from there"
        except Exception as error:
            moving.failed(error)
        except asyncio.CancelledError:
            moving.failed(Conflict("it was left off; what is copied already is found there by the next try"))
            raise
        finally:
            await moving.close()

    async def status(self) -> dict[str, Any]:
        """For `kitamae status`."""
        _, health = await self.city.health.ready()
        store = self.city.store
        return {
            "version": __version__,
            "data": str(self.layout.root.absolute()),
            **({"store": self.settings.kept_in} if self.settings.store else {}),
            "address": "" if self._quietly else self.address,
            "city": str(self.settings.city or ""),
            "health": health["status"],
            **{
                name: found[0].get("output") or found[0]["status"] for name, found in health["checks"].items()
            },
            "entities": {
                t: sum((await store.types(t)).values())
                for t in await store.tenants()
                if not t.startswith("/")
            },
            "history": self.city.retention.report(),
            **({"closed months": await self.city.closing.report()} if self.city.closing else {}),
            "owed": sum(count for _, _, count in await store.queues()),
        }

    # --- opening and closing
    async def _open(self) -> None:
        self._city = await open_city(
            self.settings, self.layout, self.measures, self.address, quietly=self._quietly
        )

    async def _close(self) -> None:
        city, self._city = self._city, None
        if city is None:
            return
        await city.stop()
        self._idle.clear()
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                if self._serving:
                    await self._idle.wait()
        except TimeoutError:
            _log.warning("closing with requests going on", requests=self._serving)
        await city.close()


def _demand_free(to: Path) -> None:
    """Raises Conflict."""
    if to.exists():
        raise Conflict(f"{to} is already there; a backup replaces nothing")
