"""Who is asking. Trust (identity, vault, consent) fills these types in and replaces none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["anyone", "resident", "visitor", "staff", "device", "service", "system"]


@dataclass(frozen=True, slots=True)
class Principal:
    """`ref` is opaque (never a name), stable per person and used in `change.actor`.

    `scopes`: what a token was cut down to (`write:EvacuationShelter`, `write:*`); empty for a signed-in person,
    whose role alone decides. `assurance`: 0 nobody, 1 link or token, 2 passkey, 3 デジタル認証.
    """

    ref: str
    role: Role
    scopes: frozenset[str] = frozenset()
    assurance: int = 0
    session: str = ""


NOBODY: Final = Principal("", "anyone")
SYSTEM: Final = Principal("system", "system", assurance=3)
