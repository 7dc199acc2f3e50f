"""Notices on pages: `/my/notices` for the person, `/staff/notices` for whoever posts what no channel takes.

own.py    what one was told, when and how; the address at which one wants to be told
desk.py   the report, the list of letters, printing, posting, what came back
texts.py  what goes out, in the language of whoever gets it
"""

from pathlib import Path

from kitamae.web.notices.desk import routes as staff
from kitamae.web.notices.own import routes as mine
from kitamae.web.notices.texts import Texts
from kitamae.web.shell import Desk

__all__ = ["DESK", "DUTY", "HERE", "Texts", "mine", "staff"]

HERE = Path(__file__).parent
DUTY = "notices"
DESK = Desk(
    "/staff/notices",
    {
        "ja": "お知らせの発送",
        "ja_Hira": "おしらせを おくる",
        "en": "Sending notices",
        "zh": "通知的寄送",
        "ko": "알림 발송",
    },
    DUTY,
)
