"""The pages: the shell, and each service in its room."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, ValidationException
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from kitamae import __version__, openapi
from kitamae.edge import failures
from kitamae.kernel.people.devices import DeviceKeys
from kitamae.kernel.people.links import Links
from kitamae.kernel.people.once import Once
from kitamae.kernel.people.requests import Breaches, Calendar, Requests
from kitamae.kernel.people.watching import Flags
from kitamae.kernel.problems import BadRequest, MethodNotAllowed, NotFound, Problem
from kitamae.sdk.city import Handling
from kitamae.sdk.reader import Reader
from kitamae.sdk.room import Room
from kitamae.web import (
    access,
    data_tracker,
    desks,
    duties,
    errors,
    ledger,
    my,
    openid,
    passkeys,
    records,
    registers,
    residents,
    sign_in,
    visitors,
    watching,
)
from kitamae.web import requests as asked_of_us
from kitamae.web.asked import guard
from kitamae.web.delegates import DESK as DELEGATES_DESK
from kitamae.web.delegates import HERE as DELEGATES
from kitamae.web.delegates import counter
from kitamae.web.delegates import own as delegations
from kitamae.web.delegates.banner import Banner
from kitamae.web.devices import DESK as DEVICES_DESK
from kitamae.web.devices import HERE as DEVICES
from kitamae.web.devices import desk as device_keys
from kitamae.web.devices import token as device_token
from kitamae.web.links import DESK as LINKS_DESK
from kitamae.web.links import HERE as LINKS
from kitamae.web.links import desk, keeper
from kitamae.web.page import ShellPage
from kitamae.web.routes import routes as shell_routes
from kitamae.web.shell import HERE, Entry, Shell
from kitamae.web.shell import City as Named
from kitamae.web.tiles import Basemap
from kitamae.web.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.ledger.log import Log
    from kitamae.kernel.ledger.witnesses import Witnesses
    from kitamae.kernel.people.consent import Consents
    from kitamae.kernel.people.gate import Gate
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.vault import Vault
    from kitamae.registers import Registers
    from kitamae.sdk.changes import Changes
    from kitamae.sdk.city import City
    from kitamae.sdk.service import Service
    from kitamae.ways_in import WaysIn


@dataclass(frozen=True, slots=True)
class Building:
    """What the rooms are built on. `published`: the store as everybody may read it; `words` is the city's @context; `derived` a folder that may be thrown away."""

    profile: City | None
    store: Store
    published: Store
    words: Context
    changes: Changes
    people: People
    gate: Gate
    ways: WaysIn
    services: Sequence[Service]
    derived: Path
    address: str
    registers: Registers
    consents: Consents
    log: Log | None = None
    witnesses: Witnesses | None = None


