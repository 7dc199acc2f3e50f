"""What `kitamae import` takes for this service, and what becomes of it.

    kitamae import jma PATH...   気象庁防災情報XML
    kitamae import cap PATH...   CAP 1.2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.services.disaster.alerts import city as alerts
from kitamae.services.disaster.alerts import jma
from kitamae.services.disaster.alerts.message import BadMessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.sdk.city import City
    from kitamae.services.disaster.alerts.message import Message

FORMATS: Final[Mapping[str, Callable[[bytes], Message]]] = {"jma": jma.read}
"""Its name on the command line -> bytes to a message. Raises BadMessageError."""

TYPE: Final = alerts.TYPE
"""Of the entities that come of them."""

__all__ = ["FORMATS", "TYPE", "BadMessageError", "changes"]


def changes(
    messages: Sequence[Message], city: City, present: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What the messages make of the city's alerts, by id: in the order in which they were reported, whatever order they came in."""
    now: dict[str, dict[str, Any]] = {id: dict(one) for id, one in present.items()}
    news: dict[str, dict[str, Any]] = {}
    for message in sorted(messages, key=lambda one: (one.reported, one.sent)):
        for entity in alerts.changed(message, city.alerts, city.code5, now):
            news[entity["id"]] = now[entity["id"]] = {**now.get(entity["id"], {}), **entity}
    return news
