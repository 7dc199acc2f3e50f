"""What is sent arrives as it was meant, and no step of one report makes another one vanish."""

from __future__ import annotations

import threading

import pytest
from benchmarks.reported.measure import labelled

from kitamae.kit.reports import Wish
from kitamae.kit.reports import sending as sending_
from photos import file
from reporting import act, link, number, rows, sent, staff
from serving import SAME, Served
from signing_in import fields, outside


async def test_every_sentence_of_the_labelled_set_arrives_also_with_what_a_telephone_types(
    kaga: Served,
) -> None:
    sending = kaga.kitamae.city._rooms.reports.sending
    every = [one.text for one in labelled()]
    typed = ["動橋の川が\u3000あふれそう", "水が\t来ています", "助けて👨\u200d👩\u200d👧", "一行目\r\n二行目"]
    for n, text in enumerate([*every, *typed]):
        await sending.send(Wish(f"{n:043}", text))
    assert len(await rows(kaga)) == len(every) + len(typed)
    (said,) = await sending.said_by(f"{len(every):043}")
    assert said.fields["text"] == "動橋の川が あふれそう"
    for text in ("文字\x00です", "文字\ue000です"):
        answer = await sent(kaga, text=text)
        assert answer.status_code == 400
        assert "文字でないものが" in answer.text


async def test_who_takes_back_his_report_takes_back_no_neighbours(kaga: Served) -> None:
    first = await sent(kaga)
    one, two, three = number(first.text), *[number((await sent(kaga)).text) for _ in range(2)]
    await staff(kaga)
    for other in (two, three):
        assert (await act(kaga, other, "join", to=one)).status_code == 303
    assert (await kaga.client.post(link(first.text) + "/take-back", headers=SAME)).status_code == 303
    every = await rows(kaga)
    assert {(every[other]["state"], every[other]["joined"]) for other in (two, three)} == {("seen", "")}
    assert every[one]["followers"] == []
    assert "待っている報告：2件" in (await kaga.client.get("/staff/reports")).text


async def test_a_report_that_is_taken_back_is_no_follower_any_more(kaga: Served) -> None:
    one, second = number((await sent(kaga)).text), await sent(kaga)
    await staff(kaga)
    await act(kaga, number(second.text), "join", to=one)
    await kaga.client.post(link(second.text) + "/take-back", headers=SAME)
    assert (await rows(kaga))[one]["followers"] == []


async def test_nothing_is_joined_to_what_nobody_looks_at_any_more(kaga: Served) -> None:
    one, two = [number((await sent(kaga)).text) for _ in range(2)]
    await staff(kaga)
    await act(kaga, one, "closed")
    assert (await act(kaga, two, "join", to=one)).status_code == 409
    assert (await rows(kaga))[two]["state"] == "new"


async def test_the_page_of_the_disaster_leads_to_where_one_reports(kaga: Served) -> None:
    page = (await kaga.client.get("/disaster")).text
    assert '<li><a href="/reports">見たことを市に知らせる</a></li>' in page.partition("次にすること")[2]


async def test_the_same_form_with_other_words_is_not_said_to_be_received_and_gets_a_number_of_its_own(
    kaga: Served,
) -> None:
    once = "o" * 43
    first = await sent(kaga, once=once)
    for changed in ({"text": "今度は火事です"}, {"where": "永井町"}, {"position": "136.3,36.3"}):
        assert (await sent(kaga, once=once, **changed)).status_code == 409
    photo = ("a.jpg", file(), "image/jpeg")
    assert (await sent(kaga, once=once, photo=photo)).status_code == 409
    refused = await sent(kaga, once=once, text="今度は火事です")
    assert "ちがう内容でもう送られています" in refused.text
    form = fields(refused.text)
    assert form["once"] != once
    again = await sent(kaga, once=form["once"], text="今度は火事です")
    assert again.status_code == 200
    assert len(await rows(kaga)) == 2
    await kaga.client.post(link(first.text) + "/take-back", headers=SAME)
    kept = [doc for _, _, doc in await kaga.kitamae.city.store.documents("", "report-code")]
    assert sorted(bool(one["mark"]) for one in kept) == [False, True], "no mark of words that are taken back"


async def test_a_long_report_does_not_hold_up_the_others(kaga: Served) -> None:
    sending = kaga.kitamae.city._rooms.reports.sending
    await sending.send(Wish("a" * 43, "水が来ています"))
    threads: list[str] = []
    made = sending._made
    sending._made = lambda *given: (threads.append(threading.current_thread().name), made(*given))[1]
    await sending.send(Wish("b" * 43, "水" * 1_000))
    assert threads
    assert threads[0] != threading.main_thread().name


async def test_a_gauges_level_does_not_make_the_gazetteer_anew_and_a_name_does(kaga: Served) -> None:
    names = kaga.kitamae.city._rooms.reports.sending._gazetteer
    first = await names()
    token, _ = await kaga.kitamae.city.people.tokens.issue("load", ["write:Town"])
    who = {"Authorization": f"Bearer {token}"}
    one = "/ngsi-ld/v1/entities/urn:ngsi-ld:Town:172065:0/attrs"
    for attribute, same in (("世帯数", True), ("名称", False)):
        told = {attribute: {"type": "Property", "value": "試験町" if attribute == "名称" else 5}}
        answer = await outside(kaga, "POST", one, json=told, headers=who)
        assert answer.status_code == 204, answer.text
        assert (await names() is first) is same


async def test_ten_thousand_that_wait_shut_the_door_for_nobody(
    kaga: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending_, "COMPARED", 2)
    for _ in range(4):
        done = await sent(kaga)
        assert done.status_code == 200
    assert len((await rows(kaga))[number(done.text)]["like"]) == 2


async def test_reports_that_are_alike_name_each_other_at_the_desk(kaga: Served) -> None:
    one, two = [number((await sent(kaga)).text) for _ in range(2)]
    every = dict(await kaga.kitamae.city._rooms.reports.desk.all())
    assert [other for other, _ in every[one]["like"]] == [two]
    assert [other for other, _ in every[two]["like"]] == [one]


async def test_the_desk_leads_to_where_erasure_is_ordered(kaga: Served) -> None:
    which = number((await sent(kaga)).text)
    await staff(kaga)
    page = (await kaga.client.get(f"/staff/reports/{which}")).text
    assert 'href="/staff/orders"' in page
    assert (await rows(kaga))[which]["ref"] in page


async def test_a_copy_with_nothing_covered_is_not_given_out(kaga: Served) -> None:
    which = number((await sent(kaga, photo=("a.jpg", file(), "image/jpeg"))).text)
    await staff(kaga)
    form = {"csrf": fields((await kaga.client.get(f"/staff/reports/{which}/photo")).text)["csrf"]}
    given = await kaga.client.post(f"/staff/reports/{which}/photo", data=form, headers=SAME)
    assert given.status_code == 400
