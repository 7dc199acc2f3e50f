"""The pages: the shell, and each service in its room."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, ValidationException
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from kitamae import __version__, areas, openapi
from kitamae.building import Building, Site
from kitamae.edge import failures
from kitamae.kernel.problems import BadRequest, MethodNotAllowed, NotFound, Problem
from kitamae.sdk.desk import Desk, Writing
from kitamae.sdk.observing import Observing
from kitamae.sdk.reader import Reader
from kitamae.sdk.room import Room
from kitamae.web import errors, ledger, registers
from kitamae.web.asked import guard, shown_to_all
from kitamae.web.outside import routes as outside_routes
from kitamae.web.outside.targets import Target
from kitamae.web.outside.writing import Outside
from kitamae.web.routes import routes as shell_routes
from kitamae.web.shell import HERE, Entry, Shell
from kitamae.web.shell import City as Named
from kitamae.web.shell import Desk as ADesk
from kitamae.web.tiles import Basemap
from kitamae.web.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.vault import Vault
    from kitamae.kit.feeds.follower import Follower
    from kitamae.sdk.service import Service


class Rooms:
    """All pages as one ASGI application; problems are raised, for the edge to answer."""

    def __init__(self, on: Building, policy: Policy, vault: Callable[[], Vault]) -> None:
        """Every address asks `policy` before its handler runs. `vault()` raises VaultClosed where there is none."""
        reader = Reader(on.published, on.words, on.profile.tenant if on.profile else "")
        self._shell = Shell(
            reader,
            Named.of(on.profile),
            [_entry(service) for service in on.services],
            words=Words.of_city(on.profile.folder if on.profile else None),
            basemap=Basemap(reader, on.derived),
        )
        if on.profile:
            self._shell.languages = on.profile.languages
        self._shell.kept_seconds, self._shell.worker = on.kept_seconds, on.worker
        self._shell.colleagues = on.people.colleagues.called
        self._shell.visitors = on.ways.visitors is not None
        self._shell.residents, self._shell.demo = on.ways.residents is not None, on.ways.stand_in is not None
        self._shell.sandbox = on.ways.sandbox
        self._site = site = Site(on, self._shell, reader, policy, vault)
        self._shell.origin = site.origin
        self._page, self.links, self.orders = site.page(HERE), areas.links_of(site), areas.orders_of(site)
        self.notices, self.feeds = areas.notices_of(site), areas.feeds_of(site)
        self.area_notices = areas.area_notices_of(site)
        self.reports = areas.reports_of(site)
        holder = areas.holder_of(site, self.links)
        routes: list[BaseRoute] = [
            *areas.ways_in(site, self.orders),
            *areas.duties(site),
            *areas.links(site, self.links, holder),
            *areas.sheltered(site, self.links, holder),
            *areas.assisted(site),
            *areas.delegates(site),
            *areas.devices(site),
            *areas.providers(site),
            *areas.asked_of_us(site),
            *areas.notices(site, self.notices),
            *areas.developers(site),
            *areas.improper_use(site),
            *areas.orders(site, self.orders),
            *areas.access_log(site),
            *areas.evacuation(site, self.feeds),
            *areas.feeds(site, self.feeds),
            *areas.area_notices(site, self.area_notices),
            *areas.reports(site, self.reports),
            *areas.my_page(site),
            *(route for service in on.services for route in _rooms_of(site, service, self.feeds)),
            *registers.mounted(site.page(registers.HERE), on.registers, policy, site.tenant, on.address),
        ]
        kept_here = on.derived / "outside"
        elsewhere = [Target(address, n) for n, address in enumerate(on.outside, 1)]
        self._demand = shown_to_all(routes)
        self.outside = Outside(self._shell, Target(str(kept_here)), elsewhere, on.address, self._demand)
        snapshots: list[BaseRoute] = [*outside_routes.routes(kept_here, self._shell, self._demand)]
        guard(snapshots, site.policy, site.tenant)
        routes += snapshots
        routes += self._own(site, routes)
        self._app = Starlette(routes=routes)
        self._app.router.default = _nothing_here

    def jobs(self) -> dict[str, tuple[Callable[[], Coroutine[Any, Any, None]], Callable[[], str]]]:
        """What services do beside requests, by the service's id; and what of it fails while the rest goes on ("": nothing)."""
        site = self._site
        found: dict[str, tuple[Callable[[], Coroutine[Any, Any, None]], Callable[[], str]]] = {}
        for service in site.on.services:
            if module := service.module("jobs"):
                papers = service.manifest
                observing = Observing(
                    *(papers.id, papers.writes, site.tenant, site.on.store, site.on.words, site.policy)
                )
                found[papers.id] = (
                    partial(module.start, _room(site, service, self.feeds), observing),
                    observing.trouble,
                )
        return found

    def _own(self, site: Site, others: list[BaseRoute]) -> list[BaseRoute]:
        """What the shell answers itself. `others`: what else is described."""
        on, shell = site.on, shell_routes(self._shell)
        if on.profile:
            shell.append(
                Route(f"/context/{on.profile.id}.jsonld", _document(on.profile.context), methods=["GET"])
            )
        shell.append(
            Route(
                "/ledger",
                partial(ledger.index, self._page, on.log, on.witnesses, on.address),
                methods=["GET"],
            )
        )
        shell.append(Route("/openapi.json", _described([*others, *shell]), methods=["GET"]))
        guard(shell, site.policy, site.tenant)
        return shell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, `http` only. Raises Problem."""
        scope["app"] = self._app
        try:
            await self._app.router(scope, receive, send)
        except HTTPException as error:
            raise _as_problem(error) from error

    def kept(self, scope: Scope) -> ASGIApp | None:
        """A page that everybody sees alike, as it was read last; None where there is none at this address, or the policy refuses it."""
        page = self._shell.kept.get(scope["path"])
        if page is None:
            return None
        try:
            self._demand(page.path)
        except Problem:
            return None
        return page.last(scope)

    def trouble(self) -> str:
        """Which kept pages could not be read anew; "" for none."""
        return "; ".join(f"{one.path}: {one.trouble}" for one in self._shell.kept.values() if one.trouble)

    def error_page(self, scope: Mapping[str, Any], problem: Problem, request: str) -> bytes:
        """A Problem for a reader, in the reader's language."""
        asked = Request(cast("Any", scope))
        return bytes(errors.problem_page(self._page, asked, problem.status, problem.detail).body)


