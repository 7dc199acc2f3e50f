"""What docs/operate/backup.md says of a city with persons: its state on PostgreSQL, restored from a dump, keeps what was ended since."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import postgres_server
from bare_kaga import bare
from kitamae.kernel.people.duties import ACCOUNT
from kitamae.kernel.people.duties.office import step
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.vault import citykey
from kitamae.kernel.people.vault.citykey import CityKey
from serving import SAME, Served, serving
from signing_in import Partner, fields, resident
from staffing import all_erased, enter, give

TARO = {"name": "加賀 太郎", "kana": "カガ タロウ", "birth_date": "1950-04-01"}


class Place:
    """A database for the state and one for the keys, each of which is put back as its dump has it."""

    def __init__(self, folder: Path, state: str, keys: str) -> None:
        self.server, self.folder = postgres_server.cluster(), folder
        self.names = {"state": state, "keys": keys}
        self.where = ["-h", str(self.server.folder), "-p", str(self.server.port), "-U", "kitamae"]
        self.city, self.key = bare(folder / "profile"), folder / "city.key"
        citykey.write(self.key, [CityKey.fresh()])

    def address(self, of: str) -> str:
        return self.server.dsn.replace("/postgres?", f"/{self.names[of]}?")

    def dump(self, *of: str) -> None:
        for one in of:
            name = self.names[one]
            self.server.run(
                "pg_dump", *self.where, "--format=custom", f"--file={self.server.folder}/{name}.dump", name
            )

    def restore(self, *of: str) -> None:
        for one in of:
            name = self.names[one]
            self.server.run("dropdb", *self.where, "--force", name)
            self.server.run("createdb", *self.where, name)
            file = f"{self.server.folder}/{name}.dump"
            self.server.run("pg_restore", *self.where, "--exit-on-error", f"--dbname={name}", file)

    @asynccontextmanager
    async def served(self, **more: Any) -> AsyncIterator[Served]:
        at = {"store": self.address("state"), "keys": self.address("keys"), "city_key": str(self.key)}
        async with serving(self.folder / "data", city=self.city, demo_residents=True, **at, **more) as served:
            yield served


@pytest.fixture
def place(tmp_path: Path) -> Any:
    server = postgres_server.cluster()
    with (
        postgres_server.database("restored_state", server),
        postgres_server.database("restored_keys", server),
    ):
        yield Place(tmp_path, "restored_state", "restored_keys")


async def bearer(served: Served, *scopes: str) -> tuple[dict[str, str], str]:
    secret, token = await served.kitamae.city.people.tokens.issue("test", scopes)
    return {"Authorization": f"Bearer {secret}"}, token["number"]


async def read(served: Served, headers: dict[str, str], person: str) -> Any:
    path = f"/people/{person}/records?purpose=identity&field=name"
    return await served.client.get(path, headers=headers)


@pytest.mark.parametrize("restored", [("state",), ("keys",), ("state", "keys")], ids="+".join)
async def test_whoever_was_erased_stays_so_whichever_of_the_two_is_restored(
    place: Place, restored: tuple[str, ...]
) -> None:
    async with place.served() as served:
        vault = served.kitamae.city.vault
        for person in ("p-taro", "p-hanako"):
            await vault.keep(SYSTEM, person, "identity", "person", TARO)
        headers, _ = await bearer(served, "read:person:identity")
        place.dump("state", "keys")
        await all_erased(served, "p-taro")
    place.restore(*restored)
    async with place.served() as served:
        assert (await read(served, headers, "p-taro")).json()["records"] == []
        assert len((await read(served, headers, "p-hanako")).json()["records"]) == 1
        sent = {"purpose": "identity", "field": "name", "text": "加賀太郎"}
        found = await served.client.post("/people/search", json=sent, headers=headers)
        assert [one["person"] for one in found.json()["records"]] == ["p-hanako"]
        assert [one.klass for one in await served.kitamae.city.vault._inner.keys.store.of("p-taro")] == []


@pytest.mark.parametrize("restored", [("state",), ("keys",), ("keys", "state")], ids="+".join)
async def test_what_was_taken_back_or_left_since_the_dump_lets_nobody_in(
    place: Place, restored: tuple[str, ...]
) -> None:
    async with place.served() as served:
        people, office = served.kitamae.city.people, served.kitamae.city.ways.office
        first = await people.staff()
        gone, moved = [await people.staff(another=True) for _ in range(2)]
        await give(served, gone, "counter")
        await give(served, moved, "counter")
        good, _ = await bearer(served, "read:person:identity")
        bad, number = await bearer(served, "read:person:identity")
        await served.kitamae.city.vault.keep(SYSTEM, "p-taro", "identity", "person", TARO)
        await enter(served, first)
        left = dict(served.client.cookies)
        served.client.cookies.clear()
        partner = await Partner.of(served)
        await resident(served)
        tokens = (await partner.exchange(await partner.code())).json()
        used = tokens["refresh_token"]
        place.dump("state", "keys")
        assert (await read(served, bad, "p-taro")).status_code == 200
        await people.tokens.revoke(number)
        await office.prepare(SYSTEM, "退職", [step(gone, ACCOUNT, gives=False)])
        await office.prepare(SYSTEM, "異動", [step(moved, "counter", gives=False)])
        served.client.cookies.clear()
        served.client.cookies.update(left)
        sent = {"csrf": fields((await served.client.get("/staff")).text)["csrf"]}
        assert (await served.client.post("/sign-out", data=sent, headers=SAME)).status_code == 303
        assert (await partner.refresh(used)).status_code == 200
    if restored == (
        "keys",
        "state",
    ):  # first the keys, and the city is begun on them: then the list is whole again
        place.restore("keys")
        async with place.served():
            pass
        place.restore("state")
    else:
        place.restore(*restored)
    async with place.served() as served:
        people, office = served.kitamae.city.people, served.kitamae.city.ways.office
        assert (await read(served, good, "p-taro")).status_code == 200
        assert (await read(served, bad, "p-taro")).status_code == 401
        assert (await office.standing(gone)).left
        assert not (await office.held(moved)).held
        served.client.cookies.clear()
        served.client.cookies.update(left)
        assert (await served.client.get("/staff")).status_code in (303, 401)
        again = Partner(served, {"id": partner.id}, partner.secret)
        assert (await again.refresh(used)).status_code == 400
