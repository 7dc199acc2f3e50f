"""A page that everybody sees alike, through the door: it follows what changes, and is there when the store is not."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from warned import KAGA, warn

from kitamae.kernel.problems import Unavailable
from kitamae.sdk.reader import Reader
from kitamae.web.outside.writing import Outside
from serving import SAME, Served, serving


@pytest.fixture(autouse=True)
def nothing_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who asks is a reader here."""

    async def none(*_: Any) -> None:
        return

    monkeypatch.setattr(Outside, "write", none)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path, city=KAGA, open=True) as served:
        await served.loaded()
        yield served


def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often what the page shows is read from the store."""
    count = [0]
    find = Reader.find

    async def counted(self: Reader, *types: Any, **more: Any) -> Any:
        count[0] += 1
        return await find(self, *types, **more)

    monkeypatch.setattr(Reader, "find", counted)
    return count


async def test_it_is_drawn_after_a_change_and_not_for_each_reader(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await warn(town, "大雨警報")
    assert "大雨警報" in (await town.client.get("/disaster")).text
    count = read(monkeypatch)
    for lang in ("ja", "en", "zh", "ja"):
        assert "大雨警報" in (await town.client.get(f"/disaster?lang={lang}")).text
    assert count == [0]
    await warn(town, "大雨特別警報", 5)
    for lang in ("ja", "en"):
        assert "大雨特別警報" in (await town.client.get(f"/disaster?lang={lang}")).text
    assert count[0] >= 1
    once = count[0]
    await town.client.get("/disaster")
    assert count[0] == once


async def test_while_the_store_does_not_answer_everybody_gets_the_page_as_it_was(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await warn(town, "大雨警報")
    before = await town.client.get("/disaster?lang=ja")
    assert before.status_code == 200

    async def gone(*_: Any, **__: Any) -> Any:
        raise Unavailable("the store does not answer")

    await warn(town, "大雨特別警報", 5)  # what nobody has seen yet
    with monkeypatch.context() as cut:
        cut.setattr(Reader, "find", gone)
        page = town.kitamae.city._rooms._shell.kept["/disaster"]
        with capture_logs() as logs:
            for lang, heading in (("ja", "災害の情報"), ("en", "Disaster"), ("ja", "災害の情報")):
                page._tried_at = float("-inf")  # the second is over
                answer = await town.client.get(f"/disaster?lang={lang}")
                assert (answer.status_code, "大雨警報" in answer.text) == (200, True)
                assert heading in answer.text
        assert [one["event"] for one in logs].count("a page is shown as it was") == 1, "not each second"
        cut.setattr(town.kitamae.city.gate, "let_in", gone)
        signed_in = {"Cookie": "kitamae_session=session_of-before"}
        answer = await town.client.get("/disaster", headers=signed_in)
        assert (answer.status_code, "大雨警報" in answer.text) == (200, True)
        assert (await town.client.get("/places", headers=signed_in)).status_code == 503
    assert "大雨特別警報" in (await town.client.get("/disaster")).text


async def test_before_it_was_ever_read_what_is_wrong_is_said(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any, **__: Any) -> Any:
        raise Unavailable("the store does not answer")

    with monkeypatch.context() as cut:
        cut.setattr(Reader, "find", gone)
        assert (await town.client.get("/disaster")).status_code == 503
    assert (await town.client.get("/disaster")).status_code == 200


async def test_at_most_once_in_the_time_that_the_city_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path, city=KAGA, open=True, kept_page_seconds=60) as town:
        await town.loaded()
        count = read(monkeypatch)
        assert "大雨警報" not in (await town.client.get("/disaster")).text
        (once,) = count
        await warn(town, "大雨警報")
        assert "大雨警報" not in (await town.client.get("/disaster")).text
        assert count == [once]


async def test_who_has_it_is_sent_nothing_and_who_takes_gzip_gets_it_small(town: Served) -> None:
    whole = await town.client.get("/disaster", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in whole.headers
    mark = whole.headers["etag"]
    again = await town.client.get("/disaster", headers={"If-None-Match": f'"x", {mark}'})
    assert (again.status_code, again.content) == (304, b"")
    async with town.client.stream("GET", "/disaster", headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        raw = b"".join([part async for part in packed.aiter_raw()])
    assert gzip.decompress(raw) == whole.content
    assert "Accept-Encoding" in whole.headers["vary"]


async def test_a_choice_by_link_is_remembered_and_another_address_is_drawn_for_its_reader(
    town: Served,
) -> None:
    chosen = await town.client.get("/disaster?lang=en&size=large")
    assert 'data-size="large"' in chosen.text
    cookies = chosen.headers.get_list("set-cookie")
    assert [one.partition(";")[0] for one in cookies] == ["lang=en", "size=large"]
    town.client.cookies.clear()
    more = await town.client.get("/disaster?lang=en&from=" + "x" * 100)
    assert more.status_code == 200
    assert "from=xxx" in more.text, "its links keep what the address had"
    assert "from=" not in (await town.client.get("/disaster?lang=en")).text


async def test_what_stands_above_the_page_for_one_reader_is_shown_to_no_other(town: Served) -> None:
    await town.client.get("/disaster")
    link = await town.kitamae.sign_in_link()
    code = link.rpartition("/")[2]
    town.client.cookies.clear()
    done = await town.client.post("/sign-in", data={"code": code}, headers=SAME)
    assert done.status_code == 303, done.text
    own = (await town.client.get("/disaster")).text
    town.client.cookies.clear()
    others = (await town.client.get("/disaster")).text
    assert len(own) > len(others)
    assert "/staff/duties" in own
    assert "/staff/duties" not in others
