"""A keeper reports from a phone through a link; the desk gives it out and takes it back. As a browser sees it."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bare_kaga import bare
from kitamae.kernel.context import clock
from kitamae.kernel.people.links import Wish
from kitamae.web.links.holder import Pace
from serving import SAME, Served, serving
from signing_in import fields, outside

ONE = "urn:ngsi-ld:EvacuationShelter:172065:E1720600002111"
OTHER = "urn:ngsi-ld:EvacuationShelter:172065:E1720600001111"
HOUR = 3_600_000_000
SHELTER = {
    "type": "EvacuationShelter",
    "名称": {"type": "Property", "value": "作見小学校"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.35, 36.32]}},
}


@pytest.fixture
async def kaga(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        token, _ = await served.kitamae.city.people.tokens.issue("load", ["write:EvacuationShelter"])
        for id in (ONE, OTHER):
            made = await outside(
                served, "POST", "/ngsi-ld/v1/entities", json={"id": id, **SHELTER},
                headers={"Authorization": f"Bearer {token}"},
            )  # fmt: skip
            assert made.status_code == 201, made.text
        yield served


async def staff(served: Served) -> None:
    link = await served.kitamae.sign_in_link()
    sent = await served.client.post("/sign-in", data={"code": link.rpartition("/")[2]}, headers=SAME)
    assert sent.status_code == 303


async def given(served: Served, **wish: Any) -> tuple[str, str]:
    """(address, number)"""
    links = served.kitamae.city._rooms.links
    code, kept = await links.make("staff-1", Wish("shelter-keeper", wish.pop("things", [ONE]), **wish))
    return f"/l/{code}", kept["terms"]["number"]


def at(served: Served, micros: int) -> None:
    served.kitamae.city._rooms.links._now = lambda: micros


async def shelter(served: Served, id: str = ONE) -> dict[str, Any]:
    answer = await outside(served, "GET", f"/ngsi-ld/v1/entities/{id}?options=keyValues")
    return dict(answer.json())


async def queued(served: Served, address: str, *updates: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await outside(served, "POST", address + "/updates", json={"updates": list(updates)})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["answers"])


def update(id: str, when: int | None = None, **values: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"id": id, "values": values}
    return told if when is None else told | {"at": clock.text(when)}


async def test_a_keeper_opens_and_counts_from_a_phone_without_an_account(kaga: Served) -> None:
    await staff(kaga)
    page = await kaga.client.get("/staff/links", params={"kind": "shelter-keeper", "text": "作見"})
    assert page.text.count('name="thing"') == 2
    form = {**fields(page.text), "thing": ONE, "hours": "72", "metres": "0", "note": "台風19号"}
    made = await kaga.client.post("/staff/links", data=form, headers=SAME)
    assert made.status_code == 303, made.text
    sheet = await kaga.client.get(made.headers["location"])
    assert 'class="qr"' in sheet.text
    kaga.client.cookies.clear()
    address = re.search(r"<code>http://[^/]*(/l/[a-z2-7]{39})</code>", sheet.text)
    assert address
    seen = await kaga.client.get(address[1])
    assert "まだ報告がありません" in seen.text
    assert seen.headers["referrer-policy"] == "no-referrer"
    sent = {**fields(seen.text), "v.開設状況": "開設", "v.避難者数": "12"}
    done = await kaga.client.post(address[1], data=sent, headers=SAME)
    assert (done.status_code, done.headers["location"]) == (303, address[1] + "?done=new")
    known = await shelter(kaga)
    assert (known["開設状況"], known["避難者数"]) == ("開設", 12)
    again = await kaga.client.get(done.headers["location"])
    assert "送りました" in again.text
    await staff(kaga)
    followed = await kaga.client.get(made.headers["location"])
    assert "いまの状況になった" in followed.text


async def test_looking_at_a_link_spends_nothing(kaga: Served) -> None:
    address, number = await given(kaga, uses=1)
    for _ in range(3):
        assert (await kaga.client.get(address)).status_code == 200
    assert (await kaga.client.head(address)).status_code == 200
    assert (await kaga.kitamae.city._rooms.links.one(number))["used"] == 0


async def test_a_forged_code_is_not_known_and_whoever_keeps_guessing_waits(kaga: Served) -> None:
    address, _ = await given(kaga)
    forged = address[:-1] + ("a" if address[-1] != "a" else "q")
    last = address[:-2] + ("a" if address[-2] != "a" else "b") + address[-1]
    for wrong in (forged, last, "/l/abc", "/l/" + "a" * 39):
        assert (await kaga.client.get(wrong)).status_code == 404
    answer = await outside(
        kaga, "POST", last + "/updates", json={"updates": [update("u-0000001", 避難者数=1)]}
    )
    assert answer.status_code == 404
    statuses = [(await kaga.client.get("/l/" + "b" * 39)).status_code for _ in range(20)]
    assert statuses[-1] == 429
    assert (await kaga.client.get(address)).status_code == 200, (
        "whoever has a link does not wait for those who guess"
    )


async def test_terms_that_were_changed_in_the_store_make_the_link_worthless(kaga: Served) -> None:
    address, number = await given(kaga, hours=1)
    store = kaga.kitamae.city.store
    kept = await store.get("", "capability", number)

    async def change(tx: Any) -> None:
        longer = {**kept, "terms": {**kept["terms"], "ends": "2099-01-01T00:00:00Z"}}
        await tx.put("", "capability", number, longer)

    await store.transact(change)
    assert (await kaga.client.get(address)).status_code == 404


async def test_before_and_after_its_period_it_does_not_work(kaga: Served) -> None:
    now = clock.now()
    address, _ = await given(kaga, begins=now + HOUR, hours=1)
    for when, status in ((now, 410), (now + HOUR + 1, 200), (now + 2 * HOUR, 410)):
        at(kaga, when)
        assert (await kaga.client.get(address)).status_code == status


async def test_what_a_phone_kept_arrives_late_and_is_checked_as_of_its_own_time(kaga: Served) -> None:
    now = clock.now()
    address, _ = await given(kaga, hours=2)
    at(kaga, now + 4 * HOUR)  # the link is over; what was said while it lasted still comes in
    answers = await queued(
        kaga, address,
        update("u-0000001", now + HOUR, 避難者数=10), update("u-0000002", now + 2 * HOUR + 60_000_000, 避難者数=99),
        update("u-0000003", now - HOUR, 避難者数=98), update("u-0000004", now + 5 * HOUR, 避難者数=97),
    )  # fmt: skip
    assert [one["status"] for one in answers] == [200, 410, 410, 400]
    assert (await shelter(kaga))["避難者数"] == 10
    at(kaga, now + 51 * HOUR)  # 48 hours after its end
    assert (await queued(kaga, address, update("u-0000005", now + HOUR, 避難者数=11)))[0]["status"] == 410


async def test_what_is_older_than_the_city_knows_goes_to_history_and_never_overwrites(kaga: Served) -> None:
    now = clock.now()
    mine, _ = await given(kaga)
    hers, _ = await given(kaga)
    at(kaga, now + 3 * HOUR)
    await queued(kaga, hers, update("u-0000001", now + 2 * HOUR, 避難者数=50))
    (late,) = await queued(kaga, mine, update("u-0000002", now + HOUR, 避難者数=20))
    assert (late["outcome"], late["now"]["避難者数"]["value"]) == ("late", 50)
    assert (await shelter(kaga))["避難者数"] == 50
    path = f"/ngsi-ld/v1/temporal/entities/{ONE}?options=temporalValues&attrs=避難者数"
    told = (await outside(kaga, "GET", path)).json()
    assert [value for value, _ in told["避難者数"]["values"]] == [20, 50]


async def test_a_repeated_update_counts_once_and_another_content_under_its_number_is_refused(
    kaga: Served,
) -> None:
    address, number = await given(kaga)
    now = clock.now()
    for again in (False, True, True):
        (answer,) = await queued(kaga, address, update("u-0000001", now, 避難者数=5))
        assert (answer["status"], answer["again"]) == (200, again)
    (other,) = await queued(kaga, address, update("u-0000001", now, 避難者数=6))
    assert other["status"] == 409
    assert (await kaga.kitamae.city._rooms.links.one(number))["used"] == 1
    assert (await shelter(kaga))["避難者数"] == 5


async def test_a_link_is_for_its_thing_and_its_attributes_alone(kaga: Served) -> None:
    address, _ = await given(kaga)
    answers = await queued(
        kaga, address,
        update("u-0000001", 避難者数=5) | {"entity": OTHER}, update("u-0000002", 名称="別の名前"),
        update("u-0000003", 避難者数=10_000_000), update("u-0000004", 避難者数=-1), update("u-0000005", 開設状況="半開き"),
    )  # fmt: skip
    assert [one["status"] for one in answers] == [403, 400, 400, 400, 400]
    assert "避難者数" not in await shelter(kaga, OTHER)


async def test_a_link_for_one_place_works_there_and_nowhere_else(kaga: Served) -> None:
    address, _ = await given(kaga, place=(136.35, 36.32), metres=300)
    there, away = [136.3502, 36.3201], [136.36, 36.32]
    answers = await queued(
        kaga, address,
        update("u-0000001", 避難者数=5), update("u-0000002", 避難者数=5) | {"position": away},
        update("u-0000003", 避難者数=5) | {"position": [500, 0]}, update("u-0000004", 避難者数=5) | {"position": there},
    )  # fmt: skip
    assert [one["status"] for one in answers] == [403, 403, 400, 200]
    seen = await kaga.client.get(address)
    assert 'name="position"' in seen.text


async def test_an_ended_link_lets_in_what_was_said_before_and_a_lost_one_nothing(kaga: Served) -> None:
    await staff(kaga)
    now = clock.now()
    address, number = await given(kaga)
    csrf = fields((await kaga.client.get(f"/staff/links/{number}")).text)["csrf"]
    for why, status in (("ended", 200), ("lost", 410)):
        sent = {"csrf": csrf, "why": why}
        assert (
            await kaga.client.post(f"/staff/links/{number}/end", data=sent, headers=SAME)
        ).status_code == 303
        assert (await kaga.client.get(address)).status_code == 410
        before = now + 1000 if status == 200 else now + 2000
        (said_before,) = await queued(kaga, address, update(f"u-before-{why}", before, 避難者数=5))
        (said_after,) = await queued(kaga, address, update(f"u-after-{why}", 避難者数=6))
        assert (said_before["status"], said_after["status"]) == (status, 410)


async def test_it_works_as_often_as_it_may_and_not_once_more(kaga: Served) -> None:
    address, _ = await given(kaga, uses=2)
    answers = await queued(kaga, address, *[update(f"u-000000{n}", 避難者数=n) for n in range(3)])
    assert [one["status"] for one in answers] == [200, 200, 410]


async def test_a_refused_form_keeps_what_was_written_and_says_so(kaga: Served) -> None:
    address, _ = await given(kaga)
    form = fields((await kaga.client.get(address)).text)
    answer = await kaga.client.post(address, data={**form, "v.避難者数": "たくさん"}, headers=SAME)
    assert answer.status_code == 400
    assert 'value="たくさん"' in html.unescape(answer.text)
    assert (await kaga.client.post(address, data=form, headers=SAME)).status_code == 400


async def test_nobody_but_the_desk_gives_links_out_or_sees_them(kaga: Served) -> None:
    _, number = await given(kaga)
    for method, path in (
        ("GET", "/staff/links"),
        ("POST", "/staff/links"),
        ("GET", f"/staff/links/{number}"),
        ("POST", f"/staff/links/{number}/end"),
    ):
        assert (await outside(kaga, method, path, headers=SAME)).status_code == 401
    await staff(kaga)
    assert (
        await kaga.client.post("/staff/links", data={"kind": "shelter-keeper"}, headers=SAME)
    ).status_code == 403
    form = {
        **fields((await kaga.client.get("/staff/links?kind=shelter-keeper&text=作見")).text),
        "kind": "shelter-keeper",
        "hours": "24",
    }
    for wrong in (
        {"thing": "urn:ngsi-ld:EvacuationShelter:none"},
        {},
        {"thing": ONE, "note": "123456789018"},
        {"thing": ONE, "hours": "x"},
    ):
        answer = await kaga.client.post("/staff/links", data={**form, **wrong}, headers=SAME)
        assert answer.status_code in (400, 404, 422), wrong


async def test_what_was_typed_is_there_when_the_desk_is_refused(kaga: Served) -> None:
    await staff(kaga)
    page = await kaga.client.get("/staff/links", params={"kind": "shelter-keeper", "text": "作見"})
    form = {
        **fields(page.text), "thing": ONE, "hours": "168", "metres": "1000", "note": "台風19号", "begins": "2099-01-01T09:00",
    }  # fmt: skip
    refused = await kaga.client.post("/staff/links", data=form, headers=SAME)
    assert refused.status_code == 400
    for kept in (
        f'value="{ONE}" checked', 'value="168" selected', 'value="1000" selected', 'value="台風19号"', 'value="2099-01-01T09:00"',
    ):  # fmt: skip
        assert kept in refused.text, kept


async def test_the_length_that_a_kind_has_is_offered_and_chosen(
    kaga: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await staff(kaga)
    links = kaga.kitamae.city._rooms.links
    odd = replace(links.kinds["shelter-keeper"], hours=36)
    monkeypatch.setitem(links.kinds, "shelter-keeper", odd)
    page = await kaga.client.get("/staff/links", params={"kind": "shelter-keeper", "text": "作見"})
    assert '<option value="36" selected>36時間</option>' in page.text


async def test_a_link_is_kept_ninety_days_from_when_it_ended_not_from_when_it_would_have(
    kaga: Served,
) -> None:
    links, now = kaga.kitamae.city._rooms.links, clock.now()
    _, number = await given(kaga, hours=24 * 365)
    _, open_ = await given(kaga, hours=24 * 365)
    await links.end("staff-1", number, "ended")
    at(kaga, now + 89 * 24 * HOUR)
    assert await links.tidy() == 0
    at(kaga, now + 91 * 24 * HOUR)
    assert await links.tidy() == 1
    assert [one["terms"]["number"] for one in await links.all()] == [open_]


async def test_what_was_made_used_and_ended_stands_in_the_ledger(kaga: Served) -> None:
    store = kaga.kitamae.city.store
    before = len(await store.leaves(0, 1000))
    address, number = await given(kaga)
    await queued(kaga, address, update("u-0000001", 避難者数=5))
    await kaga.kitamae.city._rooms.links.end("staff-1", number, "ended")
    leaves = await store.leaves(0, 1000)
    assert [len(leaf.data) for leaf in leaves[before:]] == [32, 32, 32]


async def test_a_token_for_one_entity_writes_that_one_over_the_api_and_no_other(kaga: Served) -> None:
    token, _ = await kaga.kitamae.city.people.tokens.issue("one", [f"write:EvacuationShelter|{ONE}"])
    headers = {"Authorization": f"Bearer {token}"}
    for id, status in ((ONE, 204), (OTHER, 403)):
        answer = await outside(
            kaga,
            "PATCH",
            f"/ngsi-ld/v1/entities/{id}",
            json={"備考": {"type": "Property", "value": "x"}},
            headers=headers,
        )
        assert answer.status_code == status, answer.text


def test_a_link_is_used_at_a_pace() -> None:
    now = [0.0]
    pace = Pace(2, 10, lambda: now[0])
    pace.demand("a", 2)
    pace.demand("b")
    with pytest.raises(Exception, match="try again in 11 seconds"):
        pace.demand("a")
    now[0] = 10.0
    pace.demand("a")
