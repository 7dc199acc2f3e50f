"""What can be asked, under which articles, and what must be in it.

Articles are those of 個人情報の保護に関する法律 (平成15年法律第57号).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DAYS: Final = 30
"""第83条第1項, 第94条第1項, 第102条第1項; a municipality may set fewer (第108条), never more."""
EXTENSION: Final = 30
"""第83条第2項, 第94条第2項, 第102条第2項: at most."""
ANSWER_DAYS: Final = 14
"""For a complaint the Act sets no days (第128条: 適切かつ迅速): this is what the platform promises where the city says nothing."""
WITHIN_90: Final = 90
"""第90条第3項, 第98条第3項: days from the disclosure on, within which correction or suspension may be asked for."""
REVIEW_MONTHS: Final = 3
"""行政不服審査法第18条第1項: months from the day after one learnt of a decision."""
SUIT_MONTHS: Final = 6
"""行政事件訴訟法第14条第1項: months from the day on which one learnt of it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`articles`: right, what the request says, decision, time limit, extension, special rule, transfer ("": none). `needs`: what the
    law wants in the request besides who asks.
    """

    id: str
    name: str
    statutory: bool
    articles: tuple[str, str, str, str, str, str, str] = ("", "", "", "", "", "", "")
    needs: tuple[str, ...] = ("text",)
    verb: str = ""

    @property
    def request(self) -> str:
        """What its form is called."""
        return f"保有個人情報{self.name}書"


COMPLAINT: Final = Kind("complaint", "苦情", statutory=False)
QUESTION: Final = Kind("question", "相談", statutory=False)
DISCLOSURE: Final = Kind(
    "disclosure",
    "開示請求",
    statutory=True,
    articles=("第76条", "第77条", "第82条", "第83条第1項", "第83条第2項", "第84条", "第85条"),
    needs=("name", "address", "target"),
    verb="開示",
)
CORRECTION: Final = Kind(
    "correction",
    "訂正請求",
    statutory=True,
    articles=("第90条", "第91条", "第93条", "第94条第1項", "第94条第2項", "第95条", "第96条"),
    needs=("name", "address", "target", "received_on", "text", "reason"),
    verb="訂正",
)
SUSPENSION: Final = Kind(
    "suspension",
    "利用停止請求",
    statutory=True,
    articles=("第98条", "第99条", "第101条", "第102条第1項", "第102条第2項", "第103条", ""),
    needs=("name", "address", "target", "received_on", "text", "reason"),
    verb="利用停止",
)
KINDS: Final = {one.id: one for one in (QUESTION, COMPLAINT, DISCLOSURE, CORRECTION, SUSPENSION)}


def period(kind: str, municipality: int = 0) -> int:
    """Within how many days it is answered. `municipality`: what the city set, 0 for nothing: fewer than the Act's, never more
    (第108条); for what the Act sets no days for, the city's promise stands as it is.
    """
    if KINDS[kind].statutory:
        return min(municipality, DAYS) if municipality else DAYS
    return municipality or ANSWER_DAYS


CAPACITIES: Final = {"self": "本人", "legal": "法定代理人", "agent": "任意代理人"}
"""第76条第2項: who asks."""
IDENTITY: Final = {
    "digital": "デジタル認証アプリで確認した",
    "licence": "運転免許証の提示を受けた",
    "card": "個人番号カード（表面）の提示を受けた",
    "passport": "旅券の提示を受けた",
    "residence": "在留カード・特別永住者証明書の提示を受けた",
    "copies": "郵送：写しと住民票の写しを受け取った",
    "agent": "代理人：資格を証明する書類（30日以内）と本人確認書類を受け取った",
}
"""How it was made sure who asks (第77条第2項, 施行令第22条). Of a 個人番号カード the back is not looked at and no number is copied."""
OUTCOMES: Final = {"whole": "全部", "part": "一部", "refusal": "しない"}
