"""What monitors ask for: `/health`, `/health/live`, `/health/ready`, `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.people.person import asking
from kitamae.kernel.people.policy import Question
from kitamae.kernel.problems import MethodNotAllowed
from kitamae.settings import is_loopback

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from kitamae.edge.health import Health
    from kitamae.edge.measures import Measures
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.people.policy import Policy

PATHS: Final = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})


@dataclass(frozen=True, slots=True)
class Monitors:
    """An ASGI application. The figures are for this machine alone, and for whoever may see them from elsewhere."""

    policy: Policy
    health: Health
    measures: Measures
    store: Store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, `http` only. Raises MethodNotAllowed, NotSignedIn, Forbidden."""
        path = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{path} is only read")
        self.policy.demand(Question(asking(scope), "read", f"page:{path}"))
        status, kind = 200, b"application/health+json"
        if path == "/metrics":
            if not _from_here(scope):
                self.policy.demand(Question(asking(scope), "operate", "system:metrics"))
            body, kind = await self.measures.text(self.store), b"text/plain; version=0.0.4; charset=utf-8"
        elif path == "/health/live":
            body = b'{"status":"pass"}'
        else:
            status, report = await self.health.ready()
            body = orjson.dumps(report)
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _from_here(scope: Scope) -> bool:
    """From this machine, and not for somebody else through a proxy."""
    client = (scope.get("client") or ("",))[0]
    forwarded = any(name in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"])
    return is_loopback(client) and not forwarded
