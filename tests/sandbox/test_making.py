"""A sandbox is made in a directory of its own, and its people are there as real ones would be."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import ValidationError

from kitamae.directory.layout import Layout
from kitamae.directory.lock import Lock
from kitamae.directory.sandbox import read
from kitamae.kernel.people.consent.agreement import KIND as CONSENT
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.watching import Flags
from kitamae.kernel.problems import Conflict, Unprocessable
from kitamae.sandbox.making import make
from kitamae.settings import Settings
from serving import serving
from signing_in import resident

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"
PEOPLE = 60


def settings(data: Path, **chosen: Any) -> Settings:
    return Settings.chosen(data=data, demo_residents=True, **chosen)


async def made(
    data: Path, *, count: int = PEOPLE, seed: int = 1, fresh: bool = False, tell: Any = None
) -> bool:
    with Lock(data):
        return await make(settings(data), KAGA, count, seed, tell or (lambda *told: None), fresh=fresh)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("made") / "sandbox"
    assert asyncio.run(made(data))
    return data


async def test_every_page_says_that_nobody_is_real_and_a_resident_sees_a_history_of_months(
    sandbox: Path,
) -> None:
    async with serving(sandbox, city=KAGA) as served:
        await served.loaded()
        for path in ("/", "/places", "/registers", "/sign-in/resident", "/nowhere"):
            answer = await served.client.get(path, headers={"Accept": "text/html"})
            assert "試験用：ここは開発する人のためのサンドボックスです" in answer.text, path
        assert await resident(served, "sandbox-00001", "/my") == "/my"
        mark = read(Layout(sandbox))
        assert mark is not None
        card = mark["residents"]["sandbox-00001"]
        page = (await served.client.get("/my")).text
        assert card["name"] in page
        assert card["address"] in page
        receipts = (await served.client.get("/my/receipts")).json()["receipts"]
        assert any(one["who"].startswith("staff-") and one["purpose"] == "identity" for one in receipts)
        days = {one["at"][:10] for one in receipts}
        assert len(days) > 1, days


async def test_the_stand_in_finds_a_resident_by_name_or_address_a_page_at_a_time(sandbox: Path) -> None:
    async with serving(sandbox, city=KAGA) as served:
        begun = await served.client.get("/sign-in/resident/start")
        address = begun.headers["location"]
        page = (await served.client.get(address)).text
        assert page.count('name="who" value="sandbox-') == 20
        mark = read(Layout(sandbox))
        assert mark is not None
        wanted = mark["residents"]["sandbox-00042"]
        found = (await served.client.get(f"{address}&text={wanted['name']}")).text
        assert 'value="sandbox-00042"' in found
        nobody = (await served.client.get(f"{address}&text=zzz")).text
        assert "その名前や住所の人はいません" in nobody


async def test_some_agreed_some_withdrew_somebody_acts_for_another_and_a_strange_evening_is_flagged(
    sandbox: Path,
) -> None:
    async with serving(sandbox, city=KAGA) as served:
        city = served.kitamae.city
        withdrawn = {person for person, ended in (await city.consents.withdrawn()).items() if ended}
        assert withdrawn
        given = [one for _, one, _ in await city.store.documents(TENANT, CONSENT) if one not in withdrawn]
        assert given
        assert len(given) + len(withdrawn) < PEOPLE
        mandates = await city.store.documents(TENANT, "mandate")
        assert {doc["sort"] for _, _, doc in mandates} <= {"parent", "appointed"}
        assert mandates
        flags = Flags(city.store, lambda: city.vault, tenant="")
        for _ in range(300):
            if found := await flags.all(SYSTEM):
                break
            await asyncio.sleep(0.05)
        reasons = {reason["kind"] for one in found for reason in one["reasons"]}
        assert {"sequence", "off-hours"} <= reasons


async def test_keys_are_ready_for_open_data_and_for_each_purpose_that_rests_on_consent(sandbox: Path) -> None:
    keys = json.loads((sandbox / "api-keys.json").read_text())
    assert set(keys) == {"open-data", "notices"}
    assert (sandbox / "api-keys.json").stat().st_mode & 0o077 == 0
    async with serving(sandbox, city=KAGA) as served:
        city = served.kitamae.city
        [agreed, *_] = [
            one
            for _, one, _ in await city.store.documents(TENANT, CONSENT)
            if city.consents.agreed(one, "notices")
        ]
        bearer = {"Authorization": f"Bearer {keys['notices']}"}
        path = f"/people/{agreed}/records?purpose=notices"
        answer = await served.client.get(path, headers=bearer)
        assert answer.json()["records"][0]["fields"]["email"].endswith("@sandbox.example")
        assert answer.headers["ratelimit-policy"]
        refused = await served.client.get(path, headers={"Authorization": f"Bearer {keys['open-data']}"})
        assert refused.status_code == 403
        page = (await served.client.get("/developers")).text
        assert "株式会社サンドボックス（試験）" in page


async def test_a_second_start_takes_what_is_there_and_another_sandbox_is_asked_for_by_name(
    sandbox: Path,
) -> None:
    before = read(Layout(sandbox))
    assert not await made(sandbox)
    assert read(Layout(sandbox)) == before
    with pytest.raises(Conflict, match="60 people of kaga with the seed 1"):
        await made(sandbox, seed=2)
    with pytest.raises(Conflict, match="--fresh"):
        await made(sandbox, count=5)


async def test_fresh_makes_it_anew_and_what_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    data = tmp_path / "sandbox"

    def cut(what: str, done: int, all: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await made(data, count=8, tell=cut)
    mark = read(Layout(data))
    assert mark is not None
    assert not mark["complete"]
    assert await made(data, count=8)
    assert await made(data, count=5, seed=9, fresh=True)
    again = read(Layout(data))
    assert again is not None
    assert (again["complete"], len(again["residents"])) == (True, 5)


async def test_what_holds_a_real_city_never_becomes_a_sandbox_and_is_left_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with serving(data, city=KAGA):
        pass
    files = {one: one.stat().st_size for one in data.iterdir() if one.is_file()}
    for fresh in (False, True):
        with pytest.raises(Conflict, match="a sandbox has a directory of its own"):
            await made(data, count=3, fresh=fresh)
    assert {one: one.stat().st_size for one in data.iterdir() if one.is_file()} == files


@pytest.mark.parametrize(
    "real",
    [
        {"city_key": "env:CITY_KEY"},
        {"keys": "postgresql://city@127.0.0.1/keys"},
        {"store": "postgresql://city@127.0.0.1/city"},
        {"seal": Path("seal.key")},
    ],
)
async def test_nothing_of_a_real_city_is_used_with_it(sandbox: Path, real: dict[str, Any]) -> None:
    with pytest.raises(Conflict, match="belongs to a real city"):
        async with serving(sandbox, city=KAGA, **real):
            pass


async def test_a_real_issuer_is_refused(sandbox: Path) -> None:
    real = {
        "residents_issuer": "https://auth.example.jp",
        "residents_client": "x",
        "residents_key": Path("key"),
    }
    with pytest.raises(Conflict, match="KITAMAE_RESIDENTS_ISSUER belongs to a real city"):
        async with serving(sandbox, city=KAGA, **real):
            pass
    with pytest.raises(ValidationError, match="never served beside the real"):
        settings(sandbox, **real)


async def test_it_takes_no_backup_and_gives_none(sandbox: Path, tmp_path: Path) -> None:
    async with serving(sandbox, city=KAGA) as served:
        with pytest.raises(Unprocessable, match="--fresh"):
            await served.kitamae.backup(tmp_path / "backup")
        with pytest.raises(Unprocessable, match="takes no backup of a city"):
            await served.kitamae.restore(tmp_path / "backup")


async def test_a_resident_is_the_same_one_at_another_address(sandbox: Path) -> None:
    found = []
    for url in ("http://127.0.0.1:8080", "https://sandbox.example.jp"):
        async with serving(sandbox, city=KAGA, public_url=url) as served:
            ways = served.kitamae.city.ways
            assert ways.residents is not None
            assert ways.stand_in is not None
            begun = await ways.residents.begin("/")
            asked = ways.stand_in.asked(dict(parse_qsl(urlsplit(begun.address).query)))
            back = dict(parse_qsl(urlsplit(ways.stand_in.chosen(asked, "sandbox-00007")).query))
            found.append((await ways.residents.finish(begun.note, back)).ref)
    assert found[0] == found[1]


def test_a_mark_that_cannot_be_read_is_no_sandbox(tmp_path: Path) -> None:
    (tmp_path / "sandbox.json").write_text(json.dumps({})[:1])
    with pytest.raises(Conflict, match="cannot be read"):
        read(Layout(tmp_path))
