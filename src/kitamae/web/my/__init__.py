"""My page: what the city holds about whoever is signed in, who looked, what he agreed to; to take along, correct and erase.

seen.py      /my, /my/log, /my/proof/<number>      what is held, who looked, and what proves it
agreeing.py  /my/consents/<purpose>                agree, and withdraw in two taps
changing.py  /my/enter/<purpose>, /my/erase        enter, correct, erase
taking.py    /my/export                            everything as one file
withheld.py  /staff/withheld                       for the desk that looks after privacy: looks that are shown later
counter.py   /staff/consents                       for the desk of the counter: somebody withdraws in person
ground.py    what these stand on
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from kitamae.web.asked import guard
from kitamae.web.my import agreeing, changing, counter, seen, taking, withheld
from kitamae.web.my.ground import Ground
from kitamae.web.shell import Desk

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

__all__ = ["HERE", "Ground", "routes"]

HERE = Path(__file__).parent
DESKS: Final = (
    Desk(
        withheld.HERE,
        {
            "ja": "あとで見せる記録",
            "ja_Hira": "あとで みせる きろく",
            "en": "Looks that are shown later",
            "zh": "以后显示的记录",
            "ko": "나중에 보여 주는 기록",
        },
        "privacy",
    ),
    Desk(
        counter.HERE,
        {
            "ja": "窓口で同意をやめる",
            "ja_Hira": "まどぐちで どういを やめる",
            "en": "Withdraw at the counter",
            "zh": "在窗口撤回同意",
            "ko": "창구에서 동의 철회",
        },
        "people",
    ),
)
"""On the page of staff."""


def routes(ground: Ground, tenant: str, zone: str) -> list[BaseRoute]:
    """All of them, each behind its question to the policy. `zone`: the city's time zone."""
    ground.page.shell.desks += DESKS
    own: list[BaseRoute] = [
        *seen.routes(ground),
        *agreeing.routes(ground),
        *changing.routes(ground),
        *taking.routes(ground),
    ]
    guard(own, ground.policy, tenant, for_everybody=True)
    desk: list[BaseRoute] = [*withheld.routes(ground, zone)]
    guard(desk, ground.policy, tenant, desk="privacy")
    counters: list[BaseRoute] = [*counter.routes(ground)]
    guard(counters, ground.policy, tenant, desk="people")
    return [*own, *desk, *counters]
