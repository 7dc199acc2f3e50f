"""Who acts for whom, as browsers see it: two residents, and two people at the counter."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

import staffing
from bare_kaga import bare
from kitamae.kernel.context import clock
from kitamae.kernel.ledger.commitment import reopened
from kitamae.kernel.ledger.proof import Proof
from kitamae.kernel.people.vault import OWN, Asked
from kitamae.kernel.problems import Forbidden
from serving import HERE, SAME, Served, serving
from signing_in import fields, resident

DAY = 86_400_000_000
DESK = "/staff/people/delegations"


@pytest.fixture
async def kaga(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as served:
        await served.loaded()
        yield served


@asynccontextmanager
async def browser(served: Served, who: str = "") -> AsyncIterator[Served]:
    """Another browser; with a resident of the stand-in signed in."""
    transport = httpx2.ASGITransport(app=served.kitamae, client=("127.0.0.1", 1))
    async with httpx2.AsyncClient(transport=transport, base_url=HERE) as client:
        other = Served(served.kitamae, client)
        if who:
            await resident(other, who)
        yield other


async def ref(served: Served) -> str:
    gate = served.kitamae.city.people
    from kitamae.kernel.people import secret

    return (await gate.who(secret.digest(served.client.cookies["kitamae_session"]))).ref


async def send(served: Served, path: str, page: str = "/my/delegations", **form: Any) -> Any:
    csrf = fields((await served.client.get(page)).text)["csrf"]
    return await served.client.post(path, data={"csrf": csrf, **form}, headers=SAME)


async def appointed(one: Served, other: Served, **scope: Any) -> str:
    """`one` lets `other` act; the mandate's number."""
    ends = clock.text(clock.now() + 30 * DAY)[:10]
    made = await send(
        one, "/my/delegations", **{"action": ["read"], "class": ["identity"], "ends": ends, **scope}
    )
    assert made.status_code == 200, made.text
    path = re.search(r"<code>http://[^/]*(/my/delegations/offer/[^<]*)</code>", made.text)
    assert path
    agreed = await send(other, path[1], page=path[1])
    assert agreed.status_code == 303, agreed.text
    number = re.search(
        r"/my/delegations/([0-9a-f]{12})/act", (await other.client.get("/my/delegations")).text
    )
    assert number
    return number[1]


async def test_a_delegate_sees_what_the_person_lets_him_see_visibly_for_that_person(kaga: Served) -> None:
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other:
        number = await appointed(other, one)
        assert "試験 一郎" in (await one.client.get("/my/records")).text
        began = await send(one, f"/my/delegations/{number}/act")
        assert (began.status_code, began.headers["location"]) == (303, "/my/delegations/held")
        held = await one.client.get("/my/delegations/held")
        assert "見本 ツルさんの代理として見ています" in held.text
        assert "試験県見本市見本町２３番地" in held.text
        assert "見本 ツルさんの代理" in (await one.client.get("/places")).text
        records = (await one.client.get("/my/records")).json()["records"]
        (record,) = (one for one in records if one["kind"] != "mandate")
        assert record["fields"]["name"] == "見本 ツル"
        ended = await send(one, "/my/delegations/stop")
        assert ended.status_code == 303
        assert "代理として" not in (await one.client.get("/places")).text
        assert "試験 一郎" in (await one.client.get("/my/records")).text


async def test_the_receipt_says_who_looked_and_for_whom_and_only_the_person_sees_it(kaga: Served) -> None:
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other:
        number = await appointed(other, one)
        delegate = await ref(one)
        await send(one, f"/my/delegations/{number}/act")
        await one.client.get("/my/records")
        answer = await one.client.get("/my/requests/new")  # nothing in his own name by mistake
        assert (answer.status_code, answer.headers["location"]) == (303, "/my/delegations/held")
        filed = {"csrf": one.client.cookies.get("kitamae_csrf", ""), "kind": "question", "text": "x"}
        assert (await one.client.post("/my/requests/new", data=filed, headers=SAME)).status_code == 403
        assert (await one.client.get("/my/flags.json")).status_code == 403
        assert (await one.client.get("/my/receipts")).json()["receipts"] == []  # his own: nobody looked yet
        found = (await other.client.get("/my/receipts")).json()["receipts"]
        assert len(found) == 2, "the name on his pages, then the records: in one session"
        for receipt in found:
            assert (receipt["who"], receipt["basis"]) == (delegate, f"mandate:{number}")
            assert receipt["proof"]["receipt"]["person"] == await ref(other)
        acting = await kaga.kitamae.city.people.who(await _digest(one))
        with pytest.raises(Forbidden):
            await kaga.kitamae.city.vault.receipts(Asked(acting, OWN, (await ref(other),)), 1 << 62, 10)


