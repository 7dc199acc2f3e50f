"""What the city and the platform themselves hold about persons has its papers, as services do: over HTTP, on the first start and later."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bare_kaga import bare
from kitamae.kernel.context import clock
from kitamae.kernel.people.person import SYSTEM, Acting, Principal
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.problems import Forbidden
from serving import SAME, Served, serving
from signing_in import fields, resident
from staffing import enter

DAY = 86_400_000_000
OWN = ("city-identity", "city-notices", "city-oversight", "city-platform")
PURPOSES = ("identity", "notices", "oversight", "requests", "watching", "data-tracker", "providers")


@asynccontextmanager
async def city(data: Path, folder: Path, **more: Any) -> AsyncIterator[Served]:
    async with serving(data, city=folder, **more) as served:
        await served.loaded()
        yield served


@pytest.fixture
def kaga(tmp_path: Path) -> Path:
    return bare(tmp_path / "kaga")


async def bearer(served: Served, purpose: str) -> dict[str, str]:
    secret, _ = await served.kitamae.city.people.tokens.issue("test", (f"read:person:{purpose}",))
    return {"Authorization": f"Bearer {secret}", "Accept": "application/json"}


async def later(served: Served, days: int) -> None:
    registers = served.kitamae.city.registers
    registers.assessments.register.now = lambda: clock.now() + days * DAY
    await registers.papers.settle()


async def published(served: Served, id: str, days: int = 700) -> None:
    """What the desk does, from the beginning to the end."""
    desk = f"/desk/papers/{id}"
    until = (dt.date.today() + dt.timedelta(days=days)).isoformat()  # noqa: DTZ011
    for form in (
        {"act": "renew"},
        {"act": "review", "by": "石川県の専門家", "opinion": "問題ない"},
        {"act": "publish", "renew_by": until},
    ):
        sent = {**form, "csrf": fields((await served.client.get(desk)).text)["csrf"]}
        answer = await served.client.post(desk, data=sent, headers=SAME)
        assert answer.status_code in (303, 409), answer.text
    assert answer.status_code == 303


async def test_what_the_city_and_the_platform_hold_stands_in_the_register_and_says_that_nobody_reviewed_it(
    tmp_path: Path, kaga: Path
) -> None:
    async with city(tmp_path / "data", kaga) as served:
        client = served.client
        listed = (await client.get("/registers/pias.json")).json()["entries"]
        states = {one["id"]: one["state"] for one in listed}
        assert {id: states[id] for id in OWN} == dict.fromkeys(OWN, "accepted")
        for id in OWN:
            page = (await client.get(f"/registers/pias/{id}")).text
            assert "受け入れずみ（専門家は未確認）" in page
            assert f"/registers/services/{id}" not in page
            assert (await client.get(f"/registers/services/{id}")).status_code == 404
            entity = await client.get(f"/ngsi-ld/v1/entities/urn:ngsi-ld:PrivacyImpactAssessment:{id}")
            assert entity.json()["state"]["value"] == "accepted"
        assert "Accepted, not reviewed" in (await client.get("/registers/pias?lang=en")).text
        chosen = (await client.get("/registers/pias?state=accepted")).text
        assert all(f"/registers/pias/{id}" in chosen for id in OWN)


async def test_a_purpose_of_the_city_whose_assessment_lapsed_is_refused_and_the_person_still_sees_and_erases(
    tmp_path: Path, kaga: Path
) -> None:
    async with city(tmp_path / "data", kaga, demo_residents=True) as served:
        await resident(served)
        vault = served.kitamae.city.vault
        mine = (await served.client.get("/my/records")).json()["records"]
        [(_, person, _)] = await served.kitamae.city.store.documents("", "resident")
        program = await bearer(served, "identity")
        address = f"/people/{person}/records?purpose=identity&field=name"
        assert (await served.client.get(address, headers=program)).status_code == 200
        await later(served, 400)  # 2027-11-30 is past
        answer = await served.client.get(address, headers=program)
        assert (
            answer.status_code,
            "the purpose identity has no privacy impact assessment in force" in answer.text,
        ) == (403, True)
        with pytest.raises(Forbidden, match="no privacy impact assessment in force"):
            await vault.keep(SYSTEM, person, "identity", "person", {"name": "加賀 太郎"})
        await resident(served)  # he comes in: nothing is written down, and what is held he sees
        assert (await served.client.get("/my/records")).json()["records"] == mine
        clerk = Principal(
            "staff-1", "staff", session="s", assurance=2, duties=frozenset({("", "purpose:identity")})
        )
        decision = served.kitamae.city.policy.decide(
            Question(clerk, "delete", f"person:{person}", "", "identity")
        )
        assert decision.allowed, "what is held is erased all the same"
        await vault.erase(Principal(person, "resident", session="s", assurance=3), person)
        desk = await served.kitamae.city.people.staff()
        await enter(served, desk)
        await published(served, "city-identity")
        served.client.cookies.clear()
        assert (await served.client.get(address, headers=program)).status_code == 200


async def test_while_the_platforms_assessment_does_not_hold_nothing_is_filed_and_no_delegate_looks(
    tmp_path: Path, kaga: Path
) -> None:
    async with city(tmp_path / "data", kaga, demo_residents=True) as served:
        policy, now = served.kitamae.city.policy, clock.now()
        acting = Acting("m-1", "resident-2", frozenset({"read"}), ("*",), now + DAY)
        who = Principal("resident-1", "resident", session="s", assurance=3, acting=acting)
        for_another, own = (
            Question(who, "read", f"person:{ref}", "", "own") for ref in ("resident-2", "resident-1")
        )
        assert policy.allows(for_another)
        await later(served, 400)
        with pytest.raises(Forbidden, match="the purpose mandates has no privacy impact assessment"):
            policy.demand(for_another)
        assert policy.allows(own)
        for purpose in PURPOSES:
            with pytest.raises(
                Forbidden, match=f"purpose {purpose} has no privacy impact assessment in force"
            ):
                policy.demand(Question(SYSTEM, "write", "person:resident-1", "", purpose))
        with pytest.raises(Forbidden):
            await served.kitamae.city.vault.read(Asked(who, "requests", ("resident-1",)))
        page = await served.client.get("/registers/pias/city-platform")
        assert "この評価は失効しました" in page.text
        assert "市はこの目的で個人情報を読み書きしません" in page.text


async def test_a_purpose_that_rests_on_papers_nobody_wrote_is_refused_and_the_register_shows_it(
    tmp_path: Path, kaga: Path
) -> None:
    profile = kaga / "city.toml"
    text = profile.read_text("utf-8")
    profile.write_text(re.sub(r'\[\[papers\]\]\nid = "oversight"[^\[]*', "", text), "utf-8")
    async with city(tmp_path / "data", kaga) as served:
        policy = served.kitamae.city.policy
        assert policy.facts.without_papers == {"city-oversight"}
        assert not policy.allows(Question(SYSTEM, "write", "person:resident-1", "", "oversight"))
        assert policy.allows(Question(SYSTEM, "write", "person:resident-1", "", "identity"))
        assert (await served.client.get("/registers/pias/city-oversight.json")).json()["state"] == "draft"


async def test_what_a_city_begins_to_hold_later_waits_for_its_assessment_and_another_basis_stops_it_at_once(
    tmp_path: Path, kaga: Path
) -> None:
    data, profile = tmp_path / "data", kaga / "city.toml"
    text = profile.read_text("utf-8")
    profile.write_text(re.sub(r'\[\[papers\]\]\nid = "oversight"[^\[]*', "", text), "utf-8")
    async with city(data, kaga):
        pass
    profile.write_text(
        text.replace('["email", "topics"]\nentered', '["email", "topics", "phone"]\nentered'), "utf-8"
    )
    assert "phone" in profile.read_text("utf-8")
    async with city(data, kaga) as served:
        assert served.kitamae.city.policy.facts.without_papers == {"city-oversight", "city-notices"}
        register = served.kitamae.city.registers.assessments.register
        assert (await register.entry("city-oversight"))["state"] == "draft"
        assert (await register.entry("city-notices"))["state"] == "lapsed"


async def test_a_city_that_was_begun_before_these_papers_is_not_shut_by_them(
    tmp_path: Path, kaga: Path
) -> None:
    data = tmp_path / "data"
    async with city(data, kaga) as served:

        async def before(tx: Any) -> None:
            for origin in ("city", "platform"):
                await tx.drop("", "registers", f"begun-{origin}")
            for id in OWN:
                await tx.drop("", "register-pias", id)

        await served.kitamae.city.store.transact(before)
    async with city(data, kaga) as served:
        assert served.kitamae.city.policy.facts.without_papers == frozenset()
        register = served.kitamae.city.registers.assessments.register
        assert [(await register.entry(id))["state"] for id in OWN] == ["accepted"] * len(OWN)
