"""Pages in a real browser, served over a real socket, with all of Kaga's data behind the fake read door."""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from served_city import servers
from starlette.applications import Starlette
from starlette.routing import Route

from browser.town import free_port
from kitamae.kernel.ledger.checkpoint import Checkpoint
from kitamae.kernel.people.duties import Standing
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.relying.stand_in import RESIDENTS
from kitamae.sdk.changes import Changes
from kitamae.sdk.city import City as Profile
from kitamae.sdk.room import Room
from kitamae.sdk.service import discover
from kitamae.web.ledger import Seen, Shown
from kitamae.web.page import ShellPage
from kitamae.web.routes import problem_handlers, routes
from kitamae.web.shell import HERE, STATIC, City, Entry, Shell
from kitamae.web.tiles import Basemap
from web.conftest import READINGS, at, value
from web.fake import FakeContext

ROOT = Path(__file__).resolve().parents[2]

SHELTER = "urn:ngsi-ld:EvacuationShelter:172065:E1720600002111"
UNKNOWN = "urn:ngsi-ld:EvacuationShelter:172065:E1720600001111"
GAUGE = "urn:ngsi-ld:RiverGauge:1700000063"
FAR = {
    "id": "urn:ngsi-ld:RiverGauge:172022:1700000113",
    "type": "RiverGauge",
    "名称": value("衣川（衣川橋）"),
    "location": at(136.96268, 37.10472),
}
"""A gauge 90 km up the coast, as an archive of the whole prefecture brings them."""
PAGES = (
    "/", "/map", "/map?kind=HotSpring", "/places?text=山代&near=136.31,36.30", "/places?text=zzz", "/kind/HotSpring",
    f"/entity/{SHELTER}", f"/entity/{UNKNOWN}", "/entity/urn:ngsi-ld:PublicToilet:172065:1",
    "/entity/urn:ngsi-ld:PopulationByAge:172065:census-1980", f"/history/{GAUGE}?attribute=水位", "/data", "/accessibility", "/nowhere",
    "/test/sign-in", "/test/staff", "/test/resident", "/test/account", "/test/stand-in", "/test/consent", "/test/end-session", "/test/passkeys", "/test/visitor", "/test/ledger", "/test/broken",
)  # fmt: skip
"""Every kind of page that the shell has, the ones for errors too."""


OFFER = {"options": "{}", "note": "n"}
STAFF = {
    "who": Principal("staff-1", "staff", assurance=2, session="x"), "csrf": "", "may_recover": True,
    "failed": True, "colleagues": ["staff-2"], "first": True, "standing": Standing(), "held": (), "recovery": {"by": "staff-2", "at": "2026-11-21T07:00:00Z"},
}  # fmt: skip
PARTNER = {"id": "client-1", "name": "のりあいバス予約", "purpose": "予約した人を見分けます"}


