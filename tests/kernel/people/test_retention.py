"""What is kept about persons outside the vault goes by itself, on both stores, and the ledger says how much."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from stores import STORES

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.accounts import Accounts
from kitamae.kernel.people.duties.steps import state
from kitamae.kernel.people.orders import Orders
from kitamae.kernel.people.people import People
from kitamae.kernel.people.platform_purposes import REQUESTS
from kitamae.kernel.people.retention import Retention
from kitamae.kernel.people.sessions import LinkSpent
from kitamae.kernel.people.vault import Purposes

DAY = 86_400_000_000
FAR = "2199-12-31T15:00:00Z"


class Town:
    def __init__(self, store: Any) -> None:
        self.store, self.at = store, clock.micros("2026-11-21T00:00:00Z")
        self.retention = Retention(store, Purposes([REQUESTS]), self.now)
        self.people = People(store, str, now=self.now)

    def now(self) -> int:
        return self.at

    def later(self, days: float) -> str:
        return clock.text(self.at + round(days * DAY))

    async def put(self, *docs: tuple[str, str, Any]) -> None:
        async def work(tx: Any) -> None:
            for kind, id, doc in docs:
                await tx.put("", kind, id, doc)

        await self.store.transact(work)

    async def ids(self, kind: str) -> list[str]:
        return sorted(id for _, id, _ in await self.store.documents("", kind))

    async def told(self) -> list[dict[str, int]]:
        """What the entries of sweeps say, each made sure to stand in the log."""
        leaves = {leaf.data for leaf in await self.store.leaves(0, 10_000)}
        found = [doc for _, _, doc in await self.store.documents("", "swept")]
        for one in found:
            salt = base64.b64decode(one["salt"])
            assert commitment.commit(salt, commitment.canonical(one["told"])) in leaves
        return [one["told"]["went"] for one in found]


@pytest.fixture(params=sorted(STORES))
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    store = await STORES[request.param](tmp_path)
    yield Town(store)
    await store.close()


def mandate(number: str, ends: str, **more: Any) -> tuple[str, str, Any]:
    made = {"at": "2026-01-01T00:00:00Z", "by": "r-1"}
    return "mandate", number, {"number": number, "of": "r-1", "by": "r-2", "sort": "appointed", "ends": ends, "made": made, **more}  # fmt: skip


async def test_a_visitor_whose_letter_nobody_opened_is_forgotten_after_a_day_and_no_other(town: Town) -> None:
    await town.people.welcome("visitor-a", unopened=True)
    await town.people.welcome("visitor-b", unopened=True)
    await town.people.sign_in(await town.people.invite("visitor-b"))
    await town.people.welcome("visitor-c")
    town.at += DAY - 1
    assert await town.retention.sweep() == 0
    await town.people.welcome("visitor-a", unopened=True)  # asked for another letter
    town.at += 1
    assert await town.retention.sweep() == 0
    link = await town.people.invite("visitor-a")
    town.at += DAY
    assert await town.retention.sweep() == 1
    assert await town.ids("person") == ["visitor-b", "visitor-c"]
    assert await town.told() == [{"person": 1}]
    with pytest.raises(LinkSpent):
        await town.people.sign_in(link)


async def test_each_kind_has_its_days_and_one_entry_says_how_much_of_each_went(town: Town) -> None:
    days = town.retention.days
    consent = {"person": "r-1", "client": "bus", "scope": "openid", "at": town.later(0)}
    grant = {"person": "r-1", "client": "bus", "expiresAt": FAR}
    held = {"1": {"until": town.later(0), "order": False}, "2": {"until": FAR, "order": True}}
    step = {"step": "close", "at": town.later(0), "by": "s", "leaf": 1}
    case = {"person": "r-1", "state": "closed", "steps": [step]}
    await town.put(
        mandate("m1", FAR, ended={"at": town.later(0), "by": "r-1"}),
        mandate("m2", FAR),
        ("mandates", "r-1", ["m1", "m2"]),
        ("mandates", "r-2", ["m1"]),
        ("consent", "c1", consent),
        ("consent", "c2", {**consent, "client": "bath", "at": town.later(10_000)}),
        ("grant", "g1", grant),
        ("grant", "g2", {**grant, "client": "bath"}),
        ("withheld", "r-1", held),
        ("case", "k1", case),
        ("case", "k2", {**case, "state": "taken"}),
        ("cases", "r-1", ["k1", "k2"]),
    )
    start = town.at
    kinds = {"withheld": ([], ["r-1"]), "consent": (["c1"], ["c2"]), "mandate": (["m1"], ["m2"]), "case": (["k1"], ["k2"])}  # fmt: skip
    for span in sorted({days[kind] for kind in kinds}):
        now = {kind: both for kind, both in kinds.items() if days[kind] == span}
        town.at = start + span * DAY - 1
        await town.retention.sweep()
        assert {kind: await town.ids(kind) for kind in now} == {
            k: sorted([*g, *stay]) for k, (g, stay) in now.items()
        }
        town.at += 1
        await town.retention.sweep()
        assert {kind: await town.ids(kind) for kind in now} == {k: stay for k, (_, stay) in now.items()}
    assert (await town.store.get("", "withheld", "r-1")).keys() == {"2"}, "what is still withheld stays"
    assert await town.ids("grant") == ["g2"], "with the consent goes what the partner got by it"
    assert await town.store.get("", "mandates", "r-1") == ["m2"]
    assert await town.store.get("", "mandates", "r-2") is None
    assert await town.store.get("", "cases", "r-1") == ["k2"]
    assert await town.told() == [{"withheld": 1}, {"consent": 1}, {"case": 1, "mandate": 1}]
    assert "r-1" not in str(await town.told()), "how much, never whose"


async def test_papers_of_the_town_hall_go_so_long_after_leaving_review_or_close_and_not_before(
    town: Town,
) -> None:
    start, forgotten = town.at, list[str]()

    async def renamed(refs: Any) -> None:
        forgotten.extend(refs)

    span = {"staff": 400, "transfer": 400, "emergency": 400, "breach": 400}
    town.retention = Retention(town.store, Purposes([REQUESTS]), town.now, office=span, renamed=renamed)  # type: ignore[arg-type]

    def step(duty: str, transfer: str, at: float, *, gives: bool) -> dict[str, Any]:
        when = town.later(at)
        return {
            "person": "staff-1", "duty": duty, "gives": gives, "tenants": [""], "until": None, "transfer": transfer, "at": when,
            "decided": when, "by": "staff-9", "second": "staff-8",
        }  # fmt: skip

    def change(counts: float) -> dict[str, Any]:
        return {"counts": town.later(counts), "effective": None, "at": town.later(counts), "steps": []}

    def taken(id: str, review: float | None) -> dict[str, Any]:
        found = (
            {"by": "s", "at": town.later(review), "justified": True, "why": "大雨"}
            if review is not None
            else None
        )
        return {"id": id, "why": "大雨のため", "review": found}

    here = step("counter", "t1", -900, gives=True)
    left = step("account", "t2", 0, gives=False)
    person = {"role": "staff", "createdAt": town.later(-900), "name": "窓口 花子", "section": "市民課"}
    closed = {"done": {"close": "2026-11-21"}, "events": [{"at": town.later(0)}]}
    await town.put(
        ("person", "staff-1", {**person, "named": {"told": {"at": town.later(-900)}}}),
        ("person", "staff-2", person),
        ("duties", "staff-1", {"steps": [here, left]}),
        ("duties", "staff-2", {"steps": [{**here, "person": "staff-2", "transfer": "t3"}]}),
        ("staff-number", "n1", {"person": "staff-1"}),
        ("staff-number", "n2", {"person": "staff-2"}),
        ("recovery", "staff-1", {"by": "staff-2", "at": town.later(-1)}),
        *(
            ("transfer", id, change(counts))
            for id, counts in {"t1": -900, "t2": 0, "t3": -900, "t4": -400}.items()
        ),
        ("approval", "transfer:t4", {"by": "staff-2"}),
        ("emergency", "staff-1", {"taken": [taken("e1", 0), taken("e2", None), taken("e3", 5)]}),
        ("breach", "b1", closed),
        ("breach", "b2", {**closed, "done": {}}),
        ("breach", "b3", closed),
        ("notice", "k", {"about": "breach", "ref": "b3", "state": "waiting", "person": "r-1"}),
    )
    town.at = start + 400 * DAY - 1
    assert await town.retention.sweep() == 1
    assert (await town.ids("transfer"), await town.ids("approval")) == (["t1", "t2", "t3"], []), (
        "others rest on theirs"
    )
    assert (await town.ids("staff-number"), forgotten) == (["n1", "n2"], [])
    town.at += 1
    await town.retention.sweep()
    assert await town.store.get("", "person", "staff-1") == {
        "role": "staff",
        "createdAt": person["createdAt"],
    }
    assert await town.store.get("", "person", "staff-2") == person, "who is there stays as he is"
    kept = (await town.store.get("", "duties", "staff-1"))["steps"]
    assert kept == [{**left, "transfer": "", "by": "", "second": ""}], (
        "that he left, so that nobody is let in again"
    )
    assert state(kept, town.at).left
    assert (await town.ids("staff-number"), await town.ids("recovery"), forgotten) == (
        ["n2"],
        [],
        ["staff-1"],
    )
    assert await town.ids("transfer") == ["t3"]
    assert [one["id"] for one in (await town.store.get("", "emergency", "staff-1"))["taken"]] == ["e2", "e3"]
    assert await town.ids("breach") == ["b2", "b3"], "one is open, and of one somebody has still to be told"
    assert await town.retention.sweep() == 0
    assert "staff-" not in str(await town.told())


async def test_a_passkey_of_who_left_goes_after_a_month_with_an_entry_and_no_other(town: Town) -> None:
    def gone(person: str, *at: tuple[float, bool]) -> tuple[str, str, Any]:
        steps = [
            {
                "person": person, "duty": "account", "gives": gives, "tenants": [""], "until": None, "transfer": f"t-{days}",
                "at": town.later(days), "decided": town.later(days), "by": "staff-9", "second": "staff-8",
            }
            for days, gives in at
        ]  # fmt: skip
        return "duties", person, {"steps": steps}

    key = {"key": "", "count": 0, "name": "x", "createdAt": town.later(-90), "usedAt": None}
    await town.put(
        *(
            ("passkey", f"k-{one}", {**key, "person": one})
            for one in ("left", "back", "late", "here", "visitor")
        ),
        gone("left", (0, False)),
        gone("back", (0, False), (20, True)),
        gone("late", (10, False)),
        gone("here"),
    )
    town.at += 30 * DAY - 1
    assert await town.retention.sweep() == 0
    town.at += 1
    assert await town.retention.sweep() == 1
    assert await town.ids("passkey") == ["k-back", "k-here", "k-late", "k-visitor"]
    assert (await town.ids("revoked"), await town.told()) == (["k-left"], [{"passkey": 1}])
    assert await town.retention.sweep() == 0


async def test_a_partner_is_told_to_sign_out_whoever_agreed_too_long_ago(town: Town) -> None:
    told: list[str] = []
    town.retention = Retention(town.store, Purposes([REQUESTS]), town.now, owes=lambda: told.append("now"))
    agreed = {"person": "r-1", "client": "bus", "scope": "openid", "at": town.later(0), "subject": "s-1"}
    bus = {"id": "bus", "name": "バス", "backchannel": "https://bus.example.jp/out"}
    await town.put(("consent", "c1", agreed), ("client", "bus", bus))
    town.at += 730 * DAY
    assert await town.retention.sweep() == 1
    [(_, _, owed)] = await town.store.documents("", "logout")
    assert ((owed["client"], owed["subject"], owed["sid"]), told) == (("bus", "s-1", ""), ["now"])


async def test_orders_of_long_ago_go_with_an_entry(town: Town) -> None:
    orders = Orders(town.store, None, None, town.now)  # type: ignore[arg-type]
    made = {"person": "p-1", "purpose": "identity"}
    await town.put(
        ("order", "o1", {**made, "at": town.later(0)}), ("order", "o2", {**made, "at": town.later(300)})
    )
    town.at += 366 * DAY
    assert (await orders.tidy(), await orders.tidy()) == (1, 0)
    assert (await town.ids("order"), await town.told()) == (["o2"], [{"order": 1}])


async def test_an_account_that_ended_stays_so_and_one_that_was_begun_since_is_another(town: Town) -> None:
    accounts = Accounts(town.store, town.people)
    key = {"person": "visitor-a", "createdAt": town.later(0)}
    consent = {"person": "visitor-a", "client": "bus", "at": town.later(0)}
    await town.people.welcome("visitor-a")
    await town.put(
        ("passkey", "p1", key),
        ("passkey", "p2", {**key, "createdAt": town.later(2)}),
        ("consent", "c1", consent),
        ("consent", "c2", {**consent, "at": town.later(2)}),
        ("consent", "c3", {**consent, "person": "visitor-b"}),
        mandate("m1", FAR, by="visitor-a"),
        ("mandates", "visitor-a", ["m1"]),
    )
    there = await accounts.of("visitor-a")
    assert there is not None
    assert (there.passkeys, there.mandates, there.visitor) == (2, 1, True)
    ending = await accounts.ending({"visitor-a": town.at + DAY}, town.at)
    went = await town.store.transact(ending)
    assert went == {"consent": 1, "mandate": 1, "passkey": 1, "person": 1}
    assert (await town.ids("passkey"), await town.ids("consent")) == (["p2"], ["c2", "c3"])
    assert await town.ids("revoked") == ["p1"]


async def test_what_was_proposed_to_be_ordered_goes_with_the_second_persons_word(town: Town) -> None:
    office: Any = {"evacuation": 400}
    town.retention = Retention(town.store, Purposes([REQUESTS]), town.now, office=office)
    await town.put(
        ("evacuation-proposal", "a", {"at": town.later(0), "by": "staff-1"}),
        ("evacuation-proposal", "b", {"at": town.later(1), "by": "staff-1"}),
        ("approval", "evacuation:a", {"by": "staff-1", "second": "staff-2"}),
        ("approval", "evacuation:b", {"by": "staff-1", "second": "staff-2"}),
    )
    town.at += 400 * DAY - 1
    assert await town.retention.sweep() == 0
    town.at += 1
    assert await town.retention.sweep() == 1
    assert (await town.ids("evacuation-proposal"), await town.ids("approval")) == (["b"], ["evacuation:b"])
