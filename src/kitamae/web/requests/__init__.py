"""What people ask the town hall about their data, and what it must say about itself.

own.py       /my/requests       a person's own cases             public.py       /privacy         for everybody
desk.py      /staff/requests    the desk that answers them       breach_desk.py  /staff/breaches  the privacy officer's
letters.py   what is told in writing, in Japanese            files.py        個人情報ファイル簿
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from kitamae.web.asked import guard
from kitamae.web.requests import breach_desk, desk, own, public
from kitamae.web.requests.breach_desk import enclosed
from kitamae.web.requests.files import files
from kitamae.web.requests.letters import Office
from kitamae.web.shell import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.routing import BaseRoute

    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.requests import Breaches, Requests
    from kitamae.kernel.people.vault import Vault
    from kitamae.sdk.personal_file import Entry
    from kitamae.web.page import ShellPage
    from kitamae.web.proofs import Proofs
    from kitamae.web.requests.breach_desk import Concerned
    from kitamae.web.sought import Search

__all__ = ["HERE", "Office", "enclosed", "files", "routes"]

HERE: Final = Path(__file__).parent


def routes(
    page: ShellPage,
    requests: Requests,
    breaches: Breaches,
    concerned: Concerned,
    register: Sequence[Entry],
    office: Office,
    search: Search,
    days: Mapping[str, int],
    proofs: Proofs,
    delay: Callable[[], int | None],
    vault: Callable[[], Vault],
    policy: Policy,
    tenant: str,
) -> list[BaseRoute]:
    """All of them, guarded. `page` draws from this folder; `tenant`: the city's; `delay`: for how many days a backup may hold what was
    erased, None: the vault is closed.
    """
    mine: list[BaseRoute] = [*own.routes(page, requests, office, proofs, vault)]
    asked: list[BaseRoute] = [*desk.routes(page, requests, office, search)]
    broken: list[BaseRoute] = [*breach_desk.routes(page, breaches, office, concerned)]
    everybody: list[BaseRoute] = [*public.routes(page, breaches, register, office, days, delay)]
    page.shell.desks += [
        Desk(desk.DESK, REQUESTS, desk.DUTY),
        Desk(breach_desk.DESK, BREACHES, breach_desk.DUTY),
    ]
    guard(mine, policy, tenant, for_everybody=True)
    guard(asked, policy, tenant, desk=desk.DUTY)
    guard(broken, policy, tenant, desk=breach_desk.DUTY)
    guard(everybody, policy, tenant)
    return [*mine, *asked, *broken, *everybody]


REQUESTS: Final = {
    "ja": "請求・相談の受付簿",
    "ja_Hira": "おねがい・そうだんの ちょうぼ",
    "en": "Register of requests and complaints",
    "zh": "请求与咨询登记簿",
    "ko": "청구·상담 접수부",
}
BREACHES: Final = {
    "ja": "漏えい等の記録",
    "ja_Hira": "じょうほうが もれた きろく",
    "en": "Breaches of personal data",
    "zh": "个人信息泄露等记录",
    "ko": "개인정보 유출 등의 기록",
}
