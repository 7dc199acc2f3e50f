"""Finds the few subscriptions that a change can concern, among many thousands.

Each alternative of a subscription stands under the narrowest key it allows: an entity's id, else one type of each
conjunction, else any entity of the tenant; there under each watched attribute, where only attributes trigger it; and
there under each value that its condition demands of an attribute, where it demands one (`asked`).
What is found is a superset: `match` decides.

Written on the event loop, read by the writer's thread: the lists under a key are replaced, never changed in place.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context.subscription.asked import Value, asked, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.subscription.model import Subscription

_Place = tuple[str, str, str]  # tenant, "id" | "type" | "any", which one
_Key = tuple[_Place, str, str, Value]  # watched attribute or "", attribute asked for or "", its value

_OF_ATTRIBUTES: Final = frozenset({"attributeCreated", "attributeUpdated", "attributeDeleted"})


class Index:
    """`add`, `remove`, `concerned`."""

    def __init__(self) -> None:
        self._found: dict[_Key, tuple[Subscription, ...]] = {}
        self._here: dict[tuple[str, str], Subscription] = {}
        self._asked: dict[
            _Place, tuple[str, ...]
        ] = {}  # the attributes that keys of a place ask for, each once
        self._asking: Counter[tuple[_Place, str]] = Counter()  # and how many keys do

    def __len__(self) -> int:
        return len(self._here)

    def add(self, subscription: Subscription) -> None:
        """Put it in, in the place of an earlier one with its id."""
        self.remove(subscription.tenant, subscription.id)
        self._here[subscription.tenant, subscription.id] = subscription
        for key in _keys(subscription):
            place, _, attribute, _ = key
            others = self._found.get(key, ())
            self._found[key] = (*others, subscription)
            if not others:
                self._asking[place, attribute] += 1
                if self._asking[place, attribute] == 1:
                    self._asked[place] = (*self._asked.get(place, ()), attribute)

    def remove(self, tenant: str, id: str) -> None:
        """Take it out; nothing happens when it is not there."""
        old = self._here.pop((tenant, id), None)
        if old is None:
            return
        for key in _keys(old):
            place, _, attribute, _ = key
            left = tuple(one for one in self._found[key] if one is not old)
            if left:
                self._found[key] = left
                continue
            del self._found[key]
            self._asking[place, attribute] -= 1
            if not self._asking[place, attribute]:
                del self._asking[place, attribute]
                self._asked[place] = tuple(one for one in self._asked[place] if one != attribute)
                if not self._asked[place]:
                    del self._asked[place]

    def concerned(self, tenant: str, states: Sequence[Entity], touched: Iterable[str]) -> list[Subscription]:
        """Those that a change of these attributes may concern, each once. `states`: the entity after and before it."""
        found = self._found
        names = ("", *touched)
        types = dict.fromkeys(one for state in states for one in state["type"])
        answer: dict[str, Subscription] = {}
        for kind, which in (("any", ""), ("id", states[0]["id"]), *(("type", one) for one in types)):
            place = tenant, kind, which
            for attribute in self._asked.get(place, ()):
                for value in {v for state in states for v in told(attribute, state)} if attribute else ("",):
                    for name in names:
                        for one in found.get((place, name, attribute, value), ()):
                            answer[one.id] = one
        return list(answer.values())


def _keys(subscription: Subscription) -> Iterator[_Key]:
    names = (
        subscription.watched if subscription.triggers <= _OF_ATTRIBUTES and subscription.watched else ("",)
    )
    places: set[tuple[str, str]] = set()
    for selector in subscription.selectors:
        if selector.id is not None:
            places.add(("id", selector.id))
        elif selector.types.any_of:
            places.update(("type", conjunction[0]) for conjunction in selector.types.any_of)
        else:
            places.add(("any", ""))
    if not subscription.selectors:
        places.add(("any", ""))
    attribute, values = asked(subscription.q) or ("", ("",))
    for kind, which in places:
        for name in names:
            for value in dict.fromkeys(values):
                yield (subscription.tenant, kind, which), name, attribute, value
