"""A page of a query in an order that SQL cannot say."""

from __future__ import annotations

import pytest
from entity_tables import opened

from kitamae.adapters.sqlite import find
from kitamae.adapters.sqlite.pool import TooLong
from kitamae.kernel.context.entity import Entity
from kitamae.kernel.context.query import parse
from kitamae.kernel.context.query.tree import EntityQuery

A = "https://example.org/a"


def expand(name: str) -> str:
    return "https://example.org/" + name


def numbered(*values: int) -> list[Entity]:
    return [
        {
            "id": f"urn:{value}",
            "type": ["T"],
            "createdAt": "2026-01-01T00:00:00Z",
            "attrs": {A: [{"kind": "Property", "v": value}]},
        }
        for value in values
    ]


def test_a_page_is_cut_after_sorting_and_all_that_match_are_counted() -> None:
    db = opened(numbered(5, 3, 10, 1, 7))
    query = EntityQuery(
        q=parse.q("a>1", expand), order=parse.order_by("a;desc", expand), limit=2, offset=1, count=True
    )
    found = find.find(db, query, ())
    assert [row.key for row in found.rows] == [5, 1]  # 7, 5 of 10, 7, 5, 3
    assert found.count == 4


def test_a_sort_of_many_is_not_done_on_the_event_loop() -> None:
    db = opened(numbered(*range(find.QUICK + 1)))
    with pytest.raises(TooLong):
        find.find(db, EntityQuery(order=parse.order_by("a", expand)), (), quick=True)
