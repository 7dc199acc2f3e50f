"""個人情報ファイル簿 (個人情報の保護に関する法律 第75条): what a city and its services say of each file of personal data, for the public register.

A file is what was collected for one purpose. The register is in Japanese: its words are the law's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

THRESHOLD: Final = 1_000
"""Persons: with fewer, nothing must be published (第74条第2項第9号, 施行令第20条第2項); we publish all the same."""

_Text = Annotated[str, Field(min_length=1, max_length=1000)]
_ITEMS: Final = {
    "name": "氏名",
    "kana": "氏名（カナ）",
    "address": "住所",
    "birth_date": "生年月日",
    "gender": "性別",
    "note": "備考",
    "phone": "電話番号",
    "email": "メールアドレス",
}
"""What usual fields are called."""


class PersonalFile(BaseModel):
    """`[[personal]] file = {…}`: items of 第74条第1項 that are not said elsewhere. `persons`: 記録範囲; `expected`: how many."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: _Text
    use: _Text
    persons: _Text
    collected: _Text
    unit: str = ""
    items: dict[str, _Text] = {}
    sensitive: bool = False
    ordinance_sensitive: bool = False
    recipients: tuple[_Text, ...] = ()
    manual: bool = False
    other_law: str = ""
    anonymous: bool = False
    expected: Annotated[int, Field(ge=0)] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the register. `file` None: its papers say nothing of it yet, and the line says so."""

    purpose: str
    system: str
    basis: str
    law: str
    fields: Sequence[str]
    days: int
    file: PersonalFile | None

    @property
    def items(self) -> list[str]:
        """記録項目, in Japanese where somebody said what a field is called."""
        own: Mapping[str, str] = self.file.items if self.file else {}
        return [own.get(name) or _ITEMS.get(name, name) for name in self.fields]

    @property
    def small(self) -> bool:
        """Fewer persons than the law asks for."""
        return bool(self.file and self.file.expected is not None and self.file.expected < THRESHOLD)

    def row(self) -> dict[str, str]:
        """Headings as the Commission's form has them, for CSV and JSON."""
        file = self.file
        missing = "（記載なし）"
        return {
            "個人情報ファイルの名称": file.name if file else self.purpose,
            "目的の識別子": self.purpose,
            "システム": self.system,
            "利用に供される事務をつかさどる組織の名称": file.unit if file else "",
            "利用目的": file.use if file else missing,
            "記録項目": "、".join(self.items),
            "記録範囲": file.persons if file else missing,
            "記録情報の収集方法": file.collected if file else missing,
            "要配慮個人情報": _yes(file.sensitive) if file else missing,
            "条例要配慮個人情報": _yes(file.ordinance_sensitive) if file else missing,
            "記録情報の経常的提供先": "、".join(file.recipients) or "なし" if file else missing,
            "訂正及び利用停止に関する他の法令の規定による特別の手続": (file.other_law or "なし")
            if file
            else missing,
            "個人情報ファイルの種別": ("マニュアル処理ファイル" if file.manual else "電算処理ファイル")
            if file
            else missing,
            "行政機関等匿名加工情報の提案の募集": _yes(file.anonymous) if file else missing,
            "法的根拠": self.law or {"consent": "本人の同意", "contract": "契約"}.get(self.basis, self.basis),
            "保存期間（日）": str(self.days),
            "本人の数": "1,000人未満" if self.small else str(file.expected) if file and file.expected else "",
            "備考": file.note if file else "",
        }


def _yes(one: bool) -> str:
    return "含む" if one else "含まない"


PLATFORM: Final = {
    "requests": PersonalFile(
        name="個人情報に関する請求・苦情・相談の記録",
        use="開示・訂正・利用停止の請求と、個人情報の取扱いに関する苦情・相談を受け付け、処理する",
        persons="請求、苦情の申出または相談をした人",
        collected="本人（またはその代理人）からの提出",
        items={
            "step": "手続の段階",
            "at": "日時",
            "by": "処理した者の番号",
            "case": "受付番号",
            "salt": "記録の照合に使う乱数",
            "leaf": "記録の番号",
            "contact": "連絡先",
            "capacity": "請求者の資格",
            "represented": "代理される本人",
            "target": "対象の保有個人情報",
            "text": "内容",
            "reason": "理由",
            "received_on": "開示を受けた日",
            "proposal": "直す値の案",
            "outcome": "決定の種類",
            "days": "延長した日数",
            "due": "回答の期限",
            "identity": "本人確認の方法",
        },
        note="内容に要配慮個人情報が書かれることがある",
        sensitive=True,
    ),
    "contact": PersonalFile(
        name="お知らせを受け取るメールアドレス",
        use="請求への決定などのお知らせがあることを、本人が望むときにメールで伝える",
        persons="メールで受け取ることに同意した人",
        collected="本人の入力",
        items={
            "language": "メールの言語",
            "asked": "確認中のメールアドレス",
            "code": "確認の文字",
            "until": "確認の期限",
            "tries": "確認を誤った回数",
            "event": "手続の段階",
            "at": "日時",
            "number": "記録の番号",
            "salt": "記録の照合に使う乱数",
        },
    ),
    "delivery": PersonalFile(
        name="お知らせの送達の記録",
        use="決定などの通知を本人に届け、いつどのように届けたかを示す",
        persons="お知らせを受けた人",
        collected="送達の処理",
        items={
            "event": "送達の段階",
            "at": "日時",
            "by": "処理した者の番号",
            "how": "送達の方法",
            "notices": "お知らせの番号",
            "number": "記録の番号",
            "salt": "記録の照合に使う乱数",
        },
        note="宛名は、請求または本人確認の記録から読み、この記録には残さない",
    ),
    "providers": PersonalFile(
        name="個人の提供者の連絡先",
        use="個人として市のデータを使う提供者（ボランティア）に、契約と障害について連絡する",
        persons="個人として提供者に申し込んだ人",
        collected="本人の入力",
        items={"contact": "連絡先", "provider": "提供者の番号"},
    ),
}
"""Of what the platform itself holds, by purpose."""
