"""Who looked, as My page tells it: in words, by office and duty at that moment, without codes and accounts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import staffing
from bare_kaga import bare
from kitamae.kernel.people.colleagues import Called, called
from kitamae.kernel.people.person import SYSTEM
from serving import Served, serving
from web.my.test_my import LANGUAGES, get, me, post, town

__all__ = ["town"]


async def clerk(served: Served, name: Called, *duties: str) -> str:
    """Whose session the client has from now on."""
    await served.kitamae.city.people.staff()
    ref = await served.kitamae.city.people.staff(another=True, called=name)
    await staffing.give(served, ref, *duties)
    await staffing.enter(served, ref)
    return ref


async def test_ones_own_look_at_a_case_is_told_in_words_and_without_codes(town: Served) -> None:
    await me(town)
    filed = await post(town, "/my/requests/new?kind=question", text="だれが見ましたか")
    await get(town, filed.url.path)
    town.client.cookies.clear()
    await me(town)
    await get(town, "/my")  # once in a session: this look is at everything that is held
    page = await get(town, "/my/log")
    shown = re.findall(r"<dt>見たもの</dt><dd>(.*?)</dd>", page)
    assert any("受付番号" in one and "書いたこと" in one for one in shown)
    for one in shown:
        assert not re.search(r"[a-z]", one), one


async def test_of_consents_and_mandates_it_is_said_that_their_record_was_shown(town: Served) -> None:
    await me(town)
    await post(town, "/my/consents/notices")
    town.client.cookies.clear()
    await me(town)
    await get(town, "/my")
    shown = re.findall(r"<dt>見たもの</dt><dd>(.*?)</dd>", await get(town, "/my/log"))
    assert "同意の記録" in shown[0]
    assert not re.search(r"[a-z]|お見せする日", shown[0])


async def test_a_resident_is_told_the_office_and_the_duty_that_looked_and_neither_name_nor_account(
    town: Served,
) -> None:
    ref = await me(town)
    mine = dict(town.client.cookies)
    staff = await clerk(town, called("窓口 花子", "市民課"), "counter")
    await get(town, f"/people/{ref}/records?purpose=identity")
    # what he does and where he sits afterwards does not change as what he looked
    await staffing.give(town, staff, "disaster")
    await town.kitamae.city.people.colleagues.call(SYSTEM, {staff: called("窓口 花子", "総務課")})
    town.client.cookies.clear()
    town.client.cookies.update(mine)
    page = await get(town, "/my/log")
    assert "市の職員（窓口担当）" in page, "the office of that moment was written over: it is not guessed"
    for hidden in ("窓口 花子", staff, "総務課", "防災担当"):
        assert hidden not in page


async def test_the_office_of_that_moment_is_told_and_in_five_languages(town: Served) -> None:
    ref = await me(town)
    mine = dict(town.client.cookies)
    staff = await clerk(town, called("窓口 花子", "市民課"), "counter")
    await get(town, f"/people/{ref}/records?purpose=identity")
    town.client.cookies.clear()
    town.client.cookies.update(mine)
    words = ("窓口担当", "まどぐちの かかり", "Counter", "窗口负责人", "창구 담당")
    for lang, duty in zip(LANGUAGES, words, strict=True):
        page = await get(town, f"/my?lang={lang}")
        assert "市民課" in page
        assert duty in page
        assert staff not in page


async def test_what_retention_erased_is_counted_and_not_listed_by_the_numbers_of_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as town:
        ref = await me(town)
        await post(town, "/my/consents/notices")
        await post(town, "/my/enter/notices", email="ichiro@example.jp")
        vault = town.kitamae.city.vault
        now = vault._inner.now
        monkeypatch.setattr(vault._inner, "now", lambda: now() + 731 * 86_400_000_000)
        await vault.clock_is_right()
        monkeypatch.setattr(vault._inner, "now", now)
        await vault.clock_is_right()
        page = await get(town, "/my/log")
        assert "保存期間が終わったデータを消すこと" in page
        assert re.search(r"<dt>消したもの</dt><dd>1件</dd>", page)
        assert ref not in page
