"""A client of the API at its ASGI door."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.kernel.people.person import NOBODY, Principal

if TYPE_CHECKING:
    from kitamae.kernel.context.api import Application

CITY_CONTEXT = "https://kaga.example/context.jsonld"
"""A context that the test broker knows: `Toilet`, `name`, `floor`, and the Japanese `温度`."""

CITY_DOCUMENT = {
    "@context": {
        "Toilet": "https://kaga.example/terms#Toilet",
        "name": "https://kaga.example/terms#name",
        "floor": "https://kaga.example/terms#floor",
        "温度": "https://kaga.example/terms#temperature",
    }
}


def link(url: str = CITY_CONTEXT) -> str:
    return f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


@dataclass
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    read: int
    """How many messages of the request's body were read before the answer."""

    def json(self) -> Any:
        return orjson.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name), None)

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    @property
    def error(self) -> str:
        """The last part of the error's type URI."""
        return self.json()["type"].rsplit("/", 1)[-1]


class Client:
    def __init__(self, application: Application, principal: Principal = NOBODY) -> None:
        self.application = application
        self.principal = principal

    async def __call__(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        chunks: list[bytes] | None = None,
        announced: bool = True,
    ) -> Reply:
        """`content` is sent as JSON, `body` as it is, `chunks` one message each; `announced`: with a Content-Length."""
        raw, _, query = path.partition("?")
        if content is not None:
            body = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        parts = chunks if chunks is not None else [body or b""]
        if method in ("POST", "PUT", "PATCH"):
            sent.setdefault("content-type", "application/json")
            if announced:
                sent.setdefault("content-length", str(sum(map(len, parts))))
        scope = {
            "type": "http",
            "method": method,
            "path": raw,
            "raw_path": f"/ngsi-ld/v1/{raw}".encode("ascii"),
            "query_string": query.encode("utf-8"),
            "scheme": "http",
            "server": ("city.example", 80),
            "headers": [*([] if "host" in sent else [(b"host", b"city.example")])]
            + [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            "principal": self.principal,
        }
        messages: list[Any] = []
        read = 0

        async def receive() -> dict[str, Any]:
            nonlocal read
            read += 1
            if read > len(parts):
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": parts[read - 1], "more_body": read < len(parts)}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.application(scope, receive, send)
        start = messages[0]
        answered = b"".join(one.get("body", b"") for one in messages[1:])
        decoded = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
        return Reply(start["status"], decoded, answered, read)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    async def post(self, path: str, content: Any, **headers: str) -> Reply:
        return await self(
            "POST", path, content, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    async def patch(self, path: str, content: Any, **headers: str) -> Reply:
        return await self(
            "PATCH", path, content, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


def room(number: int, **members: Any) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Room:{number}",
        "type": "Room",
        "temperature": {"type": "Property", "value": 20 + number, "observedAt": "2026-11-21T00:00:00Z"},
        **members,
    }