class Rooms:
    """All pages as one ASGI application; problems are raised, for the edge to answer."""

    def __init__(self, on: Building, policy: Policy, vault: Callable[[], Vault]) -> None:
        """Every address asks `policy` before its handler runs. `vault()` raises VaultClosed where there is none."""
        tenant = on.profile.tenant if on.profile else ""
        reader = Reader(on.published, on.words, tenant)
        self._shell = Shell(
            reader,
            Named.of(on.profile),
            [_entry(service) for service in on.services],
            words=Words.of_city(on.profile.folder if on.profile else None),
            basemap=Basemap(reader, on.derived),
        )
        if on.profile:
            self._shell.languages = on.profile.languages
        self._shell.desks += desks.ALL
        self._page = ShellPage(self._shell, HERE)
        self._shell.visitors = on.ways.visitors is not None
        self._shell.residents, self._shell.demo = on.ways.residents is not None, on.ways.stand_in is not None
        ways_in: list[BaseRoute] = [
            *residents.routes(self._page, on.people, on.gate, on.ways),
            *openid.routes(self._page, on.people, on.gate, on.ways.provider, on.ways.seal),
            *passkeys.routes(self._page, on.ways.passkeys),
            *visitors.routes(self._page, on.people, on.gate, on.ways.visitors, on.ways.passkeys.origin),
            *sign_in.routes(self._page, on.people, on.gate, on.ways.passkeys, on.ways.office),
            *records.routes(vault),
            *data_tracker.routes(vault, _receiver(on)),
            *access.routes(policy, access.of_city(policy, on.people, on.words.expand), on.address),
        ]
        links = Links(
            *(on.store, on.ways.seal, policy, on.words),
            [one.kind() for one in on.profile.links] if on.profile else [],
            tenant=tenant,
        )
        self.links = links
        link_page = ShellPage(self._shell, LINKS)
        ways_in += keeper.routes(link_page, reader, links)
        zone = on.profile.timezone if on.profile else "Asia/Tokyo"
        banner = Banner(self._shell, on.gate, on.ways.seal)
        self._shell.banners.append(banner)
        self._shell.desks += [LINKS_DESK, DELEGATES_DESK, DEVICES_DESK, watching.DESK]
        own_page = ShellPage(self._shell, DELEGATES)
        origin = on.ways.passkeys.origin
        ways_in += delegations.routes(own_page, on.ways.delegates, vault, banner, origin, zone)
        keys = DeviceKeys(
            *(on.store, on.people, Once(on.store), on.registers.sensors, on.words.expand, on.address),
            tenant=tenant,
        )
        ways_in += device_token.routes(keys)
        guard(ways_in, policy, tenant, for_everybody=True)
        making: list[BaseRoute] = [*desk.routes(link_page, reader, links, origin, zone)]
        guard(making, policy, tenant, desk="links")
        at_counter: list[BaseRoute] = [*counter.routes(own_page, on.ways.delegates, vault, zone)]
        guard(at_counter, policy, tenant, desk="people")
        device_desk: list[BaseRoute] = [
            *device_keys.routes(ShellPage(self._shell, DEVICES), keys, on.registers.sensors)
        ]
        guard(device_desk, policy, tenant, desk="sensors")
        ways_in += [*making, *at_counter, *device_desk]
        ways_in += _asked_of_us(on, policy, vault, self._shell)
        ways_in += _watched(self._shell, on.store, vault, policy, tenant)
        self._shell.purposes = watching.titles(on.consents.declared)
        ways_in += my.routes(self._ground(on, policy, vault), tenant, zone)
        routes = duties.routes(
            *(self._shell, on.profile, on.ways.office, on.ways.emergencies, on.people),
            *(on.ways.numbers, on.ways.passkeys.origin, policy),
        )
        for service in on.services:
            room = Room(
                service.manifest, on.profile, reader, ShellPage(self._shell, service.folder), on.changes
            )
            own: list[BaseRoute] = []
            if pages := service.module("pages"):
                own += pages.routes(room)
            if api := service.module("api"):
                own.append(Mount(f"/api/{service.id}", app=_api(service, api.router(room))))
            guard(own, policy, tenant, service=service.id)
            routes += own
        shown = ShellPage(self._shell, registers.HERE)
        routes += registers.mounted(shown, on.registers, policy, tenant, on.address)
        shell = shell_routes(self._shell)
        if on.profile:
            shell.append(
                Route(f"/context/{on.profile.id}.jsonld", _document(on.profile.context), methods=["GET"])
            )
        shell.append(
            Route("/ledger", partial(ledger.index, self._page, on.log, on.witnesses), methods=["GET"])
        )
        shell.append(Route("/openapi.json", _described([*ways_in, *routes, *shell]), methods=["GET"]))
        guard(shell, policy, tenant)
        self._app = Starlette(routes=[*ways_in, *routes, *shell])
        self._app.router.default = _nothing_here

    def _ground(self, on: Building, policy: Policy, vault: Callable[[], Vault]) -> my.Ground:
        name: Mapping[str, str] = dict(on.profile.name.items()) if on.profile else {"ja": "Kitamae"}
        return my.Ground(
            ShellPage(self._shell, my.HERE),
            on.people,
            policy,
            on.consents,
            vault,
            on.store,
            on.log,
            name,
            on.ways.passkeys.origin,
            on.ways.residents is not None,
            lambda: any(isinstance(one, Route) and one.path == my.ASK for one in self._app.routes),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, `http` only. Raises Problem."""
        scope["app"] = self._app
        try:
            await self._app.router(scope, receive, send)
        except HTTPException as error:
            raise _as_problem(error) from error

    def error_page(self, scope: Mapping[str, Any], problem: Problem, request: str) -> bytes:
        """A Problem for a reader, in the reader's language."""
        asked = Request(cast("Any", scope))
        return bytes(errors.problem_page(self._page, asked, problem.status, problem.detail).body)


def _asked_of_us(on: Building, policy: Policy, vault: Callable[[], Vault], shell: Shell) -> list[BaseRoute]:
    """Requests and complaints about personal data, 個人情報ファイル簿, breaches."""
    city = on.profile
    told = city.requests if city else Handling()
    name = city.name.get("ja", city.id) if city else "市"
    calendar = Calendar(told.closed)
    days: dict[str, int] = dict(told.days.items())
    return asked_of_us.routes(
        ShellPage(shell, asked_of_us.HERE),
        Requests(on.store, vault, calendar, days=days),
        Breaches(on.store, calendar),
        asked_of_us.files(city, on.services),
        asked_of_us.Office(name, told.head or f"{name}長", told.office, told.address, told.phone),
        days,
        policy,
        city.tenant if city else "",
    )


def _receiver(on: Building) -> data_tracker.Receiver:
    """In Japanese: a name is a name."""
    systems = {service.id: service.manifest.name.get("ja", service.id) for service in on.services}
    if on.profile is None:
        return data_tracker.Receiver("", "", {"": "Kitamae", **systems})
    city = on.profile
    return data_tracker.Receiver(
        city.code, city.name.get("ja", city.id), {"": city.platform.get("ja", city.id), **systems}
    )


def _watched(
    shell: Shell, store: Store, vault: Callable[[], Vault], policy: Policy, tenant: str
) -> list[BaseRoute]:
    """Improper use: a desk's pages, and those of the person."""
    page = ShellPage(shell, watching.HERE)
    flags = Flags(store, vault, tenant=tenant)
    desk: list[BaseRoute] = [*watching.staff(page, flags, lambda: vault().purposes)]
    own: list[BaseRoute] = [*watching.mine(page, flags, lambda: vault().purposes)]
    guard(desk, policy, tenant, desk="privacy")
    guard(own, policy, tenant)
    return [*desk, *own]


def _entry(service: Service) -> Entry:
    papers = service.manifest
    return Entry(
        f"/{papers.id}",
        papers.name,
        papers.summary,
        icon=papers.icon,
        order=papers.order,
        finds=papers.finds,
    )


def _document(context: dict[str, Any]) -> Any:
    """The city's @context under its own address, for whoever reads its entities elsewhere."""
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}

    async def answer(request: Request) -> JSONResponse:
        return JSONResponse(context, media_type="application/ld+json", headers=headers)

    return answer


