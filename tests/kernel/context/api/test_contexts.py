from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from api_client import CITY_CONTEXT, Client, link

from kitamae.kernel.context import names
from kitamae.kernel.context.api import contexts
from kitamae.kernel.context.jsonld import Contexts

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Broker

DOCUMENT = {"@context": {"駅": "https://kaga.example/terms#station"}}


async def hosted(client: Client) -> str:
    made = await client.post("jsonldContexts", DOCUMENT)
    assert made.status == 201
    where = made.header("location")
    assert where is not None
    return where.removeprefix("/ngsi-ld/v1/")


async def test_a_stored_context_is_served_and_used(client: Client) -> None:
    path = await hosted(client)
    assert (await client.get(path)).json() == DOCUMENT
    url = f"http://city.example/ngsi-ld/v1/{path}"
    entity = {"id": "urn:ngsi-ld:Station:1", "type": "駅"}
    assert (await client.post("entities", entity, link=link(url))).status == 201
    assert (await client.get("entities/urn:ngsi-ld:Station:1")).json()[
        "type"
    ] == "https://kaga.example/terms#station"


async def test_contexts_are_listed_by_kind(client: Client) -> None:
    path = await hosted(client)
    url = f"http://city.example/ngsi-ld/v1/{path}"
    assert (await client.get("jsonldContexts?kind=Hosted")).json() == [url]
    assert (await client.get("jsonldContexts?kind=Cached")).json() == [CITY_CONTEXT]
    (details,) = (await client.get("jsonldContexts?kind=Hosted&details=true")).json()
    assert details["localId"] == path.rsplit("/", 1)[-1]
    assert (await client.get(f"{path}?details=true")).json() == details


async def test_a_cached_context_is_described_and_not_served(client: Client) -> None:
    (details,) = (await client.get("jsonldContexts?kind=Cached&details=true")).json()
    answer = await client.get(f"jsonldContexts/{details['localId']}")
    assert (answer.status, answer.error) == (422, "OperationNotSupported")


async def test_a_deleted_context_means_nothing_any_more(client: Client) -> None:
    path = await hosted(client)
    assert (await client("DELETE", path)).status == 204
    assert (await client.get(path)).status == 404
    url = f"http://city.example/ngsi-ld/v1/{path}"
    assert (await client.get("entities?type=A", link=link(url))).error == "LdContextNotAvailable"


async def test_stored_contexts_are_known_again_after_a_start(client: Client, broker: Broker) -> None:
    path = await hosted(client)
    broker.contexts = Contexts()
    await contexts.restore(broker)
    url = f"http://city.example/ngsi-ld/v1/{path}"
    assert (await client.get("entities?type=A", link=link(url))).status == 200


async def test_what_is_no_context_is_not_stored(client: Client) -> None:
    for wrong in ({}, {"@context": 1}, {"@context": {"a": 1}}, {"@context": None}, []):
        answer = await client.post("jsonldContexts", wrong)
        assert answer.status == 400, wrong
    assert (await client.get("jsonldContexts?kind=Hosted")).json() == []


async def test_only_cached_contexts_are_reloaded(client: Client) -> None:
    path = await hosted(client)
    assert (await client("DELETE", path + "?reload=true")).error == "BadRequestData"
    assert (await client.get(path)).status == 200


async def test_the_citys_own_context_can_be_neither_deleted_nor_replaced(client: Client) -> None:
    where = "jsonldContexts/" + quote(CITY_CONTEXT, safe="")
    for path in (where, where + "?reload=true"):
        answer = await client("DELETE", path)
        assert (answer.status, answer.error) == (400, "BadRequestData")
    assert (await client.get("entities?type=Toilet", link=link())).status == 200


async def test_the_broker_says_who_it_is(client: Client) -> None:
    one = (await client.get("info/sourceIdentity")).json()
    other = (await client.get("info/sourceIdentity", ngsild_tenant="nomi")).json()
    assert one["type"] == "ContextSourceIdentity"
    assert one["contextSourceAlias"] != other["contextSourceAlias"]


async def test_another_tenants_context_is_not_shown(client: Client) -> None:
    made = await client.post("jsonldContexts", DOCUMENT, ngsild_tenant="nomi")
    path = (made.header("location") or "").removeprefix("/ngsi-ld/v1/")
    assert (await client.get(path)).status == 404
    assert (await client.get("jsonldContexts?kind=Hosted")).json() == []
    assert (await client.get(path, ngsild_tenant="nomi")).json() == DOCUMENT


async def test_a_subscription_with_several_contexts_is_given_one_address_for_them(client: Client) -> None:
    both = [CITY_CONTEXT, DOCUMENT["@context"]]
    subscription = {
        "@context": both,
        "id": "urn:ngsi-ld:Subscription:1",
        "type": "Subscription",
        "entities": [{"type": "駅"}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/"}},
    }
    assert (
        await client.post("subscriptions", subscription, content_type="application/ld+json")
    ).status == 201
    url = (await client.get("subscriptions/urn:ngsi-ld:Subscription:1")).json()["jsonldContext"]
    assert (await client.get("jsonldContexts?kind=ImplicitlyCreated")).json() == [url]
    path = url.removeprefix("http://city.example/ngsi-ld/v1/")
    assert (await client.get(path)).json() == {"@context": both}


async def test_an_address_in_japanese_is_escaped_in_headers(client: Client, broker: Broker) -> None:
    url = "https://kaga.example/文脈.jsonld"
    broker.contexts.register(url, DOCUMENT)
    entity = {"@context": url, "id": "urn:ngsi-ld:Station:1", "type": "駅"}
    assert (await client.post("entities", entity, content_type="application/ld+json")).status == 201
    query = {"@context": url, "type": "Query", "entities": [{"type": "駅"}]}
    answer = await client.post("entityOperations/query", query, content_type="application/ld+json")
    assert answer.json()[0]["type"] == "駅"
    assert (answer.header("link") or "").startswith("<https://kaga.example/%E6%96%87%E8%84%88.jsonld>")


async def test_who_stores_a_context_does_not_choose_the_address_that_it_is_told_to_have(
    client: Client, broker: Broker
) -> None:
    async def address(**headers: str) -> str:
        made = await client.post("jsonldContexts", DOCUMENT, **headers)
        id = (made.header("location") or "").rsplit("/", 1)[-1]
        url: str = (await client.get(f"jsonldContexts/{id}?details=true")).json()["URL"]
        return url.removesuffix(f"/ngsi-ld/v1/jsonldContexts/{id}")

    for host in ("evil.example", "city.example@evil.example", "city.example:81", "[", "city.example/x?"):
        assert await address(host=host) == "http://city.example:80", host
    assert await address() == "http://city.example"
    broker.address = "https://city.example.jp"
    assert await address(host="evil.example") == "https://city.example.jp"


async def test_the_core_context_is_described_as_a_copy_and_reloading_it_is_done_at_once(
    client: Client,
) -> None:
    core = quote(names.CORE_URL, safe="")
    described = (await client.get(f"jsonldContexts/{core}?details=true")).json()
    assert (described["URL"], described["kind"]) == (names.CORE_URL, "Cached")
    assert (await client.get(f"jsonldContexts/{core}")).status == 422
    assert (await client("DELETE", f"jsonldContexts/{core}?reload=true")).status == 204
    assert (await client("DELETE", f"jsonldContexts/{core}")).status == 400
    assert (await client.get(f"jsonldContexts/{core}?details=true")).json() == described
