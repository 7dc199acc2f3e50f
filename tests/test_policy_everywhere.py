"""Nothing is answered without the policy: where it permits nothing, every address says no."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from kitamae.commands.control import Control
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.policy.cedar import Engine
from serving import SAME, serving

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"
NOTHING = '@id("nothing") forbid (principal, action, resource);'


async def test_where_the_policy_permits_nothing_every_address_that_is_described_refuses(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        paths = (await served.client.get("/openapi.json")).json()["paths"]
        served.kitamae.city.policy.change(engine=Engine(NOTHING))
        answered = []
        for path, operations in paths.items():
            for method in operations:
                address = re.sub(r"{[^}]*}", "urn:x:1", path)
                answer = await served.client.request(method, address, headers=SAME)
                if answer.status_code not in (401, 403):
                    answered.append(f"{method} {address}: {answer.status_code}")
    assert len(paths) > 60
    assert answered == []


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


async def test_a_route_of_a_service_without_papers_is_refused_and_says_why(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        policy = served.kitamae.city.policy
        assert (await served.client.get("/rivers")).status_code == 200
        policy.change(facts=replace(policy.facts, without_papers=frozenset({"rivers"})))
        answer = await served.client.get("/rivers", headers={"accept": "application/json"})
        assert (answer.status_code, "privacy impact assessment" in answer.text) == (403, True)
        assert (await served.client.get("/places")).status_code == 200
