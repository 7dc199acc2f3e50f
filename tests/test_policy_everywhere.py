"""Nothing is answered without the policy: where it permits nothing, every address says no."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jma_standin import StandIn
from warned import warn

from bare_kaga import bare
from kitamae.commands.control import Control
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.policy.cedar import Engine
from kitamae.kernel.problems import Unavailable
from kitamae.web.outside import writing
from serving import SAME, Served, serving
from telling import SECRET, TOKEN, Line

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"
NOTHING = '@id("nothing") forbid (principal, action, resource);'


async def answered(served: Served, paths: Mapping[str, Iterable[str]]) -> list[str]:
    """What of these addresses was not refused."""
    found = []
    for path, operations in paths.items():
        for method in operations:
            address = re.sub(r"{[^}]*}", "urn:x:1", path)
            answer = await served.client.request(method, address, headers=SAME)
            if answer.status_code not in (401, 403):
                found.append(f"{method} {address}: {answer.status_code}")
    return found


async def test_where_the_policy_permits_nothing_every_address_that_is_described_refuses(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        paths = (await served.client.get("/openapi.json")).json()["paths"]
        served.kitamae.city.policy.change(engine=Engine(NOTHING))
        assert len(paths) > 60
        assert await answered(served, paths) == []


async def test_it_refuses_too_where_residents_line_and_the_feeds_hub_come_in(tmp_path: Path) -> None:
    async with (
        StandIn() as agency,
        Line() as line,
        serving(
            tmp_path / "data",
            city=bare(tmp_path / "city"),
            demo_residents=True,
            jma=agency.feed,
            jma_hub=agency.hub,
            line_api=line.api,
            line_token=TOKEN,
            line_secret=SECRET,
        ) as served,
    ):
        await served.loaded()
        paths = (await served.client.get("/openapi.json")).json()["paths"]
        assert {"/line/webhook", "/stand-in/authorize", "/sign-in/resident", "/staff/feeds"} <= paths.keys()
        assert any(path.startswith("/feeds/") for path in paths)
        served.kitamae.city.policy.change(engine=Engine(NOTHING))
        assert await answered(served, paths) == []


@pytest.mark.parametrize("address", ["/static/style.css", "/openapi.json", "/map/basemap.pmtiles"])
async def test_what_is_not_described_refuses_too(tmp_path: Path, address: str) -> None:
    async with serving(tmp_path / "data") as served:
        served.kitamae.city.policy.change(engine=Engine(NOTHING))
        assert (await served.client.get(address)).status_code == 401


async def test_where_the_policy_permits_nothing_the_local_socket_refuses_the_operator_too(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data") as served:
        control = Control(served.kitamae)
        transport = httpx2.ASGITransport(app=control)
        async with httpx2.AsyncClient(transport=transport, base_url="http://kitamae") as client:
            assert (await client.get("/control/status")).status_code == 200
            served.kitamae.city.policy.change(engine=Engine(NOTHING))
            answered = []
            for method, path in control.addresses:
                answer = await client.request(method, re.sub(r"{[^}]*}", "x", path), json={})
                if answer.status_code not in (401, 403):
                    answered.append(f"{method} {path}: {answer.status_code}")
        assert len(control.addresses) > 25
        assert answered == []


async def test_nobody_erases_a_person_alone_not_even_whoever_owns_the_directory(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as served:
        await served.kitamae.city.vault.keep(SYSTEM, "p-taro", "requests", "request", {"name": "加賀 太郎"})
        transport = httpx2.ASGITransport(app=Control(served.kitamae))
        async with httpx2.AsyncClient(transport=transport, base_url="http://kitamae") as client:
            assert (await client.delete("/control/people/p-taro")).status_code == 404
            assert (await client.delete("/my/records")).status_code in (401, 403)
        assert len(await served.kitamae.city.store.transact(lambda tx: tx.vault.of("", "p-taro"))) == 1


async def test_copies_of_a_page_without_papers_are_neither_given_nor_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LOOK", 0.05)
    there = tmp_path / "there"

    async def at(moment: str) -> None:
        for _ in range(400):
            if (last := there / "disaster.json").is_file() and json.loads(last.read_bytes())["asOf"] > moment:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("never written")

    def written() -> dict[str, int]:
        return {str(one): one.stat().st_mtime_ns for one in there.rglob("*.*")}

    async with serving(tmp_path / "data", city=KAGA, open=True, outside=str(there)) as served:
        await served.loaded()
        await warn(served, "大雨警報")
        for _ in range(400):  # drawn a moment later
            if "大雨警報" in (await served.client.get("/disaster")).text:
                break
            await asyncio.sleep(0.05)
        await at("")
        said = json.loads((there / "disaster.json").read_bytes())
        copies = [f"/snapshot/{name}" for name in ("disaster.json", *said["pages"])]
        copies.append(f"/{said['snapshot']}")
        for address in copies:
            assert (await served.client.get(address)).status_code == 200, address
        policy = served.kitamae.city.policy
        policy.change(facts=replace(policy.facts, without_papers=frozenset({"disaster"})))
        for address in ("/disaster", *copies):
            answer = await served.client.get(address, headers={"accept": "application/json"})
            assert (answer.status_code, "privacy impact assessment" in answer.text) == (403, True), address
        await asyncio.sleep(0.5)  # what was under way is there
        before = written()
        await warn(served, "大雨特別警報", 5)
        await asyncio.sleep(0.5)
        assert written() == before

        def away(*_: Any) -> None:
            raise Unavailable("the store is away")

        monkeypatch.setattr(served.kitamae.city.gate, "let_in", away)
        signed = {"authorization": "Bearer x"}
        assert (await served.client.get("/disaster", headers=signed)).status_code == 503, "not as it was"
        policy.change(facts=replace(policy.facts, without_papers=frozenset()))
        assert "大雨" in (await served.client.get("/disaster", headers=signed)).text
        await at(said["asOf"])


async def test_a_route_of_a_service_without_papers_is_refused_and_says_why(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        policy = served.kitamae.city.policy
        assert (await served.client.get("/rivers")).status_code == 200
        policy.change(facts=replace(policy.facts, without_papers=frozenset({"rivers"})))
        answer = await served.client.get("/rivers", headers={"accept": "application/json"})
        assert (answer.status_code, "privacy impact assessment" in answer.text) == (403, True)
        assert (await served.client.get("/places")).status_code == 200
