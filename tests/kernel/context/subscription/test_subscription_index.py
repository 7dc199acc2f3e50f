"""The index finds what a scan of everything would find."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.operations.command import Effect, Touched
from kitamae.kernel.context.subscription import match
from kitamae.kernel.context.subscription.index import Index
from kitamae.kernel.context.subscription.model import Record, Subscription
from kitamae.kernel.context.subscription.read import compile_subscription
from kitamae.kernel.context.subscription.validate import validate

NOW = 1_760_000_000_000_000
TYPES, NAMES, IDS = ["A", "B", "C"], ["p", "q", "r"], ["urn:e:1", "urn:e:2"]
TRIGGERS = [
    "entityCreated", "entityUpdated", "entityDeleted", "attributeCreated", "attributeUpdated", "attributeDeleted",
]  # fmt: skip

selectors = st.fixed_dictionaries(
    {"type": st.sampled_from(["A", "B", "A|B", "(A;B)|C", "*", "B;C"])},
    optional={"id": st.sampled_from(IDS), "idPattern": st.sampled_from(["1$", "2$", "e"])},
)
payloads = st.fixed_dictionaries(
    {"entities": st.lists(selectors, min_size=1, max_size=2)},
    optional={
        "watchedAttributes": st.lists(st.sampled_from(NAMES), min_size=1, max_size=2),
        "notificationTrigger": st.lists(st.sampled_from(TRIGGERS), min_size=1, max_size=3),
    },
) | st.fixed_dictionaries({"watchedAttributes": st.lists(st.sampled_from(NAMES), min_size=1, max_size=2)})


def compiled(number: int, payload: dict[str, Any], tenant: str) -> Subscription:
    given_ = validate(
        {
            "id": f"urn:s:{number}", "type": "Subscription",
            "notification": {"endpoint": {"uri": "http://a.example/"}}, **payload,
        }
    )  # fmt: skip
    return compile_subscription(tenant, {"given": given_, "context": None, "terms": {}}, CORE, Record())


@st.composite
def effects(draw: Any) -> Effect:
    verb = draw(st.sampled_from(["created", "updated", "deleted"]))
    entity: Any = {
        "id": draw(st.sampled_from(IDS)),
        "type": [CORE.expand(t) for t in draw(st.lists(st.sampled_from(TYPES), min_size=1, unique=True))],
        "attrs": {},
    }
    touched = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        one: Any = {"kind": "Property", "v": 1}
        how = verb if verb != "updated" else draw(st.sampled_from(["created", "updated", "deleted"]))
        touched.append(
            Touched(
                CORE.expand(name), how, None if how == "deleted" else one, None if how == "created" else one
            )
        )
    return Effect(verb, None if verb == "created" else entity, None if verb == "deleted" else entity, touched)


@given(
    st.lists(st.tuples(payloads, st.sampled_from(["", "kaga"])), max_size=12),
    st.sets(st.integers(0, 11)),
    effects(),
    st.sampled_from(["", "kaga"]),
)
def test_the_index_finds_what_a_scan_would_find(
    made: Any, removed: set[int], effect: Effect, tenant: str
) -> None:
    index = Index()
    every = [compiled(n, payload, of) for n, (payload, of) in enumerate(made)]
    for one in every:
        index.add(one)
        index.add(one)
    for n in removed:
        if n < len(every):
            index.remove(every[n].tenant, every[n].id)
    here = [one for n, one in enumerate(every) if n not in removed]
    entity = effect.after or effect.before
    assert entity is not None
    found = index.concerned(tenant, entity["id"], entity["type"], {t.name for t in effect.touched})
    assert len(index) == len(here)
    assert len({one.id for one in found}) == len(found)
    scan = {one.id for one in here if one.tenant == tenant and match.concerns(one, effect, NOW)}
    assert {one.id for one in found if match.concerns(one, effect, NOW)} == scan


def test_ten_thousand_subscriptions_are_not_looked_at_for_one_change() -> None:
    index = Index()
    for n in range(10_000):
        index.add(compiled(n, {"entities": [{"type": f"T{n % 2_000}"}], "watchedAttributes": ["p"]}, ""))
    assert len(index.concerned("", "urn:e:1", [CORE.expand("T7")], [CORE.expand("p")])) == 5
    assert index.concerned("", "urn:e:1", [CORE.expand("T7")], [CORE.expand("q")]) == []


@pytest.mark.parametrize("types", [["A"], ["B"], ["C", "A"], ["B", "C"]])
def test_each_alternative_of_a_type_expression_is_found(types: list[str]) -> None:
    index = Index()
    index.add(compiled(1, {"entities": [{"type": "A|(B;C)|B"}]}, ""))
    assert index.concerned("", "urn:e:1", [CORE.expand(one) for one in types], [])


def test_each_alternative_selector_is_found_and_goes_with_its_subscription() -> None:
    index = Index()
    index.add(
        compiled(
            1,
            {"entities": [{"type": "A", "id": "urn:e:1"}, {"type": "B"}, {"type": "*", "id": "urn:e:3"}]},
            "",
        )
    )
    places = [("urn:e:1", "A"), ("urn:e:9", "B"), ("urn:e:3", "Z")]
    assert all(index.concerned("", id_, [CORE.expand(type_)], []) for id_, type_ in places)
    index.remove("", "urn:s:1")
    assert not any(index.concerned("", id_, [CORE.expand(type_)], []) for id_, type_ in places)
