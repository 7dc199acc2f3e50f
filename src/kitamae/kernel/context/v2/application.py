"""The NGSIv2 HTTP binding as one ASGI application, beside that of NGSI-LD on the same broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.kernel.context.api.answer import Answer
from kitamae.kernel.context.api.body import Gone
from kitamae.kernel.context.v2.exchange import Exchange, correlator
from kitamae.kernel.context.v2.problems import of_problem
from kitamae.kernel.people.person import NOBODY
from kitamae.kernel.people.policy import Question
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from kitamae.kernel.context.api.answer import Send
    from kitamae.kernel.context.api.body import Receive
    from kitamae.kernel.context.api.routing import Table
    from kitamae.kernel.context.broker import Broker

PREFIX: Final = b"/v2"
_KEPT: Final = b"/subscriptions"
"""What is answered from memory, and may have been changed by another worker."""
_log = structlog.get_logger(__name__)


class Application:
    """Mount it anywhere: it looks for /v2 in the path. `scope["principal"]` says who asks."""

    def __init__(self, broker: Broker, table: Table) -> None:
        self.broker = broker
        self.table = table

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong becomes an answer too, and the server goes on."""
        method = scope["method"]
        raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8")
        before, prefix, after = raw.partition(b"?")[0].partition(PREFIX)
        path = after if prefix else before  # /version stands beside /v2
        try:
            answer = await self._answer(method, path, scope, receive)
        except Problem as problem:
            answer = of_problem(problem)
        except Gone:
            return
        except Exception:
            _log.exception("an NGSIv2 request failed", method=method, path=path.decode("ascii", "replace"))
            answer = of_problem(
                Problem("the request could not be completed; the cause is in the server's log")
            )
        answer = Answer(answer.status, answer.body, [*answer.headers, correlator(scope)])
        await answer.send(send, head=method == "HEAD")

    async def _answer(
        self, method: str, path: bytes, scope: MutableMapping[str, Any], receive: Receive
    ) -> Answer:
        if method == "OPTIONS":
            return Answer(204, None, [(b"allow", self.table.methods(path).encode("ascii"))])
        route, values = self.table.find(method, path)
        who = scope.get("principal", NOBODY)
        if route.needs is None:
            self.broker.policy.demand(Question(who, "read", "entity:*"))
        elif who.role == "anyone":  # others are asked again with what they want to change
            self.broker.policy.demand(Question(who, *route.needs))
        if path.startswith(_KEPT):
            await self.broker.store.catch_up()
        x = Exchange(self.broker, scope, receive, route)
        await x.begin()
        return await route.handler(x, *values)