async def test_what_a_delegate_sees_is_in_words_not_in_codes(kaga: Served) -> None:
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other:
        await send(one, f"/my/delegations/{await appointed(other, one)}/act")
        held = (await one.client.get("/my/delegations/held")).text
        assert "<dd>女性</dd>" in held
        assert re.search(r'生年月日</dt><dd><time datetime="[0-9-]{10}">', held)
        assert "見本 ツルさんの記録です。" in held


async def test_while_one_acts_every_page_of_my_shows_the_other_ones_or_says_that_it_is_ones_own(
    kaga: Served,
) -> None:
    described = (await kaga.client.get("/openapi.json")).json()["paths"]
    paths = [
        path
        for path, does in described.items()
        if path.startswith("/my") and "get" in does and "{" not in path
    ]
    assert len(paths) > 8
    own = "このページは、あなた自身のものです。"
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other:
        await send(one, f"/my/delegations/{await appointed(other, one)}/act")
        told = {}
        for path in paths:
            answer = await one.client.get(path, headers={"Accept": "text/html"})
            led = answer.headers.get("location", "") == "/my/delegations/held"
            if not led and not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            told[path] = (
                "his"
                if led or (path == "/my/delegations/held" and own not in answer.text)
                else own in answer.text
            )
        assert {path for path, what in told.items() if not what} == set()
        assert {"/my/requests", "/my/flags", "/my/delegations"} <= {
            path for path, what in told.items() if what is True
        }
        await send(one, "/my/delegations/stop")
        assert own not in (await one.client.get("/my/requests")).text


async def test_a_mandate_reaches_as_far_as_its_scope(kaga: Served) -> None:
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other:
        number = await appointed(other, one, **{"class": ["requests"]})
        await send(one, f"/my/delegations/{number}/act")
        held = await one.client.get("/my/delegations/held")
        assert "ほかの人の代理として" in held.text
        assert "見本 ツル" not in held.text
        assert (await one.client.get("/my/records")).json()["records"] == []
        acting = await kaga.kitamae.city.people.who(await _digest(one))
        with pytest.raises(Forbidden):
            await kaga.kitamae.city.vault.erase(acting, await ref(other))
        async with browser(kaga, "test-4") as third:
            with pytest.raises(Forbidden):
                await kaga.kitamae.city.vault.read(Asked(acting, OWN, (await ref(third),)))


async def test_who_acts_for_somebody_else_erases_nothing_not_even_his_own(kaga: Served) -> None:
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other:
        number = await appointed(other, one)
        await send(one, f"/my/delegations/{number}/act")
        assert (await one.client.delete("/my/records", headers=SAME)).status_code == 403


async def test_it_is_taken_back_in_two_taps_and_ends_at_the_next_request(kaga: Served) -> None:
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other:
        number = await appointed(other, one)
        await send(one, f"/my/delegations/{number}/act")
        acting = await kaga.kitamae.city.people.who(await _digest(one))
        sure = await other.client.get(f"/my/delegations/{number}/end")
        assert "すぐに、この人はあなたのために何もできなくなります" in sure.text
        assert (
            await send(other, f"/my/delegations/{number}/end", f"/my/delegations/{number}/end")
        ).status_code == 303
        records = (await one.client.get("/my/records")).json()["records"]
        (record,) = (one for one in records if one["kind"] != "mandate")
        assert record["fields"]["name"] == "試験 一郎"
        assert "代理として" not in (await one.client.get("/places")).text
        with pytest.raises(
            Forbidden, match="taken back"
        ):  # between check and read, or another worker's memory
            await kaga.kitamae.city.vault.read(Asked(acting, OWN, (await ref(other),)))
        assert (await send(one, f"/my/delegations/{number}/act")).status_code == 403


