"""Requests and complaints through the pages that people and staff use."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kitamae.kernel.ledger import commitment
from serving import SAME, Served, serving
from staffing import give

KAGA = Path(__file__).resolve().parents[3] / "cities" / "kaga"
NUMBER = "1234 5678 9018"
"""Twelve digits with the right check digit."""
ASKED = {
    "kind": "disclosure",
    "capacity": "self",
    "name": "加賀 太郎",
    "address": "加賀市大聖寺",
    "target": "令和7年度の国民健康保険の記録",
}


@asynccontextmanager
async def signed_in(served: Served, ref: str, role: Any, assurance: int) -> AsyncIterator[None]:
    secret, _ = await served.kitamae.city.people.admit(ref, role, assurance)
    served.client.cookies.set("kitamae_session", secret)
    yield
    served.client.cookies.clear()


def taro(served: Served) -> Any:
    return signed_in(served, "resident-taro", "resident", 3)


@asynccontextmanager
async def staff(served: Served) -> AsyncIterator[None]:
    """staff-1, who has both desks."""

    async def known(tx: Any) -> None:
        await tx.put("", "person", "staff-1", {"role": "staff", "createdAt": "2026-01-01T00:00:00Z"})

    await served.kitamae.city.store.transact(known)
    await give(served, "staff-1", "requests", "privacy-officer")
    async with signed_in(served, "staff-1", "staff", 2):
        yield


async def send(served: Served, at: str, page: str = "", /, **fields: str) -> Any:
    """A form of a page, as a browser sends it."""
    shown = await served.client.get(page or at)
    csrf = re.search(r'name="csrf" value="([^"]+)"', shown.text)
    assert csrf, shown.text
    return await served.client.post(at, data={"csrf": csrf[1], **fields}, headers=SAME)


async def filed(served: Served, **fields: str) -> str:
    """The number of a case that the person in the session filed."""
    kind = fields.get("kind", "disclosure")
    answer = await send(served, f"/my/requests/new?kind={kind}", **fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"].rpartition("/")[2])


async def step(served: Served, number: str, step: str, /, **fields: str) -> Any:
    """Only what a form of the page offers is sent."""
    shown = (await served.client.get(f"/staff/requests/{number}")).text
    forms = [one for one in shown.split("<form")[1:] if f'name="step" value="{step}"' in one]
    assert all(f'name="{name}"' in form for form in forms for name in fields), (step, fields)
    return await send(served, f"/staff/requests/{number}", step=step, **fields)


async def test_a_question_about_a_receipt_is_filed_answered_and_the_person_sees_it(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with taro(served):
            chosen = await served.client.get("/my/requests/new?about=receipt:7")
            assert "kind=question&amp;about=receipt%3A7" in chosen.text
            number = await filed(
                served, kind="question", about="receipt:7", text="なぜ見たのか知りたいです。"
            )
        async with staff(served):
            listed = (await served.client.get("/staff/requests")).text
            assert number in listed
            assert "なぜ見たのか" not in listed
            assert "なぜ見たのか" in (await served.client.get(f"/staff/requests/{number}")).text
            assert (await step(served, number, "take")).status_code == 303
            assert (await step(served, number, "answer", text="窓口の手続きのためです。")).status_code == 303
        async with taro(served):
            shown = (await served.client.get(f"/my/requests/{number}")).text
            assert "窓口の手続きのためです。" in shown
            assert "お答えしました" in shown
            told = (await served.client.get("/my/receipts")).json()["receipts"]
            looked = [one for one in told if one["purpose"] == "requests"]
            assert {one["who"] for one in looked} == {"staff-1"}
            letter = (await served.client.get(f"/my/requests/{number}/letters/2")).text
            assert "次のとおりお答えします。" in letter


async def test_a_number_of_somebody_elses_case_is_answered_as_one_that_there_is_not(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with taro(served):
            number = await filed(served, **ASKED)
        async with signed_in(served, "resident-hanako", "resident", 3):
            said = []
            for one in (number, "2026-222222"):
                answer = await served.client.get(
                    f"/my/requests/{one}", headers={"accept": "application/json"}
                )
                said.append((answer.status_code, answer.json()["detail"].replace(one, "")))
            assert said[0] == said[1]


async def test_no_my_number_comes_in_as_a_day_a_receipt_or_a_reference(tmp_path: Path) -> None:
    bare = NUMBER.replace(" ", "")
    asked = {"kind": "complaint", "text": "説明がありませんでした。", "name": "加賀 太郎"}
    async with serving(tmp_path / "data", city=KAGA) as served:
        form = "/my/requests/new?kind=complaint"
        async with taro(served):
            for more in ({"received_on": bare}, {"about": f"receipt:{bare}"}):
                assert (await send(served, "/my/requests/new", form, **asked, **more)).status_code == 400
            assert (await served.client.get("/my/records")).json()["records"] == []
        async with staff(served):
            for person in (bare, bare[:4] + "-" + bare[4:8] + "-" + bare[8:]):
                answer = await send(served, "/staff/requests/new", form, **asked, person=person)
                assert answer.status_code == 422, answer.text
            answer = await send(served, "/staff/requests/new", form, **asked, person=f"staff-{bare}")
            assert answer.status_code == 303, answer.text


async def test_nobody_of_the_desk_decides_on_his_own_case(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served, staff(served):
        number = await filed(served, kind="complaint", text="私の記録を見られました。")
        for word in ("take", "answer"):
            answer = await send(
                served, f"/staff/requests/{number}", "/my/requests/new?kind=question", step=word, text="はい"
            )
            assert answer.status_code == 403, answer.text


async def test_each_step_is_a_leaf_that_the_person_alone_can_open(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with taro(served):
            number = await filed(served, **ASKED)
        async with staff(served):
            await step(served, number, "take")
        async with taro(served):
            steps = (await served.client.get(f"/my/requests/{number}/proof")).json()["steps"]
        leaves = {leaf.number: leaf.data for leaf in await served.kitamae.city.store.leaves(0, 100)}
        assert [one["record"]["step"] for one in steps] == ["file", "take"]
        for one in steps:
            salt, record = base64.b64decode(one["salt"]), commitment.canonical(one["record"])
            commitment.opened(leaves[one["number"]], salt, record)
        rows = str(await served.kitamae.city.store.documents("", "case"))
        assert "太郎" not in rows
        assert "国民健康保険" not in rows


async def test_a_disclosure_goes_its_way_to_a_letter_that_teaches_how_to_object(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with signed_in(served, "visitor-1", "visitor", 1):
            number = await filed(served, **ASKED)
        async with staff(served):
            early = await step(served, number, "decide", outcome="whole")
            assert (early.status_code, "第77条第2項" in early.text) == (409, True)
            for move, fields in (
                ("take", {}),
                ("ask", {"text": "年度を書いてください。"}),
                ("correct", {"text": "令和7年度です。"}),
                ("identify", {"identity": "licence"}),
                ("extend", {"days": "30", "text": "文書が多いため"}),
            ):
                assert (await step(served, number, move, **fields)).status_code == 303, move
            assert (await step(served, number, "extend", days="5", text="また")).status_code == 409
            part = {"outcome": "part", "text": "写しを交付します。"}
            assert (await step(served, number, "decide", **part)).status_code == 400
            decided = await step(served, number, "decide", **part, reason="第78条第1項第2号に当たる部分")
            assert decided.status_code == 303
            letter = (await served.client.get(f"/staff/requests/{number}/letters/6")).text
            assert "保有個人情報一部開示決定通知書" in letter
            assert "3か月以内に、加賀市長に対して審査請求" in letter
            assert "第78条第1項第2号" in letter
            longer = (await served.client.get(f"/staff/requests/{number}/letters/5")).text
            assert "第83条第2項" in longer


async def test_a_text_with_a_my_number_is_held_back_and_the_person_gets_it_back(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with taro(served):
            answer = await send(
                served, "/my/requests/new?kind=question", kind="question", text=f"番号は {NUMBER} です"
            )
            assert answer.status_code == 422
            assert f"番号は {NUMBER} です" in answer.text
            assert 'aria-invalid="true"' in answer.text
            assert (await served.client.get("/my/requests")).text.count("question") == 0
            number = await filed(served, kind="complaint", text="説明がありませんでした。")
            again = await send(served, f"/my/requests/{number}", step="reply", text=NUMBER)
            assert again.status_code == 422
        assert len(await served.kitamae.city.store.documents("", "case")) == 1


async def test_what_the_law_wants_in_a_request_is_asked_for_by_name(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served, taro(served):
        answer = await send(served, "/my/requests/new?kind=correction", kind="correction", name="加賀 太郎")
        assert answer.status_code == 400
        for name in ("address", "target", "received_on", "text", "reason"):
            assert f'id="{name}-wrong"' in answer.text
        assert 'id="name-wrong"' not in answer.text
        agent = await send(served, "/my/requests/new?kind=disclosure", **{**ASKED, "capacity": "agent"})
        assert 'id="represented-wrong"' in agent.text


async def test_the_desk_is_warned_of_a_request_that_came_later_than_90_days_after_the_disclosure(
    tmp_path: Path,
) -> None:
    correction = {**ASKED, "kind": "correction", "text": "生年月日", "reason": "誤記"}
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with taro(served):
            wrong = await send(served, "/my/requests/new?kind=correction", **correction, received_on="きのう")
            assert (wrong.status_code, 'id="received_on-wrong"' in wrong.text) == (400, True)
            today = datetime.now(UTC).date().isoformat()
            late = await filed(served, **correction, received_on="2024-04-01")
            early = await filed(served, **correction, received_on=today)
        async with staff(served):
            for number, warned in ((late, True), (early, False)):
                shown = (await served.client.get(f"/staff/requests/{number}")).text
                assert ("90日を過ぎてからの請求です" in shown) == warned


async def test_nobody_else_sees_a_case_and_no_desk_is_open_to_residents(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with taro(served):
            number = await filed(served, **ASKED)
            assert (await served.client.get("/staff/requests")).status_code == 403
        async with signed_in(served, "resident-hanako", "resident", 3):
            for address in ("", "/letters/0", "/proof"):
                answer = await served.client.get(f"/my/requests/{number}{address}")
                assert answer.status_code == 404
            sent = await send(
                served, f"/my/requests/{number}", "/my/requests/new?kind=question", step="withdraw"
            )
            assert sent.status_code == 404
        away = await served.client.get("/my/requests", follow_redirects=False)
        assert away.headers["location"] == "/sign-in/resident?next=/my/requests"
        assert (await served.client.get("/staff/requests")).status_code == 401


async def test_at_the_counter_staff_file_for_somebody_and_may_not_handle_a_case_of_their_own(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served, staff(served):
        made = await send(served, "/staff/requests/new?kind=disclosure", **ASKED)
        number = made.headers["location"].rpartition("/")[2]
        shown = (await served.client.get(f"/staff/requests/{number}")).text
        assert "counter-" in shown
        assert "加賀 太郎" in shown
        own = await filed(served, kind="complaint", text="私の記録について")
        assert (await step(served, own, "answer", text="問題ありません")).status_code == 403
        refused = await send(
            served, "/staff/requests/new?kind=question", kind="question", person="staff-1", text="a"
        )
        assert refused.status_code == 400


@pytest.mark.parametrize("kind", ["question", "complaint", "disclosure", "correction", "suspension"])
async def test_there_is_a_paper_form_of_each_kind_without_signing_in(tmp_path: Path, kind: str) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        paper = (await served.client.get(f"/privacy/forms/{kind}")).text
        assert "加賀市長 様" in paper
        assert "個人番号（マイナンバー）は書かないでください" in paper
        assert (await served.client.get("/privacy/forms/none")).status_code == 404


async def test_withdrawing_ends_a_case_and_nothing_moves_it_again(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with taro(served):
            number = await filed(served, **ASKED)
            assert (await send(served, f"/my/requests/{number}", step="withdraw")).status_code == 303
            assert "取り下げられました" in (await served.client.get(f"/my/requests/{number}")).text
        async with staff(served):
            over = await send(
                served, f"/staff/requests/{number}", "/staff/requests/new?kind=question", step="take"
            )
            assert over.status_code == 409


async def test_the_register_of_files_says_what_the_law_wants_as_page_csv_and_json(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        page = (await served.client.get("/privacy/files")).text
        rows = (await served.client.get("/privacy/files.json")).json()["files"]
        named = {one["目的の識別子"]: one for one in rows}
        assert {"identity", "requests"} <= named.keys()
        assert named["identity"]["記録項目"].startswith("氏名、氏名（カナ）、住所")
        assert named["identity"]["法的根拠"] == "個人情報の保護に関する法律 第61条第1項"
        assert named["identity"]["個人情報ファイルの名称"] in page
        assert "1,000人以上" in page
        csv = (await served.client.get("/privacy/files.csv")).content.decode("utf-8-sig")
        assert len(csv.splitlines()) == len(rows) + 1


async def test_a_breach_has_its_clock_reports_and_is_counted_for_everybody(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with staff(served):
            sent = {
                "learnt": "2026-04-01",
                "wrongful": "1",
                "persons": "120",
                "summary": "名簿を誤って送った",
            }
            made = await send(served, "/staff/breaches", **sent)
            assert made.status_code == 303, made.text
            address = made.headers["location"]
            shown = (await served.client.get(address)).text
            assert "2026-04-05" in shown
            assert "2026-06-01" in shown
            assert "100人を超える" in shown
            assert (await send(served, address, step="close")).status_code == 409
            for one in ("prompt", "notify", "full", "publish", "close"):
                done = await send(served, address, step=one, day="2026-04-03", cause="宛先の誤り")
                assert done.status_code == 303, one
            report = (await served.client.get(f"{address}/papers/full")).text
            assert "個人情報保護委員会 御中" in report
            assert "宛先の誤り" in report
            assert "第68条第2項" in (await served.client.get(f"{address}/papers/persons")).text
            refused = await send(served, "/staff/breaches", **{**sent, "summary": NUMBER})
            assert refused.status_code == 422
        years = (await served.client.get("/privacy/breaches.json")).json()["years"]
        assert years == [{"year": 2026, "breaches": 1, "reportable": 1, "persons": 120}]
        assert "名簿を誤って送った" in (await served.client.get("/privacy/breaches")).text
        assert (await served.client.get("/staff/breaches")).status_code == 401


async def test_my_page_says_a_decision_in_words_and_a_question_about_it_names_what_it_is_about(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with taro(served):
            number = await filed(served, **ASKED)
        async with staff(served):
            assert (await step(served, number, "decide", outcome="whole", text="閲覧")).status_code == 303
        async with taro(served):
            page = (await served.client.get("/my")).text
            assert "全部を認める" in page
            assert ">whole<" not in page
            assert "お答えする期限" in page
            about = "/my/requests/new?about=purpose:requests"
            assert f'href="{about}"' in page
            form = (await served.client.get(f"{about}&kind=question")).text
            assert "「個人情報についての請求・相談」のために" in form


async def test_what_staff_typed_is_there_still_when_a_step_is_refused_and_a_breachs_reasons_are_amended(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        async with signed_in(served, "visitor-1", "visitor", 1):
            number = await filed(served, **ASKED)
        async with staff(served):
            refused = await step(served, number, "decide", outcome="part", text="写しを交付します。")
            assert refused.status_code == 400
            assert "写しを交付します。" in refused.text
            assert '<option value="part" selected>' in refused.text
            begun = {"learnt": "2026-04-01", "sensitive": "1", "persons": "120", "summary": "送り先の誤り"}
            address = (await send(served, "/staff/breaches", **begun)).headers["location"]
            early = await send(served, address, step="close", cause="宛名を確かめなかった")
            assert early.status_code == 409
            assert "宛名を確かめなかった</textarea>" in early.text
            assert '<option value="close" selected>' in early.text
            assert (
                await send(served, address, step="amend", reasons="1", wrongful="1", persons="90")
            ).status_code == 303
            shown = (await served.client.get(address)).text
            assert re.search(r'name="wrongful" value="1" checked', shown)
            assert not re.search(r'name="(?:sensitive|many)" value="1" checked', shown)
            assert (await send(served, address, step="amend", cause="分かった")).status_code == 303
            assert 'name="wrongful" value="1" checked' in (await served.client.get(address)).text


async def test_a_day_that_has_not_come_is_called_that_and_not_something_left_out(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served, taro(served):
        for lang, said in (("ja", "ありえない日です"), ("en", "That day cannot be")):
            at = f"/my/requests/new?kind=disclosure&lang={lang}"
            shown = await send(served, at, at, **ASKED, received_on="2099-01-01")
            assert shown.status_code == 400
            assert said in shown.text
