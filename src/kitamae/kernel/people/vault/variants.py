"""旧字体 and other variants of a kanji (異体字) as one common form, so that 渡邊 is found as 渡辺.

The families are those of the package ja-itaiji; two that share a member are one. The common form is only compared,
never shown: it may be a character that nobody would write.
"""

from __future__ import annotations

from functools import cache
from typing import Final

_ALSO: Final = (("吉", "𠮷"),)
"""Frequent in names, and in no family of the package."""


@cache
def common() -> dict[int, str]:
    """For `str.translate`: a variant -> its family's common form."""
    from ja_itaiji import Itaiji

    above: dict[str, str] = {}

    def top(one: str) -> str:
        while (next_ := above.setdefault(one, one)) != one:
            one = next_
        return one

    families = [(one, other) for one, others in Itaiji.dictionary.items() for other in others]
    for one, other in (*families, *_ALSO):
        lower, higher = sorted((top(one), top(other)))
        above[higher] = lower
    return {ord(one): top(one) for one in above if len(one) == 1 and top(one) != one}
