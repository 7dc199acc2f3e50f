"""A city with personal records moves: what was sealed opens there, who was erased stays so, and every receipt proves what it did."""

from __future__ import annotations

import asyncio
import re
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from served_city import at_once, servers

import postgres_server
from bare_kaga import bare
from kitamae.adapters.sqlite.keys.moving import SqliteKeysMoving
from kitamae.kernel.context.moving.rounds import Rounds
from kitamae.kernel.ledger import merkle
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.problems import Conflict, Problem
from serving import Served, serving
from staffing import all_erased
from web.my.test_my import get, me, post, proof_of
from web.my.test_taken_proofs import log_keys, verified

NAMES = {
    "p-taro": {"name": "加賀 太郎", "kana": "カガ タロウ", "birth_date": "1950-04-01"},
    "p-hanako": {"name": "山中 花子", "kana": "ヤマナカ ハナコ", "birth_date": "1960-05-02"},
    "p-before": {"name": "片山 津", "kana": "カタヤマ ツ", "birth_date": "1970-06-03"},
    "p-during": {"name": "橋立 北", "kana": "ハシダテ キタ", "birth_date": "1980-07-04"},
}


class City:
    """Where it is; `at` is what it is served with."""

    def __init__(self, folder: Path) -> None:
        self.profile = bare(folder / "city")
        self.at: dict[str, Any] = {"data": folder / "data"}

    def served(self) -> Any:
        return serving(**self.at, city=self.profile, demo_residents=True)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


async def fill(served: Served) -> dict[str, str]:
    """Persons, one of whom was erased; a program that reads them."""
    for person, fields in NAMES.items():
        await served.kitamae.city.vault.keep(SYSTEM, person, "identity", "person", fields)
    await all_erased(served, "p-before")
    secret, _ = await served.kitamae.city.people.tokens.issue("test", ["read:person:identity"])
    headers = {"Authorization": f"Bearer {secret}"}
    assert await read(served, headers, "p-taro") == [NAMES["p-taro"]["name"]]
    return headers


async def read(served: Served, headers: dict[str, str], person: str) -> list[str]:
    path = f"/people/{person}/records?purpose=identity&field=name"
    answer = await served.client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return [one["fields"]["name"] for one in answer.json()["records"]]


async def found(served: Served, headers: dict[str, str], field: str, text: str) -> list[str]:
    sent = {"purpose": "identity", "field": field, "text": text}
    answer = await served.client.post("/people/search", json=sent, headers=headers)
    assert answer.status_code == 200, answer.text
    return [one["person"] for one in answer.json()["records"]]


async def moved(
    served: Served, to: str, keys: str = "", ends: tuple[str, str] = ("moved", "")
) -> dict[str, Any]:
    await served.kitamae.migrate(to, keys)
    move = served.kitamae.moving
    assert move is not None
    for _ in range(1_000):
        if move.state not in ("copying", "closing"):
            break
        await asyncio.sleep(0.02)
    assert (move.state, move.why) == ends
    return move.told()


async def whole(served: Served, headers: dict[str, str], gone: tuple[str, ...]) -> None:
    """Who is not erased is read and found; who is, is neither, and has no keys."""
    vault = served.kitamae.city.vault
    for person, fields in NAMES.items():
        there = person not in gone
        assert await read(served, headers, person) == [fields["name"]] * there
        for field in ("name", "kana"):
            assert await found(served, headers, field, fields[field].replace(" ", "")) == [person] * there
        assert bool(await vault._inner.keys.store.of(person)) is there or there is False
    for person in gone:
        assert [one.klass for one in await vault._inner.keys.store.of(person)] == []
        assert await vault._inner.keys.store.tags_of(person) == []


