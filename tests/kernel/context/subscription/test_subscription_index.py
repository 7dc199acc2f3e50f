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
QUESTIONS = [
    "p==1", 'p=="a"', 'q==1,"a"', "p==1;q!=2", "p>0;q==2", 'p=="a"|q==1', "p==1..2", "p==true", "p[x]==1", "p.q==1", "p==2.0",
]  # fmt: skip
VALUES: list[Any] = [1, 2, "a", True, [1, "a"], {"@value": "a"}, {"x": 1}, 1.0]
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
        "q": st.sampled_from(QUESTIONS),
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


names = st.lists(st.sampled_from(NAMES), unique=True)
instances = st.builds(
    lambda kind, value: {"kind": kind, "v": value},
    st.sampled_from(["Property", "Property", "VocabProperty"]),
    st.sampled_from(VALUES),
) | st.sampled_from(
    [
        {"kind": "LanguageProperty", "v": {"ja": "a", "en": ["b", "c"]}},
        {"kind": "Relationship", "v": "a"},
        {"kind": "ListRelationship", "v": [{"object": "a"}]},
    ]
)


@st.composite
def effects(draw: Any) -> Effect:
    verb = draw(st.sampled_from(["created", "updated", "deleted"]))
    before: Any = {
        "id": draw(st.sampled_from(IDS)),
        "type": [CORE.expand(t) for t in draw(st.lists(st.sampled_from(TYPES), min_size=1, unique=True))],
        "attrs": {CORE.expand(name): [draw(instances)] for name in draw(names)},
    }
    after: Any = {**before, "attrs": {**before["attrs"]}}
    touched = []
    for name in map(CORE.expand, draw(names)):
        old = after["attrs"].get(name, [None])[0]
        new = draw(instances) if old is None else draw(instances | st.none())
        how = "created" if old is None else "deleted" if new is None else "updated"
        touched.append(Touched(name, how, new, old))
        after["attrs"].pop(name, None)
        if new is not None:
            after["attrs"][name] = [new]
    if verb == "deleted":
        touched = [Touched(name, "deleted", None, one) for name, (one,) in before["attrs"].items()]
    return Effect(verb, None if verb == "created" else before, None if verb == "deleted" else after, touched)


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
    states = [state for state in (effect.after, effect.before) if state is not None]
    found = index.concerned(tenant, states, {t.name for t in effect.touched})
    assert len(index) == len(here)
    assert len({one.id for one in found}) == len(found)
    scan = {one.id for one in here if one.tenant == tenant and match.concerns(one, effect, NOW)}
    assert {one.id for one in found if match.concerns(one, effect, NOW)} == scan


def entity(id: str, types: list[str], **values: Any) -> Any:
    attrs = {CORE.expand(name): [{"kind": "Property", "v": value}] for name, value in values.items()}
    return {"id": id, "type": [CORE.expand(one) for one in types], "attrs": attrs}


def test_ten_thousand_subscriptions_are_not_looked_at_for_one_change() -> None:
    index = Index()
    for n in range(10_000):
        index.add(compiled(n, {"entities": [{"type": f"T{n % 2_000}"}], "watchedAttributes": ["p"]}, ""))
    one = entity("urn:e:1", ["T7"])
    assert len(index.concerned("", [one], [CORE.expand("p")])) == 5
    assert index.concerned("", [one], [CORE.expand("q")]) == []


def test_subscriptions_to_one_type_are_told_apart_by_the_value_that_each_asks_for() -> None:
    index = Index()
    for n in range(1_000):
        index.add(compiled(n, {"entities": [{"type": "T"}], "q": f'district=="{n}";p>3'}, ""))
    before, after = entity("urn:e:1", ["T"], district="7"), entity("urn:e:1", ["T"], district="8")
    assert [one.id for one in index.concerned("", [after], [])] == ["urn:s:8"]
    assert {one.id for one in index.concerned("", [after, before], [])} == {"urn:s:7", "urn:s:8"}
    index.remove("", "urn:s:8")
    assert index.concerned("", [after], []) == []


@pytest.mark.parametrize("types", [["A"], ["B"], ["C", "A"], ["B", "C"]])
def test_each_alternative_of_a_type_expression_is_found(types: list[str]) -> None:
    index = Index()
    index.add(compiled(1, {"entities": [{"type": "A|(B;C)|B"}]}, ""))
    assert index.concerned("", [entity("urn:e:1", types)], [])


def test_each_alternative_selector_is_found_and_goes_with_its_subscription() -> None:
    index = Index()
    index.add(
        compiled(
            1,
            {"entities": [{"type": "A", "id": "urn:e:1"}, {"type": "B"}, {"type": "*", "id": "urn:e:3"}]},
            "",
        )
    )
    places = [entity("urn:e:1", ["A"]), entity("urn:e:9", ["B"]), entity("urn:e:3", ["Z"])]
    assert all(index.concerned("", [one], []) for one in places)
    index.remove("", "urn:s:1")
    assert not any(index.concerned("", [one], []) for one in places)
