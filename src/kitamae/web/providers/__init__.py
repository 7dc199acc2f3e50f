"""`/staff/providers`: the desk of providers. Applications, contracts with a second person's word, keys, what was used, statements.

desk.py      the list, one provider          contract.py  one contract: its versions, its keys, its use, its statements
drafting.py  the form of a version           papers.py    on paper: the contract, a statement; the month's statements as CSV

What a provider sees itself is at `/developers/mine` (`kitamae.web.developers`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kitamae.web.providers import contract, desk, drafting, papers
from kitamae.web.providers.ground import Ground
from kitamae.web.shell import Desk

if TYPE_CHECKING:
    from starlette.routing import Route

    from kitamae.kernel.people.providers import Providers
    from kitamae.web.page import ShellPage

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/providers",
    {"ja": "データを使う提供者と契約", "ja_Hira": "データを つかう ひとたちと けいやく", "en": "Providers and contracts", "zh": "数据使用方与合同", "ko": "데이터 이용 제공자와 계약"},
    "providers",
)  # fmt: skip


def routes(page: ShellPage, providers: Providers, office: str) -> list[Route]:
    """All of them. `office`: how the town hall signs what it prints."""
    ground = Ground(page, providers, office)
    return [
        *papers.routes(ground), *contract.routes(ground), *drafting.routes(ground), *desk.routes(ground),
    ]  # fmt: skip