async def test_it_ends_by_itself(kaga: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other:
        number = await appointed(other, one)
        city = kaga.kitamae.city
        acting = await city.people.who(await _digest(one))
        await send(one, f"/my/delegations/{number}/act")
        acting = await city.people.who(await _digest(one))
        assert acting.acting is not None
        later = clock.now() + 31 * DAY
        monkeypatch.setattr(city.people.recognising, "_now", lambda: acting.acting.until)
        monkeypatch.setattr(clock, "now", lambda: later)
        with pytest.raises(Forbidden):
            await city.vault.read(Asked(acting, OWN, (await ref(other),)))


async def test_nobody_is_his_own_delegate_and_an_offer_works_once(kaga: Served) -> None:
    async with (
        browser(kaga, "test-1") as one,
        browser(kaga, "test-3") as other,
        browser(kaga, "test-2") as third,
    ):
        ends = clock.text(clock.now() + 30 * DAY)[:10]
        made = await send(
            other, "/my/delegations", **{"action": ["read"], "class": ["identity"], "ends": ends}
        )
        path = re.search(r"<code>http://[^/]*(/my/delegations/offer/[^<]*)</code>", made.text)
        assert path
        csrf = fields((await other.client.get("/my/delegations")).text)["csrf"]
        assert (await other.client.post(path[1], data={"csrf": csrf}, headers=SAME)).status_code == 403
        assert (await send(one, path[1], page=path[1])).status_code == 303
        assert (await third.client.get(path[1])).status_code == 404
        assert (await send(third, path[1])).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"ends": ""}, {"ends": "2020-01-01"}, {"ends": "2999-01-01"}, {"ends": "soon"}, {"class": []}, {"class": ["nothing"]}, {"action": ["delete"]}, {"action": ["read", "write"]}],
)  # fmt: skip
async def test_an_offer_that_says_too_little_or_too_much_is_refused(
    kaga: Served, wrong: dict[str, Any]
) -> None:
    async with browser(kaga, "test-3") as other:
        ends = clock.text(clock.now() + 30 * DAY)[:10]
        made = await send(
            other, "/my/delegations", **{"action": ["read"], "class": ["identity"], "ends": ends, **wrong}
        )
        assert made.status_code == 400
        assert "登録できませんでした" in made.text


async def counter(served: Served, number: int) -> str:
    ref = await served.kitamae.city.people.staff(another=True)
    await staffing.give(served, ref, "counter")
    await staffing.enter(served, ref)
    return ref


async def born(resident: Served) -> str:
    records = (await resident.client.get("/my/records")).json()["records"]
    (record,) = [one for one in records if "birth_date" in one["fields"]]
    return str(record["fields"]["birth_date"])


