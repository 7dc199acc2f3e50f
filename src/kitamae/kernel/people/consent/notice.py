"""What a person is told before he agrees: for what, by whom, which data, for how long; and which version of these words.

A consent is to the words that were read, in the language in which they were read: when those change, it ends, and is asked for
again. A translation that is mended asks only those again who had read it.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from kitamae.kernel.ledger import commitment

if TYPE_CHECKING:
    from kitamae.kernel.people.vault import Purpose

LANGUAGES: Final = ("ja", "ja_Hira", "en", "zh", "ko")


@dataclass(frozen=True, slots=True)
class Notice:
    """`days`: how long the data is kept from its last change; `agreed_days`: how long the consent lasts."""

    purpose: str
    language: str
    title: str
    use: str
    by: str
    fields: tuple[str, ...]
    also: tuple[str, ...]
    days: int
    agreed_days: int

    @classmethod
    def of(cls, purpose: Purpose, language: str) -> Self | None:
        """None where it is not written in that language: nobody agrees to what he cannot read."""
        texts = (purpose.title.get(language), purpose.use.get(language), purpose.by.get(language))
        title, use, by = texts
        if not title or not use or not by:
            return None
        fields, also = tuple(sorted(purpose.fields)), tuple(sorted(purpose.also))
        return cls(purpose.name, language, title, use, by, fields, also, purpose.days, purpose.agreed_days)

    @property
    def version(self) -> str:
        """32 hexadecimal digits that change with any word or number of it."""
        return hashlib.sha256(commitment.canonical(self.told())).hexdigest()[:32]

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"fields": list(self.fields), "also": list(self.also)}
