"""A provider's own pages, by the forms that its people fill in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bare_kaga import bare
from kitamae.kernel.people.providers import Wish, digest, latest
from serving import SAME, Served, serving
from signing_in import outside
from web.developers.building import Built, built, desk, offered, signed_in

DAY = 86_400_000_000
FORM = {
    "sort": "company",
    "name": "加賀のりあい交通株式会社",
    "contact": "運行課",
    "about": "バスの位置を地図に出します",
    "role": "",
    "corporate": "",
}
INCIDENT = {
    "title": "位置がずれた", "what": "バスの位置が一時間古いままでした", "concerns": "", "severity": "middle",
    "found_at": "2026-11-21T09:30", "services": [],
}  # fmt: skip


async def csrf(served: Served, path: str) -> str:
    page = (await served.client.get(path)).text
    found = re.search(r'name="csrf" value="([^"]*)"', page)
    assert found, page
    return found[1]


async def send(served: Served, page: str, path: str, **form: Any) -> Any:
    return await served.client.post(path, data={"csrf": await csrf(served, page), **form}, headers=SAME)


async def enter(served: Served, ref: str = "visitor-bus", assurance: int = 2) -> None:
    _, session = await signed_in(served, ref, "visitor", assurance)
    served.client.cookies.clear()
    served.client.cookies.set("kitamae_session", session)


def at(town: Built) -> str:
    return f"/developers/mine/{town.provider}/contracts/{town.contract}"


async def test_whoever_is_not_signed_in_with_a_passkey_is_told_how(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as served:
        nobody = await served.client.get("/developers/mine")
        assert nobody.status_code == 200
        assert "/sign-in?next=/developers/mine" in nobody.text
        await enter(served, assurance=1)
        assert "パスキーでサインインしてください" in (await served.client.get("/developers/mine")).text
        refused = await served.client.post("/developers/mine", data=FORM, headers=SAME)
        assert refused.status_code == 403


async def test_a_company_applies_is_accepted_agrees_and_works_with_keys(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        providers = served.kitamae.city.providers
        one, two = await desk(served)
        await enter(served)
        applied = await send(served, "/developers/mine", "/developers/mine", **FORM)
        home = applied.headers["location"].partition("?")[0]
        number = home.rpartition("/")[2]
        waiting = (await served.client.get(applied.headers["location"])).text
        assert "申し込みを受け付けました" in waiting
        assert "市が確かめています" in waiting
        await providers.decide(one, number, yes=True)
        today = providers.today
        wish = Wish(
            "バスの位置",
            today.isoformat(),
            f"{today.year + 1}-03-31",
            10,
            100,
            "soc@bus.example.jp",
            writes=["Hub"],
        )
        made = await providers.contracts.prepare(one, number, wish)
        await providers.contracts.confirm(two, made["id"], digest(latest(made)), yes=True)
        contract = f"{home}/contracts/{made['id']}"
        assert "あなたの同意を待っています" in (await served.client.get(home)).text
        seen = re.search(r'name="digest" value="([^"]*)"', (await served.client.get(contract)).text)
        assert seen
        stale = await send(served, contract, f"{contract}/accept", digest="0" * 64)
        assert (stale.status_code, "見ているあいだに変わりました" in stale.text) == (400, True)
        assert (await send(served, contract, f"{contract}/accept", digest=seen[1])).status_code == 303
        shown = await send(served, contract, f"{contract}/keys", label="本番", kind="open")
        secret = re.search(r"<p><code>(\S+)</code></p>", shown.text)
        assert secret
        assert shown.headers["cache-control"] == "no-store"
        assert secret[1] not in (await served.client.get(contract)).text
        bearer = {"Authorization": f"Bearer {secret[1]}"}
        assert (await outside(served, "GET", "/ngsi-ld/v1/types", headers=bearer)).status_code == 200
        page = (await served.client.get(contract)).text
        assert "<dt>今日</dt><dd>1 / 100</dd>" in page

        [key] = await providers.keys.of(made["id"])
        rotated = await send(served, contract, f"{contract}/keys/{key['number']}", act="rotate", days="0")
        assert "新しいキー" in rotated.text
        assert (await outside(served, "GET", "/ngsi-ld/v1/types", headers=bearer)).status_code == 401
        newest = (await providers.keys.of(made["id"]))[0]
        gone = await send(served, contract, f"{contract}/keys/{newest['number']}", act="revoke")
        assert gone.status_code == 303
        assert not any(providers.keys.good(one) for one in await providers.keys.of(made["id"]))


async def test_a_contract_is_declined_with_a_reason(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        town = await offered(served)
        town.enter()
        without = await send(served, at(town), f"{at(town)}/decline", why="")
        assert (without.status_code, "理由を書いてください" in without.text) == (400, True)
        assert (await send(served, at(town), f"{at(town)}/decline", why="期間が短い")).status_code == 303
        assert "取りやめ" in (await served.client.get(at(town))).text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": ""}, "名前を書いてください"),
        ({"corporate": "123"}, "法人番号は13けた"),
        ({"about": "番号は 123456789018 です"}, "マイナンバー"),
    ],
)
async def test_an_application_that_is_not_in_order_is_sent_back_with_what_was_written(
    tmp_path: Path, form: dict[str, str], said: str
) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await enter(served)
        refused = await send(served, "/developers/mine", "/developers/mine", **(FORM | form))
        assert refused.status_code == 400
        assert said in refused.text
        assert "運行課" in refused.text


async def test_a_colleague_joins_by_a_link_that_works_once_and_the_last_one_cannot_leave(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        town = await built(served)
        home = f"/developers/mine/{town.provider}"
        town.enter()
        last = await send(served, home, f"{home}/leave")
        assert (last.status_code, "最後の一人はぬけられません" in last.text) == (400, True)
        made = await send(served, home, f"{home}/invite")
        link = re.search(r"<code>\S*(/developers/join/\S+)</code>", made.text)
        assert link
        await enter(served, "visitor-colleague")
        assert (await served.client.get(home)).status_code == 404
        assert "加賀のりあい交通株式会社" in (await served.client.get(link[1])).text
        assert (await send(served, link[1], link[1])).headers["location"] == f"{home}?done=joined"
        assert (await served.client.get(home)).status_code == 200
        assert (await served.client.get(link[1])).status_code == 404
        assert (await send(served, home, f"{home}/leave")).headers["location"] == "/developers/mine"
        assert (await served.client.get(home)).status_code == 404


async def test_an_incident_lands_at_the_incident_desk(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        town = await built(served)
        town.enter()
        path = f"/developers/mine/{town.provider}/report"
        assert (await send(served, path, path, **(INCIDENT | {"what": ""}))).status_code == 400
        sent = await send(served, path, path, **INCIDENT)
        id = sent.headers["location"].partition("done=")[2]
        assert id in (await served.client.get(sent.headers["location"])).text
        entry = await served.kitamae.city.registers.incidents.register.entry(id)
        assert entry["said"]["title"] == "位置がずれた"
        assert not entry["said"]["published"]


async def test_a_statement_is_for_one_sheet_and_all_of_them_are_a_table(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        town = await built(served)
        providers = served.kitamae.city.providers
        now = providers._on.now()
        object.__setattr__(providers._on, "now", lambda: now + 40 * DAY)
        await providers.statements.close()
        kept = (await providers.statements.of(town.contract))[-1]
        town.enter()
        assert "料金なし" in (await served.client.get(at(town))).text
        sheet = (await served.client.get(f"{at(town)}/statements/{kept['month']}/0")).text
        assert "市は料金を定めていません" in sheet
        assert "加賀のりあい交通株式会社 御中" in sheet
        table = await served.client.get(f"{at(town)}/statements.csv")
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert any(
            row.startswith(f"{kept['month']},0,加賀のりあい交通株式会社") for row in table.text.splitlines()
        )


async def test_nobody_else_sees_anything_of_a_provider(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        town = await built(served)
        home = f"/developers/mine/{town.provider}"
        paths = (home, f"{home}/report", at(town), f"{at(town)}/statements.csv")
        for ref in ("", "visitor-stranger"):
            served.client.cookies.clear()
            if ref:
                await enter(served, ref)
            for path in paths:
                answer = await served.client.get(path)
                assert "バスの位置" not in answer.text, (ref, path)
                assert answer.status_code in ((404,) if ref else (200, 303, 404)), (
                    ref,
                    path,
                    answer.status_code,
                )
        other = await offered_by_another(served)
        await enter(served, "visitor-stranger")
        mixed = f"/developers/mine/{other}/contracts/{town.contract}"
        assert (await served.client.get(mixed)).status_code == 404
        assert (
            await served.client.post(
                f"{mixed}/keys",
                data={"csrf": await csrf(served, "/developers/mine"), "label": "x", "kind": "open"},
                headers=SAME,
            )
        ).status_code == 404


async def offered_by_another(served: Served) -> str:
    await enter(served, "visitor-stranger")
    applied = await send(served, "/developers/mine", "/developers/mine", **(FORM | {"name": "別の会社"}))
    return str(applied.headers["location"].partition("?")[0].rpartition("/")[2])
