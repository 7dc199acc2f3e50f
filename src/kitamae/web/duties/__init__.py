"""The pages of duties (担当): who holds which, changes with a second person's word, 人事異動 from a file, and emergency access.

`/staff/duties` and `/staff/transfers` are the work of the desk `staff`, `/staff/emergencies` of the desk `privacy`;
`/staff/emergency` is for everybody of the staff, `/emergency-access` for everybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from kitamae.web.asked import guard
from kitamae.web.duties import banner, emergencies, emergency, members, transfers
from kitamae.web.page import ShellPage

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from kitamae.kernel.people.duties import Emergencies, Office
    from kitamae.kernel.people.duties.numbers import Numbers
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.policy import Policy
    from kitamae.sdk.city import City
    from kitamae.web.shell import Shell

HERE = Path(__file__).parent


def routes(
    shell: Shell,
    profile: City | None,
    office: Office,
    taken: Emergencies,
    people: People,
    numbers: Numbers,
    origin: str,
    policy: Policy,
) -> list[BaseRoute]:
    """All of them, each behind its question. `origin`: what a sign-in link for a new colleague begins with."""
    page = ShellPage(shell, HERE)
    tenant = profile.tenant if profile else ""
    zone = ZoneInfo(profile.timezone if profile else "Asia/Tokyo")
    desk: list[BaseRoute] = [
        *members.routes(page, office, people, numbers, origin, tenant, zone),
        *transfers.routes(page, office, numbers, tenant, zone),
    ]
    guard(desk, policy, tenant, desk="staff")
    reviewing: list[BaseRoute] = [*emergencies.routes(page, taken)]
    guard(reviewing, policy, tenant, desk="privacy")
    own: list[BaseRoute] = [*emergency.routes(page, office, taken, tenant), emergencies.counted(page, taken)]
    guard(own, policy, tenant)
    shell.banners.append(banner.banner(page, taken, tenant))
    return [*desk, *reviewing, *own]
