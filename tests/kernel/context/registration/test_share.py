"""Whose is what of a write: laws that hold for any registrations."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.registration import model, validate
from kitamae.kernel.context.registration.share import Target, shares

ROOM = "urn:ngsi-ld:Room:1"
NAMES = ("a", "b", "c", "d")
names = st.lists(st.sampled_from(NAMES), unique=True, min_size=1)
information = st.fixed_dictionaries(
    {
        "entities": st.lists(
            st.sampled_from(
                [
                    {"type": "Room"},
                    {"type": "Room", "id": ROOM},
                    {"type": "Car"},
                    {"type": "Room", "idPattern": ".*:2"},
                    {"type": ["Room", "Hall"]},
                ]
            ),
            min_size=1,
            max_size=2,
        )
    },
    optional={"propertyNames": names},
)
MODES = st.sampled_from(["inclusive", "exclusive", "redirect", "auxiliary"])


def registered(number: int, mode: str, information: dict[str, Any], offers: bool) -> model.Registration:
    doc = validate.fragment(
        {
            "id": f"urn:ngsi-ld:ContextSourceRegistration:{number}",
            "type": "ContextSourceRegistration",
            "mode": mode,
            "information": [information],
            "endpoint": "http://nomi.example",
            "operations": ["updateEntity" if offers else "retrieveOps"],
        },
        CORE,
    )
    return model.compiled("", {**doc, "createdAt": 0, "modifiedAt": 0})


registrations = st.lists(st.tuples(MODES, information, st.booleans()), max_size=5).map(
    lambda given: [registered(number, *one) for number, one in enumerate(given)]
)
targets = st.builds(
    lambda attrs, types: Target(
        ROOM,
        None if types is None else frozenset(map(CORE.expand, types)),
        attrs=frozenset(map(CORE.expand, attrs)),
    ),
    names,
    st.sampled_from([None, ("Room",), ("Room", "Hall"), ("Car",)]),
)


@given(targets, registrations)
def test_every_attribute_is_ours_or_somebody_answers_for_it(
    target: Target, registrations: list[model.Registration]
) -> None:
    found = shares(target, registrations, {"updateEntity"})
    assert target.attrs is not None
    proxies = [
        part for part in (*found.sent, *found.refused) if part.registration.mode in ("exclusive", "redirect")
    ]
    assert found.taken == frozenset().union(*(part.attrs or () for part in proxies))
    for part in found.sent:
        assert part.attrs is not None
        assert part.attrs
        assert part.attrs <= target.attrs
        assert part.registration.mode != "auxiliary"
        assert "updateEntity" in part.registration.operations
        if part.registration.mode == "inclusive":
            assert part.attrs.isdisjoint(found.taken)
    exclusive = [part for part in proxies if part.registration.mode == "exclusive"]
    for part in proxies:
        if part.registration.mode == "redirect":
            assert all(part.attrs and one.attrs and part.attrs.isdisjoint(one.attrs) for one in exclusive)
    assert all(part.registration.mode != "inclusive" for part in found.refused)


@given(targets, registrations)
def test_who_was_asked_before_is_never_asked_again(
    target: Target, registrations: list[model.Registration]
) -> None:
    once = shares(target, registrations, {"updateEntity"})
    circle = shares(target, registrations, {"updateEntity"}, circle=True)
    assert circle.sent == circle.refused == []
    assert (circle.taken, circle.whole) == (once.taken, once.whole)