async def test_the_counter_enters_a_parent_and_a_second_person_decides(kaga: Served) -> None:
    desk = "/staff/people/delegations"
    async with browser(kaga, "test-1") as parent, browser(kaga) as clerk, browser(kaga) as second:
        await counter(clerk, 1)
        await counter(second, 2)
        father = {"by_name": "試験 一郎", "by_birth_date": await born(parent)}
        child = {"of_name": "試験 二郎", "of_birth_date": "2015-02-28"}
        found = await send(clerk, f"{desk}/search", desk, **father)
        by = re.search(r'name="by" value="([^"]+)"', found.text)
        assert by
        form = {
            "csrf": fields(found.text)["csrf"], "of": "new", "by": by[1], "sort": "parent", "action": "read", "class": "*",
            "document": "戸籍全部事項証明書", "new_name": "試験 二郎", "new_birth_date": "2015-02-28", "new_address": "例示町１",
        }  # fmt: skip
        for wrong in (
            {"document": ""},
            {"new_birth_date": "2001-01-01"},
            {"new_name": ""},
            {"document": "123456789018"},
            {"sort": "x"},
        ):
            assert (await clerk.client.post(desk, data={**form, **wrong}, headers=SAME)).status_code in (
                400,
                422,
            )
        nobody = await send(clerk, f"{desk}/search", desk, **child, **father)
        assert 'name="of" value="person-' not in nobody.text, "what was refused left nobody behind"
        made = await clerk.client.post(desk, data=form, headers=SAME)
        assert made.status_code == 303, made.text
        known = await send(clerk, f"{desk}/search", desk, **child, **father)
        assert 'name="of" value="person-' in known.text
        place = made.headers["location"]
        mine = await clerk.client.get(place)
        assert "自分で登録したものを、自分で確かめることはできません" in mine.text
        number = place.rpartition("/")[2]
        assert (await send(parent, f"/my/delegations/{number}/act")).status_code == 403
        shown = fields((await second.client.get(place)).text)
        own = await clerk.client.post(
            place,
            data={**fields(mine.text), "csrf": form["csrf"], "digest": shown["digest"], "word": "yes"},
            headers=SAME,
        )
        assert own.status_code == 403
        sent = {"csrf": shown["csrf"], "digest": shown["digest"], "word": "yes"}
        assert (
            await second.client.post(place, data={**sent, "digest": "0"}, headers=SAME)
        ).status_code == 409
        assert (await second.client.post(place, data=sent, headers=SAME)).status_code == 303
        mandate = await kaga.kitamae.city.ways.delegates.one(number)
        assert mandate["ends"] == "2033-02-27T15:00:00Z"  # the eighteenth birthday begins, in Japan
        assert (await send(parent, f"/my/delegations/{number}/act")).status_code == 303
        assert "試験 二郎さんの代理" in (await parent.client.get("/my/delegations/held")).text
        end = {"csrf": shown["csrf"], "word": "end"}
        assert (await second.client.post(place, data=end, headers=SAME)).status_code == 303
        assert "代理として" not in (await parent.client.get("/places")).text


async def searched(clerk: Served, of: Served, by: Served) -> tuple[str, dict[str, str]]:
    """The page of the counter after a search for both, and what its form would send for the two."""
    asked = {
        "of_name": "見本 ツル", "of_birth_date": await born(of), "by_name": "試験 一郎", "by_birth_date": await born(by),
    }  # fmt: skip
    found = await send(clerk, f"{DESK}/search", DESK, **asked)
    sides = {side: re.search(rf'name="{side}" value="(?!new")([^"]+)"', found.text) for side in ("of", "by")}
    return fields(found.text)["csrf"], {side: one[1] for side, one in sides.items() if one}


async def test_a_letter_of_attorney_that_is_entered_at_the_counter_holds_after_the_second_person(
    kaga: Served,
) -> None:
    async with (
        browser(kaga, "test-1") as one,
        browser(kaga, "test-3") as other,
        browser(kaga) as clerk,
        browser(kaga) as second,
    ):
        await counter(clerk, 1)
        await counter(second, 2)
        csrf, both = await searched(clerk, other, one)
        ends = clock.text(clock.now() + 30 * DAY)[:10]
        form = {"csrf": csrf, **both, "sort": "appointed", "action": "read", "class": "*", "document": "委任状", "ends": ends}  # fmt: skip
        for wrong in ({"of": "?"}, {"by": "?"}, {"of": both["by"], "by": "staff-1"}):
            refused = await clerk.client.post(DESK, data={**form, **wrong}, headers=SAME)
            assert refused.status_code == 400, wrong
        place = (await clerk.client.post(DESK, data=form, headers=SAME)).headers["location"]
        page = (await second.client.get(place)).text
        sent = {"csrf": fields(page)["csrf"], "digest": fields(page)["digest"], "word": "yes"}
        assert (await second.client.post(place, data=sent, headers=SAME)).status_code == 303
        assert (await send(one, f"/my/delegations/{place.rpartition('/')[2]}/act")).status_code == 303


