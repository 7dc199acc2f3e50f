"""Subscriptions, subscriptions to registrations and registrations are listed by the same rules."""

from __future__ import annotations

from typing import Any

import pytest
import test_registration_subscriptions
import test_registrations
import test_subscriptions
from api_client import Client

KINDS = {
    "subscriptions": test_subscriptions.subscription,
    "csourceSubscriptions": test_registration_subscriptions.subscription,
    "csourceRegistrations": test_registrations.registration,
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def asked(kind: str, params: str) -> str:
    return f"{kind}?type=Toilet&{params}" if kind == "csourceRegistrations" else f"{kind}?{params}"


async def three_of(kind: str, client: Client) -> list[str]:
    made: list[dict[str, Any]] = [{**KINDS[kind](), "id": f"urn:ngsi-ld:One:{n}"} for n in range(3)]
    for one in made:
        assert (await client.post(kind, one)).status == 201
    return [one["id"] for one in made]


async def test_a_list_comes_page_by_page_with_a_count_and_a_way_on(client: Client, kind: str) -> None:
    ids = await three_of(kind, client)
    first = await client.get(asked(kind, "limit=2&count=true"))
    assert [one["id"] for one in first.json()] == ids[:2]
    assert first.header("ngsild-results-count") == "3"
    assert any('rel="next"' in one for one in first.all("link"))
    last = await client.get(asked(kind, "limit=2&offset=2"))
    assert [one["id"] for one in last.json()] == ids[2:]
    assert not any('rel="next"' in one for one in last.all("link"))


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/json"),
        ("application/ld+json", "application/ld+json"),
        ("application/geo+json, application/ld+json;q=0.9, application/json;q=0.5", "application/ld+json"),
    ],
)
async def test_a_link_to_another_page_says_what_that_page_will_be(
    client: Client, kind: str, accept: str | None, media: str
) -> None:
    await three_of(kind, client)
    page = await client.get(asked(kind, "limit=1&offset=1"), **({} if accept is None else {"accept": accept}))
    assert page.header("content-type") == media
    links = [one for one in page.all("link") if 'rel="next"' in one or 'rel="prev"' in one]
    assert [one.rpartition(";")[2] for one in links] == [f'type="{media}"'] * 2


async def test_times_are_shown_where_they_are_asked_for(client: Client, kind: str) -> None:
    await three_of(kind, client)
    assert all("createdAt" in one for one in (await client.get(asked(kind, "options=sysAttrs"))).json())
    assert not any("createdAt" in one for one in (await client.get(asked(kind, "limit=3"))).json())
