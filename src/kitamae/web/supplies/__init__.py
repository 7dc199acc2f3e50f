"""Pages of the desk that sees what shelters ask for, sends it and notes that it arrived. Keepers ask at `/l/<code>/supplies` (`web/links`)."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/supplies",
    {"ja": "避難所の物資", "ja_Hira": "ひなんじょに おくる もの", "en": "Supplies for shelters", "zh": "避难所物资", "ko": "대피소 물자"},
    "shelters",
)  # fmt: skip