def _described(routes: list[BaseRoute]) -> Any:
    """What the server answers, put together when somebody asks."""

    @cache
    def body() -> bytes:
        return orjson.dumps(openapi.document(routes))

    async def answer(request: Request) -> Response:
        return Response(body(), media_type="application/json", headers={"Access-Control-Allow-Origin": "*"})

    return answer


def _api(service: Service, router: Any) -> ASGIApp:
    """A service's programming interface, described at `openapi.json` beside it; FastAPI's own pages need the net."""

    async def problem(request: Request, error: Exception) -> Response:
        status, headers, body = failures.answer(
            request.scope, _as_problem(error), request.scope["request_id"], failures.plain_page
        )
        return Response(body, status, {name.decode(): value.decode() for name, value in headers})

    app = FastAPI(
        title=service.manifest.name.get("en", service.id), version=__version__, docs_url=None, redoc_url=None
    )
    app.include_router(router)
    for kind in (Problem, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, problem)
    return app


def _as_problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        if error.status_code == 405:
            return MethodNotAllowed(str(error.detail), allow=(error.headers or {}).get("Allow", ""))
        known = {404: NotFound}
        return known.get(error.status_code, BadRequest)(str(error.detail))
    first = error.errors()[0] if isinstance(error, ValidationException) else {"loc": (), "msg": str(error)}
    where = " ".join(str(part) for part in first["loc"])
    return BadRequest(f"{where}: {first['msg']}")


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotFound(f"there is nothing at {scope['path']!r:.200}")
