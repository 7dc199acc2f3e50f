"""History that clients write themselves: create, append, modify (clauses 5.6.11, 5.6.12, 5.6.14).

Deleting is `Transaction.drop_instances` with the query that selects what goes (5.6.13, 5.6.15, 5.6.16).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.operations import instance
from kitamae.kernel.context.store import Instance
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Attributes


def instances(entity: str, attrs: Attributes, now: int) -> list[Instance]:
    """The instances of a temporal payload; the store names them. `now` in microseconds UTC.

    One whose value is NGSI-LD Null says that the attribute was deleted when it was observed (clause 4.5.7), or now.
    Raises BadRequest for NGSI-LD Null elsewhere and for a time that cannot be read.
    """
    stamp = clock.text(now)
    answer: list[Instance] = []
    for name, found in attrs.items():
        for one in found:
            gone = instance.deletes(one)
            if not gone:
                instance.refuse_null(name, one)
            answer.append(_instance(entity, name, instance.kept(one, None, stamp), "", now, now, gone=gone))
    return answer


def modified(one: Instance, patch: Attribute, now: int) -> Instance:
    """The instance with the members of `patch` in place of its own; its id and createdAt stay.

    Raises BadRequest for another kind or another datasetId, and for NGSI-LD Null in place of the value.
    """
    if instance.deletes(patch):
        raise BadRequest(f"{one.name}: delete the instance instead of setting it to {NULL}")
    if patch.get("kind", one.attribute["kind"]) != one.attribute["kind"]:
        raise BadRequest(f"{one.name} is a {one.attribute['kind']} and stays one")
    if patch.get("datasetId", one.attribute.get("datasetId")) != one.attribute.get("datasetId"):
        raise BadRequest(f"{one.name}: an instance stays in its dataset")
    instance.refuse_hidden_null(one.name, patch)
    members: dict[str, Any] = {**one.attribute, **patch, "modifiedAt": clock.text(now)}
    kept = cast("Attribute", members)
    return _instance(one.entity, one.name, kept, one.instance_id, one.created_at, now)


def _instance(
    entity: str, name: str, kept: Attribute, id: str, created: int, modified_: int, *, gone: bool = False
) -> Instance:
    observed = clock.micros(kept["observedAt"], f"{name}.observedAt") if "observedAt" in kept else None
    deleted = (modified_ if observed is None else observed) if gone else None
    return Instance(entity, name, id, kept, observed, created, modified_, deleted)
