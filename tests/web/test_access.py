"""AuthZEN over HTTP: the interoperability decisions of its working group, and the city's own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from bare_kaga import bare
from kitamae.kernel.people.authzen import Evaluation
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.policy import Policy
from kitamae.kernel.people.policy.cedar import Decision, Engine
from kitamae.web import access
from serving import Served, serving
from staffing import give

TODO = Path(__file__).resolve().parents[1] / "kernel" / "people" / "policy" / "todo.cedar"
USERS = {
    "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": (
        "rick@the-citadel.com",
        ["admin", "evil_genius", "editor"],
    ),
    "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("morty@the-citadel.com", ["editor"]),
    "CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("summer@the-smiths.com", ["editor"]),
    "CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("beth@the-smiths.com", []),
    "CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("jerry@the-smiths.com", []),
}
"""The users of the scenario, as its page says who they are."""


def todo() -> access.Decider:
    engine = Engine(TODO.read_text("utf-8"))
    users = [
        {
            "uid": {"type": "User", "id": id},
            "attrs": {"email": email},
            "parents": [{"type": "Role", "id": role} for role in roles],
        }
        for id, (email, roles) in USERS.items()
    ]

    async def decide(asked: Evaluation) -> Decision:
        subject, resource = ("User", asked.subject.id), ("Todo", asked.resource.id)
        return engine.decide(subject, ("Action", asked.action), resource, asked.resource.properties, users)

    return decide


@pytest.fixture
async def point() -> AsyncIterator[httpx2.AsyncClient]:
    everything = Policy(engine=Engine("permit (principal, action, resource);"))
    app = Starlette(routes=access.routes(everything, todo(), "http://pdp"))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://pdp") as client:
        yield client


async def test_every_decision_of_the_interoperability_scenario_is_given(
    point: httpx2.AsyncClient, shared: Path
) -> None:
    file = shared / "data" / "vectors" / "authzen" / "decisions-authorization-api-1_0-02.json"
    cases = json.loads(file.read_text("utf-8"))
    for case in cases["evaluation"]:
        answer = await point.post("/access/v1/evaluation", json=case["request"])
        assert (answer.status_code, answer.json()["decision"]) == (200, case["expected"]), case
    for case in cases["evaluations"]:
        answer = (await point.post("/access/v1/evaluations", json=case["request"])).json()
        given = [{"decision": one["decision"]} for one in answer["evaluations"]]
        assert given == case["expected"], case
    assert (len(cases["evaluation"]), len(cases["evaluations"])) == (40, 3)


def asked(number: int = 4, **more: Any) -> dict[str, Any]:
    beth, todos = list(USERS)[number], [{"resource": {"type": "todo", "id": str(n)}} for n in range(3)]
    return {
        "subject": {"type": "user", "id": beth},
        "action": {"name": "can_create_todo"},
        "resource": {"type": "todo", "id": "1"},
        "evaluations": todos,
        **more,
    }


@pytest.mark.parametrize(
    ("who", "semantic", "given"),
    [
        (4, "execute_all", 3),
        (4, "deny_on_first_deny", 1),
        (0, "deny_on_first_deny", 3),
        (0, "permit_on_first_permit", 1),
    ],
)
async def test_many_questions_stop_where_the_asker_wants(
    point: httpx2.AsyncClient, who: int, semantic: str, given: int
) -> None:
    sent = asked(who, options={"evaluations_semantic": semantic})
    assert len((await point.post("/access/v1/evaluations", json=sent)).json()["evaluations"]) == given


async def test_without_a_list_it_is_one_question_and_the_request_is_named_in_the_answer(
    point: httpx2.AsyncClient,
) -> None:
    answer = await point.post(
        "/access/v1/evaluations", json=asked(0, evaluations=[]), headers={"X-Request-ID": "abc-1"}
    )
    assert answer.json()["decision"] is True
    assert answer.headers["x-request-id"] == "abc-1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": None}, "subject: a JSON object"),
        ({"subject": {"type": "user"}}, "subject.id: a text"),
        ({"action": {"name": 7}}, "action.name: a text"),
        (
            {"resource": {"type": "todo", "id": "x" * 2000}, "evaluations": [{}]},
            "resource.id: a text of at most 1024",
        ),
        ({"context": []}, "context: a JSON object"),
        ({"evaluations": [{}] * 201}, "evaluations: a list of at most 200"),
        ({"evaluations": [3]}, r"evaluations[0]: a JSON object"),
        ({"options": {"evaluations_semantic": "sometimes"}}, "evaluations_semantic: one of"),
    ],
)
async def test_what_cannot_be_read_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    async with serving(tmp_path / "data") as served:
        answer = await served.client.post(
            "/access/v1/evaluations", json=asked(**change), headers=await partner(served)
        )
        assert answer.status_code == 400
        assert said in answer.text


async def partner(served: Served) -> dict[str, str]:
    made, _ = await served.kitamae.city.people.tokens.issue("a partner", ["operate:system:decisions"])
    return {"Authorization": f"Bearer {made}", "accept": "application/json"}


async def test_the_city_answers_partners_as_it_decides_itself_and_nobody_else(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        people, headers = served.kitamae.city.people, await partner(served)
        staff = await people.staff()
        _, gauge = await people.tokens.issue("a gauge", ["write:RiverGauge"], role="device")

        async def may(type: str, id: str, action: str, kind: str, what: str, thing: str = "") -> bool:
            sent = {
                "subject": {"type": type, "id": id},
                "action": {"name": action},
                "resource": {"type": kind, "id": what, "properties": {"thing": thing}},
            }
            answer = await served.client.post("/access/v1/evaluation", json=sent, headers=headers)
            assert answer.status_code == 200, answer.text
            return bool(answer.json()["decision"])

        registered = "urn:ngsi-ld:RiverGauge:172065:1700000063"
        assert await may("token", gauge["number"], "write", "entity", "RiverGauge", registered)
        assert not await may("token", gauge["number"], "write", "entity", "RiverGauge", "urn:x:1")
        assert not await may("token", gauge["number"], "write", "entity", "RiverGauge")
        assert not await may("token", gauge["number"], "write", "entity", "Town")
        assert await may("person", staff, "write", "entity", "Town")
        assert not await may("person", staff, "write", "entity", "Household")
        assert not await may("person", staff, "read", "person", "address")
        assert not await may("person", "nobody", "read", "entity", "Town")
        assert not await may("person", staff, "fly", "entity", "Town")
        question = {
            "subject": {"type": "person", "id": staff},
            "action": {"name": "read"},
            "resource": {"type": "page", "id": "/"},
        }
        assert (await served.client.post("/access/v1/evaluation", json=question)).status_code == 401
        described = (await served.client.get("/.well-known/authzen-configuration")).json()
        assert described["access_evaluation_endpoint"].endswith("/access/v1/evaluation")


async def test_a_resident_is_known_and_a_purpose_counts_as_the_person_agrees_and_the_token_says(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as served:
        await served.loaded()
        city, headers = served.kitamae.city, await partner(served)
        _, letters = await city.people.tokens.issue("letters", ["read:person:notices"])
        await city.people.admit("resident-1", "resident", 3)

        async def asked(subject: tuple[str, str], what: tuple[str, str], **context: Any) -> dict[str, Any]:
            sent = {
                "subject": dict(zip(("type", "id"), subject, strict=True)),
                "action": {"name": "read"},
                "resource": dict(zip(("type", "id"), what, strict=True)),
                "context": context,
            }
            answer = await served.client.post("/access/v1/evaluation", json=sent, headers=headers)
            assert answer.status_code == (400 if "type" in answer.json() else 200), answer.text
            given: dict[str, Any] = answer.json()
            return given

        resident, program, about = ("person", "resident-1"), ("token", letters["number"]), ("person", "resident-1")  # fmt: skip
        town = ("entity", "Town")
        assert (await asked(resident, town))["decision"] is True
        assert (await asked(("person", "resident-2"), town))["context"] == {"policies": ["unknown-subject"]}
        assert (await asked(resident, about, purpose="own"))["decision"] is False, "how he signed in, only his session knows"  # fmt: skip
        assert (await asked(program, about))["decision"] is False
        assert (await asked(program, about, purpose="notices"))["decision"] is False, "nobody agreed"
        who = Principal("resident-1", "resident", frozenset(), 3, "a session")
        notice = city.consents.notice("notices", "ja")
        assert notice is not None
        await city.consents.agree(who, "notices", "ja", notice.version)
        assert await asked(program, about, purpose="notices") == {
            "decision": True,
            "context": {"policies": ["purpose"]},
        }
        assert (await asked(program, about, purpose="identity"))["decision"] is False
        nothing = await asked(program, about, purpose="curiosity")
        assert nothing["context"] == {"policies": ["unknown-purpose"]}
        await city.consents.withdraw(who, "notices")
        assert (await asked(program, about, purpose="notices"))["decision"] is False
        assert "context.purpose" in (await asked(program, about, purpose=7))["detail"]
        assert "resource.id" in (await asked(program, ("person", "?"), purpose="notices"))["detail"]


async def test_a_purpose_opens_no_desk_to_a_member_of_staff_whose_duty_it_is(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        staff, headers = await served.kitamae.city.people.staff(), await partner(served)
        await give(served, staff, "counter")
        for purpose in ("", "identity"):
            sent = {
                "subject": {"type": "person", "id": staff},
                "action": {"name": "operate"},
                "resource": {"type": "desk", "id": "security"},
                "context": {"purpose": purpose},
            }
            answer = await served.client.post("/access/v1/evaluation", json=sent, headers=headers)
            assert answer.json()["decision"] is False
