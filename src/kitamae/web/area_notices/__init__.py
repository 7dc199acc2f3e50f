"""Notices about the city's orders, alerts and shelters: `/disaster/notices`, where one asks for them and leaves, and what became of them.

own.py    who wants to be told chooses what, where and how; leaving; no account is needed
line.py   what LINE tells the city: somebody writes to its account, or leaves it
desk.py   `/staff/area-notices`: how many there are, and what became of each announcement
texts.py  the line that goes out, in five languages
"""

from pathlib import Path

from kitamae.web.area_notices.desk import routes as staff
from kitamae.web.area_notices.line import routes as webhook
from kitamae.web.area_notices.own import routes as everybody
from kitamae.web.area_notices.texts import Texts
from kitamae.web.shell import Desk

__all__ = ["DESK", "HERE", "Texts", "everybody", "staff", "webhook"]

HERE = Path(__file__).parent
DESK = Desk(
    "/staff/area-notices",
    {
        "ja": "防災のお知らせの配信",
        "ja_Hira": "ぼうさいの おしらせを おくった きろく",
        "en": "Emergency notices that were sent",
        "zh": "防灾通知的发送情况",
        "ko": "방재 알림 발송 현황",
    },
    "evacuation",
)
