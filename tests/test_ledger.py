"""The ledger of a city that is served: over HTTP, and through backup and restore."""

from __future__ import annotations

import asyncio
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from kitamae.kernel.ledger import statements, verify
from kitamae.kernel.ledger.files import Folder
from kitamae.kernel.ledger.note import COSIGNATURE_V1, Key, Signer
from kitamae.kernel.ledger.policy import Policy
from kitamae.kernel.ledger.proof import Proof
from serving import SAME, Served, serving

SAID = {"register": "wells", "statement": {"id": "urn:ngsi-ld:Sensor:1", "状態": "設置", "数": 3}}


async def token(served: Served, scope: str = "operate:system:ledger") -> dict[str, str]:
    secret, _ = await served.kitamae.city.people.tokens.issue(
        "registers", [scope], role="service", days=1, of=()
    )
    return {"Authorization": f"Bearer {secret}"}


async def posted(served: Served, sent: Any, headers: dict[str, str]) -> Any:
    return await served.client.post("/ledger/entries", json=sent, headers=headers)


async def published(served: Served, number: int) -> int:
    for _ in range(500):
        answer = await served.client.get(f"/ledger/entries/{number}")
        if answer.status_code == 200:
            return int(answer.json()["index"])
        await asyncio.sleep(0.02)
    raise AssertionError(answer.text)


