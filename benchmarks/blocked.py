"""The longest turn of the event loop that one allowed request takes: nobody else is served meanwhile.

    python -m benchmarks.blocked [word ...]      only what has one of these words in its name

One broker in this process, on an embedded store, asked at its ASGI doors. Counted is the processor
time of the loop's thread between two looks at its sockets, so that other work on the machine, other threads of the store and
waiting count for nothing. The largest of three is shown, the target is 50 ms.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context import api, v2
from kitamae.kernel.context.broker import Broker, Limits
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.context.v2.subscription.registry import Subscriptions as SubscriptionsV2
from kitamae.kernel.people.person import NOBODY
from kitamae.kernel.people.policy import Policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TARGET: Final = 0.050
ROUNDS: Final = int(os.environ.get("ROUNDS", "3"))
_CHUNK: Final = 65_536
_LD: Final = "/ngsi-ld/v1/"


class Watch:
    """`longest`: processor seconds of the loop's thread between two looks for what is new, since `begin`."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._began: float | None = None

    def over(self, selector: Any) -> None:
        """From now on; nothing is run that would not run otherwise."""
        select = selector.select

        def watched(timeout: float | None = None) -> Any:
            now = time.thread_time()
            if self._began is not None:
                self.longest = max(self.longest, now - self._began)
            found = select(timeout)
            self._began = time.thread_time()
            return found

        selector.select = watched

    def begin(self) -> None:
        """Count anew."""
        self.longest, self._began = 0.0, time.thread_time()


def entity(n: int, prefix: str = "Room", **more: Any) -> dict[str, Any]:
    """About 1 kB."""
    attrs = {
        f"reading{k}": {
            "type": "Property",
            "value": n + k,
            "unitCode": "CEL",
            "observedAt": "2026-05-01T00:00:00Z",
        }
        for k in range(8)
    }
    place = {
        "type": "GeoProperty",
        "value": {"type": "Point", "coordinates": [136 + n / 20_000, 36 + n % 97 / 1_000]},
    }
    name = {"type": "Property", "value": f"部屋 {n}"}
    return {
        "id": f"urn:ngsi-ld:{prefix}:{n}",
        "type": prefix,
        "name": name,
        "location": place,
        **attrs,
        **more,
    }


def star(corners: int) -> list[list[list[float]]]:
    ways = [2 * math.pi * n / corners for n in range(corners)]
    ring = [[136 + math.cos(w) / (1 + n % 2), 36 + math.sin(w) / (1 + n % 2)] for n, w in enumerate(ways)]
    return [[*ring, ring[0]]]


def context(size: int) -> dict[str, str]:
    """9,000 terms, about as many as are read, in about so many bytes."""
    return {f"term{n:06d}": f"https://example.org/{'v' * (size // 9_000 - 45)}/{n:06d}" for n in range(9_000)}


Asked = tuple[str, str, str, Any]
"""Name, method, path, content: what is sent as JSON, or bytes as they are."""


