"""法人番号: thirteen digits, the first of which is a check digit (法人番号の指定等に関する省令 第2条). They are public and about no person."""

from __future__ import annotations

from kitamae.kernel.problems import BadRequest


def read(text: str) -> str:
    """Thirteen digits, or "" for nothing. Raises BadRequest."""
    number = text.strip().replace("-", "").replace(" ", "")
    if not number:
        return ""
    if (
        not (number.isascii() and number.isdecimal() and len(number) == 13)
        or check_digit(number[1:]) != number[0]
    ):
        raise BadRequest(
            "corporate: expected a 法人番号 of thirteen digits, as the National Tax Agency publishes it"
        )
    return number


def check_digit(twelve: str) -> str:
    """Nine less the rest of the division by nine of the digits, each second one from the right doubled.

    >>> check_digit("700110005901")
    '8'
    """
    weighed = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(twelve)))
    return str(9 - weighed % 9)