async def test_an_offer_and_an_entry_that_nobody_answered_say_so_and_wait_no_more(
    kaga: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other, browser(kaga) as clerk:
        await counter(clerk, 1)
        ends = clock.text(clock.now() + 60 * DAY)[:10]
        await send(other, "/my/delegations", **{"action": ["read"], "class": ["identity"], "ends": ends})
        csrf, both = await searched(clerk, other, one)
        form = {"csrf": csrf, **both, "sort": "guardian", "action": "read", "class": "*", "document": "登記"}
        place = (await clerk.client.post(DESK, data=form, headers=SAME)).headers["location"]
        assert "相手の同意を待っています" in (await other.client.get("/my/delegations")).text
        later = clock.now() + 15 * DAY
        monkeypatch.setattr(kaga.kitamae.city.ways.delegates, "_now", lambda: later)
        mine = (await other.client.get("/my/delegations")).text
        assert "を待っています" not in mine
        assert mine.count("期限までに同意や確認がありませんでした") == 2
        assert place not in (await clerk.client.get(DESK)).text


async def test_nobody_without_the_duty_comes_to_the_counter(kaga: Served) -> None:
    async with browser(kaga, "test-1") as one, browser(kaga) as nobody:
        for who, status in ((one, 403), (nobody, 401)):
            for method, path in (
                ("GET", ""),
                ("POST", ""),
                ("POST", "/search"),
                ("GET", "/x"),
                ("POST", "/x"),
            ):
                answer = await who.client.request(method, "/staff/people/delegations" + path, headers=SAME)
                assert answer.status_code == status


async def test_every_step_stands_in_the_ledger(kaga: Served) -> None:
    store = kaga.kitamae.city.store
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other:
        before = len(await store.leaves(0, 1_000))
        number = await appointed(other, one)
        await kaga.kitamae.city.ways.delegates.end(
            await kaga.kitamae.city.people.who(await _digest(one)), number
        )
        mandate = await kaga.kitamae.city.ways.delegates.one(number)
        assert [one["what"] for one in mandate["events"]] == ["offered", "agreed", "ended"]
        assert [len(one["leaves"]) for one in mandate["events"]] == [1, 2, 2], "one for each person concerned"
        leaves = {leaf.number for leaf in (await store.leaves(0, 1_000))[before:]}
        assert {number for one in mandate["events"] for number in one["leaves"]} <= leaves
        assert "salt" not in str(mandate)


async def test_whoever_is_erased_leaves_entries_of_his_mandates_that_nobody_opens(kaga: Served) -> None:
    city = kaga.kitamae.city
    async with browser(kaga, "test-1") as one, browser(kaga, "test-3") as other:
        number = await appointed(other, one)
        mandate = await city.ways.delegates.one(number)
        (delegate,), (person,) = [[await ref(who)] for who in (one, other)]
        opened = {}
        for who, whose in ((one, delegate), (other, person)):
            for leaf in mandate["events"][1]["leaves"]:
                answer = await proved(who, leaf)
                if answer.status_code == 200:
                    proof = Proof.parse(answer.content)
                    assert reopened(proof.extra) == (await city.store.leaves(leaf - 1, 1))[0].data
                    assert whose in proof.extra.decode()
                    opened[whose] = leaf, proof
        assert {*opened} == {delegate, person}, "each opens his own, and nobody the other one's"
        csrf = fields((await other.client.get("/my/erase")).text)["csrf"]
        gone = await other.client.post("/my/erase", data={"csrf": csrf}, headers=SAME)
        assert gone.status_code in (200, 303), gone.text
        leaf, proof = opened[person]
        assert (await proved(other, leaf)).status_code == 401, "the account ended with it"
        await resident(other, "test-3", "/my")
        assert (await proved(other, leaf)).status_code == 404
        assert (await city.store.leaves(leaf - 1, 1))[0].data == reopened(proof.extra), (
            "the log is what it was"
        )
        assert (await proved(one, opened[delegate][0])).status_code == 200, "the other one's is his"
        assert await city.ways.delegates.of(person) == await city.ways.delegates.of(delegate) == []
        documents = [
            await city.store.documents("", kind) for kind in ("mandate", "mandates", "mandate-offer")
        ]
        assert person not in str(documents)


async def proved(served: Served, number: int) -> Any:
    """The proof of an entry, once it is published."""
    for _ in range(100):
        answer = await served.client.get(f"/my/proof/{number}")
        if answer.status_code != 503:
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError("not published")


async def _digest(served: Served) -> str:
    from kitamae.kernel.people import secret

    return secret.digest(served.client.cookies["kitamae_session"])
