"""What is personal here, for what it may be read, on what basis, and how long it is kept: as manifests and the city declare it.

A *retention class* is what was collected for one purpose: its records share a key per person and are kept equally long.
A *purpose* says which fields may be read for it, and on what legal basis; the purpose that a record was collected for has
the name of its class.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from kitamae.kernel.people import person
from kitamae.kernel.problems import BadRequest, Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Basis = Literal["consent", "law", "contract", "vital-interest"]

OWN: Final = person.OWN
"""The purpose of whoever looks at what is held about himself."""
RECEIPTS: Final = "receipts"
"""The class of receipts: who looked is personal data too."""
CONSENTS: Final = "consents"
"""The class of the records of who agreed to what. Nobody declares it, so nobody but the person reads it."""
CONSENT_DAYS: Final = 5 * 365
"""How long the record of one event of a consent is kept."""
INDEXED: Final = frozenset({"name", "kana", "address", "birth_date"})
"""Fields that a person is found by."""
DAY: Final = 86_400_000_000  # microseconds
RECEIPT_DAYS: Final = 3 * 365
"""How long receipts are kept, unless a purpose says otherwise."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """`law`: the article, in Japanese, where the basis is a law. `days`: how long its class is kept, `receipt_days`: how long what
    says who read for it.

    What was collected for it may be read for it, and what was collected for the purposes of `also`; nothing else, even
    where the field has the same name. `identifiers`: fields that hold numbers of something else than a person.
    """

    name: str
    basis: Basis
    fields: frozenset[str]
    days: int
    law: str = ""
    also: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset()
    title: Mapping[str, str] = field(default_factory=dict)
    use: Mapping[str, str] = field(default_factory=dict)
    by: Mapping[str, str] = field(default_factory=dict)
    entered: frozenset[str] = frozenset()
    agreed_days: int = 730
    receipt_days: int = RECEIPT_DAYS

    def due(self, at: int) -> int:
        """When what is written at `at` (microseconds UTC) has been kept long enough."""
        return at + self.days * DAY


_CONSENTS: Final = Purpose(
    CONSENTS,
    "consent",
    frozenset({"at", "event", "notice", "number", "purpose", "salt", "until"}),
    CONSENT_DAYS,
)


class Purposes:
    """All that are declared. `receipt_days`: how long receipts are kept of what no purpose declares, such as one's own looks."""

    def __init__(self, declared: Iterable[Purpose], receipt_days: int = RECEIPT_DAYS) -> None:
        """Raises ValueError for a name that is declared twice with different content, or that is not free."""
        self._known: dict[str, Purpose] = {}
        for one in declared:
            if one.name in (OWN, RECEIPTS, CONSENTS) or self._known.setdefault(one.name, one) != one:
                raise ValueError(f"the purpose {one.name} is declared twice")
        self.receipt_days = receipt_days

    @property
    def receipts_whole(self) -> int:
        """For so many days back no receipt has gone yet, of any class."""
        return min((self.receipt_days, *(one.receipt_days for one in self)))

    def receipts_apart(self) -> dict[int, list[str]]:
        """Days -> the purposes whose receipts are kept so long, where that is not the usual time."""
        found: dict[int, list[str]] = {}
        for one in self:
            if one.receipt_days != self.receipt_days:
                found.setdefault(one.receipt_days, []).append(one.name)
        return found

    def __iter__(self) -> Iterator[Purpose]:
        return iter(self._known.values())

    def get(self, name: str) -> Purpose | None:
        """None: nobody declares it (any more)."""
        return self._known.get(name)

    def demand(self, name: str) -> Purpose:
        """Raises Forbidden for a purpose that nobody declared: then nothing is read for it."""
        found = self._known.get(name)
        if found is None:
            raise Forbidden(
                f"nobody declares the purpose {name!r:.60}: personal data is read for declared purposes only"
            )
        return found

    def klass(self, name: str, fields: Mapping[str, object]) -> Purpose:
        """The class that a record with these fields is written to. Raises BadRequest, Forbidden."""
        found = _CONSENTS if name == CONSENTS else self.demand(name)
        if undeclared := sorted(fields.keys() - found.fields):
            raise BadRequest(
                f"{name} declares no field {undeclared[0]!r:.60}: it declares {', '.join(sorted(found.fields))}"
            )
        return found
