"""Each operation as its clause of the specification says it."""

from __future__ import annotations

from typing import Any

import pytest

from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.operations import (
    Append,
    Create,
    Delete,
    DeleteAttribute,
    Expire,
    Merge,
    PartialAttribute,
    Purge,
    Replace,
    ReplaceAttribute,
    Update,
    Upsert,
    expiry,
)
from kitamae.kernel.context.query.tree import TypeQ
from kitamae.kernel.problems import AlreadyExists, BadRequest, NotFound

T, NAME, ADDRESS = "https://a.example/temperature", "https://a.example/name", "https://a.example/address"
CAR, BUS = "https://a.example/Car", "https://a.example/Bus"
T0, T1 = clock.micros("2026-01-01T00:00:00Z"), clock.micros("2026-01-02T00:00:00.25Z")


def entity(**more: Any) -> Any:
    return (
        Create(
            {
                "id": "urn:e:1",
                "type": [CAR],
                "attrs": {
                    T: [
                        {
                            "kind": "Property",
                            "v": 25,
                            "unitCode": "CEL",
                            "observedAt": "2022-03-14T01:59:26.535Z",
                        }
                    ],
                    NAME: [{"kind": "LanguageProperty", "v": {"ja": "北前船", "en": "Kitamae"}}],
                    ADDRESS: [
                        {
                            "kind": "Property",
                            "v": {"city": "加賀市", "street": "大聖寺", "no": {"a": 1, "b": 2}},
                        }
                    ],
                },
                **more,
            }
        )
        .apply(None, T0)
        .after
    )


def attrs(effect: Any) -> Any:
    return effect.after["attrs"]


def test_partial_update_overwrites_members_and_keeps_the_others() -> None:
    effect = PartialAttribute(T, {"v": 100, "observedAt": "2026-01-01T00:00:00Z"}).apply(entity(), T1)
    (new,) = attrs(effect)[T]
    assert (new["v"], new["unitCode"], new["observedAt"]) == (100, "CEL", "2026-01-01T00:00:00Z")
    assert (new["createdAt"], new["modifiedAt"]) == ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00.250000Z")
    assert effect.after["modifiedAt"] == "2026-01-02T00:00:00.250000Z"
    assert effect.after["createdAt"] == "2026-01-01T00:00:00Z"


def test_partial_update_takes_a_member_away_and_never_merges_into_values() -> None:
    effect = PartialAttribute(T, {"unitCode": NULL}).apply(entity(), T1)
    assert "unitCode" not in attrs(effect)[T][0]
    effect = PartialAttribute(ADDRESS, {"v": {"city": "小松市"}}).apply(entity(), T1)
    assert attrs(effect)[ADDRESS][0]["v"] == {"city": "小松市"}


@pytest.mark.parametrize("null", [NULL, {"@none": NULL}])
def test_partial_update_with_null_deletes_the_instance(null: Any) -> None:
    effect = PartialAttribute(NAME, {"kind": "LanguageProperty", "v": null}).apply(entity(), T1)
    assert NAME not in attrs(effect)
    assert [one.verb for one in effect.touched] == ["deleted"]


@pytest.mark.parametrize(
    "fragment",
    [
        {},
        {"kind": "Property"},
        {"datasetId": NULL},
        {"kind": "Relationship", "v": "urn:x:1"},
        {"v": {"country": NULL}},
        {"v": [{"deep": [NULL]}]},
    ],
)
def test_partial_update_refuses_what_it_cannot_mean(fragment: Any) -> None:
    with pytest.raises(BadRequest):
        PartialAttribute(T, fragment).apply(entity(), T1)


def test_partial_update_and_replacement_need_the_instance_to_be_there() -> None:
    for operation in (
        PartialAttribute("https://a.example/x", {"v": 1}),
        PartialAttribute(T, {"v": 1, "datasetId": "urn:d:1"}),
        ReplaceAttribute("https://a.example/x", {"kind": "Property", "v": 1}),
        DeleteAttribute(T, "urn:d:1"),
        DeleteAttribute("https://a.example/x", all=True),
    ):
        with pytest.raises(NotFound):
            operation.apply(entity(), T1)


