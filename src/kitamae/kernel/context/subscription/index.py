"""Finds the few subscriptions that a change can concern, among many thousands.

Each alternative of a subscription stands under the narrowest key it allows: an entity's id, else one type of each
conjunction, else any entity of the tenant; and there under each watched attribute, where only attributes trigger it.
What is found is a superset: `match` decides.

Written on the event loop, read by the writer's thread: the lists under a key are replaced, never changed in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kitamae.kernel.context.subscription.model import Subscription

_Key = tuple[str, str, str, str]  # tenant, "id" | "type" | "any", which one, watched attribute or ""

_OF_ATTRIBUTES: Final = frozenset({"attributeCreated", "attributeUpdated", "attributeDeleted"})


class Index:
    """`add`, `remove`, `concerned`."""

    def __init__(self) -> None:
        self._found: dict[_Key, tuple[Subscription, ...]] = {}
        self._here: dict[tuple[str, str], Subscription] = {}

    def __len__(self) -> int:
        return len(self._here)

    def add(self, subscription: Subscription) -> None:
        """Put it in, in the place of an earlier one with its id."""
        self.remove(subscription.tenant, subscription.id)
        self._here[subscription.tenant, subscription.id] = subscription
        for key in _keys(subscription):
            self._found[key] = (*self._found.get(key, ()), subscription)

    def remove(self, tenant: str, id: str) -> None:
        """Take it out; nothing happens when it is not there."""
        old = self._here.pop((tenant, id), None)
        if old is None:
            return
        for key in _keys(old):
            left = tuple(one for one in self._found[key] if one is not old)
            if left:
                self._found[key] = left
            else:
                del self._found[key]

    def concerned(
        self, tenant: str, id: str, types: Iterable[str], touched: Iterable[str]
    ) -> list[Subscription]:
        """Those that a change of these attributes of this entity may concern, each once."""
        found = self._found
        names = ("", *touched)
        answer: dict[str, Subscription] = {}
        for kind, which in (("any", ""), ("id", id), *(("type", one) for one in types)):
            for name in names:
                for one in found.get((tenant, kind, which, name), ()):
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
    for kind, which in places:
        for name in names:
            yield subscription.tenant, kind, which, name
