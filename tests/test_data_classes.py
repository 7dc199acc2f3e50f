"""Open, limited and closed data: what is not for the caller is behind none of the doors that read, and no filter tells of it."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from aiohttp import web

from bare_kaga import bare
from kitamae.kernel.people.person import NOBODY
from receivers import Receiver
from serving import SAME, Served, serving

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"
TOILET = "urn:ngsi-ld:PublicToilet:172065:1"
SPRING = "urn:ngsi-ld:HotSpring:172065:katayamazu"
FIELD, LIMITED, CLOSED = "備考", "SECRET-7719", "CLOSED-4432"
CLASSES = """
[[classes]]
type = "PublicToilet"
attributes = { "備考" = "limited" }

[[classes]]
type = "HotSpring"
class = "closed"
"""
N, V, E = "/ngsi-ld/v1", "/v2", quote(FIELD)
DOORS = (
    f"{N}/entities/{TOILET}", f"{N}/entities/{TOILET}?format=simplified", f"{N}/entities/{TOILET}?attrs={E}", f"{N}/entities/{TOILET}?pick={E}",
    f"{N}/entities/{SPRING}", f"{N}/entities?type=PublicToilet", f"{N}/entities?type=PublicToilet&attrs={E}", f"{N}/entities?local=true&limit=1000",
    f"{N}/entities?id={SPRING},{TOILET}", f"{N}/entities?idPattern=.*&limit=1000", f"{N}/entities?type=PublicToilet&entityMap=true",
    f"{N}/entities?type=PublicToilet,HotSpring&limit=1000&count=true", f"{N}/entities?georel=near;maxDistance==90000&geometry=Point&coordinates=[136.3,36.3]&limit=1000",
    f"{N}/types", f"{N}/types?details=true", f"{N}/types/PublicToilet", f"{N}/types/HotSpring", f"{N}/attributes", f"{N}/attributes?details=true", f"{N}/attributes/{E}",
    f"{N}/temporal/entities/{TOILET}", f"{N}/temporal/entities/{TOILET}?attrs={E}", f"{N}/temporal/entities/{SPRING}", f"{N}/temporal/entities/{SPRING}?format=temporalValues",
    f"{N}/temporal/entities?type=PublicToilet&timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=modifiedAt&limit=1000",
    f"{N}/temporal/entities?type=HotSpring&timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=modifiedAt",
    f"{N}/temporal/entities?type=PublicToilet&timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=modifiedAt&options=aggregatedValues&aggrMethods=max&aggrPeriodDuration=P1D&attrs={E}",
    f"{V}/entities?limit=1000", f"{V}/entities/{TOILET}", f"{V}/entities/{TOILET}/attrs", f"{V}/entities/{TOILET}/attrs/{E}", f"{V}/entities/{TOILET}/attrs/{E}/value",
    f"{V}/entities/{SPRING}", f"{V}/entities?type=HotSpring", f"{V}/types", f"{V}/types/PublicToilet", f"{V}/entities?options=values&attrs={E}&type=PublicToilet",
    f"/entity/{TOILET}", f"/entity/{SPRING}", f"/history/{TOILET}?attribute={E}", f"/history/{SPRING}?attribute={quote('名称')}", "/kind/PublicToilet", "/kind/HotSpring",
    "/map?kind=HotSpring", "/map", "/data", "/", f"/places?text={quote(CLOSED)}", f"/places?text={LIMITED}", f"/api/places/search?text={quote(CLOSED)}",
)  # fmt: skip
QUESTIONS = (
    f"type=PublicToilet&q={E}==%22{LIMITED}%22", f"type=PublicToilet&q={E}", f"type=PublicToilet&q={E}~=SECRET", f"q={E}==%22{LIMITED}%22",
    f"type=PublicToilet&orderBy={E}", f"type=PublicToilet&q=名称==%22x%22%7C{E}",
)  # fmt: skip
POSTS = (
    (f"{N}/entityOperations/query", {"type": "Query", "entities": [{"type": "PublicToilet"}, {"type": "HotSpring"}]}),
    (f"{N}/entityOperations/query", {"type": "Query", "entities": [{"id": SPRING, "type": "Town"}]}),
    (f"{N}/temporal/entityOperations/query", {"type": "Query", "entities": [{"type": "PublicToilet"}], "temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "timeproperty": "modifiedAt"}}),
    (f"{V}/op/query", {"entities": [{"idPattern": ".*"}]}),
    (f"{V}/op/query", {"entities": [{"idPattern": ".*", "type": "PublicToilet"}], "attrs": [FIELD]}),
)  # fmt: skip


@asynccontextmanager
async def city(tmp_path: Path, **chosen: Any) -> AsyncIterator[Served]:
    folder = tmp_path / "city"
    shutil.copytree(KAGA, folder)
    with (folder / "city.toml").open("a", encoding="utf-8") as file:
        file.write(CLASSES)
    async with serving(tmp_path / "data", city=folder, **chosen) as served:
        await served.loaded()
        await told(served, LIMITED)
        closed = {"電話番号": {"type": "Property", "value": CLOSED}}
        headers = await token(served, "write:HotSpring")
        answer = await served.client.post(f"{N}/entities/{SPRING}/attrs", json=closed, headers=headers)
        assert answer.status_code == 204, answer.text
        yield served


async def token(served: Served, *scopes: str) -> dict[str, str]:
    made, _ = await served.kitamae.city.people.tokens.issue("a program", scopes)
    return {"Authorization": f"Bearer {made}"}


async def told(served: Served, said: str) -> None:
    headers = await token(served, "write:PublicToilet")
    sent = {FIELD: {"type": "Property", "value": said}}
    path = f"{N}/entities/{TOILET}/attrs"
    answer = await served.client.post(path, json=sent, headers=headers)
    assert answer.status_code == 204, answer.text


def tells(text: str) -> list[str]:
    return [one for one in (LIMITED, CLOSED, SPRING) if one in text]


async def test_what_is_limited_or_closed_is_behind_no_door_that_reads(tmp_path: Path) -> None:
    async with city(tmp_path) as served:
        open_, found = {}, 0
        for program in ({}, await token(served, "read:Town")):
            for path in DOORS:
                answer = await served.client.get(path, headers=program)
                assert answer.status_code < 500, (path, answer.text)
                found += answer.status_code == 200
                told_ = [one for one in tells(answer.text) if one not in path and quote(one) not in path]
                if told_ and answer.status_code == 200:
                    open_[path] = told_
            for path, sent in POSTS:
                answer = await served.client.post(path, json=sent, headers={**program, **SAME})
                assert answer.status_code < 500, (path, answer.text)
                told_ = [one for one in tells(answer.text) if one not in str(sent)]
                if told_ and answer.status_code == 200:
                    open_[path] = told_
        assert open_ == {}
        assert found > 40, "the doors are there"
        assert "HotSpring" not in (await served.client.get(f"{N}/types")).text
        assert (await served.client.get(f"{N}/types/PublicToilet")).text.count(FIELD) == 0
        assert (await served.client.get(f"{N}/entities/{SPRING}")).status_code == 404
        assert (await served.client.get(f"/entity/{SPRING}")).status_code == 404


async def test_a_filter_on_what_one_may_not_see_is_refused_whatever_the_value_is(tmp_path: Path) -> None:
    async with city(tmp_path) as served:
        cleared = await token(served, "read:PublicToilet")
        for question in QUESTIONS:
            answers = []
            for said in (LIMITED, "something else"):
                await told(served, said)
                answer = await served.client.get(f"{N}/entities?{question}")
                answers.append((answer.status_code, answer.content))
            assert answers[0] == answers[1], question
            assert answers[0][0] in (400, 403), question
        await told(served, LIMITED)
        answer = await served.client.get(f"{N}/entities?{QUESTIONS[0]}", headers=cleared)
        assert [one["id"] for one in answer.json()] == [TOILET]
        answer = await served.client.get(f"{N}/entities?type=Town&q={E}==%22x%22")
        assert answer.status_code == 200, "of other types it is open"
        mine = await served.client.get(f"{V}/entities?type=PublicToilet&q={E}=={LIMITED}")
        other = await served.client.get(f"{V}/entities?type=PublicToilet&q={E}==x")
        assert (mine.status_code, mine.content) == (other.status_code, other.content)


async def test_a_filter_across_a_relationship_finds_the_same_whatever_a_closed_entity_says(
    tmp_path: Path,
) -> None:
    async with city(tmp_path) as served:
        number, leads = quote("電話番号"), {"type": "Relationship", "object": SPRING}
        path, headers = (
            f"{N}/entities/{TOILET}/attrs",
            await token(served, "write:PublicToilet", "write:HotSpring"),
        )
        assert (await served.client.post(path, json={"beside": leads}, headers=headers)).status_code == 204
        for said in (CLOSED, "something else"):
            sent = {"電話番号": {"type": "Property", "value": said}}
            made = await served.client.post(f"{N}/entities/{SPRING}/attrs", json=sent, headers=headers)
            assert made.status_code == 204, made.text
            for q in (f"==%22{CLOSED}%22", "~=%5ECLOSED", ""):
                question = f"type=PublicToilet&join=inline&joinLevel=1&count=true&q=beside%7B{number}%7D{q}"
                answer = await served.client.get(f"{N}/entities?{question}")
                assert (answer.json(), answer.headers["ngsild-results-count"]) == ([], "0"), question


async def test_an_entity_that_is_of_another_type_too_is_not_found_by_what_is_limited(tmp_path: Path) -> None:
    async with city(tmp_path) as served:
        answer = await served.client.post(
            f"{N}/entities/{TOILET}/attrs", json={"type": ["PublicToilet", "Town"]}, headers=await token(served, "write:*")
        )  # fmt: skip
        assert answer.status_code == 204, answer.text
        cleared = await token(served, "read:PublicToilet")
        for question in (f"q={E}==%22{LIMITED}%22", f"q={E}", f"attrs={E}"):
            for path in (f"{N}/entities?type=Town&count=true&{question}", f"{N}/entities?type=Town&count=true&limit=0&{question}"):  # fmt: skip
                answer = await served.client.get(path)
                assert (answer.json(), answer.headers["ngsild-results-count"]) == ([], "0"), path
                told_ = await served.client.get(path, headers=cleared)
                assert told_.headers["ngsild-results-count"] == "1", path
        listed = await served.client.get(f"{N}/entities?type=Town&id={TOILET}")
        assert [one["id"] for one in listed.json()] == [TOILET]
        assert LIMITED not in listed.text


async def test_neither_a_count_nor_an_interval_tells_of_it(tmp_path: Path) -> None:
    async with city(tmp_path) as served:
        client, cleared = served.client, await token(served, "read:PublicToilet")
        headers = await token(served, "write:*")
        instance = {FIELD: {"type": "Property", "value": LIMITED}}
        both = {"type": ["HotSpring", "Town"]}
        was = await client.get(f"{N}/entities?type=Town&count=true&limit=1")
        sent = ((TOILET, instance), (SPRING, both))
        before = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        for id, part in sent:
            answer = await client.post(f"{N}/entities/{id}/attrs", json=part, headers=headers)
            assert answer.status_code == 204, answer.text
        assert (await client.get(f"{N}/entities?type=Town&count=true&limit=1")).headers["ngsild-results-count"] == was.headers["ngsild-results-count"]  # fmt: skip
        path = f"{N}/temporal/entities?type=PublicToilet&timerel=after&timeAt={before}&timeproperty=modifiedAt&count=true"
        answer = await client.get(path)
        assert (answer.json(), answer.headers["ngsild-results-count"]) == ([], "0")
        answer = await client.get(path, headers=cleared)
        assert ([one["id"] for one in answer.json()], answer.headers["ngsild-results-count"]) == (
            [TOILET],
            "1",
        )
        every = f"{N}/temporal/entities?type=PublicToilet&timerel=before&timeAt=2100-01-01T00:00:00Z&timeproperty=modifiedAt&count=true&limit=7"
        seen = [(await client.get(f"{every}&offset={n}")) for n in (0, 7)]
        ids = [one["id"] for answer in seen for one in answer.json()]
        assert len(set(ids)) == 14
        there = await client.get(every, headers=cleared)
        assert seen[0].headers["ngsild-results-count"] == there.headers["ngsild-results-count"]


async def test_a_map_of_what_staff_found_is_for_those_who_see_as_much(tmp_path: Path) -> None:
    async with city(tmp_path) as served:
        client, cleared = served.client, await token(served, "read:PublicToilet")
        path = f"{N}/entities?type=PublicToilet&q={E}==%22{LIMITED}%22"
        made = await client.get(f"{path}&entityMap=true", headers=cleared)
        assert made.status_code == 201, made.text
        where = made.headers["ngsild-entitymap"]
        assert (await client.get(where)).status_code == 404
        assert TOILET in (await client.get(where, headers=cleared)).text
        used = await client.get(f"{N}/entities?type=PublicToilet", headers={"NGSILD-EntityMap": where})
        assert (used.status_code, used.headers["ngsild-entitymap"] == where) == (201, False)


async def test_what_another_city_tells_over_ngsiv2_is_no_way_around(tmp_path: Path) -> None:
    told = [{"id": "urn:t:1", "type": "PublicToilet", "備考": {"type": "Text", "value": LIMITED}}]
    asked = []

    async def answer_with(_: Receiver, request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response(told)

    async with Receiver(answer_with) as other, city(tmp_path, open=True) as served:
        client = served.client
        provider = {"http": {"url": other.uri}}
        sent = {
            "dataProvided": {"entities": [{"idPattern": ".*", "type": "PublicToilet"}]},
            "provider": provider,
        }
        made = await client.post(f"{V}/registrations", json=sent)
        assert made.status_code == 201, made.text
        for path in ("entities/urn:t:1", "entities?id=urn:t:1", f"entities/urn:t:1?attrs={E}", "entities?type=PublicToilet&limit=1000", f"entities/urn:t:1/attrs/{E}/value"):  # fmt: skip
            answer = await client.get(f"{V}/{path}")
            assert LIMITED not in answer.text, path
        assert asked
        assert (await client.get(f"{V}/entities/urn:t:1")).status_code == 200, "that it is there is open"


async def test_staff_see_it_and_a_program_whose_token_names_the_type_sees_what_is_limited(
    tmp_path: Path,
) -> None:
    async with city(tmp_path) as served:
        client, people = served.client, served.kitamae.city.people
        path = f"{N}/entities/{TOILET}?format=simplified"
        assert FIELD not in (await client.get(path)).json()
        program = await token(served, "read:PublicToilet", "read:HotSpring")
        assert (await client.get(path, headers=program)).json()[FIELD] == LIMITED
        assert FIELD not in (await client.get(path)).json(), (
            "the prepared answer is for whoever it was prepared for"
        )
        history = await client.get(f"{N}/temporal/entities/{TOILET}?attrs={E}", headers=program)
        assert LIMITED in history.text
        closed = await client.get(f"{N}/entities/{SPRING}", headers=program)
        assert closed.status_code == 404, "closed is for staff"
        secret, _ = await people.admit(await people.staff(), "staff", 2)
        client.cookies.set("kitamae_session", secret)
        assert CLOSED in (await client.get(f"{N}/entities/{SPRING}")).text
        assert (await client.get(path)).json()[FIELD] == LIMITED
        assert CLOSED in (await client.get(f"{N}/entities?type=HotSpring")).text


async def test_nobody_is_notified_of_it(tmp_path: Path) -> None:
    async with Receiver() as receiver, city(tmp_path, open=True) as served:
        client = served.client
        for number, entities in enumerate(([{"type": "PublicToilet"}], [{"type": "HotSpring"}])):
            sent = {
                "id": f"urn:s:{number}", "type": "Subscription", "entities": entities,
                "notification": {"endpoint": {"uri": receiver.uri}, "showChanges": True},
            }  # fmt: skip
            answer = await client.post(f"{N}/subscriptions", json=sent)
            assert answer.status_code in (201, 401, 403), answer.text
        asking = {
            "id": "urn:s:q", "type": "Subscription", "entities": [{"type": "PublicToilet"}], "q": f'{FIELD}=="guessed"',
            "notification": {"endpoint": {"uri": receiver.uri}},
        }  # fmt: skip
        assert (await client.post(f"{N}/subscriptions", json=asking)).status_code == 201
        await told(served, "guessed")
        await told(served, LIMITED)
        headers = await token(served, "write:PublicToilet", "write:HotSpring")
        spring = {"電話番号": {"type": "Property", "value": CLOSED}}
        assert (
            await client.post(f"{N}/entities/{SPRING}/attrs", json=spring, headers=headers)
        ).status_code == 204
        seen = {"設置位置": {"type": "Property", "value": "open-change"}}
        assert (
            await client.post(f"{N}/entities/{TOILET}/attrs", json=seen, headers=headers)
        ).status_code == 204
        async with asyncio.timeout(20):
            while (
                not receiver.messages or await served.kitamae.city.store.queues()
            ):  # until nothing is owed any more
                await asyncio.sleep(0.05)
        text = orjson.dumps(receiver.messages).decode()
        assert "open-change" in text
        assert LIMITED not in text
        assert "guessed" not in text
        assert CLOSED not in text
        assert all(one["subscriptionId"] == "urn:s:0" for one in receiver.messages)


async def test_a_snapshot_that_staff_made_shows_everybody_else_what_is_open(tmp_path: Path) -> None:
    async with city(tmp_path) as served:
        client, people = served.client, served.kitamae.city.people
        secret, _ = await people.admit(await people.staff(), "staff", 2)
        client.cookies.set("kitamae_session", secret)
        queries = [{"type": "Query", "entities": [{"type": one}]} for one in ("PublicToilet", "HotSpring")]
        made = await client.post(
            f"{N}/snapshots", json={"type": "Snapshot", "snapshotQueries": queries}, headers=SAME
        )
        assert made.status_code == 201, made.text
        async with asyncio.timeout(20):
            while (shown := (await client.get(made.headers["location"])).json())[
                "snapshotStatus"
            ] == "preparing":
                await asyncio.sleep(0.05)
        inside = {"NGSILD-Snapshot": shown["id"]}
        paths = [one for one in DOORS if one.startswith(N) and "entityMap" not in one]
        answers = [(await client.get(one, headers=inside)).text for one in paths]
        assert any(LIMITED in text for text in answers)
        assert any(CLOSED in text for text in answers)
        client.cookies.clear()
        answers = [(await client.get(one, headers=inside)).text for one in paths]
        assert not any(LIMITED in text or CLOSED in text for text in answers)
        assert sum(TOILET in text for text in answers) > 5


async def test_the_stream_tells_nobody_of_it(tmp_path: Path) -> None:
    async with city(tmp_path) as served:
        from kitamae.kernel.context.veil import of_all, veiled

        on, policy = served.kitamae.city, served.kitamae.city.policy
        told_, after = [], 0
        while found := await veiled(on.store, of_all(policy.facts.classes)).changes(after, 50):
            told_ += found
            after = found[-1].seq
        assert len(told_) > 1_000
        text = repr(told_)
        assert tells(text) == []


async def test_without_limited_data_the_broker_is_asked_as_ever(tmp_path: Path) -> None:
    folder = bare(tmp_path / "city")
    text = (folder / "city.toml").read_text("utf-8")
    (folder / "city.toml").write_text(re.sub(r"\[\[classes\]\][^\[]*", "", text), "utf-8")
    async with serving(tmp_path / "data", city=folder) as served:
        from kitamae.kernel.context.veil import seen_by

        broker = served.kitamae.city.broker
        assert seen_by(broker, NOBODY, "") is broker


@pytest.mark.parametrize("wrong", ['class = "secret"', 'attributes = { "a" = "open" }', "colour = 1"])
def test_a_class_that_there_is_not_is_refused(tmp_path: Path, wrong: str) -> None:
    from kitamae.sdk.city import BadCityError, City

    shutil.copytree(KAGA, tmp_path / "city")
    with (tmp_path / "city" / "city.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[[classes]]\ntype = "Town"\n{wrong}\n')
    with pytest.raises(BadCityError, match="classes"):
        City.read(tmp_path / "city")
