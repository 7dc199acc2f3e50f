"""個人番号 (My Number): the twelve digits that never enter this system, in any form, and how they are recognised.

番号法施行令 第8条 gives eleven digits and a check digit, which 平成26年総務省令第85号 第5条 defines. Nothing here
keeps, hashes or logs a number; a Problem says in which field it was, never which digits they were.

What is no number of a person: a moment (202611211330), an amount with its unit or thousands, a longer run of digits, part
of a code with letters, and a field that its form declares as an identifier of something else. A label beside it
(個人番号, マイナンバー) outweighs all of these but the check digit.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

DIGITS: Final = 12
LONGEST_FIELD: Final = 100_000  # letters of one field that a person fills in

_KANJI: Final = str.maketrans("〇零一二三四五六七八九壱弐参", "00123456789123")
_MARKS: Final = "-‐‑‒–—―−ー─ｰ・·_/ \t\u00a0\u3000\u200b"
_GAP: Final = rf"[{re.escape(_MARKS)}]{{0,3}}"
_RUN: Final = re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{{DIGITS - 1}}}(?!\d)")
_AROUND: Final = 24  # letters before a number in which its label stands
_LABEL: Final = re.compile(
    r"マイナンバー|まいなんばー|個人番号|こじんばんごう|共通番号|my\s*[-_]?\s*number|individual\s*number|mynumber",
    re.IGNORECASE,
)
_SENT: Final = "送られたデータ"
_MARKED: Final = tuple(word.encode() for word in ("マイナンバー", "個人番号"))
_ESCAPED: Final = tuple(
    case(json.dumps(word)[1:-1]).encode().replace(b"\\U", b"\\u")
    for word in ("マイナンバー", "個人番号")
    for case in (str.lower, str.upper)
)
"""The same as JSON may write it in ASCII."""
_UNIT: Final = re.compile(
    r"\s?(?:円|銭|人|件|個|台|本|歩|回|年|月|日|時|分|秒|度|％|%|℃|°|[kKMGTmµμn]?(?:Wh?|VA?|Pa|Hz|m[²³]?|g|[lL]|s|B|b|J|N|bit|byte)s?)(?![A-Za-z])"
)
_MOMENT: Final = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d")
_GROUPINGS: Final = frozenset({(12,), (4, 4, 4), (6, 6), (3, 3, 3, 3), (2,) * 6, (1,) * 12})
"""How people write twelve digits. Other spacings (a telephone number and a house number) count only beside a label."""


class HoldsMyNumber(BadRequest):
    """A field, a text or a file that holds a number which may be somebody's 個人番号: nothing of it was kept."""

    type = "https://kitamae.example/problems/my-number"
    status = 422
    title = "個人番号（マイナンバー）は受け取れません"


class Found(NamedTuple):
    """Where in a text: `start` inclusive and `end` exclusive, in letters of the text as it was given."""

    start: int
    end: int


def check_digit(eleven: str) -> int:
    """The twelfth digit: 11 − (Σ Pₙ·Qₙ mod 11), and 0 where the remainder is 0 or 1 (総務省令 第5条).

    Pₙ is the n-th digit from the right; Qₙ is n + 1 up to n = 6, n − 5 above.

    >>> check_digit("12345678901")
    8
    """
    total = sum(
        int(digit) * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(reversed(eleven), start=1)
    )
    return 0 if total % 11 <= 1 else 11 - total % 11


def is_valid(digits: str) -> bool:
    """Twelve ASCII digits, the last of which is the check digit."""
    return (
        len(digits) == DIGITS
        and digits.isascii()
        and digits.isdigit()
        and check_digit(digits[:-1]) == int(digits[-1])
    )


def find(text: str) -> list[Found]:
    """Every number in a text that may be somebody's, however it is written: ASCII, full-width or kanji digits, in groups."""
    return [found for found, _ in _found(text)]


