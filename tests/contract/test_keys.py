"""What every store of keys does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from stores import open_keys

from kitamae.adapters.sqlite import keys as sqlite_keys
from kitamae.kernel.people.vault.keystore import Erasure, KeyStore, Over, Tag, Wrapped
from kitamae.kernel.problems import StoreTooNew, StoreUnknown


def key(person: str, klass: str = "c", version: int = 1, city: str = "A") -> Wrapped:
    return Wrapped(person, klass, version, 1_000 * version, city, f"{person}{klass}{version}".encode())


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def keys(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeyStore]:
    store = await open_keys(request.param, tmp_path)
    yield store
    await store.close()


async def test_a_key_is_added_once_and_stays(keys: KeyStore) -> None:
    await keys.add([key("p"), key("p", version=2), key("q")])
    await keys.add([key("p")._replace(key=b"another")])
    assert await keys.of("p") == [key("p"), key("p", version=2)]
    assert await keys.count() == 3
    assert await keys.cities() == ["A"]


async def test_a_destroyed_key_does_not_come_back_and_a_newer_one_may(keys: KeyStore) -> None:
    tag = Tag("", "name", b"t", "p", "c", "r1")
    await keys.add([key("p"), key("p", "d"), key("q")])
    await keys.tag([tag, tag._replace(person="q", record="r2"), tag._replace(klass="d", record="r3")])
    gone = Erasure("p", "c", 1, 50, 60)
    assert [one.record for one in await keys.tags_of("p")] == ["r1", "r3"]
    await keys.destroy([gone])
    assert [one.record for one in await keys.tags_of("p")] == ["r3"]
    assert [one.record for one in await keys.tagged("", "name", b"t", 10)] == ["r2", "r3"]
    await keys.add([key("p"), key("p", version=2)])
    assert [one.version for one in await keys.of("p") if one.klass == "c"] == [2]
    assert await keys.destroyed("p") == {"c": 1}
    assert await keys.erasures() == [gone]
    assert await keys.erasures(50) == []
    await keys.destroy([Erasure("p", "c", 2, 40, 90)])
    assert await keys.erasures() == [Erasure("p", "c", 2, 50, 90)]


async def test_whose_key_is_gone_cannot_be_tagged(keys: KeyStore) -> None:
    await keys.tag([Tag("", "name", b"t", "p", "c", "r1")])
    assert await keys.tagged("", "name", b"t", 10) == []


async def test_a_record_is_tagged_anew_in_the_place_of_its_old_tags(keys: KeyStore) -> None:
    await keys.add([key("p")])
    old, new = Tag("", "name", b"old", "p", "c", "r"), Tag("", "name", b"new", "p", "c", "r")
    await keys.tag([old])
    await keys.tag([new], [("", "r")])
    assert await keys.tagged("", "name", b"old", 10) == []
    assert await keys.tagged("", "name", b"new", 10) == [new]


async def test_keys_are_wrapped_anew_and_one_that_is_gone_meanwhile_stays_gone(keys: KeyStore) -> None:
    await keys.add([key("p"), key("q")])
    old = await keys.wrapped_otherwise("B", 10)
    assert {one.person for one in old} == {"p", "q"}
    await keys.destroy([Erasure("q", "c", 1, 1, 1)])
    await keys.rewrap([one._replace(city="B", key=b"anew") for one in old])
    assert await keys.wrapped_otherwise("B", 10) == []
    assert await keys.count() == 1
    assert await keys.of("p") == [key("p")._replace(city="B", key=b"anew")]


async def test_the_age_of_keys_a_rotation_and_the_latest_time_are_remembered(keys: KeyStore) -> None:
    await keys.add([key("p"), key("p", version=2), key("q", version=3), key("", "index:name")])
    assert sorted(await keys.older(2_500, 10)) == [("p", "c")]
    assert await keys.rotating() == 0
    assert await keys.rotating(7) == 7
    assert (await keys.latest(), await keys.latest(9), await keys.latest(3)) == (0, 9, 9)


async def test_what_many_write_at_once_is_all_there(keys: KeyStore) -> None:
    await asyncio.gather(*(keys.add([key(f"p-{n}")]) for n in range(200)))
    assert await keys.count() == 200


def test_a_file_of_a_newer_version_or_of_something_else_is_refused(tmp_path: Path) -> None:
    import apsw

    db = apsw.Connection(str(tmp_path / "keys.db"))
    db.execute("CREATE TABLE x (y)")
    db.close()
    with pytest.raises(StoreUnknown):
        sqlite_keys.open(tmp_path / "keys.db")
    newer = tmp_path / "newer" / "keys.db"
    newer.parent.mkdir()
    with asyncio.Runner() as runner:
        store = sqlite_keys.open(newer)
        runner.run(store.close())
    db = apsw.Connection(str(newer))
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreTooNew, match="newer Kitamae"):
        sqlite_keys.open(newer)


async def test_what_was_ended_is_noted_once_and_forgotten_when_no_restore_brings_it_back(
    keys: KeyStore,
) -> None:
    token, session = Over("revoked", "t", 0, b'{"at": "1"}'), Over("session", "s", 50, b"{}")
    await keys.note_ended([session, token])
    await keys.note_ended([token._replace(doc=b'{"at": "2"}')], [("session", "never")])
    assert await keys.ended() == [token._replace(doc=b'{"at": "2"}'), session]
    await keys.forget_ended(49)
    assert len(await keys.ended()) == 2
    await keys.forget_ended(50)
    assert [one.kind for one in await keys.ended()] == ["revoked"]
    await keys.note_ended([], [("revoked", "t")])
    assert await keys.ended() == []
