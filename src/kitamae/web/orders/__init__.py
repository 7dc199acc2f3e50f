"""Where two members of staff erase or correct what is held about somebody: `/staff/orders`. One asks and says why, another one decides.

desk.py   the list, erasing, deciding        corrections.py   proposing what a granted 訂正請求 asks for
"""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/orders",
    {
        "ja": "個人の記録の消去・訂正（2人で決める）",
        "ja_Hira": "ひとの きろくを けす・なおす（ふたりで きめる）",
        "en": "Erasing or correcting a person's records (two decide)",
        "zh": "删除或订正个人记录（须两人决定）",
        "ko": "개인 기록 삭제·정정(두 사람이 결정)",
    },
)
