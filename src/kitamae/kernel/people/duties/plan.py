"""What the duties of a city are: data of the city, or `duties.toml` beside this file where it says nothing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_POWERFUL: Final = frozenset({"staff", "privacy"})
"""Desks that decide about others' duties, and that look after those who look: nobody comes to them alone."""


@dataclass(frozen=True, slots=True)
class Duty:
    """`name` by language; `desks` whose work it is; `purposes` for which it reads personal data, as they are declared.

    `second`: whether the city wants a second person for it; None: where it reads personal data, so that nobody makes an
    account and lets it look by himself.
    """

    id: str
    name: Mapping[str, str] = field(hash=False)
    desks: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    second: bool | None = None

    @property
    def powerful(self) -> bool:
        """Nobody is given it, or loses it, by one person alone."""
        wanted = bool(self.purposes) if self.second is None else self.second
        return wanted or not self.desks.isdisjoint(_POWERFUL)

    def covers(self) -> Iterator[str]:
        """What the policy asks for: `desk:privacy`, `purpose:identity`."""
        yield from (f"desk:{one}" for one in self.desks)
        yield from (f"purpose:{one}" for one in self.purposes)


class Plan:
    """All duties of a city, in their order."""

    def __init__(self, duties: Iterable[Duty]) -> None:
        """Raises ValueError for an id that is there twice."""
        self._known: dict[str, Duty] = {}
        for one in duties:
            if self._known.setdefault(one.id, one) is not one:
                raise ValueError(f"the duty {one.id} is declared twice")

    @classmethod
    def usual(cls) -> Self:
        """Those of `duties.toml`."""
        text = Path(__file__).with_name("duties.toml").read_text("utf-8")
        return cls(
            Duty(
                one["id"],
                one["name"],
                frozenset(one.get("desks", ())),
                frozenset(one.get("purposes", ())),
                one.get("second"),
            )
            for one in tomllib.loads(text)["duties"]
        )

    def __iter__(self) -> Iterator[Duty]:
        return iter(self._known.values())

    def get(self, id: str) -> Duty | None:
        """None: the city does not have that duty (any more)."""
        return self._known.get(id)

    def demand(self, id: str) -> Duty:
        """Raises BadRequest."""
        if id not in self._known:
            raise BadRequest(f"there is no duty {id!r:.60}: this city has {', '.join(self._known)}")
        return self._known[id]

    @property
    def desks(self) -> frozenset[str]:
        """Of all duties."""
        return frozenset(desk for one in self for desk in one.desks)
