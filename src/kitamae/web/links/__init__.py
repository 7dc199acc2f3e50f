"""Pages of capability links: `/l/<code>` for whoever holds one, `/staff/links` for the desk that gives them out."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/links",
    {"ja": "報告用リンク", "ja_Hira": "しらせるための リンク", "en": "Reporting links", "zh": "报告用链接", "ko": "보고용 링크"},
    "links",
)  # fmt: skip
