"""An assessment's text (a little Markdown: headings, lists, paragraphs, bold; marks of code are left out) as blocks that a template escapes and shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

_BOLD: Final = re.compile(r"\*\*(.+?)\*\*")
_JAPANESE: Final = re.compile(r"[ぁ-ヿ㐀-鿿]")


@dataclass(frozen=True, slots=True)
class Block:
    """`runs`: (text, is it bold). `language`: ja or en, for a screen reader."""

    kind: Literal["heading", "item", "paragraph"]
    runs: tuple[tuple[str, bool], ...]
    language: str


def blocks(text: str) -> list[Block]:
    """The first heading is the page's own and left out. Nothing here is HTML: a tag is shown as it is written."""
    found: list[Block] = []
    waiting: list[str] = []

    def end() -> None:
        if waiting:
            said = " ".join(waiting)
            said = said.replace("`", "")
            found.append(_block("item" if said.startswith("- ") else "paragraph", said.removeprefix("- ")))
            waiting.clear()

    for line in text.splitlines():
        plain = line.strip()
        if plain.startswith("#"):
            end()
            if not plain.startswith("# "):
                found.append(_block("heading", plain.lstrip("# ")))
        elif not plain:
            end()
        else:
            if plain.startswith("- "):
                end()
            waiting.append(plain)
    end()
    return found


def _block(kind: Literal["heading", "item", "paragraph"], said: str) -> Block:
    parts = _BOLD.split(said)
    runs = tuple((part, number % 2 == 1) for number, part in enumerate(parts) if part)
    return Block(kind, runs, "ja" if _JAPANESE.search(said) else "en")
