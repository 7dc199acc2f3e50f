"""Who is asking. Trust (identity, vault, consent) fills these types in and replaces none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME: Final = ""
"""The default tenant: the city itself."""
OWN: Final = "own"
"""The purpose of whoever does something about himself; of a delegate, about whom he acts for."""
EVERYWHERE: Final = "*"
"""Among the tenants of a Principal: all of them. No tenant has such a name."""

ONE: Final = "|"
"""In a scope, between an entity's type and its id: no IRI contains it."""

Role = Literal["anyone", "resident", "visitor", "staff", "device", "service", "system"]


@dataclass(frozen=True, slots=True)
class Acting:
    """For whom somebody acts at present (代理), and how far. `classes`: of the other one's records; none named: all. `until`: microseconds UTC."""

    number: str
    person: str
    actions: frozenset[str]
    classes: tuple[str, ...]
    until: int


@dataclass(frozen=True, slots=True)
class Metered:
    """Under which contract of a provider somebody comes, with which key (its number), and how many requests a minute and a day it allows."""

    contract: str
    key: str
    minute: int
    day: int


@dataclass(frozen=True, slots=True)
class Principal:
    """`ref` is opaque (never a name), stable per person and used in `change.actor`.

    `scopes`: what a token was cut down to (`write:EvacuationShelter`, `write:*`, `write:EvacuationShelter|urn:…`); empty for a signed-in person,
    whose role alone decides. `assurance`: 0 nobody, 1 link or token, 2 passkey, 3 デジタル認証. `tenants`: where it may
    do more than read what is public. `duties` and `emergency`: of staff, (tenant, `desk:…` or `purpose:…`) that are
    his work, or that he took in an emergency (`kernel/people/duties`). `acting`: for somebody else (`kernel/people/delegates`); `ref` stays his own.
    `metered`: a provider's key, which is counted (`kernel/people/providers`).
    """

    ref: str
    role: Role
    scopes: frozenset[str] = frozenset()
    assurance: int = 0
    session: str = ""
    tenants: frozenset[str] = frozenset({HOME})
    duties: frozenset[tuple[str, str]] = frozenset()
    emergency: frozenset[tuple[str, str]] = frozenset()
    acting: Acting | None = None
    metered: Metered | None = None

    @property
    def subject(self) -> str:
        """Whose own affairs he sees to: his, or those of the one he acts for."""
        return self.acting.person if self.acting else self.ref

    @property
    def narrow(self) -> bool:
        """Whether it matters which entity of a type it writes: a device's must be in the sensor register, and scopes may name single ones."""
        return self.role == "device" or any(ONE in scope for scope in self.scopes)

    def does(self, desk: str) -> bool:
        """Whether that desk's work is his somewhere, by duty or in an emergency. The policy decides where."""
        return any(what == f"desk:{desk}" for _, what in self.duties | self.emergency)


NOBODY: Final = Principal("", "anyone")
SYSTEM: Final = Principal("system", "system", assurance=3)


def asking(scope: Mapping[str, Any]) -> Principal:
    """Who sends this request, as `kernel/people/gate.py` found out; for any handler that has the ASGI scope."""
    who = scope.get("principal", NOBODY)
    return who if isinstance(who, Principal) else NOBODY