async def test_a_statement_of_a_register_is_in_the_log_with_a_proof_that_needs_no_network(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as served:
        mine = await token(served)
        one = await posted(served, SAID, mine)
        assert one.status_code == 201
        many = await posted(served, [SAID, SAID], mine)
        index = await published(served, many.json()["numbers"][1])
        keys = served.kitamae.city.log.keys
        answer = await served.client.get(f"/ledger/proof/{index}")
        proof = Proof.parse(answer.content)
        entry = await served.kitamae.city.log.entry(index)
        proof.verify(entry, keys)
        assert b'"by":' in entry
        assert '"状態":"設置"'.encode() in entry
        head = verify.whole(
            (await served.client.get("/ledger/checkpoint")).content,
            Folder(tmp_path / "ledger").read,
            keys,
            policy=Policy(),
        ).head
        assert head.size == 3


async def test_tiles_are_served_with_their_types_and_for_how_long_they_hold(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        number = (await posted(served, [SAID] * 300, await token(served))).json()["numbers"][-1]
        await published(served, number)
        head = await served.client.get("/ledger/checkpoint")
        assert head.headers["content-type"] == "text/plain; charset=utf-8"
        assert "max-age=1" in head.headers["cache-control"]
        for path in (
            "0/000",
            "0/001.p/44",
            "1/000.p/1",
            "entries/000",
            "entries/001.p/44",
            "entries/000.p/7",
        ):
            tile = await served.client.get(f"/ledger/tile/{path}")
            assert tile.status_code == 200, path
            assert tile.headers["content-type"] == "application/octet-stream"
            assert "immutable" in tile.headers["cache-control"]
            assert tile.headers["access-control-allow-origin"] == "*"
        for path in (
            "0/001",
            "0/001.p/45",
            "2/000",
            "0/002",
            "../ledger.key",
            "0/..%2f..%2fledger.key",
            "0/0",
            "x",
        ):
            assert (await served.client.get(f"/ledger/tile/{path}")).status_code == 404, path
        for path in ("began.json", "earlier/1/checkpoint", "proof/300", "proof/x", "proof/",
                     "entries/0", "entries/99999999999999999999", "witnessed", ""):  # fmt: skip
            assert (await served.client.get(f"/ledger/{path}")).status_code == 404, path


async def test_a_token_says_nothing_in_the_name_of_the_platforms_registers_and_the_page_says_who_wrote(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as served:
        mine = await token(served)
        for name in statements.OWN:
            answer = await posted(served, [SAID, {**SAID, "register": name}], mine)
            assert (answer.status_code, f"register {name} is the platform" in answer.text) == (403, True)
        assert await served.kitamae.city.store.leaves(0, 10) == []
        await published(served, (await posted(served, SAID, mine)).json()["number"])
        page = (await served.client.get("/ledger")).text
        assert re.search(r"書いたもの: <code>token-[0-9a-z]+</code>", page)


async def test_nobody_appends_without_being_allowed_to(tmp_path: Path) -> None:
    async with serving(tmp_path, open=True) as served:
        assert (await posted(served, SAID, {})).status_code == 401
        other = await token(served, "write:*")
        assert (await posted(served, SAID, other)).status_code == 403
        assert (await served.client.delete("/ledger/checkpoint", headers=SAME)).status_code == 405
        assert served.kitamae.city.log.head.checkpoint.size == 0


@pytest.mark.parametrize(
    ("sent", "status"),
    [({}, 400), ([], 400), ([SAID] * 1001, 400), ({**SAID, "more": 1}, 400), ({**SAID, "register": "A b"}, 400),
     ({**SAID, "statement": {}}, 400), ({**SAID, "statement": "x"}, 400), ({**SAID, "statement": {"x": 0.5}}, 400),
     ({**SAID, "statement": {"x": "x" * 17_000}}, 413), ("x", 400), (7, 400),
     ({**SAID, "statement": {"備考": {"x": ["個人番号 123456789018"]}}}, 422)],
)  # fmt: skip
async def test_what_is_no_statement_is_refused_and_nothing_is_written(
    tmp_path: Path, sent: Any, status: int
) -> None:
    async with serving(tmp_path) as served:
        mine = await token(served)
        answer = await posted(served, sent, mine)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert await served.kitamae.city.store.leaves(0, 10) == []
        odd = await served.client.post(
            "/ledger/entries", content=b"x", headers={**mine, "Content-Type": "text/plain"}
        )
        assert odd.status_code == 415


async def test_a_key_that_cannot_be_read_closes_the_ledger_and_not_the_city(tmp_path: Path) -> None:
    async with serving(tmp_path):
        pass
    (tmp_path / "ledger.key").chmod(0o644)
    async with serving(tmp_path) as served:
        mine = await token(served)
        assert (
            await posted(served, SAID, mine)
        ).status_code == 201  # committed; published once the key can be read
        assert (await served.client.get("/ledger/checkpoint")).status_code == 503
        assert (await served.client.get("/ledger")).status_code == 503
        assert "its key cannot be read" in (await served.client.get("/health")).text
    (tmp_path / "ledger.key").chmod(0o600)
    async with serving(tmp_path) as served:
        await published(served, 1)


async def test_a_restore_of_a_shorter_log_goes_on_with_the_longer_one(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "month.tar"
    async with serving(data) as served:
        mine = await token(served)
        await published(served, (await posted(served, [SAID] * 5, mine)).json()["numbers"][-1])
        await served.kitamae.backup(file)
        await published(served, (await posted(served, [SAID] * 300, mine)).json()["numbers"][-1])
        before = served.kitamae.city.log.head.checkpoint
        keys = served.kitamae.city.log.keys
        await served.kitamae.restore(file)
        log = served.kitamae.city.log
        assert (log.keys, log.head.checkpoint) == (keys, before)
        assert len(await served.kitamae.city.store.leaves(0, 1_000)) == 305
        await published(served, (await posted(served, SAID, await token(served))).json()["number"])
        found = verify.whole(log.served(), Folder(data / "ledger").read, keys, policy=Policy(), since=before)
        assert found.head.size == 306


async def test_a_backup_holds_no_secret_key_and_on_another_machine_a_new_log_begins(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "month.tar"
    async with serving(data) as served:
        mine = await token(served)
        await published(served, (await posted(served, [SAID] * 5, mine)).json()["numbers"][-1])
        await served.kitamae.backup(file)
        origin = served.kitamae.city.log.origin
    assert b"PRIVATE+KEY" not in file.read_bytes()
    async with serving(tmp_path / "there") as served:
        await served.kitamae.restore(file)
        log = served.kitamae.city.log
        assert log.origin != origin
        for _ in range(500):
            if log.head.checkpoint.size == 6:
                break
            await asyncio.sleep(0.02)
        page = await served.client.get("/ledger?lang=en")
        assert "began anew" in page.text
        assert "not signed by the key that is here" in page.text
        earlier = await served.client.get("/ledger/earlier/1/checkpoint")
        assert earlier.text.startswith(origin)
        assert (await served.client.get("/ledger/earlier/1/tile/entries/000.p/5")).status_code == 200


async def test_a_backup_of_a_log_that_grows_meanwhile_holds_every_tile_of_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, file = tmp_path / "data", tmp_path / "now.tar"
    async with serving(data) as served:
        mine = await token(served)
        await published(served, (await posted(served, [SAID] * 5, mine)).json()["numbers"][-1])
        log, store = served.kitamae.city.log, served.kitamae.city.store
        loop = asyncio.get_running_loop()

        async def grow() -> None:
            async def work(tx: Any) -> int:
                return int(await tx.log(b"meanwhile"))

            await published(served, await store.transact(work))

        real = tarfile.TarFile.addfile

        def addfile(tar: Any, info: Any, of: Any = None) -> None:
            asyncio.run_coroutine_threadsafe(grow(), loop).result(30)  # before each file, one entry more
            real(tar, info, of)

        monkeypatch.setattr(tarfile.TarFile, "addfile", addfile)
        await served.kitamae.backup(file)
        assert log.head.checkpoint.size > 8
        keys = log.keys
    with tarfile.open(file) as tar:
        tar.extractall(tmp_path / "there")  # our own backup; Debian's 3.11.2 knows no filter
    folder = Folder(tmp_path / "there" / "ledger")
    found = verify.whole(folder.get("checkpoint") or b"", folder.read, keys, policy=Policy())
    assert found.head.size >= 6


@pytest.mark.parametrize(
    ("language", "said"),
    [("ja", "わからないこと: 記録の中身が本当かどうか。"), ("ja_Hira", "わからない こと: きろくの なかみが ほんとうか"),
     ("en", "It does not prove that a record is true.")],
)  # fmt: skip
async def test_the_page_says_what_the_log_proves_and_what_it_does_not(
    tmp_path: Path, language: str, said: str
) -> None:
    file = tmp_path / "witnesses"
    other = Signer.generate("neighbour.example/w", COSIGNATURE_V1)
    file.write_text(f"witness a {other.key.vkey} http://127.0.0.1:9\nquorum none\n")
    async with serving(tmp_path / "data", witnesses=file) as served:
        await published(served, (await posted(served, SAID, await token(served))).json()["number"])

        async def work(tx: Any) -> int:
            return int(await tx.log(bytes(range(32))))

        await published(served, await served.kitamae.city.store.transact(work))
        page = await served.client.get(f"/ledger?lang={language}")
        assert page.status_code == 200
        assert said in page.text
        assert "neighbour.example/w" in page.text
        assert "wells" in page.text
        assert served.kitamae.city.log.keys[0].vkey.replace("+", "&#43;") in page.text or (
            served.kitamae.city.log.keys[0].vkey in page.text
        )
        Key.parse(served.kitamae.city.log.keys[0].vkey)
        home = await served.client.get("/")
        assert 'href="/ledger"' in home.text
