"""Paper for when nothing else works: sheets of A4 for a shelter, with its name and a QR code of the page where staff enter them later."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/sheets",
    {"ja": "避難所の記録用紙", "ja_Hira": "ひなんじょの きろくの かみ", "en": "Paper forms for shelters", "zh": "避难所记录用纸", "ko": "대피소 기록 용지"},
    "shelters",
)  # fmt: skip
