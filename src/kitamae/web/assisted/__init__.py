"""Pages of the list of those who cannot flee alone: staff keep it, helpers see who agreed in their own districts, paper for a disaster."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/assisted",
    {"ja": "避難行動要支援者名簿", "ja_Hira": "ひとりで にげられない ひとの きろく", "en": "People who cannot flee alone", "zh": "避难行动需支援者名册", "ko": "피난 행동 요지원자 명부"},
    "assisted",
)  # fmt: skip
HELPING = Desk(
    "/staff/assisted-shared",
    {"ja": "受け持ちの地区の要支援者", "ja_Hira": "じぶんの まちの たすけが いる ひと", "en": "People to help in your districts", "zh": "所负责地区的需支援者", "ko": "담당 지구의 요지원자"},
    "assisted-shared",
)  # fmt: skip
