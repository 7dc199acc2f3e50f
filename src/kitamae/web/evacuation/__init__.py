"""Where the town hall orders evacuations: `/staff/evacuation`, and `/staff/evacuation/rehearsal`. One proposes, another one decides."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/evacuation",
    {
        "ja": "避難情報の発令（2人で決める）",
        "ja_Hira": "ひなんの おしらせを だす（ふたりで きめる）",
        "en": "Evacuation orders (two decide)",
        "zh": "发布避难信息（须两人决定）",
        "ko": "피난 정보 발령(두 사람이 결정)",
    },
    "evacuation",
)
