"""Updates over NGSI-LD, one or many, of attributes that are not here, given to sources that speak NGSIv2 and registered them.

Orion's rule for its context providers, in both dialects: what is here is changed here, and an update of what is not goes to
the first provider that registered it. Nothing else is ever sent to them: they are auxiliary sources (4.3.6).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import read
from kitamae.kernel.context.api import owner, source
from kitamae.kernel.context.api.write import Outcome
from kitamae.kernel.context.query.tree import TypeQ, Wanted
from kitamae.kernel.context.registration import dialect
from kitamae.kernel.context.registration.match import Question, relevant
from kitamae.kernel.context.registration.peers import Unanswered
from kitamae.kernel.context.registration.share import Part
from kitamae.kernel.problems import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from kitamae.kernel.context.api.source import Asking
    from kitamae.kernel.context.api.write import Given, Plan, Write
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Attribute
    from kitamae.kernel.context.registration.model import Registration

_UPDATES: Final = frozenset({"updateEntity", "updateAttrs", "replaceAttrs"})


def able(x: Asking, request: Request, registrations: Sequence[Registration]) -> list[Registration]:
    """Those that take updates in NGSIv2; nobody where this request came from ourselves."""
    if request.broker.dialect is None or request.alias in source.visited(x):
        return []
    return [one for one in registrations if "v2" in one.doc and dialect.offers(one, "update")]


def providers(
    x: Asking,
    request: Request,
    write: Write,
    registrations: Sequence[Registration],
    types: Collection[str],
    names: Collection[str],
) -> list[Given]:
    """Who is given which of these attributes, which are not here: each goes to the first that registered it.

    Raises NotSignedIn or Forbidden for a part that the caller may not write, BadRequest for what has no value.
    """
    if write.name not in _UPDATES:
        return []
    found = owners(request, able(x, request, registrations), write.id, types, names)
    if not found:
        return []
    values = _values(request, write)
    return [(one, {name: values[name] for name in mine}) for one, mine in found]


def owners(
    request: Request,
    offered: Sequence[Registration],
    id: str,
    types: Collection[str],
    names: Collection[str],
) -> list[tuple[Registration, list[str]]]:
    """Which of these attributes (expanded) are whose. Raises NotSignedIn or Forbidden."""
    wanted = (Wanted(TypeQ((tuple(types),)) if types else TypeQ(), (id,)),)
    found: dict[str, tuple[Registration, list[str]]] = {}
    for name in sorted(names):
        question = Question(wanted, frozenset({name}))
        one = next((one for one in offered if relevant(question, one)), None)
        if one is not None:
            found.setdefault(one.id, (one, []))[1].append(name)
    if found:
        request.demand_types("write", types)
    return [*found.values()]


async def told(x: Asking, request: Request, plan: Plan) -> list[Outcome]:
    """Each is given its attributes, at the same time."""
    return await asyncio.gather(
        *(tell(x, request, plan.write.id, plan.types, one, attrs) for one, attrs in plan.providers)
    )


def _values(request: Request, write: Write) -> Mapping[str, list[Attribute]]:
    """The attributes of a payload, expanded and complete. Raises BadRequest for an attribute without a value."""
    payload = write.payload or {}
    if write.attribute is None:
        found = read.fragment(payload, request.context, id=write.id)["attrs"]
        return {name: [read.complete(one) for one in instances] for name, instances in found.items()}
    one = read.attribute(payload, request.context, write.attribute)
    return {write.attribute: [read.complete(one)]}


async def tell(
    x: Asking,
    request: Request,
    id: str,
    types: Sequence[str],
    one: Registration,
    attrs: Mapping[str, list[Attribute]],
) -> Outcome:
    """One provider is given attributes of one entity: durable there where the outcome has no problem."""
    part = Part(one, frozenset(attrs), frozenset())
    values = {name: some[0] for name, some in attrs.items()}
    try:
        if any(len(some) > 1 for some in attrs.values()):
            raise Unprocessable(f"the source {one.id} speaks NGSIv2, which has one instance of an attribute")
        spoken, errand = source.errand(x, request)
        await spoken.update(errand, one, id, types, values)
    except Unanswered as silence:
        return Outcome(part, owner.unreached(one, silence))
    except Unprocessable as refused:
        return Outcome(part, refused)
    return Outcome(part, updated=list(attrs))
