"""The public registers of a city, over HTTP."""

from __future__ import annotations

from pathlib import Path

from serving import SAME, serving
from staffing import enter

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"
GAUGE = "urn:ngsi-ld:RegisteredSensor:river-1700000063"


async def test_nobody_writes_what_a_register_says_not_even_staff(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await served.loaded()
        people = served.kitamae.city.people
        token, _ = await people.tokens.issue("all", ["write:*"])
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        found = await served.client.get(f"/ngsi-ld/v1/entities/{GAUGE}?format=simplified")
        assert found.json()["state"] == "installed"
        path = f"/ngsi-ld/v1/entities/{GAUGE}"
        for method, address, body in (
            ("PATCH", path + "/attrs", '{"state": {"type": "Property", "value": "removed"}}'),
            ("DELETE", path, None),
            ("DELETE", f"/ngsi-ld/v1/temporal/entities/{GAUGE}", None),
            ("POST", "/ngsi-ld/v1/entities", '{"id": "urn:x:1", "type": "RegisteredSensor"}'),
        ):
            answer = await served.client.request(method, address, headers=headers | SAME, content=body)
            assert (answer.status_code, "register" in answer.text) == (403, True), (
                method,
                address,
                answer.text,
            )


async def test_a_service_that_the_city_was_installed_with_is_served_and_the_ledger_says_on_what(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        assert (await served.client.get("/rivers")).status_code == 200
        entry = await served.kitamae.city.registers.assessments.register.entry("rivers")
        assert (entry["state"], entry["said"]["in_force"]["accepted"]) == ("accepted", "shipped")
        assert [one["what"] for one in entry["changes"]] == ["accepted"]


PAGES = (
    "/registers", "/registers/services", "/registers/pias", "/registers/sensors", "/registers/incidents", "/registers/services/rivers",
    "/registers/pias/rivers", "/registers/sensors/river-1700000063", "/registers/sensors/river-1700000063/sign",
    "/registers/sensors?text=宇谷&state=installed&kind=sensor", "/registers/sensors?state=removed",
)  # fmt: skip


async def test_every_page_of_the_registers_is_for_everybody(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await served.loaded()
        for path in PAGES:
            answer = await served.client.get(path)
            assert answer.status_code == 200, (path, answer.text)
        assert "宇谷川" in (await served.client.get(PAGES[-2])).text
        assert "宇谷川" not in (await served.client.get(PAGES[-1])).text
        assert (await served.client.get("/registers/people")).status_code == 404
        assert (await served.client.get("/registers/sensors/none")).status_code == 404


async def test_who_answers_for_what_and_whom_to_call_stands_on_a_services_page_and_in_its_entity(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        page = (await served.client.get("/registers/services/rivers", params={"lang": "en"})).text
        for text in (
            "What the city answers for",
            "What whoever provides the service or its data answers for",
            "The body that installed the gauge",
            "Whom to call: When no gauge&#39;s value is new",
            "your network provider",
        ):
            assert text in page, text
        kept = await served.client.get(
            "/ngsi-ld/v1/entities/urn:ngsi-ld:RegisteredService:rivers", params={"options": "keyValues"}
        )
        assert [one["of"] for one in kept.json()["boundaries"]] == ["provider", "city", "user"]


async def test_the_desk_says_what_a_public_sign_leaves_unknown_and_who_finds_it_out(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await served.loaded()
        await enter(served, await served.kitamae.city.people.staff())
        entries = {
            one["id"]: one["said"] for one in await served.kitamae.city.registers.sensors.register.entries()
        }
        id, said = next(
            (id, said)
            for id, said in entries.items()
            if not said["contact"] or said["retention_days"] is None
        )
        desk = (await served.client.get(f"/desk/sensors/{id}")).text
        assert "公開のはり紙で「不明」になるところ" in desk
        missing = "contact" if not said["contact"] else "retention_days"
        assert f'<a href="#{missing}">' in desk
        assert f'id="{missing}"' in desk
        assert (said["accountable"] or "設置したところに聞いて") in desk
        assert "足りないところがあります" in (await served.client.get("/desk/sensors")).text
        sign = (await served.client.get(f"/registers/sensors/{id}/sign")).text
        assert "不明" in sign
        assert "足りないところ" not in sign
