"""Exclusive and redirect registrations answer alone (clauses 4.3.6 and 5.9.2): who already does? Raises AnsweredTwice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.context.query.tree import EntityQuery, TypeQ, Wanted
from kitamae.kernel.context.registration.match import Question, informs
from kitamae.kernel.context.veil import behind
from kitamae.kernel.problems import AnsweredTwice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.registration.model import EntityInfo, Information, Registration
    from kitamae.kernel.context.store import Store, Transaction

_ALONE: Final = frozenset({"exclusive", "redirect"})


def with_registrations(new: Registration, others: Iterable[Registration]) -> None:
    """What is answered for exclusively nobody else answers for, neither exclusively nor by redirection."""
    if new.mode not in _ALONE:
        return
    for other in others:
        if other.id == new.id or other.mode not in _ALONE or "exclusive" not in (new.mode, other.mode):
            continue
        if any(_overlap(one, two) for one in new.information for two in other.information):
            raise AnsweredTwice(f"the {other.mode} registration {other.id} answers for some of that already")


async def with_entity(new: Registration, tx: Transaction) -> None:
    """Nothing that is named by its id is here, as the transaction sees it."""
    if new.mode not in _ALONE:
        return
    for information in new.information:
        for one in information.entities:
            if one.id is None:
                continue
            entity = await tx.entity(new.tenant, one.id)
            if entity is None or not set(one.types) <= set(entity["type"]):
                continue
            if not information.attrs or information.attrs & entity["attrs"].keys():
                raise AnsweredTwice(f"the entity {one.id} is kept here: it would be answered for twice")


async def with_entities(new: Registration, store: Store) -> None:
    """Nor anything of a type, or with an id like that, that a redirect registration claims as a whole."""
    if new.mode != "redirect":
        return
    for information in new.information:
        for one in information.entities:
            if one.id is None:
                found = await behind(store).find(_query(new.tenant, one, information))
                if found.rows:
                    id = orjson.loads(found.rows[0].doc)["id"]
                    open_ = await store.row(new.tenant, id) is not None
                    what = f"the entity {id}" if open_ else "something of that type"
                    raise AnsweredTwice(f"{what} is kept here: it would be answered for twice")


def _query(tenant: str, one: EntityInfo, information: Information) -> EntityQuery:
    return EntityQuery(
        tenant,
        id_pattern=one.id_pattern,
        types=TypeQ((one.types,)),
        attrs=tuple(sorted(information.attrs)),
        limit=1,
    )


def _overlap(one: Information, two: Information) -> bool:
    wanted = tuple(
        Wanted(TypeQ((entity.types,)), (entity.id,) if entity.id else (), entity.id_pattern)
        for entity in one.entities
    )
    return informs(Question(wanted, one.attrs), two)