def _found(text: str) -> Iterator[tuple[Found, bool]]:
    """With whether it is labelled."""
    plain, at = _plain(text)
    begin = 0
    while match := _RUN.search(plain, begin):
        begin = match.start() + 1  # twelve digits that are none may end in the first of twelve that are
        digits = "".join(letter for letter in match[0] if letter.isdigit())
        if not is_valid(digits):
            continue
        labelled = bool(_LABEL.search(plain, max(0, match.start() - _AROUND), match.start()))
        if labelled or not _something_else(plain, match, digits):
            yield Found(at[match.start()], at[match.end() - 1] + 1), labelled


def _something_else(plain: str, match: re.Match[str], digits: str) -> bool:
    groups = re.findall(r"\d+", match[0])
    if tuple(map(len, groups)) not in _GROUPINGS or _MOMENT.fullmatch(digits):
        return True
    before, after = plain[max(0, match.start() - 200) : match.start()], plain[match.end() : match.end() + 20]
    if re.search(r"[A-Za-z_+]$|\d[.,]$|(?:urn:|://)[!-~]*$", before):
        return True
    if re.match(r"[A-Za-z_]|[.,]\d", after) or _UNIT.match(after):
        return True
    width, mark = len(groups[0]), match[0][len(groups[0]) : len(groups[0]) + 1]
    more = rf"{re.escape(mark)}\d{{{width}}}(?!\d)", rf"(?<!\d)\d{{{width}}}{re.escape(mark)}$"
    return bool(mark) and bool(re.match(more[0], after) or re.search(more[1], before))  # a longer code


def _plain(text: str) -> tuple[str, list[int]]:
    """NFKC letter by letter with digits in kanji as ASCII, and where each letter stood."""
    if text.isascii():
        return text, list(range(len(text) + 1))
    letters: list[str] = []
    at: list[int] = []
    for place, letter in enumerate(text):
        for one in unicodedata.normalize("NFKC", letter).translate(_KANJI):
            letters.append(str(unicodedata.digit(one, one)) if one.isdigit() else one)
            at.append(place)
    at.append(len(text))
    return "".join(letters), at


def demand_none(fields: Mapping[str, object], identifiers: Collection[str] = ()) -> None:
    """What a person fills in: called by every door that takes it. Nested lists and objects are looked through.

    `identifiers`: the fields that the form declares as numbers of something else (a permit, a meter): there only a
    labelled number is refused. Raises HoldsMyNumber naming the field, BadRequest for a field that is too long.
    """
    for name, value in fields.items():
        for text in _texts(value):
            if len(text) > LONGEST_FIELD:
                raise BadRequest(f"{name}: at most {LONGEST_FIELD} letters, these are {len(text)}")
            if any(labelled or name not in identifiers for _, labelled in _found(text)) or (
                name not in identifiers and _LABEL.search(name) and _labelled_by_name(text)
            ):
                raise HoldsMyNumber(
                    f"「{name}」に12桁の個人番号と思われる数字があります。個人番号は、どのような形でも、この仕組みには入れられません。"
                    "その数字を消して、もう一度送ってください。"
                )


def is_labelled(name: str) -> bool:
    """Whether a field's own name says that it is for a 個人番号."""
    return bool(_LABEL.search(unicodedata.normalize("NFKC", name)))


def demand_unlabelled(body: bytes, document: object) -> None:
    """What programs send: a number that is called somebody's 個人番号, anywhere in it. Raises HoldsMyNumber.

    An unlabelled one is not looked for: sensors and registers send codes of twelve digits in good faith. `document` is what `body`
    holds; it is only looked through where the word stands in the body (a microsecond for a kilobyte).
    """
    marks = _ESCAPED if body.isascii() else _MARKED
    if any(mark in body for mark in marks):
        demand_none({_SENT: document}, {_SENT})


def _labelled_by_name(text: str) -> bool:
    plain, _ = _plain(text)
    return any(
        is_valid("".join(letter for letter in match[0] if letter.isdigit())) for match in _RUN.finditer(plain)
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            for text in _texts(inner):
                yield f"{name}: {text}"
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)


def demand_reference(name: str, reference: str) -> None:
    """An opaque reference that somebody typed: it may have any digits among its letters, and is never a number itself.

    Raises HoldsMyNumber naming the field.
    """
    if not any(letter.isalpha() for letter in reference):
        demand_none({name: reference})
