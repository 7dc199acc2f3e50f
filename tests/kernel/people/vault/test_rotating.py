"""New keys while everything is served, and going on after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from vaults import NAME, POLICY, PURPOSES, Place, asked, receipts

from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.vault import Vault
from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.people.vault.followed import Followed
from kitamae.kernel.people.vault.keyplace import KeyFile
from kitamae.kernel.people.vault.problems import WrongKey


async def some(vault: Vault, count: int = 7) -> None:
    for n in range(count):
        for _ in range(3):
            await vault.keep(SYSTEM, f"p-{n}", "resident", "person", NAME)
        await vault.read(asked(persons=(f"p-{n}",)))


async def all_there(vault: Vault, count: int = 7) -> None:
    records = await vault.read(asked(persons=tuple(f"p-{n}" for n in range(count))))
    assert [dict(one.fields) for one in records] == [NAME] * 3 * count
    assert len(await vault.find(asked(), {"name": "加賀太郎"})) == 3 * count


async def test_the_citys_key_is_rotated_while_the_city_is_served_and_the_old_one_opens_nothing_then(
    place: Place,
) -> None:
    vault = await place.open()
    await some(vault)
    new = CityKey.fresh()
    assert (
        await vault.rewrap([new, place.key]) == 20
    )  # seven persons' two keys, those of four indexed fields, of family names and of blocks
    await all_there(vault)
    assert (await vault.status())["wrapped by"] == [new.id]
    await place.close()
    with pytest.raises(WrongKey):
        await place.open(place.key)
    await all_there(await place.open(new))
    await place.close()


async def test_a_rotation_of_the_citys_key_that_was_killed_goes_on_where_it_was(place: Place) -> None:
    vault = await place.open()
    await some(vault)
    new = CityKey.fresh()
    vault._inner.keys = type(vault._inner.keys)(place.keys, [new, place.key], lambda: place.time)
    await vault._inner.keys.rewrap(5)
    await place.close()
    with pytest.raises(WrongKey):  # neither key alone opens it now
        await place.open(new)
    vault = await place.open(new, place.key)
    await all_there(vault)
    assert await vault.rewrap([new, place.key]) == 15
    await place.close()
    await all_there(await place.open(new))
    await place.close()


async def test_another_worker_looks_again_where_the_citys_key_was_rotated_and_wraps_with_the_new_one(
    place: Place, tmp_path: Path
) -> None:
    file = KeyFile(tmp_path / "city.key")
    file.make(place.key)
    vault = await place.open()
    await some(vault)
    other_keys = await place.open_keys()
    other = await Vault.open(
        *(place.store, other_keys, file.read(), PURPOSES, POLICY), now=lambda: place.time, look=Followed(file)
    )
    new = CityKey.fresh()
    file.write([new, place.key])
    await vault.rewrap([new, place.key])
    file.write([new])
    await all_there(other)
    await other.keep(SYSTEM, "p-new", "resident", "person", NAME)
    assert (await other.status())["wrapped by"] == [new.id]
    assert (await other.status())["city key"] == new.id
    await vault.read(asked(persons=("p-new",)))

    file.write([CityKey.fresh()])
    await other.keep(SYSTEM, "p-newer", "resident", "person", NAME)
    assert (await other.status())["wrapped by"] == [new.id], "a key that opens nothing here wraps nothing"
    file.path.unlink()
    await other.keep(SYSTEM, "p-newest", "resident", "person", NAME)
    await other_keys.close()
    await place.close()


async def test_persons_keys_are_replaced_and_what_they_sealed_is_sealed_anew(place: Place) -> None:
    vault = await place.open()
    await some(vault)
    before = {(one.person, one.klass): one.key for n in range(7) for one in await place.keys.of(f"p-{n}")}
    place.time += 1_000_000
    assert await vault.rotate() == 14
    after = {(one.person, one.klass): one.key for n in range(7) for one in await place.keys.of(f"p-{n}")}
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    await all_there(vault)
    taro: Any = type(asked().who)("p-0", "resident", session="s")
    leaves = await place.leaves()
    assert all(one.leaf() in leaves for one in await receipts(vault, taro))
    await place.close()
    await all_there(await place.open())  # and no replay takes them for erased
    await place.close()


async def test_a_rotation_of_persons_keys_that_was_killed_anywhere_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = await place.open()
    await some(vault, 3)
    place.time += 1_000_000
    monkeypatch.setattr("kitamae.kernel.people.vault.resealing.RESEALED", 1)
    before = place.store.transact
    for steps in (1, 2, 3, 5):
        left = steps

        async def dies(work: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise SystemError("killed")
            return await before(work)

        monkeypatch.setattr(place.store, "transact", dies)
        with pytest.raises(SystemError):
            await (vault.rotate() if steps == 1 else vault._resealer.run())
        monkeypatch.setattr(place.store, "transact", before)
        await all_there(vault, 3)
    await vault._resealer.run()
    assert not (await vault.status())["rotating"]
    assert {one.version for n in range(3) for one in await place.keys.of(f"p-{n}")} == {2}
    await all_there(vault, 3)
    await place.close()


async def test_another_worker_neither_loses_what_it_writes_nor_fails_to_read_after_a_rotation(
    place: Place,
) -> None:
    """It remembers the keys as they were."""
    vault = await place.open()
    await some(vault, 2)
    other = await Vault.open(
        *(place.store, place.keys, [place.key], vault.purposes, vault._inner.policy), now=lambda: place.time
    )
    await all_there(other, 2)
    place.time += 1_000_000
    await vault.rotate()
    await other.keep(SYSTEM, "p-0", "resident", "person", NAME)
    for one in (vault, other):
        records = await one.read(asked(persons=("p-0", "p-1")))
        assert [dict(record.fields) for record in records] == [NAME] * 7
    place.time += 1_000_000
    await vault.rotate()
    assert len(await other.read(asked(persons=("p-1",)))) == 3
    await place.close()
