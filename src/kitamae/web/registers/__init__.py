"""The public registers as pages, downloads and feeds (`/registers`), and the desks that keep them (`/desk/...`).

`views` shows, `downloads` hands out CSV, JSON and Atom, `desk` takes what the town hall's desks send; `prose` reads assessments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.web.asked import guard
from kitamae.web.registers.desk import desks
from kitamae.web.registers.views import HERE, REGISTERS, commenting, public

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from kitamae.kernel.people.policy import Policy
    from kitamae.web.page import ShellPage
    from kitamae.web.registers.source import Registers

__all__ = ["HERE", "REGISTERS", "mounted"]


def mounted(page: ShellPage, of: Registers, policy: Policy, tenant: str, address: str) -> list[BaseRoute]:
    """Every address of the registers, each behind its question. `address`: how people reach the city, for a sign's code."""
    sent = commenting(of)
    guard(sent, policy, tenant, for_everybody=True)
    shown = public(page, of, address)
    guard(shown, policy, tenant)
    found = [*sent, *shown]
    for duty, routes in desks(page, of).items():
        guard(routes, policy, tenant, desk=duty)
        found += routes
    return found
