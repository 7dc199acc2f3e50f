"""Persons' keys are copied while they are used, cut off anywhere, and copied on: afterwards both places hold the same."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stores import key_address, open_keys

from kitamae.adapters.postgres.keys.moving import PostgresKeysMoving
from kitamae.adapters.sqlite.keys.moving import SqliteKeysMoving
from kitamae.kernel.context.moving import tables
from kitamae.kernel.people.vault.keystore import Erasure, KeyStore, Over, Tag, Wrapped
from kitamae.kernel.problems import Conflict

WAYS = [
    ("sqlite", "sqlite"),
    ("sqlite", "postgresql"),
    ("postgresql", "sqlite"),
    ("postgresql", "postgresql"),
]
PERSONS, CLASSES = st.sampled_from(["", "p", "加賀"]), st.sampled_from(["c", "d"])

Act = tuple[str, Any]
act = st.one_of(
    st.tuples(st.just("add"), st.tuples(PERSONS, CLASSES, st.integers(1, 3))),
    st.tuples(st.just("destroy"), st.tuples(PERSONS, CLASSES, st.integers(1, 3))),
    st.tuples(st.just("rewrap"), st.tuples(PERSONS, CLASSES, st.integers(1, 3))),
    st.tuples(st.just("tag"), st.tuples(PERSONS, CLASSES, st.binary(max_size=2), st.sampled_from("rs"))),
    st.tuples(st.just("end"), st.tuples(st.sampled_from("ab"), st.integers(0, 3))),
    st.tuples(st.just("forget"), st.integers(0, 3)),
    st.tuples(st.just("latest"), st.integers(0, 9)),
)
acts = st.lists(act, min_size=2, max_size=20)


async def do(keys: KeyStore, what: str, given: Any) -> None:
    match what:
        case "add":
            await keys.add([Wrapped(*given, 1, "A", b"key %d" % given[2])])
        case "destroy":
            await keys.destroy([Erasure(*given, 5, 6)])
        case "rewrap":
            await keys.rewrap([Wrapped(*given, 1, "B", b"anew")])
        case "tag":
            person, klass, tag, record = given
            await keys.tag([Tag("", "name", tag, person, klass, record)], [("", record)])
        case "end":
            await keys.note_ended([Over("revoked", given[0], given[1], b"{}")])
        case "forget":
            await keys.forget_ended(given)
        case "latest":
            await keys.latest(given)


def moving(kind: str, place: Path, *, filled: bool) -> Any:
    async def opened() -> Any:
        if kind == "sqlite":
            return SqliteKeysMoving(place / "keys.db", filled=filled)
        return await PostgresKeysMoving.open(key_address(place), filled=filled)

    return opened()


async def held(place: Any) -> dict[str, Any]:
    return {one.name: await place.rows(one, one.first, one.last, 1_000) for one in tables.KEYS}


class Cut(Exception):
    """The power went."""


class Between:
    """A place that is copied or filled: `acts` happen before it answers, and after so many commits the power goes."""

    def __init__(self, place: Any, keys: KeyStore, acts: list[Act], left: int = 1 << 30) -> None:
        self._place, self._keys, self._acts, self._left = place, keys, acts, left

    async def rows(self, *given: Any) -> Any:
        if self._acts:
            await do(self._keys, *self._acts.pop())
        return await self._place.rows(*given)

    async def put_rows(self, *given: Any) -> None:
        await self._place.put_rows(*given)
        self._left -= 1
        if self._left < 0:
            raise Cut


async def moved(way: tuple[str, str], first: list[Act], meanwhile: list[Act], cuts: list[int]) -> None:
    old, new = [Path(tempfile.mkdtemp(prefix="keys_")) for _ in way]
    keys = await open_keys(way[0], old)
    try:
        for one in first:
            await do(keys, *one)
        source = await moving(way[0], old, filled=False)
        for left in cuts:
            target = await moving(way[1], new, filled=True)
            await target.begin("kaga")
            with contextlib.suppress(Cut):
                between = Between(target, keys, [], left)
                await tables.Copy(Between(source, keys, meanwhile), between, tables.KEYS).round()
            await target.close()
        target = await moving(way[1], new, filled=True)
        await target.begin("kaga")
        copy = tables.Copy(Between(source, keys, meanwhile), target, tables.KEYS)
        while meanwhile:
            await copy.round()
        await copy.round()
        assert await copy.round() == 0, "nothing differs any more"
        await target.whole(so=True)
        await target.finish()
        assert await held(target) == await held(source)
        await source.close()
        await target.close()
        there = await open_keys(way[1], new)
        assert await there.erasures() == await keys.erasures()
        for person in ("", "p", "加賀"):
            assert await there.of(person) == await keys.of(person)
            assert await there.tags_of(person) == await keys.tags_of(person)
        await there.close()
    finally:
        await keys.close()
        for place in (old, new):
            shutil.rmtree(place)


@pytest.mark.parametrize("way", WAYS, ids="-to-".join)
def test_keys_that_are_used_meanwhile_are_the_same_in_both_places_afterwards(
    way: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables.Copy, "AT_ONCE", 2)

    @settings(
        max_examples=8,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(first=acts, meanwhile=acts, cuts=st.lists(st.integers(0, 6), max_size=2))
    def run(first: list[Act], meanwhile: list[Act], cuts: list[int]) -> None:
        asyncio.run(moved(way, first, meanwhile, cuts))

    run()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_keys_of_others_and_half_a_copy_of_others_are_left_alone(kind: str, tmp_path: Path) -> None:
    target = await moving(kind, tmp_path, filled=True)
    await target.begin("kaga")
    await target.begin("kaga")
    with pytest.raises(Conflict, match="another city"):
        await target.begin("komatsu")
    await target.finish()
    await target.close()
    keys = await open_keys(kind, tmp_path)
    await keys.add([Wrapped("p", "c", 1, 1, "A", b"key")])
    await keys.close()
    target = await moving(kind, tmp_path, filled=True)
    with pytest.raises(Conflict, match="already"):
        await target.begin("kaga")
    await target.close()


KEY = Wrapped("p", "c", 1, 1, "A", b"key")


async def half(kind: str, place: Path) -> Any:
    """On their way, and the power went."""
    target = await moving(kind, place, filled=True)
    await target.begin("kaga")
    await target.put_rows(tables.DATA_KEY, [KEY], ())
    return target


async def demand_refused(kind: str, place: Path) -> None:
    """To whoever serves them, and to whoever would take them elsewhere."""
    with pytest.raises(Conflict, match=r"half a copy of persons' keys.*kitamae migrate"):
        await open_keys(kind, place)
    with pytest.raises(Conflict, match="half a copy of persons' keys"):
        await moving(kind, place, filled=False)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_half_a_copy_is_opened_by_nobody_but_the_move_that_goes_on_with_it(
    kind: str, tmp_path: Path
) -> None:
    await (await half(kind, tmp_path)).close()
    await demand_refused(kind, tmp_path)
    target = await moving(kind, tmp_path, filled=True)
    await target.begin("kaga")
    assert await target.rows(tables.DATA_KEY, tables.DATA_KEY.first, tables.DATA_KEY.last, 9) == [KEY]
    await target.whole(so=True)
    await target.finish()
    await target.close()
    keys = await open_keys(kind, tmp_path)
    assert await keys.of("p") == [KEY]
    await keys.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_whole_copy_that_is_not_finished_is_opened_and_is_no_copy_any_more(
    kind: str, tmp_path: Path
) -> None:
    target = await half(kind, tmp_path)
    await target.whole(so=True)
    await target.close()
    for _ in range(2):
        keys = await open_keys(kind, tmp_path)
        assert await keys.of("p") == [KEY]
        await keys.close()
    target = await moving(kind, tmp_path, filled=True)
    with pytest.raises(Conflict, match="already"):
        await target.begin("kaga")
    await target.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("way", ["taken back", "gone on with"])
async def test_a_whole_copy_whose_city_stayed_is_half_a_copy_again(
    kind: str, way: str, tmp_path: Path
) -> None:
    target = await half(kind, tmp_path)
    await target.whole(so=True)
    if way == "taken back":
        await target.whole(so=False)
    else:
        with pytest.raises(Conflict, match="another city"):
            await target.begin("komatsu")
        await target.begin("kaga")
    await target.close()
    await demand_refused(kind, tmp_path)
