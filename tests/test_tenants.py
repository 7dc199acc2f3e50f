"""What a token or a session may do in one tenant, it may not do in another, unless it was made for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from serving import SAME, Served, serving

TOWN = {"id": "urn:x:1", "type": "Town"}
NOTO = {"NGSILD-Tenant": "noto"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data") as one:
        yield one


async def token(served: Served, *tenants: str) -> dict[str, str]:
    made, _ = await served.kitamae.city.people.tokens.issue("x", ["write:*", "subscribe:*"], of=tenants)
    return {"Authorization": f"Bearer {made}"}


async def tried(served: Served, headers: dict[str, str], method: str = "POST", path: str = "entities") -> int:
    sent = {"content-type": "application/json"} | headers
    content = None if method in ("GET", "DELETE") else b'{"id":"urn:x:1","type":"Town"}'
    answer = await served.client.request(method, f"/ngsi-ld/v1/{path}", content=content, headers=sent)
    return answer.status_code


async def test_a_token_is_for_the_default_tenant_unless_it_was_made_for_others(served: Served) -> None:
    usual, noto, both, all_ = [
        await token(served, *of) for of in ((), ("noto",), ("@default", "noto"), ("*",))
    ]
    assert await tried(served, usual | NOTO) == 403
    assert await tried(served, noto) == 403
    assert await tried(served, noto | NOTO) == 201
    assert await tried(served, usual) == 201
    for one in (both, all_):
        assert [await tried(served, one | where) for where in ({}, NOTO)] == [409, 409]


async def test_what_another_tenant_holds_is_neither_changed_nor_listed_and_public_all_the_same(
    served: Served,
) -> None:
    usual, noto = await token(served), await token(served, "noto")
    assert await tried(served, noto | NOTO) == 201
    for method, path in (
        ("PATCH", "entities/urn:x:1"),
        ("DELETE", "entities/urn:x:1"),
        ("DELETE", "temporal/entities/urn:x:1"),
        ("GET", "subscriptions"),
    ):
        assert await tried(served, usual | NOTO, method, path) == 403, path
    assert await tried(served, NOTO, "GET", "entities/urn:x:1") == 200
    batch = await served.client.post("/ngsi-ld/v1/entityOperations/upsert", json=[TOWN], headers=usual | NOTO)
    assert batch.json()["errors"][0]["error"]["status"] == 403


async def test_the_other_dialect_is_no_way_around(served: Served) -> None:
    usual, noto = await token(served), await token(served, "noto")
    entity = {"id": "1", "type": "Town"}
    for headers, status in ((usual, 403), (noto, 201)):
        made = await served.client.post(
            "/v2/entities", json=entity, headers=headers | {"Fiware-Service": "noto"}
        )
        assert made.status_code == status


async def test_staff_are_staff_of_their_own_tenant(served: Served) -> None:
    people = served.kitamae.city.people
    for of, statuses in (((), [201, 403]), (("noto",), [403, 201])):
        code = await people.invite(await people.staff(another=True, of=of))
        async with httpx2.AsyncClient(
            transport=served.client._transport, base_url=served.client.base_url
        ) as browser:
            await browser.post("/sign-in", data={"code": code}, headers=SAME)
            found = [
                (await browser.post("/ngsi-ld/v1/entities", json=TOWN, headers=SAME | where)).status_code
                for where in ({}, NOTO)
            ]
        assert found == statuses


async def test_a_tenant_with_a_name_that_none_can_have_is_refused(served: Served) -> None:
    with pytest.raises(Exception, match="expected a tenant's name"):
        await token(served, "no to")
