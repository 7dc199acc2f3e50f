"""What the pages of this desk have in common: drawn without a cache, refused in words that a template can say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden
from kitamae.web.duties.forms import KEEP_NOTHING, sent, staff

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.providers import Providers
    from kitamae.kernel.problems import Problem
    from kitamae.web.page import ShellPage

PAGE: Final = "/staff/providers"
CONTRACTS: Final = f"{PAGE}/contracts"
FIELDS: Final = (
    "why", "starts", "ends", "title", "service", "purposes", "reads", "writes", "plan", "quota", "security", "subcontractors",
    "boundaries", "yen",
)  # fmt: skip
REFUSED: Final = (BadRequest, Conflict, Forbidden)
"""What a form may be answered with; the page that it came from says why."""


@dataclass(frozen=True, slots=True)
class Ground:
    """`office`: how the town hall signs what it prints."""

    page: ShellPage
    providers: Providers
    office: str

    def show(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page that no cache keeps."""
        given: dict[str, Any] = {
            "csrf": request.scope.get("csrf", ""), "failed": "", "action": PAGE, "contracts_at": CONTRACTS,
            "terms": self.providers.terms, "done": request.query_params.get("done", ""),
        }  # fmt: skip
        return self.page.render(request, template, status=status, headers=KEEP_NOTHING, **(given | values))


async def form(request: Request) -> tuple[Principal, FormData]:
    """Who of the staff sends it, and what it says. Raises Forbidden."""
    who = staff(request)
    return who, await sent(request)


def refused(problem: Problem) -> str:
    """`my-number`, `second`, `changed`, the name of the field that is wrong, or `wrong`."""
    if isinstance(problem, HoldsMyNumber):
        return "my-number"
    if isinstance(problem, Forbidden):
        return "second"
    if isinstance(problem, Conflict):
        return "changed"
    field = problem.detail.partition(":")[0]
    return field if field in FIELDS else "wrong"
