"""Cases on each store: what was said, its row and its leaf are one commit, whoever else writes at that moment."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from stores import STORES, open_postgres
from vaults import OFFICER as SOMEBODY
from vaults import TARO, Place, gone

from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.platform_purposes import REQUESTS
from kitamae.kernel.people.policy import Facts, Policy
from kitamae.kernel.people.requests import Breaches, Calendar, Requests, kinds
from kitamae.kernel.people.requests import requests as requests_module
from kitamae.kernel.people.requests.breach import committed
from kitamae.kernel.people.requests.case import Move
from kitamae.kernel.people.requests.requests import Filing
from kitamae.kernel.people.vault import Purposes, Vault
from kitamae.kernel.problems import Conflict, Forbidden, NotFound, TooMany
from kitamae.web.requests import letters

PURPOSES = Purposes([REQUESTS])
OFFICER = replace(SOMEBODY, duties=frozenset({("", "purpose:requests")}))
COMPLAINT = Filing(
    "complaint", "p-taro", about="receipt:7", said={"text": "説明がありませんでした。", "name": "加賀 太郎"}
)
DISCLOSURE = Filing(
    "disclosure", "p-taro", said={"name": "加賀 太郎", "address": "加賀市", "target": "令和7年度の記録"}
)
DAY = 86_400_000_000


class Worker:
    """One process on the city's store."""

    def __init__(self, place: Place) -> None:
        self.place = place

    async def open(self) -> Worker:
        place = self.place
        self.store = await place.opener(place.folder)
        policy = Policy(facts=Facts(bases={REQUESTS.name: "law"}))
        keys = await place.open_keys()
        self.vault = await Vault.open(
            self.store, keys, (place.key,), PURPOSES, policy, now=lambda: place.time
        )
        calendar = Calendar()
        self.requests = Requests(self.store, lambda: self.vault, calendar, now=lambda: place.time)
        self.breaches = Breaches(self.store, calendar, now=lambda: place.time)
        return self

    async def close(self) -> None:
        await self.vault.close()
        await self.store.close()

    async def leaves(self) -> int:
        return len(await self.store.leaves(0, 1000))


@pytest_asyncio.fixture(params=sorted(STORES))
async def worker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Worker]:
    opened = await Worker(Place(STORES[request.param], tmp_path)).open()
    yield opened
    await opened.close()


async def test_a_case_is_filed_answered_and_read_by_both(worker: Worker) -> None:
    requests = worker.requests
    number = await requests.file(TARO, COMPLAINT)
    await requests.step(OFFICER, number, Move("take"))
    await requests.step(OFFICER, number, Move("answer", "調べました。"))
    for who in (TARO, OFFICER):
        said = await requests.said(who, number)
        assert [(one.step, one.fields.get("text", "")) for one in said] == [
            ("file", "説明がありませんでした。"),
            ("take", ""),
            ("answer", "調べました。"),
        ]
    case = await requests.case(number)
    assert (case["state"], case["about"], case["holder"]) == ("answered", "receipt:7", "staff-1")
    assert "加賀" not in str(case)
    assert number.startswith("2026-")


async def test_a_case_that_took_one_decision_takes_no_other(worker: Worker) -> None:
    number = await worker.requests.file(TARO, COMPLAINT)
    before = await worker.leaves()
    tried = await asyncio.gather(
        *(worker.requests.step(OFFICER, number, Move("answer", f"答え{n}")) for n in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict) for one in tried) == 4
    assert await worker.leaves() == before + 2, "the step, and the receipt of whoever wrote it"
    said = await worker.requests.said(TARO, number)
    assert [one.step for one in said] == ["file", "answer"]


async def test_others_see_nothing_and_file_nothing_for_somebody(worker: Worker) -> None:
    number = await worker.requests.file(TARO, COMPLAINT)
    other = replace(TARO, ref="p-hanako", session="s-hanako")
    with pytest.raises(NotFound):
        await worker.requests.own(other, number)
    with pytest.raises(Forbidden):
        await worker.requests.said(other, number)
    with pytest.raises(Forbidden):
        await worker.requests.file(other, COMPLAINT)
    without = replace(OFFICER, duties=frozenset())
    with pytest.raises(Forbidden):
        await worker.requests.step(without, number, Move("take"))
    assert [found for found, _ in await worker.requests.of("p-taro")] == [number]
    assert await worker.requests.of("p-hanako") == []


