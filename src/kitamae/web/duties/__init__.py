"""The pages of duties (担当): who holds which, changes with a second person's word, 人事異動 from a file, and emergency access.

`/staff/duties` and `/staff/transfers` are the work of the desk `staff`, `/staff/emergencies` of the desk `privacy`;
`/staff/emergency` is for everybody of the staff, `/emergency-access` for everybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from kitamae.web.asked import guard
from kitamae.web.duties import banner, emergencies, emergency, members, transfers
from kitamae.web.page import ShellPage
from kitamae.web.shell import Desk

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from kitamae.kernel.people.duties import Emergencies, Office
    from kitamae.kernel.people.duties.numbers import Numbers
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.policy import Policy
    from kitamae.sdk.city import City
    from kitamae.web.handed import Handed
    from kitamae.web.shell import Shell

HERE = Path(__file__).parent
DESKS: Final = (
    Desk(
        "/staff/emergency",
        {
            "ja": "自分の担当と、緊急アクセス",
            "ja_Hira": "じぶんの たんとうと、いそぐ ときの アクセス",
            "en": "My duties, and emergency access",
            "zh": "我的职责与紧急访问",
            "ko": "내 담당과 긴급 접근",
        },
    ),
    Desk(
        "/staff/duties",
        {
            "ja": "職員の担当と人事異動",
            "ja_Hira": "しょくいんの たんとう",
            "en": "Duties of staff, and transfers",
            "zh": "职员职责与人事调动",
            "ko": "직원 담당과 인사이동",
        },
        "staff",
    ),
    Desk(
        "/staff/emergencies",
        {
            "ja": "緊急アクセスの確認",
            "ja_Hira": "いそぐ ときの アクセスを しらべる",
            "en": "Review of emergency access",
            "zh": "紧急访问的审查",
            "ko": "긴급 접근 검토",
        },
        "privacy",
    ),
)
"""On the page of staff."""


def routes(
    shell: Shell,
    profile: City | None,
    office: Office,
    taken: Emergencies,
    people: People,
    numbers: Numbers,
    handed: Handed,
    policy: Policy,
) -> list[BaseRoute]:
    """All of them, each behind its question. `handed` shows the sign-in link for a new colleague."""
    page = ShellPage(shell, HERE)
    tenant = profile.tenant if profile else ""
    zone = ZoneInfo(profile.timezone if profile else "Asia/Tokyo")
    desk: list[BaseRoute] = [
        *members.routes(page, office, people, numbers, handed, tenant, zone),
        *transfers.routes(page, office, people.colleagues, numbers, tenant, zone),
    ]
    guard(desk, policy, tenant, desk="staff")
    reviewing: list[BaseRoute] = [*emergencies.routes(page, taken)]
    guard(reviewing, policy, tenant, desk="privacy")
    own: list[BaseRoute] = [
        *emergency.routes(page, office, taken, tenant),
        emergencies.counted(page, taken, zone),
    ]
    guard(own, policy, tenant)
    shell.banners.append(banner.banner(page, taken, tenant))
    shell.desks += DESKS
    return [*desk, *reviewing, *own]