def test_the_scope_is_no_attribute_to_update_or_replace_but_can_be_deleted() -> None:
    scoped = entity(scope=["/Kaga"])
    with pytest.raises(BadRequest):
        PartialAttribute("scope", {"v": "/x"}).apply(scoped, T1)
    with pytest.raises(BadRequest):
        ReplaceAttribute("https://uri.etsi.org/ngsi-ld/scope", {"kind": "Property", "v": "/x"}).apply(
            scoped, T1
        )
    assert "scope" not in DeleteAttribute("https://uri.etsi.org/ngsi-ld/scope").apply(scoped, T1).after  # type: ignore[operator]  # it is there
    with pytest.raises(NotFound):
        DeleteAttribute("scope").apply(entity(), T1)


def test_update_replaces_the_whole_attribute_adds_new_ones_and_deletes_by_null() -> None:
    fragment: Any = {
        "attrs": {
            T: [{"kind": "Property", "v": 100}, {"kind": "Property", "v": 7, "datasetId": "urn:d:1"}],
            NAME: [{"kind": "Property", "v": NULL}],
            "https://a.example/new": [{"kind": "Relationship", "v": "urn:x:1"}],
        },
        "type": [BUS, CAR],
    }
    effect = Update(fragment).apply(entity(), T1)
    assert "unitCode" not in attrs(effect)[T][0]
    assert [one["v"] for one in attrs(effect)[T]] == [100, 7]
    assert NAME not in attrs(effect)
    assert effect.after is not None
    assert effect.after["type"] == [CAR, BUS]


def test_update_replaces_a_scope_and_gives_none_to_an_entity_without() -> None:
    fragment: Any = {"attrs": {}, "scope": ["/b"]}
    assert Update(fragment).apply(entity(scope=["/a"]), T1).after["scope"] == ["/b"]  # type: ignore[index]  # it is there
    effect = Update(fragment).apply(entity(), T1)
    assert (effect.verb, list(effect.not_updated)) == ("none", ["scope"])


def test_append_replaces_a_scope_or_without_overwriting_extends_it() -> None:
    fragment: Any = {"attrs": {}, "scope": ["/b", "/a"]}
    scoped = entity(scope=["/a"])
    assert Append(fragment).apply(scoped, T1).after["scope"] == ["/b", "/a"]  # type: ignore[index]  # it is there
    assert Append(fragment, no_overwrite=True).apply(scoped, T1).after["scope"] == ["/a", "/b"]  # type: ignore[index]  # it is there


def test_append_without_overwriting_reports_what_it_left() -> None:
    fragment: Any = {
        "attrs": {T: [{"kind": "Property", "v": 1}], "https://a.example/new": [{"kind": "Property", "v": 1}]}
    }
    effect = Append(fragment, no_overwrite=True).apply(entity(), T1)
    assert attrs(effect)[T][0]["v"] == 25
    assert effect.updated == ["https://a.example/new"]
    assert list(effect.not_updated) == [T]


@pytest.mark.parametrize(
    "operation", [Append, lambda f: Replace({**entity(), **f}), lambda f: Create({**entity(), **f})]
)
def test_whole_attributes_take_no_null(operation: Any) -> None:
    fragment = {"attrs": {T: [{"kind": "Property", "v": NULL}]}}
    before = None if isinstance(operation(fragment), Create) else entity()
    with pytest.raises(BadRequest):
        operation(fragment).apply(before, T1)


def test_merge_goes_into_objects_and_null_takes_members_away() -> None:
    fragment: Any = {
        "attrs": {
            ADDRESS: [{"kind": "Property", "v": {"street": "橋立", "no": {"a": NULL, "c": 3}}}],
            NAME: [{"kind": "LanguageProperty", "v": {"en": NULL, "zh": "北前船"}}],
            T: [{"v": 26, "unitCode": NULL}],
        }
    }
    found = attrs(Merge(fragment).apply(entity(), T1))
    assert found[ADDRESS][0]["v"] == {"city": "加賀市", "street": "橋立", "no": {"b": 2, "c": 3}}
    assert found[NAME][0]["v"] == {"ja": "北前船", "zh": "北前船"}
    assert (found[T][0]["v"], "unitCode" in found[T][0], "observedAt" in found[T][0]) == (26, False, True)


