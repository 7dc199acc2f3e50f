"""`/staff/shelters`: staff open, close and count; what others report meanwhile is never overwritten unseen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import html5lib
import pytest
from sheltering import DESK, ONE, act, entity, forms, keeper, known, opened, register, report, staff, update

from bare_kaga import bare
from serving import SAME, Served, serving
from signing_in import outside


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        await register(served, entity(ONE, "作見小学校", 想定収容人数="屋内100人／屋外4,560人(面積の1/2)"))
        await staff(served)
        yield served


async def everybody(served: Served, lang: str = "ja") -> str:
    page = await outside(served, "GET", f"/disaster?lang={lang}")
    assert page.status_code == 200, page.text
    html5lib.HTMLParser(strict=True).parse(page.text)
    return str(page.text)


def reported(**values: tuple[object, float]) -> dict[str, Any]:
    """As a program writes it: each attribute's value, and how many hours ago that was so."""
    now = datetime.now(UTC)
    return {
        "id": ONE,
        "type": "EvacuationShelter",
        **{
            name: {"type": "Property", "value": value, "observedAt": (now - timedelta(hours=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")}
            for name, (value, ago) in values.items()
        },
    }  # fmt: skip


async def test_a_shelter_is_found_opened_counted_and_shown_to_everybody(town: Served) -> None:
    assert "開いたという報告は、届いていません" in await everybody(town)
    found = await town.client.get(DESK, params={"text": "作見"})
    assert f'href="{DESK}/{ONE}"' in found.text
    assert (await act(town, "open")).status_code == 303
    assert (await act(town, "count", 避難者数="60")).headers["location"].endswith("?done=new")
    page = await everybody(town)
    assert "開いている避難所：1か所" in page
    assert "避難している人：60人" in page
    assert "やや混雑" in page
    assert "入れる人数 100人" in page
    assert (await act(town, "close")).status_code == 303
    assert (await known(town))["開設状況"] == "閉鎖"
    assert "開いたという報告は、届いていません" in await everybody(town)


@pytest.mark.parametrize(
    ("people", "said"),
    [("49", "空き"), ("50", "やや混雑"), ("80", "混雑"), ("100", "満"), ("101", "入れる人数をこえています")],
)
async def test_bands_follow_the_thresholds(town: Served, people: str, said: str) -> None:
    await act(town, "open")
    await act(town, "count", 避難者数=people)
    assert said in await everybody(town)


async def test_without_a_count_or_without_known_room_it_is_never_called_free(town: Served) -> None:
    await act(town, "open")
    page = await everybody(town)
    assert "混み具合は不明" in page
    assert "いまの人数の報告がない避難所が1か所" in page
    made = await opened(town, "湯の宿 さくら", 避難者数="3")
    assert made.status_code == 303
    page = await everybody(town)
    assert page.count("混み具合は不明") == 2
    assert "空き" not in page


async def test_a_count_of_a_former_opening_is_never_shown_as_of_now(town: Served) -> None:
    await act(town, "open")
    await act(town, "count", 避難者数="3", 避難者数_屋外="1", 要配慮者数_乳幼児="1")
    assert "空き" in await everybody(town)
    await act(town, "close")
    gone = await known(town)
    assert not [name for name in gone if name.startswith("避難者数")]
    assert "乳幼児</dt>" not in (await town.client.get(f"{DESK}/{ONE}")).text
    await act(town, "open")
    page = await everybody(town)
    assert "混み具合は不明" in page
    assert "いまの人数の報告がない避難所が1か所" in page
    assert "空き" not in page


async def test_who_reports_once_more_that_it_is_open_takes_no_count_away(town: Served) -> None:
    await register(town, reported(開設状況=("開設", 3)))
    await register(town, reported(開設状況=("開設", 1), 避難者数=(60, 2)))
    assert "避難している人：60人" in await everybody(town)
    told = (await outside(town, "GET", "/api/disaster/shelters")).json()
    assert (told["people"], told["uncounted"]) == (60, 0)
    assert "人数の報告が古くなっています" not in (await town.client.get(f"{DESK}/{ONE}")).text
    await register(town, reported(開設状況=("閉鎖", 0.5), 避難者数=(60, 2)))
    await register(town, reported(開設状況=("開設", 0.25), 避難者数=(60, 2)))
    assert "混み具合は不明" in await everybody(town)


async def test_what_somebody_wrote_beside_an_attribute_stops_no_page_of_the_desk(town: Served) -> None:
    await act(town, "open")
    await act(town, "count", 避難者数="60")
    there = (await outside(town, "GET", f"/ngsi-ld/v1/entities/{ONE}")).json()
    beside = {"type": "Property", "value": 9_999, "datasetId": "urn:x:1"}
    both = {name: [{**beside}, there[name]] for name in ("開設状況", "避難者数")} | {
        "名称": [{**beside, "value": "別名"}, there["名称"]]
    }
    await register(town, {"id": ONE, "type": "EvacuationShelter", **both})
    for path in (DESK, f"{DESK}/{ONE}"):
        page = await town.client.get(path)
        assert (page.status_code, "60人" in page.text, "9,999" in page.text) == (200, True, False), path
    assert "避難している人：60人" in await everybody(town)


@pytest.mark.parametrize(("opened_ago", "counted_ago"), [(1, 2), (9, 7)])
async def test_a_count_of_before_the_opening_or_of_long_ago_is_unknown_to_everybody_and_marked_at_the_desk(
    town: Served, opened_ago: int, counted_ago: int
) -> None:
    await register(town, reported(開設状況=("開設", opened_ago), 避難者数=(3, counted_ago)))
    page = await everybody(town)
    assert "混み具合は不明" in page
    assert "避難している人：0人" in page
    assert "空き" not in page
    told = (await outside(town, "GET", "/api/disaster/shelters")).json()
    assert (told["open"], told["people"], told["uncounted"]) == (1, 0, 1)
    one = told["shelters"][0]
    assert (one["people"], one["counted_at"], one["band"]) == (None, None, "unknown")
    for path in (DESK, f"{DESK}/{ONE}"):
        desk = (await town.client.get(path)).text
        assert "人数の報告が古くなっています" in desk, path
        assert "3人" in desk, path
        assert "空き" not in desk, path


@pytest.mark.parametrize("people", [5_001, 10_000_000, 1e300])
async def test_a_count_of_a_program_that_cannot_be_is_told_to_nobody_and_marked_at_the_desk(
    town: Served, people: float
) -> None:
    await register(town, reported(開設状況=("開設", 1), 避難者数=(people, 0), 避難者数_屋内=(people, 0)))
    page = await everybody(town)
    assert "避難している人：0人" in page
    assert "混み具合は不明" in page
    assert "入れる人数をこえています" not in page
    told = (await outside(town, "GET", "/api/disaster/shelters")).json()
    assert (told["people"], told["uncounted"], told["shelters"][0]["people"]) == (0, 1, None)
    for path in (DESK, f"{DESK}/{ONE}"):
        desk = (await town.client.get(path)).text
        assert "人数が多すぎるので、市民のページには出していません" in desk, path
    await act(town, "count", 避難者数="60")
    assert "避難している人：60人" in await everybody(town)


@pytest.mark.parametrize("wrong", ["10000000", "-1", "たくさん", "5001", "1.5", "²", "12345678901"])
async def test_a_count_that_cannot_be_is_refused_and_nothing_is_written(town: Served, wrong: str) -> None:
    answer = await act(town, "count", 避難者数=wrong)
    assert answer.status_code == 400
    assert "受け付けませんでした" in answer.text
    assert f'value="{wrong}"' in answer.text
    assert "避難者数" not in await known(town)


async def test_a_part_cannot_have_more_people_than_there_are(town: Served) -> None:
    answer = await act(town, "count", 避難者数="10", 避難者数_屋外="11")
    assert (answer.status_code, "全部の人数より多くできません" in answer.text) == (400, True)


async def test_needs_are_counted_without_names_and_only_staff_see_them(town: Served) -> None:
    await act(town, "open")
    await act(town, "count", 避難者数="30", 避難者数_屋外="4", 要配慮者数_乳幼児="2")
    desk = (await town.client.get(f"{DESK}/{ONE}")).text
    assert re.search(r"<dt>乳幼児</dt><dd>\s*<b class=\"count\">2人", desk)
    seen = await known(town)
    assert seen["避難者数_屋外"] == 4
    assert "要配慮者数_乳幼児" not in seen
    assert "乳幼児" not in await everybody(town)
    told = await outside(town, "GET", f"/ngsi-ld/v1/temporal/entities/{ONE}")
    assert "要配慮者数" not in told.text
    assert (await act(town, "undo")).status_code == 303
    assert "乳幼児</dt>" not in (await town.client.get(f"{DESK}/{ONE}")).text


async def test_a_place_that_was_never_designated_is_open_with_its_name_alone(town: Served) -> None:
    made = await opened(town, "寄合い処")
    assert made.status_code == 303, made.text
    page = await everybody(town)
    assert "寄合い処" in page
    assert "指定されていない避難所" in page
    assert (await town.client.get(made.headers["location"])).status_code == 200


async def test_a_place_from_paper_is_open_and_counted_as_of_the_time_on_the_sheet(town: Served) -> None:
    at = datetime.now(ZoneInfo("Asia/Tokyo")).replace(second=0, microsecond=0) - timedelta(hours=3)
    made = await opened(town, "寄合い処", 避難者数="12", at=at.strftime("%Y-%m-%dT%H:%M"))
    assert made.status_code == 303, made.text
    id = made.headers["location"].rpartition("/")[2].partition("?")[0]
    there = (await outside(town, "GET", f"/ngsi-ld/v1/entities/{id}")).json()
    for name in ("開設状況", "避難者数"):
        assert datetime.fromisoformat(there[name]["observedAt"]) == at, name
    assert "避難している人：12人" in await everybody(town)
    ahead = (at + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    refused = await opened(town, "あすの宿", at=ahead)
    assert (refused.status_code, f'value="{ahead}"' in refused.text) == (400, True)


async def test_two_who_open_one_place_at_once_open_one_and_the_second_is_told(town: Served) -> None:
    answers = await asyncio.gather(*[opened(town, name) for name in ("山の宿", "山の 宿", "山の宿")])
    ids = {re.sub(r"\?.*", "", one.headers["location"]) for one in answers}
    assert len(ids) == 1
    assert sorted(one.headers["location"].rpartition("?")[2] for one in answers) == [
        "done=made", "there=1", "there=1",
    ]  # fmt: skip
    shown = await town.client.get(ids.pop() + "?there=1")
    assert "もう登録されています" in shown.text


async def test_one_form_sent_twice_counts_once(town: Served) -> None:
    page = await town.client.get(f"{DESK}/{ONE}")
    form = {**forms(page.text)["count"], "避難者数": "7"}
    for _ in range(2):
        assert (await town.client.post(f"{DESK}/{ONE}", data=form, headers=SAME)).status_code == 303
    other = await town.client.post(f"{DESK}/{ONE}", data={**form, "避難者数": "8"}, headers=SAME)
    assert other.status_code == 409
    assert (await known(town))["避難者数"] == 7
    assert (await town.client.get(f"{DESK}/{ONE}")).text.count("人数を書いた：7人") == 1


async def test_what_a_keeper_reported_meanwhile_is_shown_and_not_overwritten(town: Served) -> None:
    page = await town.client.get(f"{DESK}/{ONE}")
    link = await keeper(town)
    (said,) = await report(town, link, update("phone-00001", 避難者数=41))
    assert said["outcome"] == "new"
    form = {**forms(page.text)["count"], "避難者数": "12"}
    answer = await town.client.post(f"{DESK}/{ONE}", data=form, headers=SAME)
    assert answer.status_code == 409
    assert "ほかの人が報告しました" in answer.text
    assert "41人" in answer.text
    assert (await known(town))["避難者数"] == 41
    again = {**forms(answer.text)["count"], "避難者数": "12"}
    assert (await town.client.post(f"{DESK}/{ONE}", data=again, headers=SAME)).status_code == 303
    assert (await known(town))["避難者数"] == 12


@pytest.mark.parametrize("name", ["避難者数_屋外", "要配慮者数_乳幼児"])
async def test_what_was_counted_meanwhile_by_space_or_by_need_is_shown_and_not_overwritten(
    town: Served, name: str
) -> None:
    await act(town, "open")
    await act(town, "count", 避難者数="30", 避難者数_屋外="4", 要配慮者数_乳幼児="2")
    page = (await town.client.get(f"{DESK}/{ONE}")).text
    assert (await act(town, "count", **{name: "7"})).status_code == 303
    for what, typed in (("count", {name: "5"}), ("close", {})):
        form = {**forms(page)[what], **typed}
        answer = await town.client.post(f"{DESK}/{ONE}", data=form, headers=SAME)
        assert answer.status_code == 409, what
        assert re.search(r"(屋外|乳幼児)：7人", answer.text)
    assert (await act(town, "close")).status_code == 303


async def test_a_count_from_paper_that_is_older_than_what_is_known_goes_to_history(town: Served) -> None:
    await act(town, "count", 避難者数="50")
    late = await act(town, "count", 避難者数="20", at="2026-11-20T08:00")
    assert late.headers["location"].endswith("?done=late")
    assert (await known(town))["避難者数"] == 50
    desk = (await town.client.get(late.headers["location"])).text
    assert "もっと新しい報告があります" in desk
    assert desk.index("50人") < desk.rindex("20人")
    told = await outside(
        town, "GET", f"/ngsi-ld/v1/temporal/entities/{ONE}?options=temporalValues&attrs=避難者数"
    )
    assert [value for value, _ in told.json()["避難者数"]["values"]] == [20, 50]
    ahead = await act(town, "count", 避難者数="20", at="2099-01-01T00:00")
    assert ahead.status_code == 400


async def test_the_last_act_is_undone_unless_something_newer_was_reported(town: Served) -> None:
    await act(town, "count", 避難者数="10")
    await act(town, "count", 避難者数="99")
    assert (await act(town, "undo")).headers["location"].endswith("?done=undone")
    assert (await known(town))["避難者数"] == 10
    await act(town, "open")
    assert (await act(town, "undo")).status_code == 303
    assert "開設状況" not in await known(town)
    await act(town, "count", 避難者数="20")
    page = (await town.client.get(f"{DESK}/{ONE}")).text
    await report(town, await keeper(town), update("phone-00001", 避難者数=21))
    undo = await town.client.post(f"{DESK}/{ONE}", data=forms(page)["undo"], headers=SAME)
    assert undo.status_code == 409
    assert (await known(town))["避難者数"] == 21


async def test_what_is_put_back_has_the_time_it_had_and_what_was_closed_is_open_with_its_counts(
    town: Served,
) -> None:
    await act(town, "open")
    await act(town, "count", 避難者数="10", 避難者数_屋外="2")
    before = (await outside(town, "GET", f"/ngsi-ld/v1/entities/{ONE}")).json()
    await act(town, "close")
    assert (await act(town, "undo")).headers["location"].endswith("?done=undone")
    after = (await outside(town, "GET", f"/ngsi-ld/v1/entities/{ONE}")).json()
    for name in ("開設状況", "避難者数", "避難者数_屋外"):
        assert after[name] == before[name]
    await act(town, "describe", 定員_屋内="60")
    assert (await act(town, "undo")).status_code == 303
    assert "定員_屋内" not in await known(town)


async def test_a_place_opened_by_mistake_is_taken_back_until_somebody_counts_there(town: Served) -> None:
    made = await opened(town, "まちがえた場所")
    id = re.sub(r"\?.*", "", made.headers["location"]).rpartition("/")[2]
    assert (await act(town, "remove", id)).headers["location"] == f"{DESK}?done=removed"
    assert "まちがえた場所" not in await everybody(town)
    assert (await opened(town, "まちがえた場所")).headers["location"].endswith("done=made")
    page = (await town.client.get(f"{DESK}/{id}")).text
    await act(town, "count", id, 避難者数="1")
    refused = await town.client.post(f"{DESK}/{id}", data=forms(page)["remove"], headers=SAME)
    assert refused.status_code == 409
    assert "まちがえた場所" in await everybody(town)


async def test_an_agreement_and_its_end_are_kept_shown_to_the_desk_and_reminded_of(town: Served) -> None:
    made = await opened(town, "湯の宿", 協定の相手="湯の宿組合", 協定の期限="2026-11-20", 定員_屋内="40")
    page = await everybody(town)
    assert "協定による臨時の避難所" in page
    assert "組合" not in page
    id = re.sub(r"\?.*", "", made.headers["location"])
    desk = (await town.client.get(id)).text
    assert "湯の宿組合" in desk
    assert "協定の期限を過ぎています" in desk
    far = await act(
        town,
        "describe",
        id.rpartition("/")[2],
        協定の期限="2099-01-01",
        協定の相手="湯の宿組合",
        定員_屋内="60",
    )
    assert far.status_code == 303, far.text
    desk = (await town.client.get(id)).text
    assert "期限を過ぎています" not in desk
    assert "入れる人数 60人" in desk


async def test_a_my_number_is_refused_wherever_a_text_is_typed(town: Served) -> None:
    answer = await opened(town, "宿 123456789018")
    assert (answer.status_code, "マイナンバーと思われる" in answer.text) == (422, True)
    assert "123456789018" not in (await everybody(town))


async def test_each_act_stands_in_the_ledger_with_who_did_it(town: Served) -> None:
    await act(town, "open")
    await act(town, "count", 避難者数="5")
    kept = await town.kitamae.city.store.documents(
        "", f"desk-act:disaster:{town.kitamae.city.profile.tenant}:{ONE}"
    )
    leaves = sorted(doc["leaf"] for _, _, doc in kept)
    assert len(set(leaves)) == 2
    logged = {one.number for one in await town.kitamae.city.store.leaves(0, 1_000)}
    assert set(leaves) <= logged
    assert {doc["by"][:6] for _, _, doc in kept} == {"staff-"}


async def test_nobody_but_the_desk_gets_in_and_a_form_of_elsewhere_is_refused(town: Served) -> None:
    page = await town.client.get(f"{DESK}/{ONE}")
    form = forms(page.text)["open"]
    forged = await town.client.post(f"{DESK}/{ONE}", data={**form, "csrf": "x"}, headers=SAME)
    assert forged.status_code == 403
    for method, path in (("GET", DESK), ("GET", f"{DESK}/{ONE}"), ("POST", f"{DESK}/{ONE}"), ("POST", DESK)):
        answer = await outside(town, method, path, headers=SAME)
        assert answer.status_code in (303, 401, 403), (method, path)
    assert "開設状況" not in await known(town)


async def test_a_shelter_that_is_not_there_is_not_found(town: Served) -> None:
    assert (await town.client.get(f"{DESK}/urn:ngsi-ld:EvacuationShelter:none")).status_code == 404
    csrf = forms((await town.client.get(f"{DESK}/{ONE}")).text)["open"]["csrf"]
    sent = {"csrf": csrf, "form": "abcdefgh", "act": "open"}
    gone = await town.client.post(f"{DESK}/urn:ngsi-ld:RiverGauge:1", data=sent, headers=SAME)
    assert gone.status_code == 404


@pytest.mark.parametrize("lang", ["ja", "ja_Hira", "en", "zh", "ko"])
async def test_every_page_speaks_every_language_and_is_strict_html(town: Served, lang: str) -> None:
    await act(town, "open")
    await act(town, "count", 避難者数="120", 要配慮者数_高齢者="3", 避難者数_ペット同伴="2")
    await everybody(town, lang)
    for path in (DESK, f"{DESK}?text=作", f"{DESK}/{ONE}"):
        page = await town.client.get(path, params={"lang": lang} if "?" not in path else None)
        assert page.status_code == 200
        html5lib.HTMLParser(strict=True).parse(page.text)
