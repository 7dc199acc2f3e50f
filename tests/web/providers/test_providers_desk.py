"""The desk of providers, as two colleagues use it, and nobody else."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import staffing
from bare_kaga import bare
from kitamae.kernel.people.providers import Application, Contract, Plan, digest, latest
from kitamae.web.providers.ground import CONTRACTS
from providing import BUS, member
from serving import SAME, Served, serving
from signing_in import fields

PAGE = "/staff/providers"
PLAN = Plan("standard", {"ja": "標準", "en": "Standard"}, base=10_000, free=100, per_thousand=50, tax=10)


@pytest.fixture
async def kaga(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        yield served


async def colleagues(served: Served) -> list[str]:
    people = served.kitamae.city.people
    await people.staff()
    refs = [await people.staff(another=True) for _ in range(2)]
    for ref in refs:
        await staffing.give(served, ref, "industry")
    return refs


async def applied(served: Served, told: Application = BUS) -> str:
    return (await served.kitamae.city.providers.apply(member(), told))["number"]


async def send(served: Served, path: str, page: str, **form: Any) -> Any:
    csrf = fields((await served.client.get(page)).text)["csrf"]
    return await served.client.post(path, data={"csrf": csrf, **form}, headers=SAME)


def draft(served: Served, **other: Any) -> dict[str, Any]:
    today = served.kitamae.city.providers.today
    told: dict[str, Any] = {
        "of": "", "title": "バスの位置", "service": "", "starts": today.isoformat(),
        "ends": (today + timedelta(90)).isoformat(), "minute": "60", "day": "1000", "plan": "", "security": "soc@bus.example.jp",
        "purposes": ["identity"], "writes": ["PublicToilet"], "subcontractors": "運用会社 | 監視\n夜間会社 ｜ 夜間の監視 ｜ 運用会社 ｜ 日本",
        "boundaries": "サーバー | 提供者\n端末 | 使う人 | 通信の会社 | 利用者",
    }  # fmt: skip
    return {**told, **other}


async def in_force(served: Served, refs: list[str]) -> Contract:
    """Through the desk, and accepted by the provider."""
    number, providers = await applied(served), served.kitamae.city.providers
    await staffing.enter(served, refs[0])
    await send(served, f"{PAGE}/{number}/decide", f"{PAGE}/{number}", answer="accept")
    form = f"{PAGE}/{number}/contract"
    made = await send(served, form, form, **draft(served))
    assert made.status_code == 303, made.text
    where = made.headers["location"]
    await staffing.enter(served, refs[1])
    page = await served.client.get(where)
    seen = re.search(r'name="digest" value="([0-9a-f]{64})"', page.text)
    assert seen
    assert (await send(served, f"{where}/confirm", where, digest=seen[1])).status_code == 303
    contract = await providers.contracts.one(where.rpartition("/")[2])
    return await providers.contracts.accept(member(), contract["id"], digest(latest(contract)))


async def test_the_desk_is_for_those_whose_duty_it_is(kaga: Served) -> None:
    number = await applied(kaga)
    for path in (
        PAGE,
        f"{PAGE}/{number}",
        f"{PAGE}/{number}/contract",
        f"{PAGE}/contracts/c1",
        f"{PAGE}/statements/2026-11.csv",
    ):
        assert (await kaga.client.get(path)).status_code == 401
    stranger = await kaga.kitamae.city.people.staff(another=True)
    await staffing.enter(kaga, stranger)
    assert (await kaga.client.get(PAGE)).status_code in (200, 403)  # the first account does every desk's work
    other = await kaga.kitamae.city.people.staff(another=True)
    await staffing.enter(kaga, other)
    assert (await kaga.client.get(PAGE)).status_code == 403


async def test_an_application_becomes_a_contract_that_two_looked_at(kaga: Served) -> None:
    refs = await colleagues(kaga)
    number = await applied(kaga)
    await staffing.enter(kaga, refs[0])
    listed = (await kaga.client.get(PAGE)).text
    assert BUS.name in listed
    assert f"{PAGE}/{number}" in listed
    assert BUS.contact in (await kaga.client.get(f"{PAGE}/{number}")).text
    contract = await in_force(kaga, refs)
    where = f"{PAGE}/contracts/{contract['id']}"
    page = (await kaga.client.get(where)).text
    for said in (
        "バスの位置",
        "有効です",
        "本人確認",
        "夜間会社：夜間の監視（運用会社）",
        "soc@bus.example.jp",
    ):
        assert said in page
    paper = (await kaga.client.get(f"{where}/paper")).text
    for said in (
        "データ利用契約書",
        "加賀市長",
        BUS.name,
        "1分に60回、1日に1,000回",
        "市は料金を定めていません",
    ):
        assert said in paper


async def test_whoever_prepared_it_is_not_its_second_person(kaga: Served) -> None:
    refs = await colleagues(kaga)
    number, providers = await applied(kaga), kaga.kitamae.city.providers
    await staffing.enter(kaga, refs[0])
    await send(kaga, f"{PAGE}/{number}/decide", f"{PAGE}/{number}", answer="accept")
    form = f"{PAGE}/{number}/contract"
    where = (await send(kaga, form, form, **draft(kaga))).headers["location"]
    seen = digest(latest(await providers.contracts.one(where.rpartition("/")[2])))
    assert "自分では認められません" in (await kaga.client.get(where)).text
    refused = await send(kaga, f"{where}/confirm", where, digest=seen)
    assert refused.status_code == 400
    assert "この職員にはできません" in refused.text
    await staffing.enter(kaga, refs[1])
    changed = await send(kaga, f"{where}/confirm", where, digest="0" * 64)
    assert "見たあとで内容や状態が変わっています" in changed.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ends": "2001-01-01"}, "終わる日は"), ({"minute": "many"}, "利用の上限は"), ({"subcontractors": "名前だけ"}, "再委託先は1行に1社"),
        ({"boundaries": "a | b | c | だれか"}, "責任分界点は1行に1つ"), ({"security": ""}, "安全管理の連絡先を書いて"),
        ({"title": "個人番号 123456789018"}, "マイナンバーは書けません"),
    ],
)  # fmt: skip
async def test_what_is_wrong_in_a_draft_is_said_and_what_was_typed_stays(
    kaga: Served, wrong: dict[str, str], said: str
) -> None:
    refs = await colleagues(kaga)
    number = await applied(kaga)
    await staffing.enter(kaga, refs[0])
    await send(kaga, f"{PAGE}/{number}/decide", f"{PAGE}/{number}", answer="accept")
    form = f"{PAGE}/{number}/contract"
    answer = await send(kaga, form, form, **draft(kaga, **wrong))
    assert answer.status_code == 400
    assert said in answer.text
    assert 'value="identity" checked' in answer.text


async def test_an_application_is_refused_with_a_reason_only(kaga: Served) -> None:
    refs = await colleagues(kaga)
    number = await applied(kaga)
    await staffing.enter(kaga, refs[0])
    assert (
        "理由を書いてください"
        in (await send(kaga, f"{PAGE}/{number}/decide", f"{PAGE}/{number}", answer="refuse")).text
    )
    sent = await send(
        kaga, f"{PAGE}/{number}/decide", f"{PAGE}/{number}", answer="refuse", why="連絡先が違います"
    )
    assert sent.status_code == 303
    assert "連絡先が違います" in (await kaga.client.get(f"{PAGE}/{number}")).text


async def test_the_desk_sees_keys_without_their_secret_and_stops_one(kaga: Served) -> None:
    refs = await colleagues(kaga)
    contract, providers = await in_force(kaga, refs), kaga.kitamae.city.providers
    secret, key = await providers.keys.make(member(), contract["id"], "", "地図の鍵")
    where = f"{PAGE}/contracts/{contract['id']}"
    page = (await kaga.client.get(where)).text
    assert "地図の鍵" in page
    assert secret not in page
    assert (await send(kaga, f"{where}/revoke", where, key="other")).status_code == 404
    assert (await send(kaga, f"{where}/revoke", where, key=key["number"])).status_code == 303
    assert not providers.keys.good((await providers.keys.of(contract["id"]))[0])


async def test_a_closed_month_is_marked_paid_corrected_printed_and_listed(kaga: Served) -> None:
    refs = await colleagues(kaga)
    contract, providers = await in_force(kaga, refs), kaga.kitamae.city.providers
    month = f"{providers.today:%Y-%m}"
    providers.terms.plans["standard"] = PLAN  # type: ignore[index]  # as city.toml would have it
    later = await providers.contracts.one(contract["id"])
    later["versions"][0]["plan"] = "standard"

    async def planned(tx: Any) -> None:
        await tx.put("", "contract", contract["id"], later)

    await kaga.kitamae.city.store.transact(planned)
    now = providers.statements._on.now
    object.__setattr__(providers.statements._on, "now", lambda: now() + 40 * 86_400_000_000)
    assert await providers.statements.close() == ""
    object.__setattr__(providers.statements._on, "now", now)
    where = f"{PAGE}/contracts/{contract['id']}"
    page = await kaga.client.get(where)
    assert month in page.text
    statement = f"{contract['id']}/{month}/0"
    assert month in (await kaga.client.get(PAGE)).text
    assert (await send(kaga, f"{where}/paid", where, statement=statement)).status_code == 303
    assert "支払いを確かめた：" in (await kaga.client.get(where)).text
    assert (await send(kaga, f"{where}/unpaid", where, statement=statement)).status_code == 303
    assert (await send(kaga, f"{where}/paid", where, statement="c0/2026-11/0")).status_code == 404
    wrong = await send(kaga, f"{where}/correct", where, month=month, yen="1.5", why="試験")
    assert "金額は0でない整数" in wrong.text
    correct = {"month": month, "yen": "-1000", "why": "止まっていた日の分", "taxed": "yes"}
    assert (await send(kaga, f"{where}/correct", where, **correct)).status_code == 303
    paper = (await kaga.client.get(f"{where}/statements/{month}/0")).text
    for said in ("利用明細", f"{BUS.name} 御中", "サービス利用料（基本）", "10%、1円未満切り捨て"):
        assert said in paper
    assert "止まっていた日の分" in (await kaga.client.get(f"{where}/statements/{month}/1")).text
    listed = await kaga.client.get(f"{PAGE}/statements/{month}.csv")
    rows = list(csv.DictReader(io.StringIO(listed.text.removeprefix("\ufeff"))))
    assert [(row["番号"], row["提供者"], row["合計（円）"]) for row in rows if row["番号"] == "1"] == [
        ("1", BUS.name, "-1100")
    ]
    assert (await kaga.client.get(f"{PAGE}/statements/2026-13.csv")).status_code == 404


async def test_ending_says_why_and_stops_everything(kaga: Served) -> None:
    refs = await colleagues(kaga)
    contract, providers = await in_force(kaga, refs), kaga.kitamae.city.providers
    where = f"{PAGE}/contracts/{contract['id']}"
    assert (await send(kaga, f"{where}/end", where, why="約束と違う使い方")).status_code == 303
    assert "約束と違う使い方" in (await kaga.client.get(where)).text
    provider = f"{PAGE}/{contract['provider']}"
    assert (await send(kaga, f"{provider}/end", provider, why="解散")).status_code == 303
    assert (await providers.one(contract["provider"]))["state"] == "ended"


@pytest.mark.parametrize("lang", ["ja", "ja_Hira", "en", "zh", "ko"])
async def test_every_page_of_the_desk_is_there_in_every_language(kaga: Served, lang: str) -> None:
    refs = await colleagues(kaga)
    contract = await in_force(kaga, refs)
    where = f"{PAGE}/contracts/{contract['id']}"
    for path in (
        PAGE,
        f"{PAGE}/{contract['provider']}",
        f"{PAGE}/{contract['provider']}/contract?of={contract['id']}",
        where,
    ):
        page = await kaga.client.get(path, params={"lang": lang})
        assert page.status_code == 200, page.text


async def test_who_answers_for_what_is_kept_as_it_was_typed_and_comes_again_in_the_next_version(
    kaga: Served,
) -> None:
    refs = await colleagues(kaga)
    contract = await in_force(kaga, refs)
    assert contract["versions"][-1]["boundaries"] == [
        {"of": "provider", "part": "サーバー", "who": "提供者"},
        {"of": "user", "part": "端末", "who": "使う人", "call": "通信の会社"},
    ]
    await staffing.enter(kaga, refs[0])
    form = await kaga.client.get(f"{PAGE}/{contract['provider']}/contract", params={"of": contract["id"]})
    assert "端末 | 使う人 | 通信の会社 | 利用者" in form.text
    paper = await kaga.client.get(f"{CONTRACTS}/{contract['id']}/paper")
    assert "利用者　端末：使う人（連絡先：通信の会社）" in paper.text
