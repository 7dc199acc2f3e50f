"""No service without its papers: what an assessment that lapses does to a service, and how the desk gets it back, over HTTP."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import kitamae.services
from kitamae.kernel.context import clock
from serving import SAME, Served, serving
from signing_in import fields

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"
DAY = 86_400_000_000


@asynccontextmanager
async def city(data: Path) -> AsyncIterator[Served]:
    async with serving(data, city=KAGA) as served:
        await served.loaded()
        yield served


async def staff(served: Served) -> None:
    people = served.kitamae.city.people
    secret, _ = await people.admit(await people.staff(), "staff", 2)
    served.client.cookies.set("kitamae_session", secret)


async def send(served: Served, path: str, **form: Any) -> Any:
    form["csrf"] = fields((await served.client.get(path)).text)["csrf"]
    return await served.client.post(path, data=form, headers=SAME)


async def published(served: Served, service: str, renew_by: str) -> None:
    """What the desk does, from the beginning to the end."""
    desk = f"/desk/papers/{service}"
    for form in (
        {"act": "review", "by": "石川県の専門家", "opinion": "問題ない"},
        {"act": "publish", "renew_by": renew_by},
    ):
        answer = await send(served, desk, **form)
        assert answer.status_code == 303, answer.text


async def test_an_assessment_lapses_by_the_clock_and_the_desk_gets_the_service_back(tmp_path: Path) -> None:
    async with city(tmp_path / "data") as served:
        registers = served.kitamae.city.registers
        later = [0]
        registers.assessments.register.now = lambda: clock.now() + later[0] * DAY
        assert (await served.client.get("/rivers")).status_code == 200
        later[0] = 400  # 2027-11-30 is past
        await registers.papers.settle()
        answer = await served.client.get("/rivers", headers={"accept": "application/json"})
        assert (answer.status_code, "privacy impact assessment" in answer.text) == (403, True)
        assert (await registers.services.entry("rivers"))["state"] == "refused"
        assert "失効" in (await served.client.get("/registers/pias/rivers")).text
        await staff(served)
        assert (await send(served, "/desk/papers/rivers", act="renew")).status_code == 303
        assert (await served.client.get("/rivers")).status_code == 403  # a draft is no paper
        until = dt.date.today() + dt.timedelta(days=400 + 365)  # noqa: DTZ011
        await published(served, "rivers", until.isoformat())
        assert (await served.client.get("/rivers")).status_code == 200
        assert (await registers.services.entry("rivers"))["state"] == "served"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of services of one's own."""
    home = tmp_path / "services"
    shutil.copytree(
        Path(kitamae.services.__file__).parent, home, ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(kitamae.services.__spec__, "submodule_search_locations", [str(home)])
    return home


def change(home: Path, before: str, after: str) -> None:
    path = home / "rivers" / "manifest.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


async def test_a_service_that_begins_to_handle_personal_data_is_refused_until_that_was_assessed(
    tmp_path: Path, copied: Path
) -> None:
    data = tmp_path / "data"
    async with city(data) as served:
        assert (await served.client.get("/rivers")).status_code == 200
    change(
        copied, 'personal = []            # gauges measure water, nobody\npia', 'pia',
    )  # fmt: skip
    change(copied, "security = 1 ", "security = 3 ")
    with (copied / "rivers" / "manifest.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[[personal]]\npurpose = "alerts"\nbasis = "consent"\nfields = ["mail"]\nretention_days = 30\n'
        )
    async with city(data) as served:
        assert (await served.client.get("/rivers")).status_code == 403
        assert (await served.client.get("/places")).status_code == 200
        await staff(served)
        assert (await send(served, "/desk/papers/rivers", act="renew")).status_code == 303
        await published(served, "rivers", (dt.date.today() + dt.timedelta(days=300)).isoformat())  # noqa: DTZ011
        assert (await served.client.get("/rivers")).status_code == 200
    async with city(data) as served:
        assert (await served.client.get("/rivers")).status_code == 200


async def test_another_change_of_the_manifest_makes_it_due_and_after_thirty_days_it_lapses(
    tmp_path: Path, copied: Path
) -> None:
    data = tmp_path / "data"
    async with city(data):
        pass
    change(copied, 'reads = ["RiverGauge", "Alert"]', 'reads = ["RiverGauge", "Town"]')
    async with city(data) as served:
        registers = served.kitamae.city.registers
        assert (await registers.assessments.register.entry("rivers"))["state"] == "due"
        assert (await served.client.get("/rivers")).status_code == 200
        registers.assessments.register.now = lambda: clock.now() + 31 * DAY
        await registers.papers.settle()
        assert (await served.client.get("/rivers")).status_code == 403


async def test_a_service_that_comes_later_is_refused_until_the_desk_publishes(
    tmp_path: Path, copied: Path
) -> None:
    data = tmp_path / "data"
    shutil.move(copied / "rivers", tmp_path / "rivers")
    async with city(data) as served:
        assert (await served.client.get("/rivers")).status_code == 404
    shutil.move(tmp_path / "rivers", copied / "rivers")
    async with city(data) as served:
        assert (await served.client.get("/rivers")).status_code == 403
        await staff(served)
        answer = await send(served, "/desk/papers/rivers", act="publish", renew_by="2027-01-01")
        assert answer.status_code == 409, "nobody has reviewed it"
        await published(served, "rivers", (dt.date.today() + dt.timedelta(days=300)).isoformat())  # noqa: DTZ011
        assert (await served.client.get("/rivers")).status_code == 200


async def test_comments_are_read_before_they_are_shown_and_the_ledger_holds_nothing_of_them(
    tmp_path: Path,
) -> None:
    async with city(tmp_path / "data") as served:
        client, store = served.client, served.kitamae.city.store
        page = "/registers/pias/rivers"
        text = {"text": "水位が古いときの <b>表示</b>を大きくしてほしい"}
        assert (await client.post(page + "/comments", data=text, headers=SAME)).status_code == 409
        await staff(served)
        await send(served, "/desk/papers/rivers", act="renew")
        until = (dt.date.today() + dt.timedelta(days=14)).isoformat()  # noqa: DTZ011
        assert (await send(served, "/desk/papers/rivers", act="comments", until=until)).status_code == 303
        answer = await send(served, "/desk/papers/rivers", act="review", by="x", opinion="x")
        assert answer.status_code == 409, "comments are still asked for"
        client.cookies.clear()
        assert (await client.post(page + "/comments", data=text, headers=SAME)).status_code == 303
        number = {"text": "わたしの個人番号は 123456789018"}
        assert (await client.post(page + "/comments", data=number, headers=SAME)).status_code == 422
        assert "大きくしてほしい" not in (await client.get(page)).text
        await staff(served)
        desk = (await client.get("/desk/papers/rivers")).text
        found = re.search(r'name="comment" value="([0-9a-f]+)"', desk)
        assert found
        form = {"act": "comment", "comment": found[1], "state": "shown", "answer": "そうします"}
        assert (await send(served, "/desk/papers/rivers", **form)).status_code == 303
        shown = (await client.get(page)).text
        assert "&lt;b&gt;表示" in shown
        assert "そうします" in shown
        leaves = await store.leaves(0, 1_000)
        assert not any("大きく".encode() in leaf.data for leaf in leaves)
        client.cookies.clear()
        for _ in range(4):
            answer = await client.post(page + "/comments", data=text, headers=SAME)
        assert answer.status_code == 429


async def test_an_incident_is_secret_until_it_is_published_and_closed_only_with_a_report(
    tmp_path: Path,
) -> None:
    async with city(tmp_path / "data") as served:
        client, store = served.client, served.kitamae.city.store
        assert (await client.get("/desk/incidents")).status_code == 401
        await staff(served)
        told = {
            "title": "水位のページが止まった", "what": "30分のあいだ見られなかった", "concerns": "見ようとした人",
            "severity": "low", "services": "rivers", "found_at": "2026-11-21T09:30",
        }  # fmt: skip
        made = await send(served, "/desk/incidents", **told)
        desk = made.headers["location"]
        id = desk.rpartition("/")[2]
        assert id.endswith("-0001")
        assert (await send(served, desk, act="note", text="原因を調べている 192.0.2.7")).status_code == 303
        assert (await client.get(f"/registers/incidents/{id}")).status_code == 404
        assert (await client.get(f"/registers/incidents/{id}.json")).status_code == 404
        entity = f"/ngsi-ld/v1/entities/urn:ngsi-ld:PublicIncident:{id}"
        assert (await client.get(entity)).status_code == 404
        assert (await send(served, desk, act="change", **told, state="closed")).status_code == 400
        change_ = {**told, "act": "change", "state": "resolved", "published": "1"}
        assert (await send(served, desk, **change_)).status_code == 303
        client.cookies.clear()
        page = (await client.get(f"/registers/incidents/{id}")).text
        assert "30分のあいだ" in page
        assert "192.0.2.7" not in page
        assert (await client.get(entity)).json()["state"]["value"] == "resolved"
        await staff(served)
        assert (await send(served, desk, act="change", **told, state="open")).status_code == 409
        done = {**told, "act": "change", "state": "closed", "report": "設定を直した"}
        assert (await send(served, desk, **done)).status_code == 303
        assert "192.0.2.7" in (await client.get(desk)).text
        leaves = [leaf.data for leaf in await store.leaves(0, 1_000)]
        assert not any("止まった".encode() in leaf or b"192.0.2.7" in leaf for leaf in leaves)


async def test_a_statement_in_the_ledger_names_what_the_entry_says(tmp_path: Path) -> None:
    async with city(tmp_path / "data") as served:
        entry = (await served.client.get("/registers/sensors/river-1700000063.json")).json()
        [made] = entry.pop("changes")
        body = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        assert sha256(body).hexdigest() == made["sha256"]
        [leaf] = await served.kitamae.city.store.leaves(made["number"] - 1, 1)
        assert json.loads(leaf.data)["statement"]["sha256"] == made["sha256"]


async def test_a_register_is_taken_along_as_csv_json_and_a_feed(tmp_path: Path) -> None:
    async with city(tmp_path / "data") as served:
        for name in ("services", "pias", "sensors", "incidents"):
            listed = (await served.client.get(f"/registers/{name}.json")).json()["entries"]
            rows = (
                (await served.client.get(f"/registers/{name}.csv")).content.decode("utf-8-sig").splitlines()
            )
            feed = await served.client.get(f"/registers/{name}.atom")
            assert rows[0].startswith("id,state")
            assert feed.headers["content-type"].startswith("application/atom+xml")
            assert feed.text.count("<entry>") >= len(listed)
        told = (await served.client.get("/registers/pias.json")).text
        assert '"who":' not in told.replace('"who":{"ja"', "")


async def test_a_sensor_is_entered_at_the_desk_and_nobody_else_comes_there(tmp_path: Path) -> None:
    async with city(tmp_path / "data") as served:
        assert (await served.client.get("/desk/sensors/new")).status_code == 401
        await staff(served)
        form = {
            "id": "camera-1", "name_ja": "駅前のカメラ", "kind": "camera", "state": "installed", "accountable": "加賀市",
            "purpose": "traffic", "technology": "de_identified_video", "identifies": "de_identified", "retention_days": "0",
            "latitude": "36.32", "longitude": "136.35",
        }  # fmt: skip
        assert (await send(served, "/desk/sensors/new", **form)).status_code == 303
        assert (await send(served, "/desk/sensors/new", **form)).status_code == 409
        assert (
            await send(served, "/desk/sensors/camera-1", **{**form, "purpose": "spying"})
        ).status_code == 400
        page = (await served.client.get("/registers/sensors/camera-1")).text
        assert "人を見分けられない動画" in page
        assert "残さない" in page
        answer = await served.client.post("/desk/sensors/new", data=form, headers=SAME)
        assert answer.status_code == 403, "a form without this session's token"
