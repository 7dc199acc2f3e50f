"""Improper use over HTTP: found behind the commit, judged at the desk, told to the person."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bare_kaga import bare
from kitamae.kernel.context import clock
from kitamae.kernel.people import notices, secret
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.watching import watcher
from serving import SAME, Served, serving
from signing_in import fields
from staffing import enter, give

HOME = {"name": "加賀 花子", "address": "加賀市大聖寺南町ニ41番地"}
JSON = {"accept": "application/json"}


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr(watcher, "_SECONDS", 0.05)
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as one:
        await one.loaded()
        yield one


async def of_staff(served: Served, *duties: str) -> str:
    ref = await served.kitamae.city.people.staff(another=True)
    await give(served, ref, *duties)
    return ref


async def looked(served: Served) -> tuple[str, str]:
    """A clerk looked at his own household, whose head is a resident: (the clerk, the resident)."""
    await (
        served.kitamae.city.people.staff()
    )  # the founder, who does every desk's work until somebody is given it
    clerk, vault = await of_staff(served, "counter"), served.kitamae.city.vault
    await vault.keep(SYSTEM, clerk, "watching", "person", HOME)
    await vault.keep(SYSTEM, "resident-1", "identity", "person", {**HOME, "name": "加賀 太郎"})
    await enter(served, clerk)
    answer = await served.client.get("/people/resident-1/records?purpose=identity")
    assert answer.status_code == 200, answer.text
    return clerk, "resident-1"


async def raised(served: Served) -> str:
    """The address of the flag, once the watcher came by."""
    for _ in range(200):
        page = (await served.client.get("/staff/watching")).text
        if found := re.search(r'href="(/staff/watching/[0-9a-f]+)"', page):
            return found[1]
        await asyncio.sleep(0.1)
    raise AssertionError(page)


async def resident(served: Served, ref: str) -> None:
    session, _ = await served.kitamae.city.people.admit(ref, "resident", 3)
    served.client.cookies.clear()
    served.client.cookies.set("kitamae_session", session)


async def test_from_the_look_to_what_the_person_is_told(served: Served) -> None:
    clerk, person = await looked(served)
    await enter(served, await of_staff(served, "privacy-officer"))
    address = await raised(served)
    page = (await served.client.get(address)).text
    assert "同じ住所に住む人の記録を見ています（1回）。" in page
    assert clerk in page
    sent = {"decision": "released", "reason": "自分の家族の記録を見ていた", "csrf": fields(page)["csrf"]}
    assert (await served.client.post(address, data={**sent, "csrf": "x"}, headers=SAME)).status_code == 403
    assert (await served.client.post(address, data=sent, headers=SAME)).status_code == 303
    assert "自分の家族の記録を見ていた" in (await served.client.get(address)).text

    store = served.kitamae.city.store
    (given,) = (await notices.every(store)).values()
    assert (given["person"], given["about"], given["ref"]) == (person, "flag", "")

    await resident(served, person)
    assert "/my/flags" in (await served.client.get("/my/notices")).text.split('id="told"')[1]
    (told,) = (await served.client.get("/my/flags.json")).json()["flags"]
    assert (told["who"], told["about"][0], len(told["looks"])) == (clerk, "other", 1)
    mine = (await served.client.get("/my/flags")).text
    assert "市の職員（窓口担当）" in mine
    assert clerk not in mine
    assert (await served.client.get("/my/export")).json()["flags"] == [told]
    assert "家族" not in mine
    assert "住所" not in mine
    await resident(served, "resident-2")
    assert (await served.client.get("/my/flags.json")).json() == {"flags": []}
    assert (await served.client.get("/my/export")).json()["flags"] == []
    assert "お知らせはありません" in (await served.client.get("/my/flags")).text


async def test_a_look_that_is_withheld_for_an_investigation_is_in_no_flag_that_the_person_sees(
    served: Served,
) -> None:
    _, person = await looked(served)
    ref = await of_staff(served, "privacy-officer")
    await enter(served, ref)
    address = await raised(served)
    sent = {"decision": "released", "reason": "家族の記録", "csrf": fields((await served.client.get(address)).text)["csrf"]}  # fmt: skip
    assert (await served.client.post(address, data=sent, headers=SAME)).status_code == 303
    city = served.kitamae.city
    (look,) = await city.vault.outside.looks_at(SYSTEM, "", person, 1 << 62, 10)
    officer = await city.people.who(secret.digest(served.client.cookies["kitamae_session"]))
    until = clock.now() + 86_400_000_000
    await city.vault.withhold(officer, person, look.number, "刑事訴訟法 第197条第2項", until)
    await resident(served, person)
    assert (await served.client.get("/my/flags.json")).json() == {"flags": []}


async def test_notice_of_a_flag_waits_until_a_look_that_is_withheld_is_shown(served: Served) -> None:
    _, person = await looked(served)
    ref = await of_staff(served, "privacy-officer")
    await enter(served, ref)
    address = await raised(served)
    city = served.kitamae.city
    (look,) = await city.vault.outside.looks_at(SYSTEM, "", person, 1 << 62, 10)
    officer = await city.people.who(secret.digest(served.client.cookies["kitamae_session"]))
    day = 86_400_000_000
    soon, late = clock.now() + day, clock.now() + 2 * day
    await city.vault.withhold(officer, person, look.number, "刑事訴訟法 第197条第2項", soon)
    sent = {"decision": "released", "reason": "家族の記録", "csrf": fields((await served.client.get(address)).text)["csrf"]}  # fmt: skip
    assert (await served.client.post(address, data=sent, headers=SAME)).status_code == 303
    ((number, given),) = (await notices.every(city.store)).items()
    assert (given["state"], given["after"]) == ("waiting", clock.text(soon))
    await city.vault.withhold(officer, person, look.number, "刑事訴訟法 第197条第2項", late)
    await city._rooms.notices.turn()
    waits = await notices.due(city.store, number)
    assert waits
    assert waits["next"] == late
    await resident(served, person)
    assert "お知らせはまだありません" in (await served.client.get("/my/notices")).text


async def test_a_decision_needs_a_reason_and_happens_once(served: Served) -> None:
    await looked(served)
    await enter(served, await of_staff(served, "privacy-officer"))
    address = await raised(served)
    csrf = fields((await served.client.get(address)).text)["csrf"]
    for sent, status in (
        ({"decision": "dismissed", "reason": " "}, 400),
        ({"decision": "dismissed", "reason": "x" * 2001}, 400),
        ({"decision": "open", "reason": "x"}, 400),
        ({"decision": "dismissed", "reason": "123456789018"}, 422),
        ({"decision": "dismissed", "reason": "家族の届け出を受けた"}, 303),
        ({"decision": "released", "reason": "やはり"}, 409),
    ):
        answer = await served.client.post(address, data={**sent, "csrf": csrf}, headers=SAME)
        assert answer.status_code == status, (sent, answer.text)


async def test_the_desk_is_the_privacy_officers_and_nobody_sees_a_flag_about_himself(served: Served) -> None:
    clerk, _ = await looked(served)
    assert (await served.client.get("/staff/watching", headers=JSON)).status_code == 403
    officer = await of_staff(served, "privacy-officer")
    await enter(served, officer)
    address = await raised(served)
    await give(served, clerk, "privacy-officer")
    await enter(served, clerk)
    assert address not in (await served.client.get("/staff/watching")).text
    assert (await served.client.get(address, headers=JSON)).status_code == 403
    await enter(served, officer, assurance=1)
    assert "パスキー" in (await served.client.get("/staff/watching")).text
    assert (await served.client.get(address, headers=JSON)).status_code == 403
    served.client.cookies.clear()
    assert (await served.client.get("/staff/watching", headers=JSON)).status_code == 401
    assert (await served.client.get("/my/flags.json")).status_code == 401
    assert (await served.client.get("/my/flags")).headers["location"] == "/sign-in?next=/my/flags"


async def test_looking_at_a_flag_leaves_a_receipt_of_the_officer(served: Served) -> None:
    await looked(served)
    officer = await of_staff(served, "privacy-officer")
    await enter(served, officer)
    address = await raised(served)
    await served.client.get(address)
    person = "flag-" + address.rpartition("/")[2]
    outside = served.kitamae.city.vault.outside
    told = await outside.looks_at(SYSTEM, "", person, 1 << 62, 10)
    assert [(one.who, one.purpose, one.basis) for one in told] == [(officer, "watching", "law")]


async def test_whose_records_they_were_is_told_one_at_a_time_and_that_person_sees_who_asked(
    served: Served,
) -> None:
    _, person = await looked(served)
    officer = await of_staff(served, "privacy-officer")
    await enter(served, officer)
    address = await raised(served)
    outside = served.kitamae.city.vault.outside
    page = (await served.client.get(address)).text
    assert person not in page
    assert len(await outside.looks_at(SYSTEM, "", person, 1 << 62, 10)) == 1, "the clerk's alone"
    (link,) = re.findall(r'href="(/staff/watching/[0-9a-f]+[?]look=[0-9]+)"', page)
    for wrong in (f"{address}?look=1", f"{address}?look=x", f"{address}?look={'9' * 30}"):
        assert person not in (await served.client.get(wrong)).text
    assert person in (await served.client.get(link)).text
    told = await outside.looks_at(SYSTEM, "", person, 1 << 62, 10)
    assert [(one.who, one.purpose) for one in told][:1] == [(officer, "watching")]
    await resident(served, person)
    (first, _) = (await served.client.get("/my/receipts")).json()["receipts"]
    assert (first["who"], first["fields"]) == (officer, {"receipts": ["receipts"]})
