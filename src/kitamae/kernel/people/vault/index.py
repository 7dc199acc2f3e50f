"""Finding a person without storing a name: keyed blind indexes (HMAC-SHA-256, one key per field).

Text is made comparable first: NFKC, no white space, no separators, ひらがな as カタカナ, small and large kana kept apart,
旧字体 and variants as their common form (`variants.py`), dates as YYYY-MM-DD, lower case.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from typing import Final

from kitamae.kernel.people.vault.variants import common

_KATAKANA: Final = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_SELECTORS: Final = dict.fromkeys([*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
_LEFT_OUT: Final = re.compile(r"[\s・･·,，、。.\u200b-\u200f]+")
_DASHES: Final = re.compile(r"[-‐‑‒–—―−ー－ｰ─]+")
_BLOCK: Final = re.compile(r"\D*\d+(?:(?:丁目|-(?=\d+-))\d+)?")
"""Up to the 番地; or, where there are three numbers or a 丁目, up to the 番."""
_DATE: Final = re.compile(r"(\d{4})[-年/.](\d{1,2})[-月/.](\d{1,2})日?")


def normal(text: str) -> str:
    """Two ways of writing the same name or address are the same text.

    >>> normal("かが　たろう") == normal("ｶｶﾞ ﾀﾛｳ")
    True
    >>> normal("髙橋 邊") == normal("高橋邉")
    True
    """
    plain = unicodedata.normalize("NFKC", text.translate(_SELECTORS)).casefold()
    if match := _DATE.fullmatch(plain.strip()):
        year, month, day = match.groups()
        return f"{year}-{int(month):02}-{int(day):02}"
    plain = _LEFT_OUT.sub("", plain.translate(_KATAKANA))
    plain = _DASHES.sub("-", plain) if any(letter.isdigit() for letter in plain) else plain
    return plain.translate(common())


def parts(field: str, text: str) -> dict[str, str]:
    """What of a name and an address watching compares (`outside.py`): the family name, where a space sets it apart, and the block.

    >>> parts("name", "加賀　太郎"), parts("name", "加賀太郎")
    ({'name.family': '加賀'}, {})
    >>> parts("address", "南町ニ41番地1") == parts("address", "南町ニ41-2")
    True
    """
    if field == "name":
        family, _, given = unicodedata.normalize("NFKC", text).strip().partition(" ")
        return {"name.family": family} if family and given.strip() else {}
    if field == "address" and (block := _BLOCK.match(normal(text))):
        return {"address.block": block[0]}
    return {}


def tag(key: bytes, tenant: str, field: str, text: str) -> bytes:
    """32 bytes that only whoever holds the field's key can make of the text."""
    where = f"{tenant}\0{field}\0".encode()
    return hmac.digest(key, where + normal(text).encode(), "sha256")
