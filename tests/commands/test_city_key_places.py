"""The city's key on a token and in an environment variable: made, rotated while the city is served, found by the next start."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_city import at_once, servers

import softhsm
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.vault import citykey, hsm
from serving import serving

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"
RECORDS = "/people/p-taro/records?purpose=identity"


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("KITAMAE_PIN", "1234")
    with softhsm.token(tmp_path) as address:
        yield f"{address}&key=city"


async def test_a_key_on_a_token_is_rotated_while_records_are_read_and_its_shares_make_it_again(
    tmp_path: Path, token: str
) -> None:
    data = tmp_path / "data"
    made = await asyncio.to_thread(at_once, "keys", "make", "--to", token)
    assert made.returncode == 0, made.stderr
    again = await asyncio.to_thread(at_once, "keys", "make", "--to", token)
    assert "never written over" in again.stderr
    (old,) = hsm.read(token)
    async with serving(data, city=KAGA, city_key=token) as served:
        city = served.kitamae.city
        await city.vault.keep(SYSTEM, "p-taro", "identity", "person", {"name": "加賀 太郎"})
        secret, _ = await city.people.tokens.issue("test", ["read:person:identity"])
        program = {"Authorization": f"Bearer {secret}"}
        rotation = asyncio.create_task(served.kitamae.rotate(city=True))
        answers = []
        while not rotation.done():
            answers.append((await served.client.get(RECORDS, headers=program)).status_code)
        assert await rotation > 0
        assert set(answers) == {200}
        (new,) = hsm.read(token)
        assert new != old
        assert (await city.vault.status())["wrapped by"] == [new.id]
        before = token.replace("city.wrapped", f"city.wrapped.{old.id}.old")
        assert list(hsm.read(before)) == [old], "what older backups of persons' keys need"
    async with serving(data, city=KAGA, city_key=token) as served:
        assert (await served.client.get(RECORDS, headers=program)).status_code == 200
    assert not (data / "city.key").exists()


def test_shares_of_a_key_on_a_token_are_made_there_and_make_it_again_on_another(
    tmp_path: Path, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITAMAE_CITY_KEY", token)
    (tmp_path / "data").mkdir()
    assert at_once("keys", "make", "--to", token).returncode == 0
    split = at_once("keys", "split", "--to", tmp_path / "shares", "--data", tmp_path / "data")
    assert split.returncode == 0, split.stderr
    shares = sorted((tmp_path / "shares").iterdir())
    other = token.replace("key=city", "key=other").replace("city.wrapped", "other.wrapped")
    assert at_once("keys", "combine", *shares[:3], "--to", other).returncode == 0
    assert list(hsm.read(other)) == list(hsm.read(token))
    assert "name a file or a token" in at_once("keys", "combine", *shares[:3], "--to", "env:KEK").stderr


def test_a_key_in_a_variable_is_rotated_over_the_local_socket_and_the_next_start_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"

    def made() -> str:
        line = at_once("keys", "make", "--to", "env:KEK")
        assert line.returncode == 0, line.stderr
        name, _, text = line.stdout.strip().partition("=")
        assert name == "KEK"
        return text.strip("'")

    def said(*words: str) -> str:
        done = at_once("keys", *words, "--data", data)
        return done.stdout + done.stderr

    old = made()
    monkeypatch.setenv("KITAMAE_CITY_KEY", "env:KEK")
    monkeypatch.setenv("KEK", old)

    async def keep() -> None:
        async with serving(data, city=KAGA) as served:
            await served.kitamae.city.vault.keep(
                SYSTEM, "p-taro", "identity", "person", {"name": "加賀 太郎"}
            )

    asyncio.run(keep())
    with servers() as start:
        served = start("--city", str(KAGA), data=data)
        assert "wraps already" in said("rotate", "--city"), "the command's variable is what the city has"
        alone = made().rpartition(f" {citykey.MARK}")[0]
        monkeypatch.setenv("KEK", alone)
        assert "combine" in said("rotate", "--city"), "the old key must stand beside the new one"
        monkeypatch.setenv("KEK", old)
        both = made()
        new, kept = citykey.parse(both, "the line")
        assert kept.text() == old
        monkeypatch.setenv("KEK", both)
        rotated = said("rotate", "--city")
        assert "wrapped by a new city key" in rotated
        assert "KEK" in rotated
        assert new.id in said("status")
        assert kept.id not in said("status")
        served.kill()
        for text, opens in ((both, True), (new.text(), True), (old, False)):
            monkeypatch.setenv("KEK", text)
            again = start("--city", str(KAGA), data=data)
            assert ("persons' keys here are wrapped by the city key" in said("status")) != opens
            again.kill()
