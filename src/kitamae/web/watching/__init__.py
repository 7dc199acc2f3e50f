"""Improper use on pages: `/staff/watching` for the privacy officer, `/my/flags` for the person whose records were looked at.

staff.py  the list, the evidence of one flag, and what is decided about it
mine.py   what was released to the person, as a page and as JSON
"""

from pathlib import Path

from kitamae.web.shell import Desk
from kitamae.web.watching.mine import routes as mine
from kitamae.web.watching.mine import titles
from kitamae.web.watching.staff import routes as staff

__all__ = ["DESK", "HERE", "mine", "staff", "titles"]

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/watching",
    {
        "ja": "不適切な利用の疑い",
        "ja_Hira": "よくない みかたの うたがい",
        "en": "Suspected improper use",
        "zh": "疑似不当使用",
        "ko": "부적절한 이용 의심",
    },
    "privacy",
)
