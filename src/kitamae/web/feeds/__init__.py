"""Feeds of warnings that the city follows: `/feeds/<name>/<key>`, where a hub tells what is new, and `/staff/feeds` for the staff who order."""

from pathlib import Path

from kitamae.web.feeds.desk import routes as staff
from kitamae.web.feeds.told import routes as told
from kitamae.web.shell import Desk

__all__ = ["DESK", "DUTY", "HERE", "staff", "told"]

HERE = Path(__file__).parent
DUTY = "evacuation"
DESK = Desk(
    "/staff/feeds",
    {
        "ja": "気象庁からの電文の受信",
        "ja_Hira": "きしょうちょうからの おしらせの うけとり",
        "en": "Warnings received from the JMA",
        "zh": "气象厅电文的接收",
        "ko": "기상청 전문 수신",
    },
    DUTY,
)
