"""One entity from what several sources know of it (clauses 4.3.6 and 4.5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.entity import Attribute, Entity
    from kitamae.kernel.context.registration.model import Mode

_RANK: Final[dict[Mode, int]] = {"exclusive": 0, "redirect": 1, "inclusive": 2, "auxiliary": 3}


def entity(local: Entity | None, given: Iterable[tuple[Mode, Entity]]) -> Entity | None:
    """What exclusive and redirect sources say stands; what we and inclusive ones say, the newest; auxiliary fills gaps."""
    parts = sorted(given, key=lambda part: _RANK[part[0]])
    proxied = [one for mode, one in parts if _RANK[mode] < 2]
    equal = [*([local] if local is not None else []), *(one for mode, one in parts if mode == "inclusive")]
    spare = [one for mode, one in parts if mode == "auxiliary"]
    everything = [*equal, *proxied, *spare]
    if not everything:
        return None
    answer: Entity = {**everything[0], "attrs": {}}
    answer["type"] = list(dict.fromkeys(name for one in everything for name in one["type"]))
    scopes = list(dict.fromkeys(scope for one in everything for scope in one.get("scope", ())))
    if scopes:
        answer["scope"] = scopes
    _dated(answer, everything)
    attrs = answer["attrs"]
    for one in proxied:
        for name, instances in one["attrs"].items():
            attrs.setdefault(name, instances)
    settled = set(attrs)
    for one in equal:
        for name, instances in one["attrs"].items():
            if name not in settled:
                attrs[name] = _newest(attrs.get(name, []), instances)
    for one in spare:
        for name, instances in one["attrs"].items():
            attrs.setdefault(name, instances)
    return answer


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
