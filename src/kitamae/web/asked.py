"""What each address of the pages asks the policy, before its handler sees the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.routing import Mount, Route

from kitamae.kernel.context import first
from kitamae.kernel.people.person import NOBODY, asking
from kitamae.kernel.people.policy import Action, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.policy import Policy

_DESK: Final = "desk:"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def guard(
    routes: Iterable[BaseRoute],
    policy: Policy,
    tenant: str,
    *,
    service: str = "",
    for_everybody: bool = False,
    desk: str = "",
) -> None:
    """Let every one of them ask first. `tenant`: the city's; `service`: whose pages they are; `for_everybody`: what is sent to
    them, whoever comes may send, and it says itself who it comes from (to sign in, for one); `desk`: the duty of the town hall
    whose work it is (`privacy`), which nobody else even reads.

    Raises TypeError for a route that is neither an address nor a folder of them.
    """
    for route in routes:
        if not isinstance(route, Route | Mount):
            raise TypeError(f"{route!r}: the policy cannot be asked about such a route")
        asked: Action = "use" if for_everybody else "write"
        what = f"{_DESK}{desk}" if desk else f"page:{route.path}"
        route.app = Asked(route.app, policy, what, tenant, service, asked)


def shown_to_all(routes: Iterable[BaseRoute]) -> Callable[[str], None]:
    """Asks what a page's own route asks, as whoever is not signed in reads it: for what is given of the page beside its route, a copy or
    what it said last. The answer takes the path of one that is guarded, and raises NotSignedIn, Forbidden; KeyError for any other path.
    """
    behind = {one.path: one.app for one in routes if isinstance(one, Route) and isinstance(one.app, Asked)}

    def demand(path: str) -> None:
        behind[path].demand(NOBODY, "GET")

    return demand


@dataclass(frozen=True, slots=True)
class Asked:
    """An application behind its question. `sending`: what it is asked for, for methods that do not only read.

    A desk's work is done by whoever still has that duty when it is committed: every transaction of it asks once more.
    """

    inner: ASGIApp
    policy: Policy
    what: str
    tenant: str
    service: str
    sending: Action

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, `http` only. Raises NotSignedIn, Forbidden."""
        question = self.demand(asking(scope), scope["method"])
        if not self.what.startswith(_DESK):
            await self.inner(scope, receive, send)
            return
        with first.asking(lambda tx: self.policy.demand_again(tx, question)):
            await self.inner(scope, receive, send)

    def demand(self, who: Principal, method: str) -> Question:
        """What was asked. Raises NotSignedIn, Forbidden."""
        action: Action = "read" if method in _READS else self.sending
        question = Question(who, action, self.what, self.tenant, service=self.service)
        self.policy.demand(question)
        return question
