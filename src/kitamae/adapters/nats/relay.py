"""From the order of changes in the store to a JetStream stream: each once, in that order.

Where the stream stands is read from the stream itself: its last message says which change it is (`Kitamae-Seq`). Each
message is published for the place behind the one before it (`Nats-Expected-Last-Sequence`), so that a message that is
lost, or two relays at the same time, can neither leave a gap nor change the order: what does not fit is refused, and the
relay looks again where the stream stands. Of several workers, one at a time relays. A stream that is not there, or lost
what it had, is made anew and given what the store remembers of the last `days`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import nats
import structlog
from nats.errors import Error as NatsError
from nats.js.api import RetentionPolicy, StreamConfig
from nats.js.errors import NotFoundError

from kitamae.adapters.nats import message
from kitamae.kernel.context import clock
from kitamae.kernel.problems import Conflict, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.client import Client
    from nats.js import JetStreamContext

    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.store import Change, Store

SEQ: Final = "Kitamae-Seq"
_NAME: Final = "/relay"
"""What one worker of several serves."""
_PLACE: Final = "Nats-Expected-Last-Sequence"
_TOGETHER: Final = 200  # messages that are on their way at the same time
_LOOK: Final = 1.0  # seconds between two looks at the store when nothing is heard of
_AGAIN: Final = 2.0  # seconds before it is tried again
_PATIENCE: Final = 10.0  # seconds for an answer of NATS
_DAY: Final = 86_400

log = structlog.get_logger(__name__)


class Relay:
    """One city's changes to one NATS server (`nats://...`, `tls://...`). Made on the event loop that `run` runs on.

    `city`: the name in the subjects; `alias`: which broker it is, so that two of one name do not share a stream. `words`: the
    @context that messages speak in. `days`: how long the stream keeps a message. `trouble`: what is wrong at the moment, "" when
    nothing is.
    """

    def __init__(
        self, url: str, store: Store, city: str, alias: str, words: Context, days: float = 7
    ) -> None:
        self._url, self._store, self._broker, self._words = url, store, message.token(city), words
        self._about = (
            f"Changes of the broker {alias} in the order of commits. A relay: what is lost here comes again."
        )
        self._age = days * _DAY
        self._news = asyncio.Event()
        self.name = f"kitamae-{self._broker}"
        self.trouble = ""
        store.on_commit(self._heard)

    async def run(self) -> None:
        """Until it is cancelled; what is not there then will be sent by the next one."""
        while True:
            try:
                if self._store.serves(_NAME):
                    await self._guarded()
                self.trouble = ""
            except (NatsError, OSError, TimeoutError, Problem) as error:
                trouble = f"{type(error).__name__}: {error}"[:300]
                if trouble != self.trouble:
                    log.warning("changes wait for NATS", why=trouble)
                self.trouble = trouble
            await asyncio.sleep(_AGAIN)

    def _heard(self, _: Sequence[Change]) -> None:
        self._news.set()

    async def _guarded(self) -> None:
        """In a task of its own: the client may swallow a cancellation, and whoever cancels must not wait for ever."""
        work = asyncio.create_task(self._connected())
        try:
            await asyncio.shield(work)
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait([work], timeout=_LOOK)

    async def _connected(self) -> None:
        client = await nats.connect(
            self._url,
            name="kitamae",
            connect_timeout=_PATIENCE,
            allow_reconnect=False,
            max_reconnect_attempts=1,  # it counts for the first connection too, which would be tried for two minutes
            reconnect_time_wait=0,
            error_cb=_quiet,
        )
        try:
            await self._relay(
                client, client.jetstream(timeout=_PATIENCE, publish_async_max_pending=_TOGETHER)
            )
        finally:
            await client.close()

    async def _relay(self, client: Client, stream: JetStreamContext) -> None:
        """Until the connection ends or something does not fit. Raises what NATS and the store raise."""
        place, after = await self._stands(stream)
        while client.is_connected and self._store.serves(_NAME):
            self._news.clear()
            found = await self._store.changes(after, _TOGETHER)
            if found:
                place = await self._publish(stream, found, place)
                after = found[-1].seq
                continue
            if self.trouble:
                log.info("NATS has all changes again")
            self.trouble = ""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._news.wait()
        if not client.is_connected:
            raise ConnectionError("the connection to NATS has ended")

    async def _publish(self, stream: JetStreamContext, found: Sequence[Change], place: int) -> int:
        """The place of the last one. Raises where one of them is not at its place."""
        answers = []
        for n, change in enumerate(found):
            headers = {SEQ: str(change.seq), _PLACE: str(place + n)}
            subject, body = (
                message.subject(self._broker, change, self._words),
                message.body(change, self._words),
            )
            answers.append(await stream.publish_async(subject, body, headers=headers))
        async with asyncio.timeout(
            _PATIENCE
        ):  # wait_for of Python 3.11 swallows a cancellation that comes with the last answer
            done = await asyncio.gather(*answers, return_exceptions=True)
        for answer in done:
            if isinstance(answer, BaseException):
                raise answer
        return place + len(found)

    async def _stands(self, stream: JetStreamContext) -> tuple[int, int]:
        """(the place of the stream's last message, the change that it is). The stream is made when it is not there."""
        try:
            info = await stream.stream_info(self.name)
        except NotFoundError:
            config = StreamConfig(
                name=self.name,
                description=self._about,
                subjects=[f"kitamae.{self._broker}.>"],
                retention=RetentionPolicy.LIMITS,
                max_age=self._age,
            )
            info = await stream.add_stream(config)
        if info.config.description != self._about:
            raise Conflict(f"the stream {self.name} belongs to another broker: {info.config.description}")
        state = info.state
        if state.messages:
            last = await stream.get_msg(self.name, state.last_seq)
            if last.headers and last.headers.get(SEQ, "").isdigit():
                return state.last_seq, int(last.headers[SEQ])
        return state.last_seq, await self._since(clock.now() - round(self._age * 1_000_000))

    async def _since(self, at: int) -> int:
        """The last change before a time: numbers and times grow together, so it is looked for by halves."""
        low, high = 0, 1 << 62
        while low < high:
            middle = (low + high) // 2
            found = await self._store.changes(middle, 1)
            if not found or found[0].at >= at:
                high = middle
            else:
                low = found[0].seq
        return low


async def _quiet(_: Exception) -> None:
    """What goes wrong is raised where it is waited for."""
