"""What proves an erasure, and each step of a case: files that the command verifies when the city is gone."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from bare_kaga import bare
from serving import SAME, Served, serving
from web.my.test_my import LANGUAGES, get, me, post, town

__all__ = ["town"]


def verified(file: Path, keys: list[str], *, ok: bool = True) -> str:
    """By the command in a process of its own, which has this file and the key and nothing else; what it says."""
    line = [sys.executable, "-m", "kitamae", "verify", str(file)]
    line += [word for key in keys for word in ("--key", key)]
    done = subprocess.run(line, cwd=file.parent, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    return done.stdout


def shown(page: str) -> dict[str, str]:
    """The form that hands over the proof of an erasure."""
    form = re.search(r'(?s)<form action="/my/erase/proof".*?</form>', page)
    assert form, page
    pairs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0])
    return {name: html.unescape(value) for name, value in pairs}


async def log_keys(served: Served) -> list[str]:
    assert served.kitamae.city.log is not None
    return [one.vkey for one in served.kitamae.city.log.keys]


async def test_an_erasure_and_a_case_are_proved_offline_after_the_city_is_gone(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as town:
        ref = await me(town)
        filed = await post(town, "/my/requests/new?kind=question", text="だれが見ましたか")
        steps = re.findall(r'href="(/my/requests/[^"]+/proof/\d+)"', await get(town, filed.url.path))
        assert len(steps) == 1
        case = tmp_path / "case.tlog-proof"
        given = await town.client.get(steps[0])
        assert ".tlog-proof" in given.headers["content-disposition"]
        case.write_bytes(given.content)

        await post(town, "/my/consents/notices")
        await post(town, "/my/enter/notices", email="ichiro@example.jp")
        sent = shown((await post(town, "/my/erase?class=notices")).text)
        town.client.cookies.clear()  # whoever has erased everything is signed in no more
        given = await town.client.post("/my/erase/proof", data=sent, headers=SAME)
        assert given.status_code == 200, given.text
        assert f"{sent['number']}.tlog-proof" in given.headers["content-disposition"]
        erased = tmp_path / "erased.tlog-proof"
        erased.write_bytes(given.content)
        keys = await log_keys(town)

    said = verified(erased, keys)
    assert "notices" in said
    assert ref in said
    assert "だれが見ましたか" in verified(case, keys)
    forged = tmp_path / "forged.tlog-proof"
    forged.write_bytes(erased.read_bytes().replace(b"\nindex ", b"\nindex 1"))
    verified(forged, keys, ok=False)


async def test_a_proof_is_made_of_nothing_that_the_entry_does_not_say(town: Served) -> None:
    await me(town)
    await post(town, "/my/consents/notices")
    await post(town, "/my/enter/notices", email="ichiro@example.jp")
    sent = shown((await post(town, "/my/erase?class=notices")).text)
    other = orjson.dumps({**orjson.loads(sent["erasure"]), "classes": ["identity"]}).decode()
    for wrong, status in (
        ({"erasure": other}, 404),
        ({"number": "1"}, 404),
        ({"number": "x"}, 404),
        ({"erasure": "{"}, 400),
        ({"erasure": '{"at": 0.5}'}, 400),
        ({"salt": "x"}, 400),
        ({"salt": ""}, 400),
    ):
        given = await town.client.post("/my/erase/proof", data=sent | wrong, headers=SAME)
        assert (given.status_code, wrong) == (status, wrong)


async def test_a_step_of_another_persons_case_is_not_there(town: Served) -> None:
    await me(town, "test-1")
    filed = await post(town, "/my/requests/new?kind=question", text="だれが見ましたか")
    (step,) = re.findall(r'href="(/my/requests/[^"]+/proof/\d+)"', await get(town, filed.url.path))
    for wrong in ("1", "x", "0"):
        await get(town, f"{step.rpartition('/')[0]}/{wrong}", 404)
    await me(town, "test-2")
    await get(town, step, 404)
    town.client.cookies.clear()
    assert (await town.client.get(step)).status_code == 401


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_how_long_a_backup_holds_what_was_erased_is_published_and_said_before(
    town: Served, lang: str
) -> None:
    day = {"ja": "7日", "ja_Hira": "7にち", "en": "7 days", "zh": "7天", "ko": "7일"}[lang]
    assert day in await get(town, f"/privacy?lang={lang}")
    await me(town)
    await post(town, "/my/consents/notices")
    await post(town, "/my/enter/notices", email="ichiro@example.jp")
    assert day in await get(town, f"/my/erase?lang={lang}")