@pytest.mark.parametrize(
    "way", ["directory-to-postgresql", "directory-to-directory", "postgresql-to-directory"]
)
async def test_all_that_is_held_about_persons_is_there_and_proved_after_the_move(
    city: City, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _, new = way.partition("-to-")
    name = re.sub(r"\W", "_", way)
    if old == "postgresql":
        made = at_once("keys", "make", "--to", tmp_path / "city.key")
        assert made.returncode == 0, made.stderr
        city.at |= {
            "store": postgres_server.dsn(f"from_{name}"), "keys": postgres_server.dsn(f"from_{name}_k"),
            "city_key": str(tmp_path / "city.key"),
        }  # fmt: skip
    async with city.served() as served:
        headers = await fill(served)
        ref = await me(served)
        await post(served, "/my/consents/notices")
        await post(served, "/my/enter/notices", email="ichiro@example.jp")
        (first, *_) = sorted(int(one) for one in re.findall(r"/my/proof/(\d+)", await get(served, "/my/log")))
        before = tmp_path / "before.tlog-proof"
        before.write_bytes((await proof_of(served, first)).content)
        cookies = dict(served.client.cookies)
        log = served.kitamae.city.log
        receipts = [one async for one in _receipts(served)]
        near = Rounds.near

        async def disturbed(self: Rounds) -> None:
            await near(self)
            await all_erased(served, "p-during")  # when all keys were copied

        monkeypatch.setattr(Rounds, "near", disturbed)
        assert log is not None
        head, vkeys = log.head.checkpoint, await log_keys(served)
        if (old, new) == ("directory", "postgresql"):
            with pytest.raises(Problem, match="--keys"):
                await served.kitamae.migrate(postgres_server.dsn(f"to_{name}"))
        target = postgres_server.dsn(f"to_{name}") if new == "postgresql" else str(tmp_path / "new")
        keys = postgres_server.dsn(f"to_{name}_k") if new == "postgresql" else ""
        told = await moved(served, target, keys)
        assert bool(told["keys_in"]) is (old == "directory")
        assert told["records"] > len(NAMES)
    if new == "postgresql":
        city.at |= {"store": target, "keys": keys}
    else:
        for name in ("seal.key", *(["city.key"] if old == "directory" else [])):
            shutil.copy(tmp_path / "data" / name, tmp_path / "new" / name)
        city.at = {one: value for one, value in city.at.items() if one != "store"} | {
            "data": tmp_path / "new"
        }
    async with city.served() as served:
        await whole(served, headers, ("p-before", "p-during"))
        served.client.cookies.update(cookies)
        assert "ichiro@example.jp" in await get(served, "/my"), "who was signed in still is"
        assert str((await served.client.get("/my/export")).json()["person"]) == ref
        after = tmp_path / "after.tlog-proof"
        after.write_bytes((await proof_of(served, first)).content)
        log = served.kitamae.city.log
        assert log is not None
        assert await log_keys(served) == vkeys, "it is the same log"
        for _ in range(500):  # as soon as it is published
            if log.head.checkpoint.size > head.size:
                break
            await asyncio.sleep(0.02)
        assert log.head.checkpoint.size > head.size
        leaves = await served.kitamae.city.store.leaves(0, 10_000)
        tree = merkle.fold([merkle.leaf_hash(one.data) for one in leaves[: head.size]])
        assert tree == head.root, "which goes on"
        again = [one async for one in _receipts(served)]
        assert [one for one in again if one[0] <= receipts[-1][0] and one[1]] == [
            one for one in receipts if one[1] and one[2] not in ("p-during",)
        ]
        await all_erased(served, "p-hanako")
        await whole(served, headers, ("p-before", "p-during", "p-hanako"))
    for file in (before, after):
        assert ref in verified(file, vkeys)


async def _receipts(served: Served) -> Any:
    """(number, whether it says of whom, of whom)."""

    async def looks(tx: Any) -> Any:
        return await tx.vault.looks(0, 1 << 62)

    for one in await served.kitamae.city.store.transact(looks):
        yield one.number, bool(one.person), one.person


def test_a_server_that_is_killed_in_the_middle_of_the_move_goes_on_with_it_and_keeps_everything(
    city: City, tmp_path: Path
) -> None:
    state, keys = postgres_server.dsn("killed_s"), postgres_server.dsn("killed_k")
    many = [f"p-{n}" for n in range(100)]

    async def begin() -> dict[str, str]:
        async with city.served() as served:
            for person in many:
                await served.kitamae.city.vault.keep(
                    SYSTEM, person, "identity", "person", {"name": f"加賀 {person}", "kana": "ベツ"}
                )
            return await fill(served)

    headers = asyncio.run(begin())
    data = tmp_path / "data"
    options = ("--city", str(city.profile))
    with servers() as start:
        for number, wait in enumerate((0.2, 0.6)):
            served = start(*options, data=data)
            done: list[Any] = []
            moving = threading.Thread(
                target=lambda done=done: done.append(
                    at_once("migrate", state, "--keys", keys, "--data", data)
                )
            )
            moving.start()
            time.sleep(wait)
            served.kill()
            moving.join(60)
            assert done
            if elsewhere := asyncio.run(erase(city, many[number])):
                # It was faster, whether or not it could still say so to the command.
                assert "the city has moved to postgresql" in elsewhere
                break
            assert done[0].returncode != 0, "it said that the city has moved, and serves it all the same"
        else:
            served = start(*options, data=data)
            last = at_once("migrate", state, "--keys", keys, "--data", data)
            assert last.returncode == 0, last.stderr
            assert "serve it from there" in last.stdout
            assert "destroy them in time" in last.stdout
            served.stop()
            number = 2

    async def check() -> None:
        city.at |= {"store": state, "keys": keys}
        async with city.served() as served:
            await whole(served, headers, ("p-before",))
            for n, person in enumerate(many):
                names = [f"加賀 {person}"] if n >= number else []
                assert await read(served, headers, person) == names

    asyncio.run(check())


async def erase(city: City, person: str) -> str:
    """Where the city is served from here; else what it says."""
    try:
        async with city.served() as served:
            await all_erased(served, person)
    except Conflict as conflict:
        return conflict.detail
    return ""


async def test_a_city_that_both_marks_say_has_moved_has_moved_whatever_becomes_of_its_keys_mark(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(keys: SqliteKeysMoving) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(SqliteKeysMoving, "finish", fails)
    async with city.served() as served:
        headers = await fill(served)
        await moved(served, str(tmp_path / "new"))
        assert "moved" in (await served.client.get("/health/ready")).text
    shutil.copy(tmp_path / "data" / "city.key", tmp_path / "new" / "city.key")
    city.at["data"] = tmp_path / "new"
    async with city.served() as served:
        assert await read(served, headers, "p-taro") == [NAMES["p-taro"]["name"]]
