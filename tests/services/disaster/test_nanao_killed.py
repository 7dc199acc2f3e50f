"""The server of Nanao's shelters is killed again and again while phones send: nothing that was answered is lost, nothing counts twice."""

from __future__ import annotations

import contextlib
import html
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from served_city import Served, servers
from sheltering import entity, update
from test_nanao import JST, Snapshots

from bare_kaga import bare

STEP = timedelta(minutes=20)
AT_ONCE = 10  # snapshots that a phone kept before it had a connection
KILLS = 3


def staffed(served: Served) -> httpx2.Client:
    """A browser of the desk."""
    client = httpx2.Client(base_url=served.address, headers={"Origin": served.address})
    sent = client.post("/sign-in", data={"code": served.link.rpartition("/")[2]})
    assert sent.status_code == 303, sent.text
    return client


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return html.unescape(found[1])


class Phones:
    """Keepers who try again until the city answers; the one who is refused a connection starts it again, as its operator does."""

    def __init__(self, start: Callable[[], Served]) -> None:
        self.start, self.served, self.kills = start, start(), 0

    def send(self, link: str, updates: list[dict[str, Any]]) -> None:
        for _ in range(20):
            try:
                answer = httpx2.post(self.served.address + link, json={"updates": updates}, timeout=30)
            except httpx2.HTTPError:
                self.served.process.wait(20)
                self.served = self.start()
                continue
            assert answer.status_code == 200, answer.text
            assert {one["status"] for one in answer.json()["answers"]} == {200}, answer.text
            return
        raise AssertionError("the city never answered")

    def kill_soon(self, seconds: float) -> threading.Timer:
        def kill() -> None:
            self.kills += 1
            self.served.kill()

        timer = threading.Timer(seconds, kill)
        timer.start()
        return timer


def test_a_city_that_is_killed_in_mid_replay_knows_every_report_once(tmp_path: Path, shared: Path) -> None:
    snapshots = Snapshots(shared / "data" / "nanao")
    begun = (datetime.now(UTC) - timedelta(hours=41)).replace(microsecond=0)
    wanted: dict[str, list[int]] = defaultdict(list)
    queues: dict[str, list[dict[str, Any]]] = defaultdict(list)
    before: set[str] = set()
    for taken, (_, people) in enumerate(snapshots.taken):
        at = int((begun + taken * STEP).timestamp()) * 1_000_000
        for one, count in people.items():
            values: dict[str, Any] = {"避難者数": count, "開設状況": "開設"}
            queues[one].append(update(f"snapshot-{taken}", at, **values))
            wanted[one].append(count)
        for one in before - people.keys():
            queues[one].append(update(f"snapshot-{taken}", at, 開設状況="閉鎖"))
        before = set(people)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    city = str(bare(tmp_path / "city"))
    with servers() as start:
        phones = Phones(lambda: start("--city", city, "--open", "--port", port, data=tmp_path / "data"))
        ids = {one: f"urn:ngsi-ld:EvacuationShelter:172065:{one}" for one in queues}
        made = httpx2.post(
            f"{phones.served.address}/ngsi-ld/v1/entityOperations/upsert",
            json=[entity(id, snapshots.reference[one]["名称"]) for one, id in ids.items()],
        )
        assert made.status_code == 201, made.text
        links = {}
        with contextlib.closing(staffed(phones.served)) as desk:
            token = csrf(desk.get("/staff/links?kind=shelter-keeper&text=a").text + desk.get("/staff").text)
            for one, id in ids.items():
                form = {
                    "csrf": token, "kind": "shelter-keeper", "thing": id, "hours": "72", "metres": "0", "text": "",
                    "begins": (begun - timedelta(hours=1)).astimezone(JST).strftime("%Y-%m-%dT%H:%M"), "note": "",
                }  # fmt: skip
                sheet = desk.post("/staff/links", data=form)
                assert sheet.status_code == 303, sheet.text
                address = re.search(
                    r"<code>http://[^/]*(/l/[a-z2-7]{39})</code>", desk.get(sheet.headers["location"]).text
                )
                assert address
                links[one] = address[1] + "/updates"
        timers = []
        for part in range(0, len(snapshots.taken), AT_ONCE):
            if part // AT_ONCE % 4 == 1 and phones.kills < KILLS:
                timers.append(phones.kill_soon(0.4))
            for one, queue in queues.items():
                if kept := queue[part : part + AT_ONCE]:
                    phones.send(links[one], kept)
        for timer in timers:
            timer.join()
        if phones.served.process.poll() is not None:
            phones.served = phones.start()
        assert phones.kills == KILLS

        told = httpx2.get(f"{phones.served.address}/api/disaster/shelters", timeout=30).json()
        last = snapshots.taken[-1][1]
        assert (told["open"], told["people"]) == (len(last), sum(last.values()))
        for one, id in ids.items():
            path = f"/ngsi-ld/v1/temporal/entities/{id}?options=temporalValues&attrs=避難者数&lastN=200"
            history = httpx2.get(phones.served.address + path, timeout=30).json()
            assert [value for value, _ in history["避難者数"]["values"]] == wanted[one], one
