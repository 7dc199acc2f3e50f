"""Where the work of the town hall's desks is done: what the page of staff leads to, for whoever's duty it is.

An area that has words for its desk beside it adds it to `Shell.desks` by itself; these are the others.
"""

from __future__ import annotations

from typing import Final

from kitamae.web.shell import Desk


def _desk(href: str, desk: str, *names: str) -> Desk:
    """`names`: in Japanese, easy Japanese, English, Chinese, Korean."""
    return Desk(href, dict(zip(("ja", "ja_Hira", "en", "zh", "ko"), names, strict=True)), desk)


ALL: Final = (
    _desk(
        *(
            "/staff/emergency",
            "",
            "自分の担当と、緊急アクセス",
            "じぶんの たんとうと、いそぐ ときの アクセス",
        ),
        *("My duties, and emergency access", "我的职责与紧急访问", "내 담당과 긴급 접근"),
    ),
    _desk(
        *("/staff/duties", "staff", "職員の担当と人事異動", "しょくいんの たんとう"),
        *("Duties of staff, and transfers", "职员职责与人事调动", "직원 담당과 인사이동"),
    ),
    _desk(
        *("/staff/emergencies", "privacy", "緊急アクセスの確認", "いそぐ ときの アクセスを しらべる"),
        *("Review of emergency access", "紧急访问的审查", "긴급 접근 검토"),
    ),
    _desk(
        *("/staff/withheld", "privacy", "捜査などのために見せない記録", "いまは 見せない きろく"),
        *("Looks that are withheld", "暂不公开的查看记录", "공개를 미룬 열람 기록"),
    ),
)
