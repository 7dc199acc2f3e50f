"""Pages of the register of people at shelters: a keeper writes who came, staff read it, everybody may look for somebody who wants to be found."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/sheltered",
    {"ja": "避難した人の名簿", "ja_Hira": "にげてきた ひとの なまえの きろく", "en": "Register of people at shelters", "zh": "避难人员名单", "ko": "대피자 명부"},
    "sheltered",
)  # fmt: skip
