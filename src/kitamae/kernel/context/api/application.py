"""The NGSI-LD HTTP binding as one ASGI application."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.kernel.context.api import negotiation, routing
from kitamae.kernel.context.api.answer import Answer, of_problem
from kitamae.kernel.context.api.answers import Answers
from kitamae.kernel.context.api.body import Gone
from kitamae.kernel.context.api.exchange import Exchange
from kitamae.kernel.context.api.selection import Selections
from kitamae.kernel.context.api.views import Views
from kitamae.kernel.context.earlier import NEWEST
from kitamae.kernel.people.person import NOBODY
from kitamae.kernel.people.policy import Question
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from kitamae.kernel.context.api.answer import Header, Send
    from kitamae.kernel.context.api.body import Receive
    from kitamae.kernel.context.api.views import Shown
    from kitamae.kernel.context.broker import Broker

_KEPT: Final = (b"/subscriptions", b"/csource", b"/jsonldContexts")
"""What is answered from memory, and may have been changed by another worker."""
_log = structlog.get_logger(__name__)


class Application:
    """Mount it anywhere: it looks for /ngsi-ld/v1 in the path. `scope["principal"]` says who asks."""

    def __init__(self, broker: Broker, table: routing.Table) -> None:
        self.broker = broker
        self.table = table
        self.answers: Answers[Shown] = Answers(broker.limits.answers)
        self.views = Views()
        self.selections = Selections()
        self.background: set[asyncio.Task[None]] = set()
        self._tenants: set[str] = {""}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong becomes an answer too, and the server goes on."""
        method = scope["method"]
        path = routing.under_prefix(scope)
        try:
            answer = await self._answer(method, path, scope, receive)
        except Problem as problem:
            answer = of_problem(problem)
            answer.headers += _tenant_of(scope)
        except Gone:
            return
        except Exception:
            _log.exception("an NGSI-LD request failed", method=method, path=path.decode("ascii", "replace"))
            answer = of_problem(
                Problem("the request could not be completed; the cause is in the server's log")
            )
        await answer.send(send, head=method == "HEAD")

    async def _answer(
        self, method: str, path: bytes, scope: MutableMapping[str, Any], receive: Receive
    ) -> Answer:
        if method == "OPTIONS":
            return _options(self.table.methods(path))
        route, values = self.table.find(method, path)
        who = scope.get("principal", NOBODY)
        if route.needs is None:
            self.broker.policy.demand(Question(who, "read", "entity:*"))
        elif who.role == "anyone":  # others are asked again with what they want to change
            self.broker.policy.demand(Question(who, *route.needs))
        if path.startswith(_KEPT):
            await self.broker.store.catch_up()
        x = Exchange(self, scope, receive, route)
        answer = await route.handler(x, *values)
        if b"prefer" in x.headers:
            _confirm_version(x, answer)
        return answer

    async def knows_tenant(self, tenant: str) -> bool:
        """Was anything ever written to it?"""
        if tenant not in self._tenants:
            self._tenants.update(await self.broker.store.tenants())
        return tenant in self._tenants


def _confirm_version(x: Exchange, answer: Answer) -> None:
    """Which version a payload conforms to, for a client that preferred one (6.3.6). What a view shows says so itself;
    of the rest only histories hold entities, and they are written as the newest version says.
    """
    version = negotiation.preferred_version(x.headers[b"prefer"])
    said = any(name == b"preference-applied" for name, _ in answer.headers)
    if version is not None and not said and answer.body is not None and answer.status < 300:
        answer.headers = [
            *answer.headers,
            negotiation.applied(NEWEST if x.route.path.startswith("temporal") else version),
        ]


def _tenant_of(scope: MutableMapping[str, Any]) -> list[Header]:
    """An answer says which tenant it is about, an error too (5.5.10)."""
    return [(name, value) for name, value in scope["headers"] if name == b"ngsild-tenant"]


def _options(allow: str) -> Answer:
    headers = [(b"allow", allow.encode("ascii"))]
    if "PATCH" in allow:
        patch = b"application/json, application/ld+json, application/merge-patch+json"
        headers.append((b"accept-patch", patch))
    return Answer(204, None, headers)
