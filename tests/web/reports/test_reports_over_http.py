"""Whoever sees something says so without an account; a human looks, joins, answers; nothing is published. As a browser sees it."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bare_kaga import bare
from kitamae.kernel.context import clock
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.vault import OWN, Asked
from photos import file
from reporting import BODY, act, link, number, rows, sent, staff
from serving import SAME, Served, serving
from signing_in import fields
from staffing import enter


async def test_a_report_without_an_account_is_seen_at_the_desk_answered_and_taken_back(kaga: Served) -> None:
    assert 'enctype="multipart/form-data"' in (await kaga.client.get("/reports")).text
    done = await sent(kaga, photo=("street.jpg", file(place=(136.351, 36.331)), "image/jpeg"))
    assert done.status_code == 200, done.text
    mine, which = link(done.text), number(done.text)
    seen = await kaga.client.get(mine)
    assert BODY["text"] in seen.text
    assert seen.headers["referrer-policy"] == "no-referrer"
    assert (await kaga.client.get("/staff/reports")).status_code == 401

    await staff(kaga)
    desk = await kaga.client.get("/staff/reports")
    assert which in desk.text
    assert "打越町のあたり" in desk.text
    assert BODY["text"] not in desk.text
    one = await kaga.client.get(f"/staff/reports/{which}")
    assert BODY["text"] in one.text
    assert (await act(kaga, which, "answer", text="水道の担当が向かっています。")).status_code == 303
    assert "記録しました" in (await kaga.client.get(f"/staff/reports/{which}?done=answer")).text

    kaga.client.cookies.clear()
    assert "水道の担当が向かっています。" in (await kaga.client.get(mine)).text
    gone = await kaga.client.post(mine + "/take-back", headers=SAME)
    assert gone.status_code == 303
    after = await kaga.client.get(mine)
    assert "この報告は取り消されました" in after.text
    assert BODY["text"] not in after.text
    assert (await kaga.client.get(mine + "/photo.jpg")).status_code == 404
    await staff(kaga)
    assert BODY["text"] not in (await kaga.client.get(f"/staff/reports/{which}")).text
    report = (await rows(kaga))[which]
    assert (report["places"], report["signature"], report["photo"], report["upto"]) == ([], [], False, 0)
    keys = await kaga.kitamae.city.vault._inner.keys.of(report["ref"], anew=True)
    assert "reports" not in keys.current


async def test_what_a_photo_said_of_its_place_is_kept_only_when_its_sender_says_so(kaga: Served) -> None:
    done = await sent(
        kaga, photo=("a.png", file("JPEG", place=(136.2801, 36.3201)), "image/png"), text="木が倒れています"
    )
    assert "永井町の近くです。" in done.text
    which, mine = number(done.text), link(done.text)
    assert (await rows(kaga))[which]["places"] == []
    held = await kaga.kitamae.city.store.transact(lambda tx: tx.vault.of("", "", ()))
    assert b"136.28" not in b"".join(one.fields for one in held)
    offered = {"offered": fields(done.text)["offered"]}
    other = await sent(kaga, text="別の報告です")
    assert (
        await kaga.client.post(link(other.text) + "/place", data=offered, headers=SAME)
    ).status_code == 400
    assert (await kaga.client.post(mine + "/place", data=offered, headers=SAME)).status_code == 303
    (place,) = (await rows(kaga))[which]["places"]
    assert (place["longitude"], place["latitude"], place["name"], place["by"]) == (
        136.28,
        36.32,
        "永井町",
        "sender",
    )


async def test_the_photo_is_opened_by_the_desk_alone_with_a_receipt_and_given_out_covered(
    kaga: Served,
) -> None:
    done = await sent(kaga, photo=("a.jpg", file(), "image/jpeg"))
    which = number(done.text)
    report = (await rows(kaga))[which]
    assert (await kaga.client.get(f"/staff/reports/{which}/photo.jpg")).status_code == 401
    ref = await staff(kaga)
    page = await kaga.client.get(f"/staff/reports/{which}/photo")
    assert page.text.count('name="square"') == 48
    shown = await kaga.client.get(f"/staff/reports/{which}/photo.jpg")
    assert (shown.headers["content-type"], shown.headers["cache-control"]) == ("image/jpeg", "no-store")
    form = {"csrf": fields(page.text)["csrf"], "square": ["0", "1"]}
    given = await kaga.client.post(f"/staff/reports/{which}/photo", data=form, headers=SAME)
    assert "attachment" in given.headers["content-disposition"]
    assert Image.open(io.BytesIO(given.content)).format == "JPEG"
    who = Principal(report["ref"], "visitor", assurance=1, session="x")
    receipts = await kaga.kitamae.city.vault.receipts(Asked(who, OWN, (report["ref"],)), 1 << 40, 10)
    assert [one.who for one in receipts] == [ref, ref]
    assert all("photo" in one.fields[f"report:{which}"] for one in receipts)


async def test_somebody_of_the_staff_without_that_duty_sees_nothing(kaga: Served) -> None:
    which = number((await sent(kaga)).text)
    await enter(kaga, "staff-9")
    for path in ("", f"/{which}", f"/{which}/photo", f"/{which}/photo.jpg"):
        assert (await kaga.client.get("/staff/reports" + path)).status_code == 403


async def test_the_same_form_sent_twice_is_one_report_and_one_link(kaga: Served) -> None:
    once = "o" * 43
    first, second = await sent(kaga, once=once), await sent(kaga, once=once)
    assert link(first.text) == link(second.text)
    assert len(await rows(kaga)) == 1
    assert (await sent(kaga, once="short")).status_code == 400


async def test_reports_of_one_thing_are_shown_as_such_and_joined_by_a_human_alone(kaga: Served) -> None:
    one = number((await sent(kaga)).text)
    two = number((await sent(kaga, text="うちこし町で水道の水がにごっています")).text)
    far = number((await sent(kaga, text="永井町で家が燃えています")).text)
    every = await rows(kaga)
    assert [other for other, _ in every[two]["like"]] == [one]
    assert every[two]["state"] == "new"
    await staff(kaga)
    desk = (await kaga.client.get("/staff/reports")).text
    assert desk.index(far) < desk.index(one), "a fire stands before brown water"
    assert (await act(kaga, two, "join", to=one.lower())).status_code == 303
    assert (await rows(kaga))[one]["followers"] == [two]
    assert (await act(kaga, one, "join", to=far)).status_code == 409
    assert (await act(kaga, two, "join", to=two)).status_code == 409
    assert (await act(kaga, two, "seen")).status_code == 303
    assert (await rows(kaga))[one]["followers"] == []
    assert (await act(kaga, two, "closed")).status_code == 303
    assert (await rows(kaga))[two]["state"] == "closed"
    assert (await act(kaga, two, "nonsense")).status_code == 404


@pytest.mark.parametrize(
    ("photo", "status"),
    [
        (("a.jpg", b"\xff\xd8" + bytes(12_000_001), "image/jpeg"), 413),
        (("a.jpg", bytes(13_000_000), "image/jpeg"), 413),
        (("a.jpg", b"%PDF-1.7 not a photo", "image/jpeg"), 400),
        (("a.jpg", "氏名,番号\n加賀,123456789018\n".encode(), "image/jpeg"), 422),
        (("a.gif", file("PNG"), "image/gif"), 200),
    ],
    ids=["too large", "form too large", "pdf under a photo's name", "my number", "png under a gif's name"],
)
async def test_what_is_no_photo_is_refused_in_words_and_what_was_typed_stays(
    kaga: Served, photo: Any, status: int
) -> None:
    answer = await sent(kaga, photo=photo)
    assert answer.status_code == status, answer.text
    assert len(await rows(kaga)) == (status == 200)
    if status != 200:
        assert "送れませんでした" in answer.text


async def test_forty_megabytes_are_refused_before_they_are_read(kaga: Served) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
        for _ in range(40):
            read += 1_000_000
            yield bytes(1_000_000)

    head = {**SAME, "Content-Type": "multipart/form-data; boundary=x"}
    told = await kaga.client.post("/reports", content=body(), headers=head)
    assert told.status_code == 413
    assert read <= 14_000_000
    said = await kaga.client.post("/reports", content=body(), headers={**head, "Content-Length": "40000000"})
    assert said.status_code == 413


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"text": ""}, 400), ({"text": "あ" * 1001}, 400), ({"text": "私の番号は123456789018です"}, 422), ({"position": "999,1"}, 400), ({"position": "x"}, 400)],
)  # fmt: skip
async def test_what_cannot_be_kept_is_refused_and_says_why(
    kaga: Served, changed: dict[str, str], status: int
) -> None:
    answer = await sent(kaga, **changed)
    assert (answer.status_code, len(await rows(kaga))) == (status, 0)


async def test_another_sites_page_and_whoever_sends_without_end_are_refused(kaga: Served) -> None:
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert (await kaga.client.post("/reports", data=BODY, headers=elsewhere)).status_code == 403
    told = [(await kaga.client.post("/reports", data=BODY, headers=SAME)).status_code for _ in range(32)]
    assert (told[0], told[-1]) == (400, 429)
    guessed = [(await kaga.client.get(f"/reports/r/{'g' * 43}")).status_code for _ in range(22)]
    assert (guessed[0], guessed[-1]) == (404, 429)


async def test_after_its_time_a_report_is_gone_and_the_ledger_says_that_one_went(kaga: Served) -> None:
    mine = link((await sent(kaga)).text)
    reports = kaga.kitamae.city._rooms.reports
    assert await reports.sweep() == 0
    reports._now = lambda: clock.now() + 366 * 86_400_000_000
    assert await reports.sweep() == 1
    assert (await kaga.client.get(mine)).status_code == 404
    assert any(
        doc["told"]["went"] == {"report": 1}
        for _, _, doc in await kaga.kitamae.city.store.documents("", "swept")
    )


async def test_a_city_that_does_not_declare_it_takes_no_reports(tmp_path: Path) -> None:
    city = bare(tmp_path / "city")
    text = (city / "city.toml").read_text("utf-8")
    text = re.sub(r'\[\[personal\]\]\npurpose = "reports".*?(?=\n# The assessments)', "", text, flags=re.S)
    text = re.sub(r'\[\[papers\]\]\nid = "reports".*?(?=\n# Who deals)', "", text, flags=re.S)
    (city / "city.toml").write_text(text.replace('purposes = ["reports"]', ""), "utf-8")
    async with serving(tmp_path / "data", city=city) as served:
        assert (await served.client.get("/reports")).status_code == 404
        assert "/reports" not in (await served.client.get("/")).text