def _room(site: Site, service: Service, feeds: Follower | None) -> Room:
    on = site.on
    shows = on.ways.sandbox or on.ways.stand_in is not None  # its residents are invented
    return Room(
        service.manifest,
        on.profile,
        site.reader,
        site.page(service.folder),
        on.changes,
        sandbox=shows,
        silent=feeds.is_silent if feeds else None,
    )


def _rooms_of(site: Site, service: Service, feeds: Follower | None) -> list[BaseRoute]:
    """A service's pages and its programming interface."""
    room = _room(site, service, feeds)
    own: list[BaseRoute] = []
    if pages := service.module("pages"):
        own += pages.routes(room)
    if api := service.module("api"):
        own.append(Mount(f"/api/{service.id}", app=_api(service, api.router(room))))
    guard(own, site.policy, site.tenant, service=service.id)
    return [*own, *_desk_of(site, service, room)]


def _desk_of(site: Site, service: Service, room: Room) -> list[BaseRoute]:
    """Where its staff work."""
    papers, module = service.manifest, service.module("desk")
    if papers.desk is None or module is None:
        return []
    on, path = site.on, f"/staff/{papers.desk.id}"
    site.shell.desks.append(ADesk(path, papers.desk.name, papers.desk.id))
    whole = Reader(on.store, on.words, site.tenant)
    desk = Desk(path, whole, Writing(on.store, on.words, papers.writes, papers.id, site.tenant))
    routes: list[BaseRoute] = [*module.routes(replace(room, desk=desk))]
    guard(routes, site.policy, site.tenant, service=service.id, desk=papers.desk.id)
    return routes


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
