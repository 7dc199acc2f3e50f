"""Which language the reader wants, and the words in it.

Texts in templates are written in Japanese, and the Japanese text is the key (`{{ _("地図をひらく") }}`): Japanese
needs no catalog, and a text that changes asks for new translations by itself. `locales/<language>.po` holds the
others; they are read as they are, so there is no build step.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from babel.messages.pofile import read_po

from kitamae.sdk.manifest import LANGUAGES, Language

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SOURCE: Final[Language] = "ja"
OFFERED: Final[tuple[Language, ...]] = LANGUAGES

NAMES: Final[dict[Language, str]] = {
    "ja": "日本語",
    "ja_Hira": "やさしい日本語",
    "en": "English",
    "zh": "简体中文",
    "ko": "한국어",
}
TAGS: Final[dict[Language, str]] = {
    "ja": "ja",
    "ja_Hira": "ja-Hira",
    "en": "en",
    "zh": "zh-Hans",
    "ko": "ko",
}
"""What `lang=` and Content-Language say (BCP 47)."""

FALLBACK: Final[dict[Language, tuple[Language, ...]]] = {
    "ja": ("ja", "ja_Hira", "en"),
    "ja_Hira": ("ja_Hira", "ja", "en"),
    "en": ("en", "ja"),
    "zh": ("zh", "en", "ja"),
    "ko": ("ko", "en", "ja"),
}
"""Where a text comes from when it is not there in the reader's language."""

Message: TypeAlias = str | tuple[str, ...]


def known(text: str | None, offered: Sequence[Language] = OFFERED) -> Language | None:
    """`ja-Hira`, `JA_hira`, `en-GB`, `zh-Hans-CN` -> the language that we offer under that name; else None."""
    if not text:
        return None
    wanted = text.strip().replace("-", "_").lower()
    for language in offered:
        if wanted == language.lower():
            return language
    plain = wanted.partition("_")[0]
    return next((language for language in offered if language == plain), None)


def negotiate(accept: str, offered: Sequence[Language] = OFFERED) -> Language | None:
    """The best of an Accept-Language header (RFC 9110 12.5.4); None where nothing in it is offered."""
    best: tuple[float, Language] | None = None
    for part in accept.split(",")[:50]:
        tag, _, parameters = part.partition(";")
        language = known(tag, offered)
        quality = _quality(parameters)
        if language and quality > 0 and (best is None or quality > best[0]):
            best = (quality, language)
    return best[1] if best else None


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def say(words: Mapping[Any, str], language: Language, default: str = "") -> str:
    """The entry of a manifest's or profile's words in the reader's language, or the nearest one to it."""
    for candidate in FALLBACK[language]:
        if text := words.get(candidate):
            return text
    return next(iter(words.values()), default)


class Catalog:
    """All messages of one language, from several folders; the first folder that has one decides."""

    def __init__(self, language: Language, folders: Sequence[Path]) -> None:
        self.language = language
        self._chain = [
            messages
            for candidate in takewhile(lambda tried: tried != SOURCE, FALLBACK[language])
            for folder in folders
            if (messages := _messages(folder / f"{candidate}.po"))
        ]

    def gettext(self, message: str) -> str:
        """The translation, or the message itself."""
        found = self._find(message)
        return found if isinstance(found, str) else found[0] if found else message

    def ngettext(self, one: str, many: str, count: int) -> str:
        """For a count. Of our five languages only English tells one from many."""
        found = self._find(one)
        if isinstance(found, tuple):
            return found[0] if count == 1 else found[-1]
        return found or (one if count == 1 else many)

    def _find(self, message: str) -> Message | None:
        return next((messages[message] for messages in self._chain if message in messages), None)


@lru_cache(maxsize=256)
def _messages(path: Path) -> dict[str, Message]:
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return dict(_entries(file.read().decode("utf-8")))


def _entries(text: str) -> Iterator[tuple[str, Message]]:
    for message in read_po(text.splitlines(keepends=True)):
        if message.id and message.string and not message.fuzzy:
            key = message.id if isinstance(message.id, str) else message.id[0]
            yield key, message.string if isinstance(message.string, str) else tuple(message.string)