async def test_ones_own_cases_are_found_without_looking_at_anybody_elses(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [await worker.requests.file(TARO, COMPLAINT) for _ in range(3)]

    async def nobody(*_: object) -> None:
        raise AssertionError("the cases of the whole city were read")

    monkeypatch.setattr(worker.requests._store, "documents", nobody)
    assert [number for number, _ in await worker.requests.of("p-taro")] == numbers
    assert await worker.requests.of("p-hanako") == []
    await worker.requests.file(TARO, COMPLAINT)


async def test_many_at_the_same_time_are_no_way_to_more_open_cases(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_module, "MOST_OPEN", 2)
    told = await asyncio.gather(
        *(worker.requests.file(TARO, COMPLAINT) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(one, str) for one in told) == 2
    assert sum(isinstance(one, TooMany) for one in told) == 4
    assert len(await worker.requests.of("p-taro")) == 2


async def test_one_person_does_not_fill_the_desk(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_module, "MOST_OPEN", 2)
    first = await worker.requests.file(TARO, COMPLAINT)
    await worker.requests.file(TARO, COMPLAINT)
    with pytest.raises(TooMany, match="withdraw"):
        await worker.requests.file(TARO, COMPLAINT)
    await worker.requests.step(TARO, first, Move("withdraw"))
    await worker.requests.file(TARO, COMPLAINT)


async def test_after_an_erasure_the_row_says_that_there_was_a_case_and_nothing_else(worker: Worker) -> None:
    number = await worker.requests.file(TARO, COMPLAINT)
    await gone(worker.vault, "p-taro", by=OFFICER)
    assert await worker.requests.said(OFFICER, number) == []
    assert [one["step"] for one in (await worker.requests.case(number)).get("steps", [])] == ["file"]


async def test_a_breach_is_entered_once_and_its_steps_are_leaves(worker: Worker) -> None:
    today = worker.breaches.today()
    number = await worker.breaches.enter(OFFICER, today, ["many"], 200, {"summary": "名簿を誤って送った"})
    tried = await asyncio.gather(
        *(worker.breaches.step(OFFICER, number, "prompt", today, {}) for _ in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict) for one in tried) == 2
    events = (await worker.breaches.one(number))["events"]
    leaves = {leaf.number: leaf.data for leaf in await worker.store.leaves(0, 1000)}
    assert [one["step"] for one in events] == ["enter", "prompt"]
    assert {one["leaf"] for one in events} <= leaves.keys()
    assert [(one["persons"], one["reasons"], one["learnt"]) for one in events] == [
        (200, ["many"], today.isoformat())
    ] * 2
    for one in events:
        told = commitment.canonical(committed(number, one))
        assert leaves[one["leaf"]] == commitment.commit(base64.b64decode(one["salt"]), told)
    await worker.breaches.step(OFFICER, number, "amend", today, {}, 50, ["wrongful"])
    amended = (await worker.breaches.one(number))["events"][-1]
    assert (amended["persons"], amended["reasons"]) == (50, ["wrongful"])


async def test_of_two_workers_one_answers_and_a_key_destroyed_by_the_other_leaves_nothing_twice(
    tmp_path: Path,
) -> None:
    place = Place(open_postgres, tmp_path)
    here, there = await Worker(place).open(), await Worker(place).open()
    try:
        number = await here.requests.file(TARO, COMPLAINT)
        tried = await asyncio.gather(
            here.requests.step(OFFICER, number, Move("answer", "こちら")),
            there.requests.step(OFFICER, number, Move("answer", "あちら")),
            return_exceptions=True,
        )
        assert sum(isinstance(one, Conflict) for one in tried) == 1
        await gone(there.vault, "p-taro", by=OFFICER)  # `here` still remembers the key
        before = await here.leaves()
        await here.requests.step(TARO, number, Move("reply", "まだ分かりません。"))
        assert await here.leaves() == before + 1
        steps = [one["step"] for one in (await there.requests.case(number)).get("steps", [])]
        assert steps == ["file", "answer", "reply"]
        assert [one.step for one in await there.requests.said(TARO, number)] == ["reply"]
    finally:
        await here.close()
        await there.close()


async def test_what_a_letter_says_is_what_was_told_then_whatever_became_of_the_case(worker: Worker) -> None:
    requests, place = worker.requests, worker.place
    number = await requests.file(TARO, DISCLOSURE)
    (filed,) = [one.fields["due"] for one in await requests.said(TARO, number)]
    await requests.step(OFFICER, number, Move("ask", "写しがありません。"))
    place.time += 5 * DAY
    await requests.step(TARO, number, Move("correct", "送りました。"))
    await requests.step(OFFICER, number, Move("extend", "量が多いため", days=10))
    place.time += DAY
    await requests.step(OFFICER, number, Move("ask", "もう一枚。"))
    place.time += 9 * DAY
    await requests.step(TARO, number, Move("correct", "送りました。"))
    said = await requests.said(TARO, number)
    told = [one.fields.get("due", "") for one in said]
    assert told[0] == filed
    assert told[1] == told[4] == ""
    assert filed < told[2] < told[3] < told[5]
    office = letters.Office("加賀市", "加賀市長")
    case = await requests.case(number)
    for which, row in ((0, "お答えする期限"), (3, "延長後の期限")):
        made = letters.letter(number, case, said, which, requests.day(said[which].at), office)
        assert dict(made.rows)[row] == letters.day(told[which])
    leaves = {leaf.number: base64.b64encode(leaf.data).decode() for leaf in await worker.store.leaves(0, 99)}
    for one in said:
        assert leaves[one.leaf] == one.proof()["leaf"]
        assert one.proof()["record"].get("due", "") == one.fields.get("due", "")


async def test_a_citys_longer_promise_for_complaints_stands_and_the_acts_days_are_never_more(
    worker: Worker,
) -> None:
    days = {"complaint": 30, "disclosure": 45, "correction": 14}
    promised = Requests(worker.store, lambda: worker.vault, Calendar(), days=days, now=worker.requests._now)
    for filing, expected in ((COMPLAINT, 30), (DISCLOSURE, 30)):
        assert (await promised.case(await promised.file(TARO, filing)))["days"] == expected
    assert [kinds.period(kind, days.get(kind, 0)) for kind in ("correction", "suspension", "question")] == [
        14,
        30,
        14,
    ]
