"""One entity from what several sources know of it (clauses 4.3.6 and 4.5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.entity import Attribute, Attributes, Entity
    from kitamae.kernel.context.registration.model import Mode

_RANK: Final[dict[Mode, int]] = {"exclusive": 0, "redirect": 1, "inclusive": 2, "auxiliary": 3}


def entity(local: Entity | None, given: Iterable[tuple[Mode, Entity]]) -> Entity | None:
    """An exclusive source's word stands, then that of redirect ones; what we and inclusive ones say; auxiliary fills gaps.

    Among those of equal standing the newest instance of each dataset stands.
    """
    ranked: list[list[Entity]] = [[], [], [*([local] if local is not None else [])], []]
    for mode, one in given:
        ranked[_RANK[mode]].append(one)
    everything = [*ranked[2], *ranked[0], *ranked[1], *ranked[3]]
    if not everything:
        return None
    answer: Entity = {**everything[0], "attrs": {}}
    answer["type"] = list(dict.fromkeys(name for one in everything for name in one["type"]))
    scopes = list(dict.fromkeys(scope for one in everything for scope in one.get("scope", ())))
    if scopes:
        answer["scope"] = scopes
    _dated(answer, everything)
    differ = _expiring(answer, everything)
    attrs = answer["attrs"]
    for equal in ranked:
        found: Attributes = {}
        for one in equal:
            for name, instances in (_transient(one) if differ else one["attrs"]).items():
                if name not in attrs:
                    found[name] = _newest(found.get(name, []), instances)
        attrs |= found
    return answer


def _expiring(answer: Entity, parts: list[Entity]) -> bool:
    """Do its parts differ in when they expire? Then it does with the last of them, or never when one never does."""
    ends = {one.get("expiresAt") for one in parts}
    if None in ends:
        answer.pop("expiresAt", None)
    else:
        answer["expiresAt"] = max(filter(None, ends), key=_moment)
    return len(ends) > 1


def _transient(one: Entity) -> Attributes:
    """The attributes of a part that expires before the whole does, each with that end unless it has an earlier one."""
    end = one.get("expiresAt")
    if end is None:
        return one["attrs"]
    return {
        name: [{**some, "expiresAt": min(some.get("expiresAt", end), end, key=_moment)} for some in instances]
        for name, instances in one["attrs"].items()
    }


def _moment(stamp: str) -> int:
    return clock.micros(stamp, "expiresAt")


def _dated(answer: Entity, parts: list[Entity]) -> None:
    """It is there since the first of its parts was, and as it is since one of them was changed last."""
    if created := [one["createdAt"] for one in parts if "createdAt" in one]:
        answer["createdAt"] = min(created, key=lambda at: clock.micros(at, "createdAt"))
    if modified := [one["modifiedAt"] for one in parts if "modifiedAt" in one]:
        answer["modifiedAt"] = max(modified, key=lambda at: clock.micros(at, "modifiedAt"))


def _newest(here: list[Attribute], there: list[Attribute]) -> list[Attribute]:
    """Per dataset the instance observed last, or else changed last; of two that do not tell, the one that was there first."""
    found = {one.get("datasetId", ""): one for one in here}
    for one in there:
        dataset = one.get("datasetId", "")
        if dataset not in found or _age(one) > _age(found[dataset]):
            found[dataset] = one
    return [found[dataset] for dataset in sorted(found, key=bool)]


def _age(one: Attribute) -> tuple[int, int]:
    return (
        clock.micros(one["observedAt"], "observedAt") if "observedAt" in one else -1,
        clock.micros(one["modifiedAt"], "modifiedAt") if "modifiedAt" in one else -1,
    )
