"""What every page says while its reader acts for somebody else: for whom, how to stop, and whose it is where that could be mistaken.

The other one's name is read once, when acting begins (with a receipt), and travels in a sealed note in the reader's own browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.person import asking
from kitamae.kernel.problems import Problem
from kitamae.web.delegates import HERE

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.gate import Gate
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.seal import Seal
    from kitamae.sdk.manifest import Language
    from kitamae.web.shell import Shell

COOKIE: Final = "acting"
MINE: Final = "/my/delegations"
STOP: Final = MINE + "/stop"
HELD: Final = MINE + "/held"
"""The one page that shows what is the other one's."""
OWN: Final = "/my"
"""Beneath it every page shows what is one's own, and says so."""
_PURPOSE: Final = "name of whom one acts for"
_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Banner:
    """One per city; among `Shell.banners`."""

    shell: Shell
    gate: Gate
    seal: Seal

    def carry(self, who: Principal, name: str) -> str:
        """The Set-Cookie value that keeps the name for as long as this session acts."""
        number = who.acting.number if who.acting else ""
        note = self.seal.write(_PURPOSE, {"session": who.session, "number": number, "name": name}, _SECONDS)
        return self.gate.carry(COOKIE, note, _SECONDS)

    def drop(self) -> str:
        """The Set-Cookie value that takes it away."""
        return self.gate.carry(COOKIE, "", 0)

    def name(self, request: Request) -> str:
        """Of whom this session acts for; "" where the mandate does not reach as far as the name."""
        who = asking(request.scope)
        note = self.gate.carried(request.scope, COOKIE)
        if who.acting is None or not note:
            return ""
        try:
            told: dict[str, Any] = self.seal.read(_PURPOSE, note)
        except (BadToken, Problem):
            return ""
        fits = told["session"] == who.session and told["number"] == who.acting.number
        return str(told["name"]) if fits else ""

    def __call__(self, request: Request, language: Language) -> str:
        """For the frame of a page; nothing for whoever acts for himself."""
        if asking(request.scope).acting is None:
            return ""
        path = request.url.path
        own = path != HELD and (path == OWN or path.startswith(OWN + "/"))
        template = self.shell.environment(HERE, language).get_template("acting.html")
        told: dict[str, Any] = {
            "name": self.name(request),
            "csrf": request.scope.get("csrf", ""),
            "action": STOP,
            "own": own,
            "held": HELD,
        }
        return template.render(told)
