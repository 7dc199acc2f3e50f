"""How a Japanese name sounds, for readers of Korean: kana in Hangul by the table of the 외래어 표기법 for Japanese.

カ and タ are softer at the beginning of a word (가가, 다카오카); long vowels are not written (도쿄, 니가타); ん is a final ㄴ,
っ a final ㅅ. Only kana that are known to be the reading are turned: kanji alone do not say how a name is read.
"""

from __future__ import annotations

import re
from typing import Final

_LEADS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS: Final = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINAL: Final = {"ン": 4, "ッ": 19}
"""ㄴ and ㅅ, as Unicode counts finals."""
_ROWS: Final = {
    "アイウエオ": ("ㅇ", "ㅏㅣㅜㅔㅗ"),
    "カキクケコ": ("ㅋ", "ㅏㅣㅜㅔㅗ"),
    "ガギグゲゴ": ("ㄱ", "ㅏㅣㅜㅔㅗ"),
    "サシスセソ": ("ㅅ", "ㅏㅣㅡㅔㅗ"),
    "ザジズゼゾ": ("ㅈ", "ㅏㅣㅡㅔㅗ"),
    "タテト": ("ㅌ", "ㅏㅔㅗ"),
    "チ": ("ㅊ", "ㅣ"),
    "ツ": ("ㅆ", "ㅡ"),
    "ダデド": ("ㄷ", "ㅏㅔㅗ"),
    "ヂヅ": ("ㅈ", "ㅣㅡ"),
    "ナニヌネノ": ("ㄴ", "ㅏㅣㅜㅔㅗ"),
    "ハヒフヘホ": ("ㅎ", "ㅏㅣㅜㅔㅗ"),
    "バビブベボ": ("ㅂ", "ㅏㅣㅜㅔㅗ"),
    "パピプペポ": ("ㅍ", "ㅏㅣㅜㅔㅗ"),
    "マミムメモ": ("ㅁ", "ㅏㅣㅜㅔㅗ"),
    "ヤユヨ": ("ㅇ", "ㅑㅠㅛ"),
    "ラリルレロ": ("ㄹ", "ㅏㅣㅜㅔㅗ"),
    "ワヲヴ": ("ㅇ", "ㅘㅗㅡ"),
}
_KANA: Final = {
    kana: (lead, vowel)
    for row, (lead, vowels) in _ROWS.items()
    for kana, vowel in zip(row, vowels, strict=True)
}
_SOFT: Final = {"ㅋ": "ㄱ", "ㅌ": "ㄷ", "ㅊ": "ㅈ"}
"""At the beginning of a word."""
_SMALL: Final = dict(zip("ャュョァィゥェォ", "ㅑㅠㅛㅏㅣㅜㅔㅗ", strict=True))
_PLAIN: Final = {"ㅑ": "ㅏ", "ㅠ": "ㅜ", "ㅛ": "ㅗ"}
"""After ㅈ and ㅊ Korean writes no glide: チャ is 차, ジュ is 주."""
_LONG: Final = {
    "ㅏ": "ア",
    "ㅑ": "ア",
    "ㅣ": "イ",
    "ㅜ": "ウ",
    "ㅠ": "ウ",
    "ㅗ": "オウ",
    "ㅛ": "オウ",
    "ㅘ": "ア",
    "ㅡ": "ウ",
}
_WORD: Final = re.compile(r"[ァ-ヴー]+")
_TO_KATAKANA: Final = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゔ"))}


def spoken(kana: str) -> str:
    """`カガ` -> 가가, `カナザワ` -> 가나자와. What is not kana stays; hiragana is read as katakana."""
    return _WORD.sub(lambda word: _word(word[0]), kana.translate(_TO_KATAKANA))


def _word(kana: str) -> str:
    said: list[tuple[str, str, int]] = []
    for here in kana:
        lead, vowel, final = said[-1] if said else ("", "", 0)
        if here in _FINAL and said and not final:
            said[-1] = (lead, vowel, _FINAL[here])
        elif here in _SMALL and said and not final:
            said[-1] = (*_joined(lead, _SMALL[here]), 0)
        elif here in _KANA and not (said and not final and here in _LONG.get(vowel, "")):
            lead, vowel = _KANA[here]
            said.append((lead if said else _SOFT.get(lead, lead), vowel, 0))
    return "".join(map(_syllable, said))


def _joined(lead: str, small: str) -> tuple[str, str]:
    """キ and ャ -> 캬, ファ -> 파, ティ -> 티."""
    if small in "ㅏㅣㅜㅔㅗ":
        return ("ㅍ" if lead == "ㅎ" else "ㅂ" if lead == "ㅇ" and small != "ㅜ" else lead), small
    return lead, _PLAIN[small] if lead in "ㅈㅊ" else small


def _syllable(parts: tuple[str, str, int]) -> str:
    lead, vowel, final = parts
    return chr(0xAC00 + (_LEADS.index(lead) * 21 + _VOWELS.index(vowel)) * 28 + final)
