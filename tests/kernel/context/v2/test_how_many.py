"""How many of what is kept for long a tenant, or one of its users, may have: over both doors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from v2_client import Client

from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context import api, v2
from kitamae.kernel.context.broker import Broker, Limits
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.context.v2.subscription.registry import Subscriptions as SubscriptionsV2
from kitamae.kernel.people.person import NOBODY, Principal
from kitamae.kernel.people.policy import Policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

OVER_V2 = {
    "dataProvided": {"entities": [{"idPattern": ".*", "type": "Room"}]},
    "provider": {"http": {"url": "http://nomi.example/v2"}},
}
SUBSCRIBED_OVER_V2 = {
    "subject": {"entities": [{"idPattern": ".*", "type": "Room"}]},
    "notification": {"http": {"url": "http://127.0.0.1:9/"}},
}
SUBSCRIBED = {
    "type": "Subscription",
    "entities": [{"type": "Room"}],
    "notification": {"endpoint": {"uri": "http://127.0.0.1:9/"}},
}


def registration(number: int) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:ContextSourceRegistration:{number}",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Room"}]}],
        "endpoint": "http://nomi.example",
    }


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    contexts = Contexts()
    subscriptions = Subscriptions(store, contexts, Destinations(loopback=True), most_registrations=2)
    second = SubscriptionsV2(store, contexts, subscriptions)
    await second.start()
    await subscriptions.start()
    limits = Limits(subscriptions_of_one=2, contexts=2, context=1_000)
    yield Broker(store, contexts, Policy(open=True), limits, subscriptions, second)
    await subscriptions.close()
    await store.close()


def doors(broker: Broker, ref: str = "") -> tuple[Client, Client]:
    who = Principal(ref, "staff") if ref else NOBODY
    return Client(api.routes(broker), "/ngsi-ld/v1", who), Client(v2.routes(broker), "/v2", who)


async def test_a_tenant_has_so_many_registrations_in_both_dialects_together(broker: Broker) -> None:
    ld, second = doors(broker)
    assert (await ld.post("csourceRegistrations", registration(1))).status == 201
    assert (await second.post("registrations", OVER_V2)).status == 201
    refused = await second.post("registrations", OVER_V2)
    assert refused.error == (403, "Forbidden")
    assert "there are 2 registrations" in refused.json()["description"]
    assert (await ld.post("csourceRegistrations", registration(2))).status == 403
    assert (await ld.post("csourceRegistrations", registration(1))).status == 409
    assert (await second.post("registrations", OVER_V2, fiware_service="other")).status == 201
    path = f"csourceRegistrations/{registration(1)['id']}"
    assert (await ld.patch(path, {"endpoint": "http://hakusan.example"})).status == 204
    assert (await ld.delete(path)).status == 204
    assert (await ld.post("csourceRegistrations", registration(2))).status == 201


async def test_one_user_has_so_many_subscriptions_and_another_as_many(broker: Broker) -> None:
    ld, second = doors(broker, "sakura")
    assert [(await ld.post("subscriptions", SUBSCRIBED)).status for _ in range(3)] == [201, 201, 403]
    over_v2 = [await second.post("subscriptions", SUBSCRIBED_OVER_V2) for _ in range(3)]
    assert [one.status for one in over_v2] == [201, 201, 403]
    assert "you have 2 subscriptions already" in over_v2[-1].json()["description"]
    elsewhere = await ld.post("subscriptions", SUBSCRIBED, ngsild_tenant="other")
    assert elsewhere.status == 201
    ld, second = doors(broker, "ume")
    assert (await ld.post("subscriptions", SUBSCRIBED)).status == 201
    assert (await second.post("subscriptions", SUBSCRIBED_OVER_V2)).status == 201


async def test_a_tenant_has_so_many_hosted_contexts_and_none_of_any_size(broker: Broker) -> None:
    ld, _ = doors(broker)
    context = {"@context": {"name": "https://example.org/name"}}
    long = {"@context": {"name": "https://example.org/" + "n" * 2_000}}
    refused = await ld.post("jsonldContexts", long)
    assert (refused.status, "at most 1,000" in refused.json()["detail"]) == (400, True)
    assert [(await ld.post("jsonldContexts", context)).status for _ in range(3)] == [201, 201, 403]
    with_words = {
        **SUBSCRIBED,
        "@context": [context["@context"], "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"],
    }
    implicit = await ld.post("subscriptions", with_words, content_type="application/ld+json")
    assert implicit.status == 403  # one of its own would be hosted for it
    assert (await ld.post("jsonldContexts", context, ngsild_tenant="other")).status == 201
