"""A client of NGSIv2 at its ASGI door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.kernel.people.person import NOBODY, Principal

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.json()["error"]


class Client:
    """`root`: /v2 or /ngsi-ld/v1."""

    def __init__(self, application: Callable[..., Any], root: str, principal: Principal = NOBODY) -> None:
        self.application, self.root, self.principal = application, root, principal

    async def __call__(
        self, method: str, path: str, content: Any = None, *, body: bytes | None = None, **headers: str
    ) -> Reply:
        """`content` is sent as JSON, `body` as it is; header names with `_` for `-`."""
        raw, _, query = path.partition("?")
        sent = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        if content is not None:
            body = orjson.dumps(content)
        if body is not None:
            sent.setdefault("content-type", "application/json")
            sent.setdefault("content-length", str(len(body)))
        scope = {
            "type": "http",
            "method": method,
            "path": f"{self.root}/{raw}",
            "raw_path": f"{self.root}/{raw}".encode("ascii"),
            "query_string": query.encode("utf-8"),
            "scheme": "http",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            "principal": self.principal,
        }
        messages: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body or b"", "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.application(scope, receive, send)
        start = messages[0]
        answered = b"".join(one.get("body", b"") for one in messages[1:])
        decoded = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return Reply(start["status"], decoded, answered)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self("GET", path, **headers)

    async def post(self, path: str, content: Any, **headers: str) -> Reply:
        return await self("POST", path, content, **headers)

    async def put(self, path: str, content: Any, **headers: str) -> Reply:
        return await self("PUT", path, content, **headers)

    async def patch(self, path: str, content: Any, **headers: str) -> Reply:
        return await self("PATCH", path, content, **headers)

    async def delete(self, path: str, **headers: str) -> Reply:
        return await self("DELETE", path, **headers)
