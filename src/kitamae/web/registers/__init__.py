"""The public registers as pages, downloads and feeds (`/registers`), and the desks that keep them (`/desk/...`).

`views` shows, `downloads` hands out CSV, JSON and Atom, `desk` takes what the town hall's desks send; `prose` reads assessments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.web.asked import guard
from kitamae.web.registers.desk import desks
from kitamae.web.registers.views import HERE, REGISTERS, commenting, public
from kitamae.web.shell import Desk

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from kitamae.kernel.people.policy import Policy
    from kitamae.web.page import ShellPage
    from kitamae.web.registers.source import Registers

__all__ = ["HERE", "REGISTERS", "mounted"]

DESKS = (
    Desk(
        "/desk/papers",
        {"ja": "個人情報影響評価（PIA）", "ja_Hira": "こじんじょうほうの しらべ", "en": "Privacy impact assessments", "zh": "个人信息影响评估", "ko": "개인정보 영향평가"},
        "papers",
    ),
    Desk(
        "/desk/sensors",
        {"ja": "センサーの登録簿", "ja_Hira": "センサーの めいぼ", "en": "Register of sensors", "zh": "传感器登记簿", "ko": "센서 등록부"},
        "sensors",
    ),
    Desk(
        "/desk/incidents",
        {"ja": "情報の事故", "ja_Hira": "じょうほうの じこ", "en": "Incidents", "zh": "信息事故", "ko": "정보 사고"},
        "incidents",
    ),
)  # fmt: skip
"""Their lines on the page of staff."""


def mounted(page: ShellPage, of: Registers, policy: Policy, tenant: str, address: str) -> list[BaseRoute]:
    """Every address of the registers, each behind its question. `address`: how people reach the city, for a sign's code."""
    page.shell.desks += DESKS
    sent = commenting(of)
    guard(sent, policy, tenant, for_everybody=True)
    shown = public(page, of, address)
    guard(shown, policy, tenant)
    found = [*sent, *shown]
    for duty, routes in desks(page, of).items():
        guard(routes, policy, tenant, desk=duty)
        found += routes
    return found
