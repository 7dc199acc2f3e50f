"""How words of names are read: the common ones of public buildings, and those that the city's own things teach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.reading import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COMMON: Final = {
    "市立": "しりつ", "県立": "けんりつ", "町立": "ちょうりつ", "小学校": "しょうがっこう", "中学校": "ちゅうがっこう",
    "高等学校": "こうとうがっこう", "特別支援学校": "とくべつしえんがっこう", "学園": "がくえん", "保育園": "ほいくえん",
    "幼稚園": "ようちえん", "児童": "じどう", "老人福祉": "ろうじんふくし", "総合福祉": "そうごうふくし",
    "地区会館": "ちくかいかん", "区民会館": "くみんかいかん", "文化会館": "ぶんかかいかん", "会館": "かいかん",
    "公民館": "こうみんかん", "体育館": "たいいくかん", "武道館": "ぶどうかん", "運動場": "うんどうじょう",
    "野球場": "やきゅうじょう", "球場": "きゅうじょう", "駐車場": "ちゅうしゃじょう", "公園": "こうえん", "広場": "ひろば",
    "温泉": "おんせん", "実業": "じつぎょう", "農村": "のうそん", "中央": "ちゅうおう", "自然": "しぜん",
    "交流": "こうりゅう", "多目的": "たもくてき", "旧": "きゅう",
}  # fmt: skip
"""Words of public buildings' names that are read one way all over Japan."""
_ENDINGS: Final = (("町", "まち"), ("町", "ちょう"), ("温泉", "おんせん"), ("市", "し"), ("県", "けん"))


def lexicon(named: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Written form -> reading, from entities that have both, whole and without 町, 温泉, 市 or 県, and the common words.

    片山津温泉 カタヤマヅオンセン teaches 片山津 too. A short form that is read in two ways is left out.
    """
    learned: dict[str, set[str]] = {}
    for entity in named:
        name, kana = japanese(entity.get("名称")), fold(japanese(entity.get("名称_カナ")))
        if not name or not kana:
            continue
        learned.setdefault(name, set()).add(kana)
        for written, said in _ENDINGS:
            if name.endswith(written) and kana.endswith(said) and len(name) > len(written) + 1:
                learned.setdefault(name.removesuffix(written), set()).add(kana.removesuffix(said))
    return _COMMON | {word: next(iter(said)) for word, said in learned.items() if len(said) == 1}


def japanese(value: Any) -> str:
    """A text, or the Japanese one of a LanguageProperty as it is simplified; "" for anything else."""
    if isinstance(value, dict):  # LanguageProperty, simplified
        said = value.get("languageMap", value)
        return str(said.get("ja") or next(iter(said.values()), "")) if isinstance(said, dict) else ""
    return value if isinstance(value, str) else ""