def test_merge_deletes_the_last_language_with_its_attribute() -> None:
    fragment: Any = {"attrs": {NAME: [{"kind": "LanguageProperty", "v": {"en": NULL, "ja": NULL}}]}}
    assert NAME not in attrs(Merge(fragment).apply(entity(), T1))


def test_merge_gives_an_observation_time_where_there_was_one_and_none_came() -> None:
    fragment: Any = {"attrs": {T: [{"v": 26}], ADDRESS: [{"v": {"city": "小松市"}}]}}
    found = attrs(Merge(fragment, observed_at="2026-01-02T00:00:00Z").apply(entity(), T1))
    assert found[T][0]["observedAt"] == "2026-01-02T00:00:00Z"
    assert "observedAt" not in found[ADDRESS][0]


def test_merge_of_simplified_data_keeps_the_kind_and_speaks_the_language() -> None:
    fragment: Any = {"attrs": {NAME: [{"kind": "Property", "v": "Kitamaebune"}]}}
    (new,) = attrs(Merge(fragment, lang="en", simplified=True).apply(entity(), T1))[NAME]
    assert (new["kind"], new["v"]) == ("LanguageProperty", {"ja": "北前船", "en": "Kitamaebune"})


def test_merge_of_another_kind_replaces_the_attribute() -> None:
    fragment: Any = {"attrs": {T: [{"kind": "Relationship", "v": "urn:x:1"}]}}
    (new,) = attrs(Merge(fragment).apply(entity(), T1))[T]
    assert (new["kind"], new["v"], "unitCode" in new) == ("Relationship", "urn:x:1", False)


def test_merge_needs_a_value_for_what_is_not_there() -> None:
    with pytest.raises(BadRequest):
        Merge({"attrs": {"https://a.example/new": [{"unitCode": "CEL"}]}}).apply(entity(), T1)


def test_sub_attributes_merge_by_name_and_are_overwritten_by_a_partial_update() -> None:
    sub: Any = {"kind": "Property", "v": {"x": 1}}
    other: Any = {"kind": "Property", "v": "keep"}
    base = (
        Append({"attrs": {T: [{"kind": "Property", "v": 1, "attrs": {"s": [sub], "o": [other]}}]}})
        .apply(entity(), T0)
        .after
    )
    patch: Any = {"attrs": {"s": [{"kind": "Property", "v": {"y": 2}}]}}
    merged = attrs(Merge({"attrs": {T: [patch]}}).apply(base, T1))[T][0]["attrs"]
    assert merged["s"][0]["v"] == {"x": 1, "y": 2}
    partial = attrs(PartialAttribute(T, patch).apply(base, T1))[T][0]["attrs"]
    assert partial["s"][0]["v"] == {"y": 2}
    assert partial["o"][0]["modifiedAt"] == "2026-01-01T00:00:00Z"
    assert partial["s"][0]["modifiedAt"] == "2026-01-02T00:00:00.250000Z"
    gone: Any = {"attrs": {"s": [{"kind": "Property", "v": NULL}]}}
    for operation in (PartialAttribute(T, gone), Merge({"attrs": {T: [gone]}})):
        assert list(attrs(operation.apply(base, T1))[T][0]["attrs"]) == ["o"]


def test_delete_takes_the_default_instance_or_one_dataset_or_all() -> None:
    both: Any = (
        Append({"attrs": {T: [{"kind": "Property", "v": 7, "datasetId": "urn:d:1"}]}})
        .apply(entity(), T0)
        .after
    )
    assert [one["v"] for one in attrs(DeleteAttribute(T).apply(both, T1))[T]] == [7]
    assert [one["v"] for one in attrs(DeleteAttribute(T, "urn:d:1").apply(both, T1))[T]] == [25]
    gone = DeleteAttribute(T, all=True).apply(both, T1)
    assert T not in attrs(gone)
    assert len(gone.touched) == 2


def test_a_type_that_is_asked_for_must_be_one_of_the_entitys() -> None:
    for operation in (
        Delete(TypeQ(((BUS,),))),
        DeleteAttribute(T, only=TypeQ(((CAR, BUS),))),
        Update({"attrs": {}}, TypeQ(((BUS,),))),
    ):
        with pytest.raises(NotFound):
            operation.apply(entity(), T1)
    assert Delete(TypeQ(((BUS,), (CAR,)))).apply(entity(), T1).verb == "deleted"


