"""How Japanese words are read, and one form for what sounds or looks the same.

A person types 「しょうわ」, 「ショウワ」, 「昭和」 or "showa" and means one school. Names and questions are folded to one
form before they are compared; names without a written reading get one from the readings of words that are known
(the city's own towns, a few dozen common nouns); readings can be written in Latin letters (Hepburn, without
macrons, as road signs do).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TO_HIRAGANA: Final = {code: code - 0x60 for code in range(ord("ァ"), ord("ヴ") + 1)}
_NOISE: Final = re.compile(r"[\s・･、。,.()（）「」\-‐‑–—―_/'’]+")
_KANJI: Final = re.compile(r"[㐀-鿿々〆]")

_SHELVES: Final = "あかさたなはまやらわ"
_ROWS: Final = {
    "": "あいうえお", "k": "かきくけこ", "s": "さしすせそ", "t": "たちつてと", "n": "なにぬねの", "h": "はひふへほ",
    "m": "まみむめも", "r": "らりるれろ", "g": "がぎぐげご", "z": "ざじずぜぞ", "d": "だぢづでど", "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ",
}  # fmt: skip
_SYLLABLES: Final = {
    kana: consonant + vowel
    for consonant, row in _ROWS.items()
    for kana, vowel in zip(row, "aiueo", strict=True)
} | {
    "し": "shi", "ち": "chi", "つ": "tsu", "ふ": "fu", "じ": "ji", "ぢ": "ji", "づ": "zu",
    "や": "ya", "ゆ": "yu", "よ": "yo", "わ": "wa", "を": "o", "ん": "n", "ゔ": "vu",
    "ぁ": "a", "ぃ": "i", "ぅ": "u", "ぇ": "e", "ぉ": "o",
}  # fmt: skip
_GLIDES: Final = {"ゃ": "a", "ゅ": "u", "ょ": "o"}
_LONG: Final = re.compile(r"(?:ou|oo|uu)")


def fold(text: str) -> str:
    """NFKC, hiragana, lower case, without spaces, dots and brackets; ヶ between words is が (緑ヶ丘).

    The long-vowel mark stays, for it makes a word another.
    """
    plain = unicodedata.normalize("NFKC", _NOISE.sub("", unicodedata.normalize("NFKC", text).casefold()))
    return plain.translate(_TO_HIRAGANA).replace("ヶ", "が").replace("ゖ", "が")


def reading(name: str, lexicon: Mapping[str, str]) -> str:
    """How a name is read, in hiragana, by the fewest known words that cover it; "" where a kanji is left over.

    `lexicon`: written form -> reading in kana. Half a reading would send people to the wrong place.
    """
    longest = max(map(len, lexicon), default=0)
    rest: list[tuple[int, str] | None] = [None] * len(name) + [(0, "")]  # from here on: words, reading
    for at in range(len(name) - 1, -1, -1):
        ways = [
            (said, length)
            for length in range(1, min(longest, len(name) - at) + 1)
            if (said := lexicon.get(name[at : at + length])) is not None
        ]
        if not _KANJI.match(name[at]):
            ways.insert(0, (name[at], 1))
        for said, length in ways:
            after = rest[at + length]
            best = rest[at]
            if after and (best is None or after[0] + 1 <= best[0]):
                rest[at] = (after[0] + 1, said + after[1])
    return fold(rest[0][1]) if rest[0] else ""


def rank(word: str, name: str, kana: str, english: str = "") -> int | None:
    """How well a folded word fits what is called `name` (folded), read `kana`: 0 is it, 1 begins with it, 2 holds it; None: it is not."""
    names = [name, kana]
    if word.isascii():
        word, names = latin(word), [latin(english), latin(kana), name]
    if word in names:
        return 0
    if any(one.startswith(word) for one in names if one):
        return 1
    return 2 if any(word in one for one in names if one) else None


def row(kana: str) -> str:
    """The row of the syllabary (あ, か, さ …) under which people look for a reading in hiragana; "" where there is none."""
    return next((one for one in reversed(_SHELVES) if kana[:1] >= one), "") if kana else ""


def latin(kana: str) -> str:
    """A reading in Latin letters: しょうわ -> showa, いっしき -> isshiki, かんの -> kanno, しんいち -> shinichi.

    Long vowels are written once, as on road signs, also where two words meet: this is for comparing. What is not
    kana stays as it is, so that a question in Latin letters can be brought to the same form.
    """
    said: list[str] = []
    double = False
    for mark in fold(kana):
        if mark == "っ":
            double = True
            continue
        if mark in _GLIDES and said and said[-1].endswith("i"):
            stem = said.pop()[:-1]
            said.append(stem + ("" if stem.endswith(("sh", "ch", "j")) else "y") + _GLIDES[mark])
            continue
        if mark == "ー":
            continue
        syllable = _SYLLABLES.get(mark, mark)
        if double and syllable[:1].isalpha():
            syllable = ("t" if syllable.startswith("ch") else syllable[0]) + syllable
        said.append(syllable)
        double = False
    return _LONG.sub(lambda match: match[0][0], "".join(said))
