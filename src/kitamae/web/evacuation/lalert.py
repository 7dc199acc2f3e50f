"""What an entry of Lアラート about 避難情報 needs, of one order, as JSON with names in Japanese.

The schema of Lアラート is given only to its members and could not be read here: these are the items of the Cabinet Office's guideline and
of the forms that prefectures publish, ready to be typed or mapped; nobody here has tried them against Lアラート itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kitamae.kernel.registers.entry import Entry

_RENEWAL: Final = {"issue": "発令", "lift": "解除", "withdraw": "取消"}


def data(order: Entry, *, code: str, city: str) -> dict[str, Any]:
    """`code`: 全国地方公共団体コード. Households and persons are not known here: null, never a guess. Times RFC 3339 UTC."""
    said = order["said"]
    return {
        "運用種別": "訓練" if said["rehearsal"] else "通常",
        "情報種別": "避難情報",
        "発表団体コード": code,
        "発表団体": city,
        "発表番号": order["id"],
        "更新種別": _RENEWAL[said["act"]],
        "避難情報の区分": said["kind"],
        "警戒レベル": said["level"] or None,
        "災害種別": said["hazard"] or None,
        "日時": said["issued"],
        "理由": said["text"],
        "対象地区": [
            {
                "地区コード": one["id"],
                "地区名": one["name"],
                "状況": _RENEWAL[said["act"]],
                "対象世帯数": None,
                "対象人数": None,
            }
            for one in said["districts"]
        ],
    }