def test_creation_of_what_is_there_fails_and_upsert_says_what_it_was() -> None:
    with pytest.raises(AlreadyExists):
        Create(entity()).apply(entity(), T1)
    small: Any = {"id": "urn:e:1", "type": [CAR], "attrs": {T: [{"kind": "Property", "v": 1}]}}
    assert Upsert(small).apply(None, T1).verb == "created"
    assert list(attrs(Upsert(small).apply(entity(), T1))) == [T]
    assert set(attrs(Upsert(small, "update").apply(entity(), T1))) == {T, NAME, ADDRESS}


def test_purge_takes_all_or_some_and_never_minds_what_is_gone() -> None:
    assert Purge().apply(entity(), T1).after is None
    assert set(attrs(Purge(drop=frozenset({T})).apply(entity(), T1))) == {NAME, ADDRESS}
    assert set(attrs(Purge(keep=frozenset({T})).apply(entity(), T1))) == {T}
    assert Purge().apply(None, T1).verb == "none"


def test_what_has_expired_is_not_in_the_way_and_not_there() -> None:
    old = entity(expiresAt="2026-01-01T12:00:00Z")
    assert expiry.alive(old, T0) is old
    assert expiry.alive(old, T1) is None
    assert Create(entity()).apply(old, T1).verb == "created"
    with pytest.raises(NotFound):
        Update({"attrs": {}}).apply(old, T1)
    assert Expire().apply(old, T1).after is None


def test_an_instance_expires_alone_and_the_sweeper_records_it() -> None:
    soon: Any = {"kind": "Property", "v": 1, "datasetId": "urn:d:1", "expiresAt": "2026-01-01T12:00:00Z"}
    both: Any = Append({"attrs": {T: [soon]}}).apply(entity(), T0).after
    assert expiry.earliest(both) == clock.micros("2026-01-01T12:00:00Z")
    assert expiry.earliest(entity()) is None
    with pytest.raises(NotFound):
        DeleteAttribute(T, "urn:d:1").apply(both, T1)
    effect = Expire().apply(both, T1)
    assert [one["v"] for one in attrs(effect)[T]] == [25]
    assert [(one.name, one.verb) for one in effect.touched] == [(T, "deleted")]
    assert Expire().apply(both, T0).verb == "none"


def test_a_partial_update_keeps_an_expiry_and_an_update_clears_it() -> None:
    soon: Any = {"kind": "Property", "v": 1, "expiresAt": "2027-01-01T12:00:00Z"}
    base: Any = Append({"attrs": {T: [soon]}}).apply(entity(), T0).after
    assert "expiresAt" in attrs(PartialAttribute(T, {"v": 2}).apply(base, T1))[T][0]
    assert "expiresAt" in attrs(Merge({"attrs": {T: [{"v": 2}]}}).apply(base, T1))[T][0]
    assert (
        "expiresAt" not in attrs(Update({"attrs": {T: [{"kind": "Property", "v": 2}]}}).apply(base, T1))[T][0]
    )


def test_an_entity_becomes_transient_and_permanent_again() -> None:
    after = Merge({"attrs": {}, "expiresAt": "2027-01-01T00:00:00Z"}).apply(entity(), T1).after
    assert after is not None
    assert after["expiresAt"] == "2027-01-01T00:00:00Z"
    again = Merge({"attrs": {}, "expiresAt": NULL}).apply(after, T1).after
    assert again is not None
    assert "expiresAt" not in again


def test_a_new_sub_attribute_is_a_property_where_nothing_says_otherwise() -> None:
    after = PartialAttribute(T, {"attrs": {NAME: [{"v": 1}]}}).apply(entity(), T1).after
    assert after is not None
    assert after["attrs"][T][0]["attrs"][NAME][0]["kind"] == "Property"


@pytest.mark.parametrize(
    "given", [{}, {"observedAt": "2026-01-01T00:00:00Z"}, {"v": 1, "attrs": {NAME: [{}]}}]
)
def test_a_sub_attribute_without_a_value_is_refused_at_whatever_depth(given: Any) -> None:
    with pytest.raises(BadRequest, match="needs a value"):
        PartialAttribute(T, {"attrs": {NAME: [given]}}).apply(entity(), T1)
