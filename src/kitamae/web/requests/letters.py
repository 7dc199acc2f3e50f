"""What the town hall writes to a person, as letters to be printed. They are in Japanese, as the law's notices are.

Each step of a case that the law wants told in writing is one: 第82条, 第83条第2項, 第84条, 第85条第1項 and their twins. A decision teaches
審査請求 (行政不服審査法第82条) and 取消訴訟 (行政事件訴訟法第46条).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.requests.kinds import (
    CAPACITIES,
    KINDS,
    REVIEW_MONTHS,
    SUIT_MONTHS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.people.requests.case import Case
    from kitamae.kernel.people.requests.requests import Said

TITLES: Final = {
    "file": "受付票",
    "ask": "補正のお願い",
    "extend": "期限延長通知書",
    "special": "期限の特例についての通知書",
    "transfer": "事案移送通知書",
    "answer": "回答",
}
LETTERS: Final = (*TITLES, "decide")
"""Steps that are told in writing."""


@dataclass(frozen=True, slots=True)
class Office:
    """Who writes. `head`: who decides (加賀市長); `city`: the municipality; the rest may be empty."""

    city: str
    head: str
    name: str = ""
    address: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """`rows`: heading and text. `teaching`: how to object."""

    title: str
    number: str
    day: str
    to: str
    lead: str
    rows: Sequence[tuple[str, str]]
    teaching: Sequence[str] = ()


def day(text: str) -> str:
    """2026-11-21 -> 令和8年11月21日."""
    one = date.fromisoformat(text[:10])
    return f"令和{'元' if one.year == 2019 else one.year - 2018}年{one.month}月{one.day}日"


def teaching(office: Office) -> tuple[str, ...]:
    """How to object to a decision, and in how many months."""
    return (
        (
            f"この決定に不服があるときは、行政不服審査法の規定により、この決定があったことを知った日の翌日から起算して{REVIEW_MONTHS}か月以内に、"
            f"{office.head}に対して審査請求をすることができます。ただし、この決定の日の翌日から起算して1年を経過したときは、正当な理由が"
            "ない限り、審査請求をすることができません。"
        ),
        (
            f"この決定の取消しの訴えは、行政事件訴訟法の規定により、この決定があったことを知った日から{SUIT_MONTHS}か月以内に、{office.city}を"
            f"被告として（訴訟において{office.city}を代表する者は{office.head}です。）提起することができます。ただし、この決定の日から1年を"
            "経過したときは、正当な理由がない限り、提起することができません。審査請求をしたときは、これらの期間は、その裁決があったことを"
            "知った日、またはその裁決の日から数えます。"
        ),
    )


def letter(number: str, case: Case, said: Sequence[Said], which: int, day_of: str, office: Office) -> Letter:
    """That of the step `which`, which was taken on `day_of` (in Japan). Raises IndexError, KeyError for a step that has none."""
    kind = KINDS[case["kind"]]
    one = said[which]
    first = next((step.fields for step in said if step.step == "file"), {})
    rows = [("受付番号", number), ("受付日", day(case["filed"]))]
    if first.get("target"):
        rows.append((f"{kind.name}に係る保有個人情報", first["target"]))
    if case["capacity"] != "self":
        rows.append(
            ("請求者の資格", f"{CAPACITIES[case['capacity']]}（本人：{first.get('represented', '')}）")
        )
    title, lead, more = _of(kind.id, one)
    return Letter(
        title,
        number,
        day(day_of),
        first.get("name", ""),
        lead,
        [*rows, *((head, text) for head, text in more if text)],
        teaching(office) if one.step == "decide" else (),
    )


def _of(id: str, one: Said) -> tuple[str, str, list[tuple[str, str]]]:
    """Title, the sentence under it, rows."""
    kind, text, reason = KINDS[id], one.fields.get("text", ""), one.fields.get("reason", "")
    due = one.fields.get("due", "")  # as it was told then, whatever became of the case since
    right, _, decided, _, longer, special, moved = kind.articles
    subject = f"保有個人情報{kind.name}" if kind.statutory else f"個人情報の取扱いに関する{kind.name}"
    title = f"{subject} {TITLES[one.step]}" if one.step != "decide" else ""
    match one.step:
        case "file":
            rows = [("お答えする期限", day(due) if due else "")]
            return title, f"{subject}を受け付けました。", rows
        case "ask":
            return (
                title,
                "次のとおり、書類の補正をお願いします。補正に要した日数は、期限に算入しません。",
                [("補正していただくこと", text)],
            )
        case "extend":
            lead = (
                f"個人情報の保護に関する法律{longer}の規定により、次のとおり期限を延長します。"
                if kind.statutory
                else "次のとおり、お答えする期限を延ばします。"
            )
            days = one.fields["days"]
            rows = [("延長する日数", f"{days}日"), ("延長後の期限", day(due)), ("延長の理由", text)]
            return title, lead, rows
        case "special":
            lead = f"個人情報の保護に関する法律{special}の規定（期限の特例）を適用します。"
            return (
                title,
                lead,
                [("残りの部分についての期限", day(due)), ("適用する理由", text)],
            )
        case "transfer":
            lead = f"個人情報の保護に関する法律{moved}第1項の規定により、次のとおり事案を移送しました。"
            return title, lead, [("移送先と理由", text)]
        case "answer":
            return title, "次のとおりお答えします。", [("回答", text)]
        case "decide":
            outcome = one.fields["outcome"]
            word = {
                "whole": f"保有個人情報{kind.verb}決定通知書",
                "part": f"保有個人情報一部{kind.verb}決定通知書",
                "refusal": f"保有個人情報不{kind.verb}決定通知書",
            }[outcome]
            if outcome == "refusal" and kind.verb != "開示":
                word = f"保有個人情報{kind.verb}をしない旨の決定通知書"
            done = {"whole": "全部について", "part": "一部について", "refusal": ""}[outcome]
            what = f"{kind.verb}をしないこと" if outcome == "refusal" else f"{done}{kind.verb}をすること"
            lead = f"{right}の規定による{kind.name}について、個人情報の保護に関する法律{decided}の規定により、次のとおり{what}に決定しました。"
            return word, lead, [("内容・実施の方法", text), ("理由", reason)]
    raise KeyError(one.step)
