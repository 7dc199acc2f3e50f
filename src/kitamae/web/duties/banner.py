"""What stands above every page of a member of staff who has more than his duties (as founder, or in an emergency), or reviews that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.people.person import EVERYWHERE, asking

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.duties import Emergencies
    from kitamae.sdk.manifest import Language
    from kitamae.web.page import ShellPage
    from kitamae.web.shell import Banner


def banner(page: ShellPage, taken: Emergencies, tenant: str) -> Banner:
    """For `Shell.banners`."""

    def show(request: Request, language: Language) -> str:
        who = asking(request.scope)
        if who.role != "staff":
            return ""
        reviews = taken.waiting if (tenant, "desk:privacy") in who.duties else 0
        if not (who.emergency or reviews or founder(who.duties)):
            return ""
        template = page.shell.environment(page.folder, language).get_template("duties-banner.html")
        return template.render(
            lang=language, emergency=sorted(who.emergency), founder=founder(who.duties), reviews=reviews
        )

    def founder(duties: frozenset[tuple[str, str]]) -> bool:
        """Nobody else has a desk everywhere: `standing.py` gives it to the founder alone."""
        return (EVERYWHERE, "desk:staff") in duties

    return show
