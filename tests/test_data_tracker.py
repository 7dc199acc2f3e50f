"""Estonia's data tracker interface in a city that is served: what a portal and the person himself get to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kitamae.kernel.context import clock
from kitamae.kernel.people.person import SYSTEM, Principal
from serving import SAME, Served, serving

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"
PORTAL = "read:person:data-tracker"


async def bearer(served: Served, *scopes: str) -> dict[str, str]:
    secret, _ = await served.kitamae.city.people.tokens.issue("test", scopes)
    return {"Authorization": f"Bearer {secret}"}


async def looked_at(served: Served, person: str, times: int = 1) -> None:
    """Somebody's data is kept and read so often."""
    await served.kitamae.city.vault.keep(SYSTEM, person, "identity", "person", {"name": "加賀 太郎"})
    program = await bearer(served, "read:person:identity")
    for _ in range(times):
        address = f"/people/{person}/records?purpose=identity"
        assert (await served.client.get(address, headers=program)).status_code == 200


async def find(served: Served, headers: dict[str, str], **query: Any) -> Any:
    sent = {"X-Road-UserId": "p-taro", **headers}
    return await served.client.get("/v2/findUsage", params={"userCode": "p-taro", **query}, headers=sent)


async def test_a_portal_is_told_who_used_a_persons_data_and_its_asking_is_a_usage_too(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await looked_at(served, "p-taro", 2)
        portal = await bearer(served, PORTAL)
        told = (await find(served, portal)).json()
        assert told["totalUsages"] == 3
        assert told["usages"][1] == {
            "logtime": told["usages"][1]["logtime"],
            "action": "本人確認",
            "receiverCode": "172065",
            "receiverName": "加賀市",
            "receiverSystem": "スマートシティ加賀",
        }
        assert [one["action"] for one in told["usages"]] == ["利用の記録を本人に見せること"] + [
            "本人確認"
        ] * 2
        page = (await find(served, portal, limit=1, offset=2)).json()
        assert (page["totalUsages"], len(page["usages"])) == (4, 1)
        first = told["usages"][-1]["logtime"]
        assert (await find(served, portal, periodEnd=first)).json()["totalUsages"] == 1
        assert (await find(served, portal, periodStart="2999-01-01T00:00:00Z")).json()["totalUsages"] == 0


async def test_ones_own_log_shows_to_oneself_and_never_a_relatives(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        for person in ("p-taro", "p-hanako"):
            await looked_at(served, person)
        assert (await find(served, {})).status_code == 401
        session, _ = await served.kitamae.city.people.admit("p-taro", "resident", 3)
        served.client.cookies.set("kitamae_session", session)
        assert (await find(served, {})).json()["totalUsages"] == 1
        assert (await find(served, {}, userCode="p-hanako")).status_code == 403
        served.client.cookies.clear()
        portal = await bearer(served, PORTAL)
        assert (await find(served, portal, userCode="p-hanako")).json() == {"totalUsages": 0, "usages": []}


async def test_a_look_that_is_withheld_for_an_investigation_is_told_to_no_portal(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await looked_at(served, "p-taro", 2)
        vault, portal = served.kitamae.city.vault, await bearer(served, PORTAL)
        officer = Principal("staff-9", "staff", assurance=2, duties=frozenset({("", "desk:privacy")}))
        session, _ = await served.kitamae.city.people.admit("p-taro", "resident", 3)
        served.client.cookies.set("kitamae_session", session)
        number = (await served.client.get("/my/receipts")).json()["receipts"][-1]["proof"]["number"]
        served.client.cookies.clear()
        until = clock.now() + 86_400_000_000
        before = (await find(served, portal)).json()["totalUsages"]
        await vault.withhold(officer, "p-taro", number, "刑事訴訟法 第197条第2項", until)
        assert (await find(served, portal)).json()[
            "totalUsages"
        ] == before  # one more question, one look less


async def test_a_token_for_something_else_is_refused_and_a_stranger_is_an_empty_list(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        other = await bearer(served, "read:person:identity")
        assert (await find(served, other)).status_code == 403
        portal = await bearer(served, PORTAL)
        for person in ("nobody", "EE12345678901", "", "../..", "a b"):
            answer = await find(served, portal | {"X-Road-UserId": person}, userCode=person)
            assert answer.json() == {"totalUsages": 0, "usages": []}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"limit": "ten"}, "limit"),
        ({"offset": "2147483648"}, "offset"),
        ({"periodStart": "yesterday"}, "periodStart"),
        ({"periodEnd": "2021-02-30T00:00:00Z"}, "periodEnd"),
    ],
)
async def test_a_wrong_question_is_answered_400_and_names_what_is_wrong(
    tmp_path: Path, query: dict[str, str], named: str
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        portal = await bearer(served, PORTAL)
        answer = await find(served, portal, **query)
        assert (answer.status_code, named in answer.json()["detail"]) == (400, True)


async def test_who_is_asked_for_must_be_said(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        portal = await bearer(served, PORTAL)
        for headers, query in (
            ({}, {"userCode": "p-taro"}),
            ({"X-Road-UserId": "p-taro"}, {}),
        ):
            answer = await served.client.get("/v2/findUsage", params=query, headers=portal | headers)
            assert answer.status_code == 400


async def test_ngsiv2_lives_beside_it_as_before(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        assert (await served.client.get("/v2/heartbeat")).json() == {"status": "OK"}
        assert (await served.client.get("/v2/usagePeriod")).json()["periodStart"][:2] == "20"
        assert "entities_url" in (await served.client.get("/v2")).json()
        assert (await served.client.get("/v2/entities?limit=1")).status_code == 200
        assert (await served.client.get("/v2/findUsages")).status_code == 404
        refused = await served.client.post("/v2/findUsage", headers=SAME)
        assert refused.status_code == 405
        assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD"}
