"""One notification on its way: the request that carries it, its host's circuit breaker, the protocol."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import orjson

from kitamae.kernel.context.subscription import message
from kitamae.kernel.context.subscription.breaker import Breaker
from kitamae.kernel.context.subscription.model import Letter
from kitamae.kernel.context.subscription.post import Outcome, Poster

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Owed
    from kitamae.kernel.context.subscription.destinations import Destinations
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.subscription.post import Sender


class Courier:
    """`mqtt` makes what carries notifications over MQTT, with the first of them; None: they are not offered. `pauses`: the first and the longest; seconds. `alias`: our own
    name, which each request carries, so that one that comes back to ourselves is known.
    """

    def __init__(
        self,
        destinations: Destinations,
        timeout: float,
        pauses: tuple[float, float],
        mqtt: Callable[[Destinations, float], Sender] | None,
        alias: str = "",
    ) -> None:
        self._alias = alias
        self._poster = Poster(destinations, timeout)
        self._make_mqtt = None if mqtt is None else partial(mqtt, destinations, timeout)
        self._mqtt: Sender | None = None
        self._pauses = pauses
        self._breakers: dict[str, Breaker] = {}

    async def close(self) -> None:
        """Close every connection."""
        await self._poster.close()
        if self._mqtt is not None:
            await self._mqtt.close()

    async def carry(
        self, subscription: Subscription, batch: Sequence[Owed], still: Callable[[], bool]
    ) -> tuple[Outcome, str] | None:
        """What became of it, and why. None: while its host was waited for, it was no longer `still` to be sent."""
        receiver = subscription.receiver
        letter = _letter(subscription, batch)
        if self._alias:
            letter.headers[message.NOTIFIED_BY] = self._alias
        breaker = self._breakers.get(receiver.origin)
        if breaker is None:
            breaker = self._breakers[receiver.origin] = Breaker(*self._pauses)
        async with breaker as began:
            if not still():
                return None
            if not receiver.origin.startswith("mqtt"):
                outcome, why = await self._poster.send(letter, receiver.timeout)
            elif self._make_mqtt is not None:
                if self._mqtt is None:
                    self._mqtt = self._make_mqtt()
                outcome, why = await self._mqtt.send(
                    letter.uri, letter.body, letter.headers, dict(receiver.info), receiver.timeout
                )
            else:
                outcome, why = Outcome.FAILED, "notifications over MQTT are not offered here"
            if outcome is Outcome.SILENT:
                breaker.silent(began)
            else:
                breaker.answered()
        return outcome, why


def _letter(subscription: Subscription, batch: Sequence[Owed]) -> Letter:
    number = message.identifier(subscription.queue, batch[-1].number)
    if subscription.voice is not None:
        return subscription.voice.letter(_latest(batch), number)
    body = message.body(subscription, _latest(batch), batch[-1].at, number)
    return Letter("POST", subscription.receiver.uri, message.headers(subscription, number), body)


def _latest(batch: Sequence[Owed]) -> list[bytes]:
    """The payloads; of several for one entity the last."""
    if len(batch) == 1:
        return [batch[0].payload]
    answer: dict[str, bytes] = {}
    for one in batch:
        entity = orjson.loads(one.payload).get("id", f"change {one.number}")
        answer.pop(entity, None)
        answer[entity] = one.payload
    return list(answer.values())
