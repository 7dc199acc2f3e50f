from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api_client import Client, link

from kitamae.kernel.context.api import routes
from kitamae.kernel.people.person import Principal

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Broker


def subscription(number: int = 1, **members: Any) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Subscription:{number}",
        "type": "Subscription",
        "entities": [{"type": "Toilet"}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}},
        **members,
    }


async def test_a_subscription_is_kept_shown_changed_and_forgotten(client: Client) -> None:
    made = await client.post("subscriptions", subscription(), link=link())
    assert (made.status, made.header("location")) == (
        201,
        "/ngsi-ld/v1/subscriptions/urn:ngsi-ld:Subscription:1",
    )
    path = "subscriptions/urn:ngsi-ld:Subscription:1"
    shown = (await client.get(path, link=link())).json()
    assert shown["entities"] == [{"type": "Toilet"}]
    assert shown["status"] == "active"
    assert (await client.get(path)).json()["entities"] == [{"type": "https://kaga.example/terms#Toilet"}]
    assert (await client.patch(path, {"isActive": False})).status == 204
    assert (await client.get(path)).json()["status"] == "paused"
    assert (await client("DELETE", path)).status == 204
    assert (await client.get(path)).status == 404


async def test_subscriptions_are_listed_page_by_page(client: Client) -> None:
    for number in range(3):
        await client.post("subscriptions", subscription(number))
    page = await client.get("subscriptions?limit=2&count=true")
    assert (len(page.json()), page.header("ngsild-results-count")) == (2, "3")
    following = [one for one in page.all("link") if 'rel="next"' in one]
    assert following == [
        '</ngsi-ld/v1/subscriptions?count=true&limit=2&offset=2>;rel="next";type="application/json"'
    ]


async def test_what_is_no_subscription_is_refused(client: Client) -> None:
    for wrong in (
        subscription(notification={}),
        subscription(throttling=-1),
        subscription(expiresAt="2000-01-01T00:00:00Z"),
        subscription(q="a=="),
        subscription(type="Subscriptoin"),
    ):
        assert (await client.post("subscriptions", wrong)).error == "BadRequestData", wrong
    assert (await client.get("subscriptions")).json() == []


async def test_a_subscription_is_made_once(client: Client) -> None:
    await client.post("subscriptions", subscription())
    assert (await client.post("subscriptions", subscription())).error == "AlreadyExists"


async def test_another_tenants_subscriptions_are_not_shown(client: Client) -> None:
    await client.post("subscriptions", subscription(), ngsild_tenant="nomi")
    assert (await client.get("subscriptions")).json() == []
    assert len((await client.get("subscriptions", ngsild_tenant="nomi")).json()) == 1


async def test_a_program_neither_sees_nor_changes_what_another_subscribed_to(
    client: Client, broker: Broker
) -> None:
    scopes = frozenset({"subscribe:subscription"})
    one, other = (Client(routes(broker), Principal(f"token-{n}", "service", scopes)) for n in (1, 2))
    staff = Client(routes(broker), Principal("staff-1", "staff"))
    assert (await one.post("subscriptions", subscription())).status == 201
    path = "subscriptions/" + subscription()["id"]
    assert (await other.get(path)).status == 404
    assert (await other.get("subscriptions")).json() == []
    assert (await other("PATCH", path, {"isActive": False})).status == 404
    assert (await other("DELETE", path)).status == 404
    for who in (one, staff):
        assert (await who.get(path)).status == 200
        assert len((await who.get("subscriptions")).json()) == 1
    assert (await one("DELETE", path)).status == 204
