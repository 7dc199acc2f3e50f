"""Whichever way remembered entities are looked for, the same ones come in the same order, page after page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

import postgres_server
from kitamae.adapters import postgres
from kitamae.adapters.postgres import recall
from kitamae.kernel.context.operations.command import Command
from kitamae.kernel.context.operations.create import Create
from kitamae.kernel.context.operations.delete import Delete
from kitamae.kernel.context.query.tree import EntityQuery, OrderBy, TypeQ
from kitamae.kernel.context.store import InstanceQuery, Store

TYPES = ["https://example.org/A", "https://example.org/B"]


def id_of(number: int) -> str:
    return f"urn:ngsi-ld:T:{number * 37 % 61:02d}"


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """60 entities of two types in no order; each fourth is gone, each fifth never had an attribute."""
    opened = await postgres.open(postgres_server.dsn("recall" + tmp_path.name.replace("-", "_")))
    made: Any = [
        {
            "id": id_of(n),
            "type": [TYPES[n % 2]],
            "attrs": {} if n % 5 == 0 else {"https://example.org/v": [{"kind": "Property", "v": n}]},
        }
        for n in range(60)
    ]
    for one in made:
        await opened.apply([Command("", one["id"], Create(one))])
    await opened.apply([Command("", id_of(n), Delete()) for n in range(0, 60, 4)])
    yield opened
    await opened.close()


@pytest.fixture(params=["put in order", "walked along"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "_PIECES", (2, 3))
    if request.param == "walked along":
        monkeypatch.setattr(recall, "SORTED", -1)


def expected(type: str | None, *, falling: bool) -> list[str]:
    ids = [id_of(n) for n in range(60) if n % 5 and (type is None or TYPES[n % 2] == type)]
    return sorted(ids, reverse=falling)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("type", [None, TYPES[1]])
async def test_pages_behind_an_id_and_pages_by_offset_hold_all_in_order(
    store: Store, type: str | None, falling: bool
) -> None:
    types = TypeQ(((type,),)) if type else TypeQ(())
    order = (OrderBy("id", descending=True),) if falling else ()
    history = InstanceQuery("", ())

    async def page(**more: Any) -> list[str]:
        after = more.pop("after", None)
        query = EntityQuery("", types=types, order=order, limit=7, **more)
        return [orjson.loads(row.doc)["id"] for row in (await store.remembered(query, history, after)).rows]

    wanted = expected(type, falling=falling)
    behind: list[str] = []
    while found := await page(after=behind[-1] if behind else None):
        behind += found
    assert behind == wanted
    assert [id for offset in range(0, 70, 7) for id in await page(offset=offset)] == wanted
    counted = await store.remembered(EntityQuery("", types=types, order=order, limit=1, count=True), history)
    assert counted.count == len(wanted)


@pytest.mark.usefixtures("way")
async def test_only_those_asked_for_by_id_are_told_the_gone_among_them(store: Store) -> None:
    ids = tuple(id_of(n) for n in (4, 7, 5))  # gone, living, without history
    found = await store.remembered(EntityQuery("", ids=ids, limit=10), InstanceQuery("", ()))
    assert [orjson.loads(row.doc)["id"] for row in found.rows] == sorted(ids[:2])
