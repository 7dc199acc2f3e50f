"""What holds for every operation on every state."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operation_strategies import DATASETS, NAMES, attribute, entities, fragments

from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.operations import (
    Append,
    Create,
    Delete,
    DeleteAttribute,
    Merge,
    PartialAttribute,
    Purge,
    Replace,
    ReplaceAttribute,
    Update,
    Upsert,
)
from kitamae.kernel.context.operations.merge import merge_value
from kitamae.kernel.problems import NotFound, Problem

T0, T1, T2 = 1_700_000_000_000_000, 1_700_000_001_000_000, 1_700_000_002_500_000


def bare(entity: Any) -> Any:
    """Without the broker's own members."""
    if isinstance(entity, dict):
        return {k: bare(v) for k, v in entity.items() if k not in ("createdAt", "modifiedAt")}
    return [bare(one) for one in entity] if isinstance(entity, list) else entity


def created(entity: Any) -> Any:
    after = Create(entity).apply(None, T0).after
    assert after is not None
    return after


operations = st.one_of(
    st.builds(Append, fragments(), st.booleans()),
    st.builds(Update, fragments(nulls=True)),
    st.builds(Merge, fragments(nulls=True)),
    st.builds(Replace, entities()),
    st.builds(Upsert, entities(), st.sampled_from(["replace", "update"])),
    st.builds(PartialAttribute, st.sampled_from(NAMES), attribute()),
    st.builds(ReplaceAttribute, st.sampled_from(NAMES), attribute()),
    st.builds(DeleteAttribute, st.sampled_from(NAMES), st.sampled_from(DATASETS), st.booleans()),
    st.builds(Purge, st.frozensets(st.sampled_from(NAMES)), st.frozensets(st.sampled_from(NAMES))),
    st.just(Delete()),
)


@given(entities(), operations)
def test_no_operation_changes_the_state_before_or_its_own_fragment(entity: Any, operation: Any) -> None:
    before = created(entity)
    kept, own = copy.deepcopy(before), copy.deepcopy(operation)
    with contextlib.suppress(Problem):
        operation.apply(before, T1)
    assert before == kept
    assert operation == own


@given(entities(), operations)
def test_the_delta_leads_from_the_state_before_to_the_state_after(entity: Any, operation: Any) -> None:
    before = created(entity)
    try:
        effect = operation.apply(before, T1)
    except Problem:
        return
    state = {(n, i.get("datasetId")): i for n, found in before["attrs"].items() for i in found}
    for touched in effect.touched:
        given_ = touched.after or touched.before
        assert given_ is not None
        key = (touched.name, given_.get("datasetId"))
        if touched.verb == "created":
            assert key not in state
            state[key] = touched.after
        else:
            was = state.pop(key)
            assert (
                was == touched.before
                or touched.before in before["attrs"][touched.name]
                or touched.before is was
            )
            if touched.after is not None:
                state[key] = touched.after
    after = effect.after["attrs"] if effect.after else {}
    assert state == {(n, i.get("datasetId")): i for n, found in after.items() for i in found}


@given(entities(), operations)
def test_every_stored_state_is_well_formed(entity: Any, operation: Any) -> None:
    try:
        after = operation.apply(created(entity), T1).after
    except Problem:
        return
    if after is None:
        return
    assert NULL not in repr(after)
    for instances in after["attrs"].values():
        datasets = [one.get("datasetId") for one in instances]
        assert len(set(datasets)) == len(datasets) > 0
        assert None not in datasets[1:]
        for one in instances:
            assert one["createdAt"] <= one["modifiedAt"]


@given(entities(), fragments(nulls=True))
def test_merging_the_same_twice_is_merging_it_once(entity: Any, fragment: Any) -> None:
    once = Merge(fragment).apply(created(entity), T1).after
    assert once is not None
    again = Merge(fragment).apply(once, T2).after
    assert bare(again) == bare(once)


@given(st.recursive(st.none() | st.integers(), lambda b: st.dictionaries(st.sampled_from("abc"), b)))
def test_a_merged_object_holds_no_null_of_the_patch(patch: Any) -> None:
    def nulled(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: nulled(v) for k, v in value.items()}
        return NULL if value is None else value

    if isinstance(patch, dict):
        assert NULL not in repr(merge_value({"a": {"b": 1}, "z": 2}, nulled(patch)))


@given(entities(), attribute())
def test_append_then_delete_restores(entity: Any, one: Any) -> None:
    before = created(entity)
    name = "https://a.example/new"
    appended = Append({"attrs": {name: [one]}}).apply(before, T1).after
    restored = DeleteAttribute(name).apply(appended, T2).after
    assert bare(restored) == bare(before)


@given(entities(), entities())
def test_replace_leaves_exactly_the_new_entity_and_its_birth(old: Any, new: Any) -> None:
    before = created(old)
    after = Replace(new).apply(before, T1).after
    assert after is not None
    assert bare(
        {**after, "attrs": {n: {i.get("datasetId"): i for i in found} for n, found in after["attrs"].items()}}
    ) == bare(
        {**new, "attrs": {n: {i.get("datasetId"): i for i in found} for n, found in new["attrs"].items()}}
    )
    assert after["createdAt"] == before["createdAt"]


@given(entities(), fragments())
def test_append_without_overwriting_keeps_every_instance_that_was_there(entity: Any, fragment: Any) -> None:
    before = created(entity)
    effect = Append(fragment, no_overwrite=True).apply(before, T1)
    assert effect.after is not None
    for name, instances in before["attrs"].items():
        for one in instances:
            assert one in effect.after["attrs"][name]
            if any(i.get("datasetId") == one.get("datasetId") for i in fragment["attrs"].get(name, [])):
                assert name in effect.not_updated


@given(entities(), operations)
def test_an_untouched_attribute_is_the_same_object_as_before(entity: Any, operation: Any) -> None:
    before = created(entity)
    try:
        effect = operation.apply(before, T1)
    except Problem:
        return
    touched = {one.name for one in effect.touched}
    for name, instances in before["attrs"].items():
        if effect.after is not None and name not in touched:
            assert effect.after["attrs"][name] is instances


@given(operations)
def test_nothing_but_creation_works_on_what_is_not_there(operation: Any) -> None:
    if isinstance(operation, (Upsert, Purge)):
        return
    with pytest.raises(Problem) as caught:
        operation.apply(None, T1)
    assert isinstance(caught.value, NotFound)
