"""One entity from what several sources tell of it (4.5.5.2, 4.5.5.3), and that no order of telling matters."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from kitamae.kernel.context.entity import Attribute, Entity
from kitamae.kernel.context.registration import combine
from kitamae.kernel.context.registration.model import Mode

EARLY, NOON, LATE = (f"2026-11-21T{hour}:00:00Z" for hour in ("09", "12", "15"))


def said(value: Any, **members: Any) -> Attribute:
    return {"kind": "Property", "v": value, **members}


def room(*instances: Attribute, **members: Any) -> Entity:
    return {"id": "urn:r", "type": ["urn:Room"], **members, "attrs": {"urn:a": [*instances]}}


def values(local: Entity | None, *given: tuple[Mode, Entity]) -> list[Any]:
    whole = combine.entity(local, given)
    assert whole is not None
    return [one["v"] for one in whole["attrs"]["urn:a"]]


@pytest.mark.parametrize("mode", ["redirect", "inclusive", "auxiliary"])
def test_among_sources_of_one_mode_the_newest_stands_whoever_told_first(mode: Mode) -> None:
    parts = [
        (mode, room(said("changed last", modifiedAt=LATE))),
        (mode, room(said("observed", observedAt=NOON, modifiedAt=NOON))),
        (mode, room(said("observed before", observedAt=EARLY, modifiedAt=LATE))),
    ]
    for told in permutations(parts):
        assert values(None, *told) == ["observed"]
    for told in permutations([parts[0], (mode, room(said("changed first", modifiedAt=EARLY)))]):
        assert values(None, *told) == ["changed last"]


def test_the_newest_counts_among_equals_alone() -> None:
    old, new = room(said("old", observedAt=EARLY)), room(said("new", observedAt=LATE))
    assert values(new, ("redirect", old)) == ["old"]
    assert values(None, ("redirect", new), ("exclusive", old)) == ["old"]
    assert values(old, ("auxiliary", new)) == ["old"]
    assert values(old, ("inclusive", new)) == ["new"]


def test_redirect_sources_each_add_the_datasets_that_others_do_not_have() -> None:
    one = room(said(1, modifiedAt=EARLY), said(2, datasetId="urn:d", modifiedAt=LATE))
    other = room(said(3, modifiedAt=LATE), said(4, datasetId="urn:d", modifiedAt=EARLY))
    for told in permutations([("redirect", one), ("redirect", other)]):
        assert values(None, *told) == [3, 2]


def test_a_part_that_expires_before_the_whole_marks_what_it_brought() -> None:
    transient = room(said("here", observedAt=LATE), expiresAt=NOON)
    lasting: Entity = {"id": "urn:r", "type": ["urn:Room"], "attrs": {"urn:b": [said("there")]}}
    whole = combine.entity(transient, [("inclusive", lasting)])
    assert whole is not None
    assert "expiresAt" not in whole, "one of its parts never expires"
    assert whole["attrs"]["urn:a"][0]["expiresAt"] == NOON
    assert "expiresAt" not in whole["attrs"]["urn:b"][0]


def test_of_parts_that_all_expire_the_last_end_is_that_of_the_whole() -> None:
    first = room(said(1, observedAt=NOON, expiresAt=LATE), expiresAt=NOON)
    last = room(said(2, datasetId="urn:d", expiresAt=EARLY), expiresAt=LATE)
    for local, other in permutations([first, last]):
        whole = combine.entity(local, [("inclusive", other)])
        assert whole is not None
        assert whole["expiresAt"] == LATE
        ends = {one.get("datasetId"): one.get("expiresAt") for one in whole["attrs"]["urn:a"]}
        assert ends == {None: NOON, "urn:d": EARLY}


def test_parts_that_expire_together_are_left_as_they_are() -> None:
    whole = combine.entity(room(said(1), expiresAt=NOON), [("inclusive", room(said(1), expiresAt=NOON))])
    assert whole == room(said(1), expiresAt=NOON)
