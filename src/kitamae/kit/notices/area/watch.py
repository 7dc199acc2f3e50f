"""Which changes of the city's alerts and shelters are told: written in the transaction of the change, whoever made it.

Of evacuation orders the desk that gives them says more (which districts, what it was before): they are announced there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock
from kitamae.kit.notices.area.announcement import SECOND, Item, owe

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.store import Change, Transaction

ALERT: Final = "Alert"
SHELTER: Final = "EvacuationShelter"
IN_FORCE: Final = "発表中"
ENDED: Final = ("解除", "取消")
OPENED: Final = "開設"
FRESH: Final = 3 * 3_600 * SECOND
"""What was observed longer ago is history that arrives now, such as an archive: nobody is told."""
_STATE, _NAME, _LEVEL, _STATUS = "状態", "名称", "警戒レベル", "開設状況"


class Watch:
    """`city`: 標準地域コード (five digits): a neighbour's gauges are in the broker too. `expand` as the city's @context does."""

    def __init__(
        self, city: str, tenant: str, expand: Callable[[str], str], now: Callable[[], int] = clock.now
    ) -> None:
        self._ours, self._tenant, self._now = f":{city}:", tenant, now
        self._alert, self._shelter = expand(ALERT), expand(SHELTER)
        self._words = {name: expand(name) for name in (_STATE, _NAME, _LEVEL, _STATUS)}

    async def changed(self, tx: Transaction, change: Change, effect: Any) -> None:
        """For `Store.on_change`."""
        if change.tenant != self._tenant or change.variant or effect.after is None:
            return
        if self._alert in change.types and self._ours in change.entity:
            await self._of_alert(tx, change.entity, effect.before, effect.after)
        elif self._shelter in change.types:
            await self._of_shelter(tx, effect.before, effect.after)

    async def _of_alert(self, tx: Transaction, id: str, before: Entity | None, after: Entity) -> None:
        was, now = self._value(before, _STATE), self._value(after, _STATE)
        if not self._fresh(after, _STATE) or IN_FORCE not in (was, now):
            return
        if now == IN_FORCE:
            rises = was != IN_FORCE or self._weight(id, after)[0] > self._weight(id, before)[0]
            if rises or self._value(before, _NAME) != self._value(after, _NAME):
                await self._owe(tx, "raised", id, after)
        elif now in ENDED:
            await self._owe(tx, "ended", id, before or after)

    async def _owe(self, tx: Transaction, what: str, id: str, entity: Entity) -> None:
        level, stated = self._weight(id, entity)
        name = str(self._value(entity, _NAME) or "")
        item = Item(what=what, level=level, stated=stated, name=name, places={})
        await owe(tx, "alerts", [item], self._now())

    async def _of_shelter(self, tx: Transaction, before: Entity | None, after: Entity) -> None:
        opens = self._value(after, _STATUS) == OPENED != self._value(before, _STATUS)
        if opens and self._fresh(after, _STATUS):
            name = str(self._value(after, _NAME) or "")
            item = Item(what="opened", level=0, stated=False, name=name, places={})
            await owe(tx, "shelters", [item], self._now())

    def _weight(self, id: str, entity: Entity | None) -> tuple[int, bool]:
        return weight(id, str(self._value(entity, _NAME) or ""), self._value(entity, _LEVEL))

    def _fresh(self, entity: Entity, name: str) -> bool:
        at = self._one(entity, name).get("observedAt")
        return not at or self._now() - clock.micros(str(at)) <= FRESH

    def _value(self, entity: Entity | None, name: str) -> Any:
        return self._one(entity, name).get("v")

    def _one(self, entity: Entity | None, name: str) -> dict[str, Any]:
        instances: list[Any] = entity["attrs"].get(self._words[name], []) if entity else []
        return next((dict(one) for one in instances if "datasetId" not in one), {})


def weight(id: str, name: str, level: object) -> tuple[int, bool]:
    """As which 警戒レベル an alert counts for those who asked for a level, and whether it is its own.

    What has none of its own counts by its kind, rather too high than too low: a 特別警報 and a warning of a tsunami as 5; a gauge above its
    mark, and whatever else is said of a tsunami, as 4 (there everybody leaves); another 警報 as 3; the rest as 2.
    """
    if isinstance(level, int) and not isinstance(level, bool) and level in range(1, 6):
        return level, True
    if "特別警報" in name or ("津波" in name and "警報" in name):
        return 5, False
    if "津波" in name or id.rpartition(":")[2].startswith("gauge-"):
        return 4, False
    return (3 if "警報" in name else 2), False
