"""Reports of citizens: `/reports` for whoever saw something, `/reports/r/<code>` for its sender, `/staff/reports` for the desk."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/reports",
    {
        "ja": "市民からの報告",
        "ja_Hira": "みんなからの しらせ",
        "en": "Reports from citizens",
        "zh": "市民的报告",
        "ko": "시민의 제보",
    },
    "reports",
)
