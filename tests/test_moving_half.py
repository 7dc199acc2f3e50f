"""Half a copy of persons' keys is served by no city, until the move that left it has gone through."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import postgres_server
from kitamae.adapters.postgres.keys.moving import PostgresKeysMoving
from kitamae.adapters.sqlite import keys as sqlite_keys
from kitamae.adapters.sqlite.arriving import SqliteArriving
from kitamae.kernel.problems import Conflict
from staffing import all_erased
from test_moving_persons import City, fill, moved, whole


async def test_keys_of_a_city_that_stayed_in_the_last_moment_are_half_a_copy_until_it_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(state: SqliteArriving, high: int) -> None:
        raise OSError("no space left")

    city, new = City(tmp_path), tmp_path / "new"
    async with city.served() as served:
        headers = await fill(served)
        with monkeypatch.context() as patched:
            patched.setattr(SqliteArriving, "finish", fails)
            await moved(served, str(new), ends=("stayed", "it failed: no space left"))
        with pytest.raises(Conflict, match="half a copy of persons' keys"):
            sqlite_keys.open(new / "keys.db")
        await all_erased(served, "p-during")
        await moved(served, str(new))
    shutil.copy(tmp_path / "data" / "city.key", new / "city.key")
    city.at["data"] = new
    async with city.served() as served:
        await whole(served, headers, ("p-before", "p-during"))


async def test_a_city_that_is_told_to_take_half_a_copy_of_keys_says_so_and_serves_no_person(
    tmp_path: Path,
) -> None:
    city = City(tmp_path)
    keys = postgres_server.dsn("half_k")
    half = await PostgresKeysMoving.open(keys, filled=True)
    await half.begin("kaga")
    await half.close()
    async with city.served() as served:
        headers = await fill(served)
    city.at |= {"keys": keys, "city_key": str(city.at["data"] / "city.key")}
    async with city.served() as served:
        path = "/people/p-taro/records?purpose=identity&field=name"
        answer = await served.client.get(path, headers=headers)
        assert answer.status_code == 503, answer.text
        assert "half a copy of persons' keys" in answer.json()["detail"]
        assert (await served.client.get("/ngsi-ld/v1/types")).status_code == 200
