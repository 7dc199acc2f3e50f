"""The page for developers: its lines work against this very server, and it says who builds here and who answers for what."""

from __future__ import annotations

import html
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from serving import HERE, Served, serving
from web.developers.building import built

KAGA = Path(__file__).resolve().parents[3] / "cities" / "kaga"


async def run(served: Served, line: str) -> Any:
    """A line of curl, as a shell takes it apart, sent by our client."""
    words = iter(shlex.split(line)[1:])
    method, url, headers, content = "GET", "", {}, None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            content = next(words)
        elif word != "-i":
            url = word
    assert url.startswith(HERE + "/"), line
    return await served.client.request(method, url.removeprefix(HERE), headers=headers, content=content)


def lines(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r"<pre><code>(curl .*?)</code></pre>", page, re.DOTALL)]


async def test_every_line_of_the_page_works_against_this_server(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA, demo_residents=True) as served:
        await served.loaded()
        town = await built(served)
        person = await town.resident_who_agreed("notices")
        open_key, notices_key = await town.key(""), await town.key("notices")
        page = (await served.client.get("/developers")).text
        found = lines(page)
        assert len(found) >= 14
        served.client.cookies.clear()
        for line in found:
            key = notices_key if "/people/" in line else open_key
            answer = await run(served, line.replace("$KEY", key).replace("$PERSON", person))
            assert answer.status_code in (200, 201), (line, answer.status_code, answer.text)
            if "-i" in shlex.split(line):
                assert answer.headers["ratelimit-policy"]


@pytest.mark.parametrize("language", ["ja", "ja_Hira", "en", "zh", "ko"])
async def test_an_empty_city_says_so_in_every_language(tmp_path: Path, language: str) -> None:
    async with serving(tmp_path / "data") as served:
        page = await served.client.get("/developers", params={"lang": language})
        assert page.status_code == 200
        assert "openapi.json" in page.text
        assert "/ngsi-ld/v1/entities?type=" not in page.text


async def test_it_says_what_the_city_set_and_who_is_under_contract(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await served.loaded()
        before = (await served.client.get("/developers", params={"lang": "en"})).text
        assert "The city has set no fee" in before
        assert "No provider is under contract at present" in before
        assert "The city has no sandbox yet" in before
        assert "The body that installed the gauge" in before
        await built(served)
        after = (await served.client.get("/developers", params={"lang": "en"})).text
        for text in (
            "加賀のりあい交通株式会社",
            "バスの位置",
            "Notices from the city",
            "白山システム",
            "Company",
            'Whom to call: <span lang="ja">位置が動かないときは運行課へ',
            "スマートフォンと通信",
        ):
            assert text in after, text


async def test_a_city_says_where_its_sandbox_is_and_whom_to_ask(tmp_path: Path) -> None:
    city = tmp_path / "city"
    shutil.copytree(KAGA, city)
    profile = (city / "city.toml").read_text("utf-8")
    told = (
        '[providers]\nsandbox = "https://sandbox.city.example.jp"\noffice = "スマートシティ課"\nphone = "03-0000-0000"\n'
        'email = "dev@city.example.jp"\ndocs = "https://docs.example.jp"\n'
    )
    (city / "city.toml").write_text(
        profile.replace("[providers]\n", told, 1) if "[providers]" in profile else profile + told, "utf-8"
    )
    async with serving(tmp_path / "data", city=city) as served:
        page = (await served.client.get("/developers")).text
        for text in (
            "https://sandbox.city.example.jp",
            "スマートシティ課",
            "tel:0300000000",
            "dev@city.example.jp",
            "https://docs.example.jp/connect/ngsiv2.html",
        ):
            assert text in page, text


async def test_it_is_linked_from_the_foot_of_every_page_and_can_be_had_on_paper(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        assert '<a href="/developers">' in (await served.client.get("/")).text
        paper = await served.client.get("/developers/paper")
        assert "データ連携サービス提供者申込書" in paper.text
        assert "加賀市 御中" in paper.text
