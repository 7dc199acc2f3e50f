"""Where two members of staff erase what is held about somebody: `/staff/orders`. One asks and says why, another one decides."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/orders",
    {
        "ja": "個人の記録の消去（2人で決める）",
        "ja_Hira": "ひとの きろくを けす（ふたりで きめる）",
        "en": "Erasing a person's records (two decide)",
        "zh": "删除个人记录（须两人决定）",
        "ko": "개인 기록 삭제(두 사람이 결정)",
    },
)
