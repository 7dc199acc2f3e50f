"""Pages that outlive the server: what is written where, in which order, and that each file needs nothing else."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import html5lib
import paramiko
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from warned import KAGA, warn

from kitamae.kernel.problems import Unavailable
from kitamae.settings import Settings
from kitamae.web import kept
from kitamae.web.outside import writing
from kitamae.web.outside.targets import Target
from serving import Served, serving

LOOK = writing.LOOK
LANGUAGES = ("", ".ja-Hira", ".en", ".zh-Hans", ".ko")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "LOOK", 0.05)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=KAGA, open=True, outside=str(tmp_path / "there")) as served:
        await served.loaded()
        yield served


async def told(folder: Path, what: str) -> dict[str, Any]:
    """What the last file says, as soon as its snapshot says `what`."""
    for _ in range(400):
        await asyncio.sleep(0.05)
        if (last := folder / "disaster.json").is_file():
            said: dict[str, Any] = json.loads(last.read_text())
            if what in (folder / said["snapshot"]).read_text():
                return said
    raise AssertionError(f"{what} never came to {folder}")


async def test_a_change_is_written_to_every_place_and_each_page_needs_nothing_else(
    town: Served, tmp_path: Path
) -> None:
    await warn(town, "大雨警報")
    said = await told(tmp_path / "there", "大雨警報")
    state = (tmp_path / "there" / said["snapshot"]).read_bytes()
    assert said["snapshot"] == f"snapshot/{sha256(state).hexdigest()}.json"
    assert json.loads(state)["alerts"][0]["level"] == 3
    assert said["pages"] == [f"disaster{one}.html" for one in LANGUAGES]
    for name in said["pages"]:
        text = (tmp_path / "there" / name).read_text("utf-8")
        html5lib.HTMLParser(strict=True).parse(text)
        assert "大雨警報" in text
        assert not re.findall(r"<(?:link|img|iframe|use)\b|<script[^>]*\bsrc=|url\(", text)
        links = re.findall(r'href="([^"]*)"', text)
        assert all((tmp_path / "there" / link).is_file() for link in links if "://" not in link)
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
        assert policy
        for tag in ("style", "script"):
            content = text.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
            assert b64encode(sha256(content.encode()).digest()).decode() in policy[1].replace("&#43;", "+")
    assert not list((tmp_path / "there").rglob("*.part"))


async def test_an_open_shelter_is_there_with_its_people_and_its_time(town: Served, tmp_path: Path) -> None:
    found = (await town.client.get("/ngsi-ld/v1/entities?type=EvacuationShelter&limit=1")).json()[0]
    said = {"開設状況": "開設", "避難者数": 41}
    at = (
        datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )  # a count that is a day old is not known any more
    news = {name: {"type": "Property", "value": one, "observedAt": at} for name, one in said.items()}
    answer = await town.client.patch(f"/ngsi-ld/v1/entities/{found['id']}/attrs", json=news)
    assert answer.status_code == 204, answer.text
    last = await told(tmp_path / "there", found["id"])
    (one,) = json.loads((tmp_path / "there" / last["snapshot"]).read_text())["shelters"]
    assert (one["count"]["people"], one["is_open"]) == (41, True)
    page = (tmp_path / "there" / "disaster.html").read_text()
    assert found["名称"]["value"] in page
    assert "41人" in page
    assert "不明" in page, "for which hazard it is not known to be safe"


async def test_a_status_is_at_its_place_within_five_seconds_of_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on only between looks, as far as they are apart: what reading and writing take is not measured here."""
    now = [0.0]
    monkeypatch.setattr(kept, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(kept, "PATIENCE", 60)

    async def no_looks(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(writing.Outside, "_run", no_looks)
    seconds = Settings.model_fields["kept_page_seconds"].default
    chosen = {"outside": str(tmp_path / "there"), "kept_page_seconds": seconds}
    async with serving(tmp_path / "data", city=KAGA, open=True, **chosen) as town:
        await town.loaded()
        outside = town.kitamae.city._rooms.outside
        page = next(one for one in outside.shell.kept.values() if one.path == "/disaster")
        for name in ("大雨警報", "大雨特別警報"):
            await outside.write(page, outside.elsewhere[0])  # just before: nothing is sooner read anew
            await warn(town, name)
            changed = now[0]
            while name not in _there(tmp_path / "there"):
                now[0] += LOOK
                assert now[0] - changed <= 5, name
                await outside.write(page, outside.elsewhere[0])


def _there(folder: Path) -> str:
    said = json.loads((folder / "disaster.json").read_text())
    return (folder / said["snapshot"]).read_text()


async def test_the_same_state_is_the_same_snapshot_and_a_former_one_stays(
    town: Served, tmp_path: Path
) -> None:
    await warn(town, "大雨警報")
    first = (await told(tmp_path / "there", "大雨警報"))["snapshot"]
    await warn(town, "大雨特別警報", 5)
    second = (await told(tmp_path / "there", "大雨特別警報"))["snapshot"]
    await warn(town, "大雨警報")
    for _ in range(400):
        await asyncio.sleep(0.05)
        if json.loads((tmp_path / "there" / "disaster.json").read_text())["snapshot"] != second:
            break
    assert json.loads((tmp_path / "there" / "disaster.json").read_text())["snapshot"] == first
    for one in (first, second):
        given = await town.client.get(f"/{one}")
        assert given.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert f"snapshot/{sha256(given.content).hexdigest()}.json" == one


async def test_they_are_given_from_here_too_and_nothing_else_of_the_disk_is(town: Served) -> None:
    here = town.kitamae.layout.derived / "outside"
    await warn(town, "大雨警報")
    await told(here, "大雨警報")
    page = await town.client.get("/snapshot/disaster.en.html")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-cache")
    assert "大雨警報" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert (await town.client.get("/snapshot/disaster.json")).json()["pages"]
    (here.parent / "secret.json").write_text("{}")
    for name in ("..%2fsecret.json", "%2e%2e/secret.json", "nothing.html", "0" * 64 + ".json", "a.html.part"):
        assert (await town.client.get(f"/snapshot/{name}")).status_code == 404


async def test_a_place_that_cannot_be_written_is_said_and_keeps_no_other_waiting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    outside = f"{tmp_path / 'file' / 'below'}, {tmp_path / 'there'}"
    async with serving(tmp_path / "data", city=KAGA, open=True, outside=outside) as town:
        await town.loaded()
        await warn(town, "大雨警報")
        await told(tmp_path / "there", "大雨警報")
        for _ in range(100):
            await asyncio.sleep(0.05)
            if trouble := town.kitamae.city.health.also["outside:targets"]():
                break
        assert trouble == "place 1 (folder) cannot be written; the log says why", "and not where"
        (tmp_path / "file").unlink()
        await told(tmp_path / "file" / "below", "大雨警報")


@pytest.mark.parametrize(
    "address", ["sftp://kaga:ge/heim@example.jp/geheim", "s3://geheim/pages", "/srv/geheim"]
)
async def test_what_is_told_of_a_place_has_no_secret(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise OSError(f"no way to {address}")

    target = Target(address, 2)
    monkeypatch.setattr(target, "_write", fails)
    assert not await target.put({})
    assert "2" in target.trouble
    assert "heim" not in target.shown + target.trouble


def test_a_chain_of_addresses_is_refused() -> None:
    with pytest.raises(ValueError, match="place 3"):
        Target("simplecache::sftp://kaga:word@example.jp/pages", 3)


async def test_a_slow_place_keeps_no_other_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    write = Target._write

    def slow(self: Target, content: Any) -> None:
        if self.address.endswith("slow"):
            over.wait(60)
        write(self, content)

    monkeypatch.setattr(Target, "_write", slow)
    outside = f"{tmp_path / 'slow'}, {tmp_path / 'there'}"
    async with serving(tmp_path / "data", city=KAGA, open=True, outside=outside) as town:
        await town.loaded()
        for name in ("大雨警報", "大雨特別警報"):
            await warn(town, name)
            await told(tmp_path / "there", name)
        assert not (tmp_path / "slow").exists()
        over.set()


async def test_a_snapshot_that_was_taken_away_is_there_again_with_its_state(
    town: Served, tmp_path: Path
) -> None:
    await warn(town, "大雨警報")
    first = (await told(tmp_path / "there", "大雨警報"))["snapshot"]
    await warn(town, "大雨特別警報", 5)
    await told(tmp_path / "there", "大雨特別警報")
    (tmp_path / "there" / first).unlink()
    await warn(town, "大雨警報")
    assert (await told(tmp_path / "there", '"大雨警報"'))["snapshot"] == first


async def test_it_is_written_by_sftp(tmp_path: Path) -> None:
    """A server of paramiko's stands in for somebody else's SFTP server."""
    (tmp_path / "root").mkdir()
    with sftp(tmp_path / "root") as port:
        target = Target(f"sftp://kaga:word@127.0.0.1:{port}/pages")
        content = {"snapshot/a.json": b"{}", "disaster.html": b"<p>", "disaster.json": b"{}"}
        assert await target.put(content), target.trouble
        assert await target.put({**content, "disaster.html": b"<p>anew"}), target.trouble
    there = tmp_path / "root" / "pages"
    assert (there / "disaster.html").read_bytes() == b"<p>anew"
    assert sorted(one.name for one in there.rglob("*.*")) == ["a.json", "disaster.html", "disaster.json"]


async def test_it_is_written_to_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of ours that keeps what is put stands in for S3."""
    kept: dict[str, bytes] = {}
    kinds: dict[str, str] = {}

    async def put(request: web.Request) -> web.Response:
        kinds[request.path.rpartition("/")[2]] = request.headers["Content-Type"]
        assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/")
        kept[request.path] = await request.read()
        return web.Response(headers={"ETag": '"x"'})

    app = web.Application()
    app.router.add_put("/{path:.*}", put)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "word"),
        ("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}"),
        ("AWS_DEFAULT_REGION", "ap-northeast-1"),
    ):
        monkeypatch.setenv(name, value)
    try:
        target = Target("s3://pages/kaga")
        assert await target.put({"snapshot/a.json": b"{}", "disaster.html": b"<p>"}), target.trouble
    finally:
        await runner.cleanup()
    assert {path: body.split(b"\r\n")[1] if b"\r\n" in body else body for path, body in kept.items()} == {
        "/pages/kaga/snapshot/a.json": b"{}",
        "/pages/kaga/disaster.html": b"<p>",
    }
    assert kinds == {"a.json": "application/json", "disaster.html": "text/html; charset=utf-8"}


async def test_what_cannot_be_tidied_here_keeps_no_page_from_being_written_and_is_logged_once(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(folder: Path) -> None:
        raise FileNotFoundError(folder)

    here = town.kitamae.layout.derived / "outside"
    with capture_logs() as logs, monkeypatch.context() as cut:
        cut.setattr(writing, "_tidy", gone)
        for name in ("大雨警報", "大雨特別警報"):
            await warn(town, name)
            await told(here, name)
    assert not [one for one in logs if one["event"] == "a job failed and begins again"]
    assert town.kitamae.city.health.also["city:beside"]() == ""


async def test_a_page_that_cannot_be_read_is_logged_once_and_not_at_every_look(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def broken(*_: Any) -> bool:
        nonlocal looks
        looks += 1
        raise Unavailable("the store does not answer")

    with capture_logs() as logs:
        monkeypatch.setattr(writing.Outside, "write", broken)
        while looks < 8:
            await asyncio.sleep(0.05)
    said = [one for one in logs if one["event"] == "what is kept outside is not drawn"]
    assert len(said) == 2, "once for each place"


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == ("kaga", "word")
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Files(paramiko.SFTPServerInterface):
    root: Path

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._at(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def mkdir(self, path: str, attr: Any) -> int:
        self._at(path).mkdir()
        return paramiko.SFTP_OK

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        self._at(oldpath).replace(self._at(newpath))
        return paramiko.SFTP_OK

    def open(self, path: str, flags: int, attr: Any) -> Any:
        handle = paramiko.SFTPHandle(flags)
        handle.writefile = handle.readfile = self._at(path).open("wb")  # type: ignore[attr-defined]
        handle.stat = lambda: self.stat(path)  # type: ignore[method-assign]
        return handle


@contextmanager
def sftp(root: Path) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    key = paramiko.ECDSAKey.generate()
    files = type("Files", (_Files,), {"root": root})
    open_: list[paramiko.Transport] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, files)
            transport.start_server(server=_Door())
            open_.append(transport)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()
        for one in open_:
            one.close()
