"""Nothing is answered without the policy: where it permits nothing, every address says no."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

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


async def test_a_route_of_a_service_without_papers_is_refused_and_says_why(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        policy = served.kitamae.city.policy
        assert (await served.client.get("/rivers")).status_code == 200
        policy.change(facts=replace(policy.facts, without_papers=frozenset({"rivers"})))
        answer = await served.client.get("/rivers", headers={"accept": "application/json"})
        assert (answer.status_code, "privacy impact assessment" in answer.text) == (403, True)
        assert (await served.client.get("/places")).status_code == 200
