"""One write of one entity that several owners may have a part in, whose is what of it, and what became of each part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kitamae.kernel.context import read
from kitamae.kernel.context.api.permission import change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Attribute
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.operations import Effect
    from kitamae.kernel.context.query.tree import TypeQ
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.registration.share import Part, Shares
    from kitamae.kernel.problems import Problem

Do = Callable[["Request", str, Any], Awaitable["Effect"]]
"""Does to one entity here what a write means: durable when it returns. Raises Problem."""


@dataclass(frozen=True, slots=True)
class Write:
    """One operation on one entity, as it came.

    `name`: as in clause 4.20. `path` below the API. `payload`: in the words of the request; None: there is none.
    `means`: what (a part of) the payload asks for here, which `do` does. `only`: types that the request asks for.
    `types`: those that the payload gives a new entity. `attribute`: the one that is in the path, expanded; `after`: what
    follows it there. `also`: parameters for owners, beside those of the request. `instead`: what an owner is sent who has
    the entity already.
    """

    name: str
    method: str
    path: str
    id: str
    payload: dict[str, Any] | None
    means: Callable[[dict[str, Any]], Any]
    only: TypeQ | None = None
    types: frozenset[str] | None = None
    attribute: str | None = None
    after: str = ""
    do: Do = change
    also: tuple[tuple[str, str], ...] = ()
    instead: Write | None = None

    def names(self, context: Context) -> frozenset[str] | None:
        """The attributes that it writes, expanded; None: the entity itself."""
        if self.attribute is not None:
            return frozenset({self.attribute})
        if self.payload is None:
            return None
        return named(self.payload, context)


Given = tuple["Registration", "Mapping[str, list[Attribute]]"]
"""Who speaks NGSIv2, and the attributes (expanded) that it is given."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Whose is what of a write. `here`: we have the entity. `types`: it has, or is given, as far as we know.

    `providers`: who speaks NGSIv2 and is given which attributes, because they are not here.
    """

    write: Write
    names: frozenset[str] | None
    shared: Shares
    here: bool
    types: tuple[str, ...] = ()
    providers: tuple[Given, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What became of one part. `part` None: here. `updated`, `not_updated`: expanded attribute names. `created`: with it."""

    part: Part | None
    problem: Problem | None = None
    updated: list[str] = field(default_factory=list)
    not_updated: dict[str, str] = field(default_factory=dict)
    created: bool = False

    @property
    def registration(self) -> dict[str, str]:
        """For a result: whose part it was."""
        return {} if self.part is None else {"registrationId": self.part.registration.id}


def named(payload: dict[str, Any], context: Context) -> frozenset[str]:
    """The attributes in a payload, expanded."""
    return frozenset(map(context.expand, read.attributes_of(payload)))


def part_of(payload: dict[str, Any], attrs: frozenset[str], context: Context) -> dict[str, Any]:
    """The payload without the other attributes."""
    others = {name for name in read.attributes_of(payload) if context.expand(name) not in attrs}
    return {name: value for name, value in payload.items() if name not in others}