def requests() -> AsyncIterator[Asked] | list[Asked]:
    """Everything that a request may be, at its largest."""
    thousand = [entity(n, "Batch") for n in range(1_000)]
    ten = [entity(n, "Large") for n in range(10_000)]
    v2_thousand = [
        {
            "id": f"v{n}",
            "type": "V",
            **{f"a{k}": {"value": n + k, "metadata": {"m": {"value": k}}} for k in range(8)},
        }
        for n in range(1_000)
    ]
    numbers = list(range(1_300_000))
    objects = [{"a": n, "b": "x" * 20} for n in range(240_000)]
    core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
    history = {
        "id": "urn:ngsi-ld:Past:1",
        "type": "Past",
        "level": [
            {
                "type": "Property",
                "value": n,
                "observedAt": f"2026-05-{1 + n % 28:02d}T{n // 28 % 24:02d}:{n // 700 % 60:02d}:{n % 60:02d}Z",
            }
            for n in range(50_000)
        ],
    }
    polygon = {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": star(19_000)}}
    conditions = ";".join(f"reading{n % 8}>={n % 3}" for n in range(249))
    within = {"geometry": "Polygon", "georel": "within", "coordinates": star(4_900)}
    some = {"type": "Query", "entities": [{"type": "Room"}]}
    many = f"{_LD}entities?type=Room&limit=1000"
    return [
        ("batch of 1,000 created", "POST", f"{_LD}entityOperations/create", thousand),
        ("batch of 1,000 upserted", "POST", f"{_LD}entityOperations/upsert", thousand),
        ("batch of 1,000 updated", "POST", f"{_LD}entityOperations/update", thousand),
        ("batch of 1,000 merged", "POST", f"{_LD}entityOperations/merge", thousand),
        ("batch of 1,000 deleted", "POST", f"{_LD}entityOperations/delete", [one["id"] for one in thousand]),
        ("batch of 10,000 upserted", "POST", f"{_LD}entityOperations/upsert", ten),
        ("batch of 10,000 deleted", "POST", f"{_LD}entityOperations/delete", [one["id"] for one in ten]),
        ("op/update of 1,000", "POST", "/v2/op/update", {"actionType": "append", "entities": v2_thousand}),
        ("v2: 1,000 entities", "GET", "/v2/entities?type=V&limit=1000", None),
        ("v2: 1,000 entities of NGSI-LD", "GET", "/v2/entities?type=Room&limit=1000", None),
        ("body of 10 MB, numbers", "POST", f"{_LD}entities", entity(1, "Big", numbers={"type": "Property", "value": numbers})),
        ("  and read", "GET", f"{_LD}entities/urn:ngsi-ld:Big:1", None),
        ("body of 10 MB, objects", "POST", f"{_LD}entities", entity(2, "Big", objects={"type": "Property", "value": objects})),
        ("  and read", "GET", f"{_LD}entities/urn:ngsi-ld:Big:2", None),
        ("body of 10 MB, v2", "POST", "/v2/entities", {"id": "big", "type": "Big", "objects": {"value": objects}}),
        ("  and read over v2", "GET", "/v2/entities/big", None),
        ("polygon of 19,000 corners written", "POST", f"{_LD}entities", entity(1, "Area", border=polygon)),
        ("  and found by a polygon of 4,900", "POST", f"{_LD}entityOperations/query", {"type": "Query", "entities": [{"type": "Area"}], "geoQ": {**within, "geoproperty": "border", "georel": "intersects"}}),
        ("polygon of 19,000 corners asked for", "POST", f"{_LD}entityOperations/query", {**some, "geoQ": {**within, "coordinates": star(19_000)}}),
        ("polygon of 4,900 corners asked for", "POST", f"{_LD}entityOperations/query", {**some, "geoQ": within}),
        ("q of 249 conditions", "POST", f"{_LD}entityOperations/query?limit=1000", {**some, "q": conditions}),
        ("1,000 entities", "GET", many, None),
        ("1,000 entities, keyValues", "GET", f"{many}&options=keyValues", None),
        ("1,000 entities, concise, sysAttrs", "GET", f"{many}&options=concise,sysAttrs", None),
        ("1,000 entities, joined", "GET", f"{many}&join=inline&joinLevel=2", None),
        ("1,000 ids", "POST", f"{_LD}entityOperations/query?limit=1000", {"type": "Query", "entities": [{"type": "Room", "id": f"urn:ngsi-ld:Room:{n}"} for n in range(1_000)]}),
        ("@context of 1 MB hosted", "POST", f"{_LD}jsonldContexts", {"@context": context(990_000)}),
        ("@context of 1 MB in a body", "POST", f"{_LD}entities#ld", {**entity(1, "Said"), "@context": [context(990_000), core]}),
        ("@context of 10 MB in a body", "POST", f"{_LD}entities#ld", {**entity(2, "Said"), "@context": [context(10_000_000), core]}),
        ("history of 50,000 instances written", "POST", f"{_LD}temporal/entities", history),
        ("  and 10,000 read", "GET", f"{_LD}temporal/entities/urn:ngsi-ld:Past:1", None),
        ("  and their values", "GET", f"{_LD}temporal/entities/urn:ngsi-ld:Past:1?options=temporalValues", None),
        ("types and attributes", "GET", f"{_LD}types?details=true", None),
    ]  # fmt: skip


async def ask(door: Any, method: str, path: str, content: Any) -> int:
    """The status."""
    path, _, hint = path.partition("#")
    raw, _, query = path.partition("?")
    body: bytes = content if isinstance(content, bytes) else orjson.dumps(content)
    kind = b"application/ld+json" if hint == "ld" else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))] if body else []
    scope = {
        "type": "http",
        "method": method,
        "path": raw,
        "raw_path": raw.encode(),
        "scheme": "http",
        "query_string": query.encode(),
        "headers": headers,
        "principal": NOBODY,
    }
    chunks = [body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK)] or [b""]
    status = 0

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    await asyncio.sleep(0.01)
    watch.begin()
    await door(scope, receive, send)
    return status


watch = Watch()


async def main(words: list[str]) -> None:
    watch.over(asyncio.get_running_loop()._selector)  # type: ignore[attr-defined]
    wanted: list[Asked] = list(requests())  # type: ignore[arg-type]
    bodies = {id(one[3]): b"" if one[3] is None else orjson.dumps(one[3]) for one in wanted}
    wanted = [(name, method, path, bodies[id(content)]) for name, method, path, content in wanted]
    gc.collect()
    gc.freeze()
    longest: dict[str, tuple[float, int]] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            store = await sqlite.open(Path(folder) / "kitamae.db")
            contexts = Contexts()
            subscriptions = Subscriptions(store, contexts, Destinations(loopback=True))
            second = SubscriptionsV2(store, contexts, subscriptions)
            await second.start()
            await subscriptions.start()
            limits = Limits()
            broker = Broker(store, contexts, Policy(open=True), limits, subscriptions, second, v2.NgsiV2())
            doors = {"/v2": v2.routes(broker), "/ng": api.routes(broker)}
            rooms = [entity(n, link={"type": "Relationship", "object": f"urn:ngsi-ld:Room:{(n + 1) % 1000}"}) for n in range(1_000)]  # fmt: skip
            await ask(doors["/ng"], "POST", f"{_LD}entityOperations/create", rooms)
            above = ""
            for name, method, path, content in wanted:
                above = name if not name.startswith("  ") else above
                if words and not any(word in above for word in words):
                    continue
                status = await ask(doors[path[:3]], method, path, content)
                await asyncio.sleep(0.05)
                known = longest.get(f"{above} / {name}", (0.0, 0))
                longest[f"{above} / {name}"] = (max(known[0], watch.longest), status)
            await subscriptions.close()
            await store.close()
    for name, (seconds, status) in longest.items():
        mark = "" if seconds <= TARGET else "  more than 50"
        print(f"{name.rpartition(' / ')[2]:45} {status}  {seconds * 1000:7.1f} ms{mark}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
