"""The access log for the privacy officer: `/staff/access-log`."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/access-log",
    {
        "ja": "アクセスログ",
        "ja_Hira": "つかわれた きろく",
        "en": "Access log",
        "zh": "访问日志",
        "ko": "접속 기록",
    },
    "privacy",
)
