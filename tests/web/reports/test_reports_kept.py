"""What is sent arrives as it was meant, and no step of one report makes another one vanish."""

from __future__ import annotations

from benchmarks.reported.measure import labelled

from kitamae.kit.reports import Wish
from reporting import act, link, number, rows, sent, staff
from serving import SAME, Served


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
