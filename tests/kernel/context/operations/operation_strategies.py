"""Entities, attributes and fragments for property tests; few names, so that they meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kitamae.kernel.context.entity import NULL

NAMES = ("https://a.example/speed", "https://a.example/温度", "https://a.example/name")
DATASETS = (None, "urn:ngsi-ld:Dataset:1", "urn:ngsi-ld:Dataset:2")
TIMES = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2027-01-01T00:00:00Z")

plain = st.one_of(st.integers(-5, 5), st.booleans(), st.sampled_from(["a", "b", "温"]))
values = st.recursive(
    plain,
    lambda below: st.one_of(
        st.dictionaries(st.sampled_from(["x", "y", "z"]), below, max_size=3), st.lists(below, max_size=2)
    ),
    max_leaves=6,
)


def attribute(
    value: st.SearchStrategy[Any] = values,
    *,
    kinds: tuple[str, ...] = ("Property", "JsonProperty"),
    depth: int = 1,
) -> st.SearchStrategy[dict[str, Any]]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "observedAt": st.sampled_from(TIMES),
        "unitCode": st.sampled_from(["CEL", "MTR"]),
    }
    if depth:
        optional["attrs"] = attributes(value, kinds=kinds, depth=depth - 1, least=1)
    return st.fixed_dictionaries({"kind": st.sampled_from(kinds), "v": value}, optional=optional)


@st.composite
def attributes(
    draw: Any,
    value: Any = values,
    *,
    kinds: Any = ("Property", "JsonProperty"),
    depth: int = 1,
    least: int = 0,
) -> Any:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=least, max_size=3))
    answer = {}
    for name in names:
        instances = []
        chosen = draw(st.lists(st.sampled_from(DATASETS), unique=True, min_size=1, max_size=3))
        for dataset in sorted(chosen, key=lambda d: d or ""):
            one = draw(attribute(value, kinds=kinds, depth=depth))
            if dataset:
                one["datasetId"] = dataset
            instances.append(one)
        answer[name] = instances
    return answer


@st.composite
def entities(draw: Any) -> Any:
    entity = {"id": "urn:ngsi-ld:T:1", "type": ["https://a.example/T"], "attrs": draw(attributes())}
    if draw(st.booleans()):
        entity["scope"] = draw(
            st.lists(st.sampled_from(["/a", "/b", "/c/d"]), min_size=1, max_size=2, unique=True)
        )
    return entity


@st.composite
def fragments(draw: Any, *, nulls: bool = False) -> Any:
    value = values
    if nulls:
        value = st.one_of(
            st.just(NULL),
            values,
            st.dictionaries(st.sampled_from(["x", "y", "z"]), st.one_of(plain, st.just(NULL)), min_size=1),
        )
    return {"attrs": draw(attributes(value))}