def application(folder: Path) -> Starlette:
    """The shell with every service's pages, and the templates that the composition root fills."""
    profile = Profile.read(ROOT / "cities" / "kaga")
    entities = list(profile.entities())
    for entity in entities:
        entity["modifiedAt"] = "2026-11-21T07:00:00Z"
        if entity["id"] == GAUGE:
            entity["水位"] = value(23.11, unitCode="MTR", observedAt="2025-10-16T09:50:00Z")
    entities.append({**FAR, "modifiedAt": "2026-11-21T07:00:00Z"})
    shell = Shell(FakeContext(entities, READINGS), City.of(profile), worker=False)
    shell.basemap = Basemap(shell.context, folder)
    page = ShellPage(shell, HERE)
    found, menu = [], []
    for service in discover():
        if module := service.module("pages"):
            room = Room(
                service.manifest, profile, shell.context, ShellPage(shell, service.folder), Changes(str)
            )
            found += module.routes(room)
            menu.append(
                Entry(
                    f"/{service.id}",
                    service.manifest.name,
                    service.manifest.summary,
                    finds=service.manifest.finds,
                )
            )
    shell.menu = menu

    async def sign_in(request):
        return page.render(
            request, "sign-in.html", action="/test/sign-in", failed="expired", next="", passkey=OFFER
        )

    async def staff(request):
        return page.render(
            request, "staff.html", until="2026-11-21T07:00:00Z", sign_out="/test/sign-in", **STAFF
        )

    async def resident(request):
        return page.render(
            request, "resident.html", ready=True, start="/test/resident", next="/", failed="", minutes=10
        )

    async def account(request):
        who = Principal("resident-1", "resident", assurance=3, session="x")
        return page.render(
            request, "account.html", who=who, until="2026-11-21T07:00:00Z", csrf="", partners=[PARTNER]
        )

    async def consent(request):
        scope = ("openid", "role", "offline_access")
        return page.render(
            request,
            "consent.html",
            client=PARTNER,
            host="bus.example.jp",
            scope=scope,
            sent=[],
            action="/",
            csrf="",
        )

    async def passkeys(request):
        one = {"name": "携帯", "createdAt": "2026-11-21T07:00:00Z", "usedAt": "2026-11-21T08:00:00Z"}
        return page.render(
            request, "passkeys.html", passkeys=[("a", one)], offer=OFFER, possible=True, csrf="", failed="x"
        )

    async def visitor(request):
        return page.render(
            request, "visitor.html", ready=True, sent=False, failed="address", code="", action="/test/visitor"
        )

    async def end_session(request):
        return page.render(request, "end-session.html", sent={}, action="/", csrf="")

    async def stand_in(request):
        many = [(f"test-{n}", card) for n in range(10) for card in RESIDENTS.values()]
        return page.render(
            request, "stand-in.html", residents=many[:20], all=40, total=40, offset=0, limit=20, text="",
            action="/test/stand-in", csrf="",
        )  # fmt: skip

    async def ledger(request):
        when = datetime(2026, 11, 21, 7, tzinfo=UTC)
        return page.render(
            request,
            "ledger.html",
            head=Checkpoint("city.example/ledger", 2, bytes(32)),
            root="A" * 43 + "=",
            keys=["city.example/ledger+00000000+" + "A" * 44],
            entries=[Shown(1, when, "sensors", '{"id":"urn:ngsi-ld:Sensor:1"}'), Shown(0)],
            witnesses=[
                Seen("a.example/w", 2, when, True),
                Seen("b.example/w", None, None, True),
                Seen("c", None, None, False),
            ],
            trouble=True,
            instead={"why": "its secret key is not here"},
            here_address="http://127.0.0.1:8080/ledger",
        )

    async def broken(request):
        raise RuntimeError("on purpose")

    own = {"sign-in": sign_in, "staff": staff, "resident": resident, "account": account, "stand-in": stand_in}
    own |= {"consent": consent, "end-session": end_session, "passkeys": passkeys, "visitor": visitor}
    own |= {"ledger": ledger, "broken": broken}
    found += [Route(f"/test/{name}", answer) for name, answer in own.items()]
    return Starlette(routes=found + routes(shell), exception_handlers=problem_handlers(shell))


@pytest.fixture(scope="session")
def city(tmp_path_factory):
    """The address of a running city."""
    port = free_port()
    app = application(tmp_path_factory.mktemp("basemap"))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def named_town(tmp_path, monkeypatch):
    """A server that people reach by a name: passkeys are not for numbers."""
    port = free_port()
    address = f"http://localhost:{port}"
    monkeypatch.setenv("KITAMAE_PUBLIC_URL", address)
    with servers() as start:
        yield replace(start("--port", str(port), data=tmp_path / "data"), address=address)


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium."""
    found = os.environ.get("KITAMAE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("chromium is not on this machine (apt-get install chromium, or set KITAMAE_CHROMIUM)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _closed(request):
    """What a test opened in the browser does not outlive the city that it looked at."""
    yield
    if "chromium" in request.fixturenames:
        for context in request.getfixturevalue("chromium").contexts:
            context.close()


@pytest.fixture(scope="session")
def map_library():
    """Skips where a map cannot be drawn."""
    if not (STATIC / "vendor" / "maplibre-gl" / "maplibre-gl.mjs").is_file():
        pytest.skip(
            "the npm packages were not copied (npm ci --ignore-scripts; python -m kitamae.web.vendor)"
        )


@pytest.fixture
def visit(chromium, city):
    """`visit("/map", lang="en", width=320, script=False)` -> an open page; what its console complains about fails."""
    contexts, complaints = [], []

    def go(path, *, lang="ja", width=1280, script=True, **more):
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=script, locale="ja-JP", **more
        )
        context.add_cookies([{"name": "lang", "value": lang, "url": city}])
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{path}: {error}"))
        page.on(
            "console", lambda message: complaints.append(f"{path}: {message.text}") if _bad(message) else None
        )
        page.goto(city + path, wait_until="load")
        return page

    go.complaints = complaints
    yield go
    for context in contexts:
        context.close()
    assert complaints == []


def _bad(message):
    return (
        message.type == "error"
        and "status of 404" not in message.text
        and "status of 500" not in message.text
    )
