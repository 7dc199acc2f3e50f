"""What a subscriber reads."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.jsonld import CORE, compile_context
from kitamae.kernel.context.operations import Append, Create, Delete, DeleteAttribute, Merge, Update
from kitamae.kernel.context.operations.command import Effect
from kitamae.kernel.context.subscription import match, message
from kitamae.kernel.context.subscription.model import Record, Subscription
from kitamae.kernel.context.subscription.read import compile_subscription
from kitamae.kernel.context.subscription.validate import validate

T0, T1 = 1_760_000_000_000_000, 1_760_000_001_000_000
SPEED, NAME = CORE.expand("speed"), CORE.expand("name")
PLACE = CORE.expand("location")


def compiled(context: Any = CORE, **given: Any) -> Subscription:
    notification = {
        "endpoint": {"uri": "http://a.example/n", **given.pop("endpoint", {})},
        **given.pop("notification", {}),
    }
    doc = {
        "given": validate(
            {
                "id": "urn:s:1",
                "type": "Subscription",
                "entities": [{"type": "Car"}],
                **given,
                "notification": notification,
            }
        ),
        "context": context.source,
        "terms": {},
    }
    return compile_subscription("", doc, context, Record())


def car() -> Any:
    return (
        Create(
            {
                "id": "urn:c:1",
                "type": [CORE.expand("Car")],
                "attrs": {
                    SPEED: [
                        {"kind": "Property", "v": 1},
                        {"kind": "Property", "v": 2, "datasetId": "urn:d:1"},
                    ],
                    NAME: [{"kind": "LanguageProperty", "v": {"ja": "車"}}],
                    PLACE: [{"kind": "GeoProperty", "v": {"type": "Point", "coordinates": [136.3, 36.3]}}],
                },
            }
        )
        .apply(None, T0)
        .after
    )


def told(subscription: Subscription, effect: Effect) -> Any:
    cause = match.concerns(subscription, effect, T1)
    return (
        None if cause is None else orjson.loads(orjson.dumps(message.datum(subscription, effect, cause, T1)))
    )


def test_a_deleted_instance_is_null_beside_its_siblings() -> None:
    effect = DeleteAttribute(SPEED, "urn:d:1").apply(car(), T1)
    found = told(compiled(notificationTrigger=["attributeDeleted"]), effect)
    assert found["speed"] == [
        {"type": "Property", "value": 1},
        {"type": "Property", "value": NULL, "datasetId": "urn:d:1"},
    ]
    assert found["name"] == {"type": "LanguageProperty", "languageMap": {"ja": "車"}}


def test_an_attribute_that_went_with_all_its_instances_is_null_once() -> None:
    effect = DeleteAttribute(SPEED, all=True).apply(car(), T1)
    found = told(compiled(notificationTrigger=["attributeDeleted"]), effect)
    assert found["speed"] == {"type": "Property", "value": NULL}
    shown = told(
        compiled(notificationTrigger=["attributeDeleted"], notification={"showChanges": True}), effect
    )
    assert [one["previousValue"] for one in shown["speed"]] == [1, 2]


def test_a_deleted_attribute_says_when_if_system_attributes_are_wanted() -> None:
    effect = DeleteAttribute(NAME).apply(car(), T1)
    wanted = compiled(notificationTrigger=["attributeDeleted"], notification={"sysAttrs": True})
    found = told(wanted, effect)
    assert found["name"]["languageMap"] == {"@none": NULL}
    assert found["name"]["deletedAt"] == "2025-10-09T08:53:21Z"
    assert "createdAt" in found["name"]


def test_a_simplified_deletion_is_null_alone() -> None:
    effect = DeleteAttribute(NAME).apply(car(), T1)
    found = told(
        compiled(notificationTrigger=["attributeDeleted"], notification={"format": "keyValues"}), effect
    )
    assert found["name"] == NULL


def test_an_entity_that_is_gone_is_its_id_its_type_and_when() -> None:
    found = told(compiled(notificationTrigger=["entityDeleted"]), Delete().apply(car(), T1))
    assert found == {"id": "urn:c:1", "type": "Car", "deletedAt": "2025-10-09T08:53:21Z"}


def test_watched_attributes_of_an_entity_that_is_gone_are_null() -> None:
    subscription = compiled(notificationTrigger=["attributeDeleted"], watchedAttributes=["name"])
    found = told(subscription, Delete().apply(car(), T1))
    assert set(found) == {"id", "type", "deletedAt", "name"}
    assert found["name"] == {"type": "LanguageProperty", "languageMap": {"@none": NULL}}


def test_show_changes_tells_the_value_before() -> None:
    effect = Update({"attrs": {SPEED: [{"kind": "Property", "v": 9}]}}).apply(car(), T1)
    found = told(compiled(notification={"showChanges": True}), effect)
    assert found["speed"][0] == {"type": "Property", "value": 9, "previousValue": 1}
    assert found["speed"][1] == {"type": "Property", "value": 2, "datasetId": "urn:d:1"}
    assert "previousLanguageMap" not in found["name"]


def test_show_changes_tells_what_a_deleted_entity_was() -> None:
    subscription = compiled(notificationTrigger=["entityDeleted"], notification={"showChanges": True})
    found = told(subscription, Delete().apply(car(), T1))
    assert found["location"] == {
        "type": "GeoProperty",
        "value": NULL,
        "previousValue": {"type": "Point", "coordinates": [136.3, 36.3]},
    }
    assert found["name"]["previousLanguageMap"] == {"ja": "車"}


def test_nothing_was_before_a_creation() -> None:
    subscription = compiled(notificationTrigger=["entityCreated"], notification={"showChanges": True})
    effect = Create(car()).apply(None, T1)
    assert "previous" not in orjson.dumps(told(subscription, effect)).decode()


def test_pick_omit_and_language_shape_the_data() -> None:
    effect = Merge({"attrs": {SPEED: [{"v": 5}]}}).apply(car(), T1)
    picked = told(
        compiled(notification={"pick": ["id", "speed"], "format": "keyValues"}, datasetId=["@none"]), effect
    )
    assert picked == {"id": "urn:c:1", "speed": 5}
    left = told(compiled(notification={"omit": ["speed", "location"]}, lang="ja"), effect)
    assert set(left) == {"id", "type", "name"}
    assert left["name"] == {"type": "Property", "value": "車", "lang": "ja"}


def test_geojson_receivers_get_features_in_a_collection() -> None:
    subscription = compiled(endpoint={"accept": "application/geo+json"})
    effect = Append({"attrs": {SPEED: [{"kind": "Property", "v": 3}]}}).apply(car(), T1)
    cause = match.concerns(subscription, effect, T1)
    assert cause is not None
    payload = orjson.dumps(message.datum(subscription, effect, cause, T1))
    body = orjson.loads(message.body(subscription, [payload], T1, "urn:n:1"))
    assert body["data"]["type"] == "FeatureCollection"
    assert body["data"]["features"][0]["geometry"] == {"type": "Point", "coordinates": [136.3, 36.3]}
    assert message.headers(subscription, "urn:n:1")["Content-Type"] == "application/geo+json"


def test_json_receivers_find_the_context_in_a_link_and_json_ld_receivers_in_the_body() -> None:
    context = compile_context(
        "https://c.example/c.jsonld", {"https://c.example/c.jsonld": {"speed": "https://v.example/s"}}
    )
    plain = compiled(context)
    assert message.headers(plain, "urn:n:1")["Link"].startswith("<https://c.example/c.jsonld>;")
    assert "@context" not in orjson.loads(message.body(plain, [], T1, "urn:n:1"))
    linked = compiled(context, endpoint={"accept": "application/ld+json"})
    assert "Link" not in message.headers(linked, "urn:n:1")
    assert orjson.loads(message.body(linked, [], T1, "urn:n:1"))["@context"] == "https://c.example/c.jsonld"


@pytest.mark.parametrize(
    ("given", "effect", "concerned"),
    [
        ({}, "update", True),
        ({"watchedAttributes": ["name"]}, "update", False),
        ({"watchedAttributes": ["speed"]}, "update", True),
        ({"notificationTrigger": ["attributeCreated"]}, "update", False),
        ({"notificationTrigger": ["entityUpdated"]}, "update", True),
        ({"notificationTrigger": ["entityCreated"]}, "update", False),
        ({"q": "speed>8"}, "update", True),
        ({"q": "speed<0"}, "update", False),
        ({"q": "name%5Bja%5D==%22%E8%BB%8A%22"}, "update", True),
        ({"entities": [{"type": "(Bus|Car)"}]}, "update", True),
        ({"entities": [{"type": "(Bus;Car)"}]}, "update", False),
        ({"q": "speed>8"}, "delete", False),
        ({"isActive": False}, "update", False),
        ({"timeInterval": 5}, "update", False),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "update", False),
        ({"entities": [{"type": "Bus"}]}, "update", False),
        ({"entities": [{"type": "*"}]}, "update", True),
        ({"entities": [{"type": "Bus|Car", "idPattern": "^urn:c:"}]}, "update", True),
        ({"entities": [{"type": "Car", "idPattern": "^urn:x:"}]}, "update", False),
        ({"entities": [{"type": "Car", "id": "urn:c:2"}, {"type": "Car", "id": "urn:c:1"}]}, "update", True),
        ({"scopeQ": "/Kaga"}, "update", False),
        (
            {"geoQ": {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": [136.3, 36.3]}},
            "update",
            True,
        ),
        (
            {"geoQ": {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": [0, 0]}},
            "update",
            False,
        ),
        ({"notificationTrigger": ["attributeDeleted"], "q": "speed==1"}, "lose", True),
    ],
)
def test_a_change_concerns_a_subscription_by_its_conditions(given: Any, effect: str, concerned: bool) -> None:
    operation: Any = {
        "update": Update({"attrs": {SPEED: [{"kind": "Property", "v": 9}]}}),
        "delete": Delete(),
        "lose": DeleteAttribute(SPEED, all=True),
    }[effect]
    found = match.concerns(compiled(**given), operation.apply(car(), T1), T1)
    assert (found is not None) is concerned


def test_the_id_of_a_notification_is_the_same_whenever_it_is_sent() -> None:
    assert message.identifier("urn:s:1", 5) == message.identifier("urn:s:1", 5)
    assert len({message.identifier(s, n) for s in ("urn:s:1", "urn:s:2") for n in (1, 2)}) == 4
