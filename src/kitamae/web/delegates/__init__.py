"""Pages of mandates (代理): `/my/delegations` for the person and the delegate, `/staff/people/delegations` for the counter."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/people/delegations",
    {"ja": "代理人の登録", "ja_Hira": "かわりに する ひとの とうろく", "en": "Register a delegate", "zh": "登记代理人", "ko": "대리인 등록"},
    "people",
)  # fmt: skip
