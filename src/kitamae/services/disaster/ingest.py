"""What `kitamae import` takes for this service, and what becomes of it.

kitamae import jma PATH...   気象庁防災情報XML
kitamae import cap PATH...   CAP 1.2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.services.disaster.alerts import cap, jma
from kitamae.services.disaster.alerts import city as alerts
from kitamae.services.disaster.alerts.message import BadMessageError
from kitamae.services.disaster.alerts.xml import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kitamae.sdk.city import City
    from kitamae.services.disaster.alerts.message import Message

FORMATS: Final[Mapping[str, Callable[[bytes], Message]]] = {"jma": jma.read, "cap": cap.read}
"""Its name on the command line -> bytes to a message. Raises BadMessageError."""

TYPE: Final = alerts.TYPE
"""Of the entities that come of them."""

__all__ = ["FORMATS", "MOST_BYTES", "TYPE", "BadMessageError", "changes", "refused"]


def refused(message: Message, city: City) -> str:
    """Why this city does not take it; "" where it does. Anybody can write a CAP message: the city says whose it believes."""
    if message.format == "cap" and message.office not in city.cap_senders:
        return f"sender {message.office!r:.80} is not among the city's cap_senders"
    return ""


def changes(
    messages: Sequence[Message], city: City, present: Mapping[str, Mapping[str, Any]]
) -> Iterator[list[dict[str, Any]]]:
    """What each message makes of the city's alerts, those left out that change nothing: in the order in which they were reported,
    whatever order they came in. One write for each, so that history has every step. `present`: what the city knows, by id.
    """
    now: dict[str, dict[str, Any]] = {id: dict(one) for id, one in present.items()}
    for message in sorted(messages, key=lambda one: (one.reported, one.sent)):
        news = alerts.changed(message, city.alerts, city.code5, now)
        for entity in news:
            now[entity["id"]] = {**now.get(entity["id"], {}), **entity}
        if news:
            yield news
