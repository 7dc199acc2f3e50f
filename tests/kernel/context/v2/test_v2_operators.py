"""Update operators: `{"value": {"$inc": 1}}`, as Orion's manual describes them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.v2 import attribute, operators
from kitamae.kernel.context.v2.names import Words
from kitamae.kernel.problems import BadRequest, Problem, Unprocessable

if TYPE_CHECKING:
    from v2_client import Client

WORDS = Words(CORE)


def applied(before: Any, operator: Any, type: str | None = None) -> Any:
    """The value afterwards."""
    there = attribute.read({"value": before, **({"type": type} if type else {})}, "a", WORDS)
    written = operators.worked_out({"value": operator}, "a", there, WORDS)
    assert written is not None
    return attribute.shown_value(attribute.read(written, "a", WORDS, there), WORDS)


@pytest.mark.parametrize(
    ("before", "operator", "after"),
    [
        (2, {"$inc": 2}, 4),
        (2, {"$inc": -0.5}, 1.5),
        (3, {"$mul": 2}, 6),
        (2, {"$min": 1}, 1),
        (2, {"$min": 20}, 2),
        (2, {"$max": 10}, 10),
        ("b", {"$max": "c"}, "c"),
        ([1, 2, 3], {"$push": 3}, [1, 2, 3, 3]),
        ([1, 2], {"$push": {"$each": [4, 5]}}, [1, 2, 4, 5]),
        ([1, 2], {"$push": {"$each": [-1, 0], "$position": 0}}, [-1, 0, 1, 2]),
        ([1, 2], {"$addToSet": 2}, [1, 2]),
        ([1, 2], {"$addToSet": 4}, [1, 2, 4]),
        ([1], {"$addToSet": True}, [1, True]),
        ([1, 2, 3, 2], {"$pull": 2}, [1, 3]),
        ([1, 2, 3], {"$pullAll": [2, 3]}, [1]),
        ({"X": 1, "Y": 2}, {"$set": {"Y": 20, "Z": 30}}, {"X": 1, "Y": 20, "Z": 30}),
        ({"X": 1}, {"$set": "foo"}, "foo"),
        ({"X": 1, "Y": 2}, {"$unset": {"X": None, "W": 1}}, {"Y": 2}),
        ({"X": 1}, {"$unset": ["X"]}, {"X": 1}),
        ({"X": 1, "Y": 2}, {"$set": {"Y": 20}, "$unset": {"X": 1}}, {"Y": 20}),
        ({"X": 1}, {"$other": 1}, {"$other": 1}),
    ],
    ids=str,
)
def test_an_operator_changes_the_value_that_is_there(before: Any, operator: Any, after: Any) -> None:
    assert repr(applied(before, operator)) == repr(after)


def test_times_are_compared_as_times() -> None:
    later = {"$max": "2026-11-21T09:00:00+09:00"}
    assert applied("2026-11-21T00:30:00Z", later, "DateTime") == "2026-11-21T00:30:00.000Z"
    assert applied("2026-11-20T23:30:00Z", later, "DateTime") == "2026-11-21T00:00:00.000Z"


@pytest.mark.parametrize(
    ("before", "operator", "problem"),
    [
        (1, {"$inc": "foo"}, BadRequest),
        (1, {"$inc": True}, BadRequest),
        ("x", {"$inc": 1}, Unprocessable),
        (1e308, {"$mul": 1e308}, Unprocessable),
        (1, {"$max": [1]}, BadRequest),
        (1, {"$max": "x"}, Unprocessable),
        (1, {"$push": 1}, Unprocessable),
        ([1], {"$push": {"$each": 1}}, BadRequest),
        ([1], {"$pullAll": 1}, BadRequest),
        ("foo", {"$set": {"a": 1}}, Unprocessable),
        ({}, {"$set": {"a": 1}, "$unset": {"a": 1}}, BadRequest),
        (1, {"$inc": 1, "$mul": 1}, BadRequest),
        (1, {"x": 1, "$inc": 1}, BadRequest),
    ],
    ids=str,
)
def test_what_an_operator_cannot_do_is_refused(before: Any, operator: Any, problem: type[Problem]) -> None:
    with pytest.raises(problem):
        applied(before, operator)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@given(
    VALUES,
    st.dictionaries(
        st.sampled_from(
            ["$inc", "$mul", "$min", "$max", "$push", "$addToSet", "$pull", "$pullAll", "$set", "$unset"]
        ),
        VALUES,
        min_size=1,
        max_size=2,
    ),
)
def test_any_operator_on_any_value_gives_json_or_a_clear_answer(before: Any, operator: Any) -> None:
    try:
        there = attribute.read({"value": before, "type": "TextUnrestricted"}, "a", WORDS)
        written = operators.worked_out({"value": operator}, "a", there, WORDS)
    except Problem:
        return
    assert written is not None


async def test_operators_work_wherever_attributes_are_written(client: Client) -> None:
    new = {"a": {"value": {"$inc": 3}}, "b": {"value": {"$push": 1}}, "gone": {"value": {"$unset": {"x": 1}}}}
    assert (await client.post("entities", {"id": "E", "type": "T", **new})).status == 201
    once = {"a": {"value": {"$inc": 1}}}
    await client.patch("entities/E/attrs", once)
    await client.post("entities/E/attrs", {**once, "c": {"value": {"$max": 7}}})
    await client.put("entities/E/attrs/a", once["a"])
    await client("PUT", "entities/E/attrs/a/value", {"$inc": 1})
    await client.post("entities?options=upsert", {"id": "E", "type": "T", **once})
    batch = {"actionType": "append", "entities": [{"id": "E", "type": "T", **once}]}
    await client.post("op/update", batch)
    plain = (await client.get("entities/E?options=keyValues")).json()
    assert plain == {"id": "E", "type": "T", "a": 9, "b": [1], "c": 7}
    assert (await client.get("entities/E/attrs/a")).json()["type"] == "Number"
    assert (await client.patch("entities/E/attrs", {"b": {"value": {"$inc": 1}}})).error == (
        422,
        "Unprocessable",
    )
    assert (await client.patch("entities/E/attrs", {"a": {"value": {"$inc": "x"}}})).error == (
        400,
        "BadRequest",
    )
    await client.put("entities/E/attrs", {"d": {"value": {"$mul": 5}}})
    assert (await client.get("entities/E?options=keyValues")).json() == {"id": "E", "type": "T", "d": 0}


async def test_counting_at_the_same_time_loses_no_count(client: Client) -> None:
    await client.post("entities", {"id": "E", "type": "T", "a": {"value": 0}})
    await asyncio.gather(
        *(client.patch("entities/E/attrs", {"a": {"value": {"$inc": 1}}}) for _ in range(50))
    )
    assert (await client.get("entities/E?options=keyValues")).json()["a"] == 50
