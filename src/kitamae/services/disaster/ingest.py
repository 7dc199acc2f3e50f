"""What `kitamae import` takes for this service, and what becomes of it.

kitamae import jma PATH...   気象庁防災情報XML
kitamae import cap PATH...   CAP 1.2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.xml import MOST_BYTES, BadMessageError
from kitamae.services.disaster.alerts import cap, jma
from kitamae.services.disaster.alerts import city as alerts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence

    from kitamae.sdk.city import City
    from kitamae.services.disaster.alerts.message import Message

FORMATS: Final[Mapping[str, Callable[[bytes], Message]]] = {"jma": jma.read, "cap": cap.read}
"""Its name on the command line -> bytes to a message. Raises BadMessageError."""

TYPE: Final = alerts.TYPE
"""Of the entities that come of them."""

__all__ = ["FEEDS", "FORMATS", "MOST_BYTES", "TYPE", "BadMessageError", "changes", "refused", "remarks"]


FEEDS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "jma": {"extra": ("extra.xml", "extra_l.xml"), "eqvol": ("eqvol.xml", "eqvol_l.xml")}
}
"""Format -> the Atom feeds that have its warnings, by name: that of the last minutes, and that of the last days. 気象庁 has two more
(regular, other), with forecasts.
"""


def refused(message: Message, city: City) -> str:
    """Why this city does not take it; "" where it does. Anybody can write a CAP message: the city says whose it believes. A message
    that names an area of the city's only by a code that is not its own (any more) is refused: nobody knows of where it speaks.
    """
    if message.format == "cap" and message.office not in city.cap_senders:
        return f"sender {message.office!r:.80} is not among the city's cap_senders"
    if not alerts.speaks_of(message, city.alerts):
        return "; ".join(alerts.strange(message, city.alerts))
    return ""


def remarks(message: Message, city: City) -> list[str]:
    """Of a message that is taken: what about its areas the city's profile does not know."""
    return alerts.strange(message, city.alerts)


def changes(
    messages: Sequence[Message],
    city: City,
    present: Mapping[str, Mapping[str, Any]],
    heard: MutableMapping[str, str] | None = None,
) -> Iterator[list[dict[str, Any]]]:
    """What each message makes of the city's alerts, those left out that change nothing: in the order in which they were reported,
    whatever order they came in. One write for each, so that history has every step. `present`: what the city knows, by id; `heard`:
    what was noted here of messages that came before these, which is brought up to date.
    """
    heard = {} if heard is None else heard
    now: dict[str, dict[str, Any]] = {id: dict(one) for id, one in present.items()}
    for message in sorted(messages, key=lambda one: (one.reported, one.sent)):
        if alerts.superseded(message, heard):
            continue
        alerts.hear(message, city.alerts, heard)
        news = alerts.changed(message, city.alerts, city.code5, now)
        for entity in news:
            now[entity["id"]] = {**now.get(entity["id"], {}), **entity}
        if news:
            yield news
