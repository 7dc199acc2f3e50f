"""`kitamae replay`: an archive of readings, played as the devices sent them."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import httpx2
import orjson
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from kitamae.adapters.mqtt.address import Address
from kitamae.adapters.mqtt.publisher import Publisher, publisher
from kitamae.commands.control import connect, of_its_city
from kitamae.commands.speech import say
from kitamae.intake.archive import Archive, Message
from kitamae.intake.device import BadDeviceError, Device
from kitamae.intake.row import Refusal, UnreadableFileError
from kitamae.intake.speak import Speaker
from kitamae.kernel.problems import BadRequest, Problem
from kitamae.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LINES: Final = 16
"""Devices that speak at the same time over the API; each one speaks in order."""
_SHOWN: Final = 20


@dataclass(slots=True)
class Played:
    """What happened. `new` + `known` + `late` + `sent` + refused = `read`; `sent` is over MQTT, where nobody answers."""

    read: int = 0
    new: int = 0
    known: int = 0
    late: int = 0
    sent: int = 0
    refused: list[Refusal] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""


class _Way(Protocol):
    """How messages travel."""

    async def say(self, message: Message, played: Played) -> None:
        """May return before the message is there. Raises Problem."""
        ...

    async def settle(self) -> None:
        """Returns when every message is there. Raises Problem."""
        ...


class _OverMqtt:
    def __init__(self, device: Device, out: Publisher) -> None:
        self._device, self._out = device, out

    async def say(self, message: Message, played: Played) -> None:
        await self._out.send(self._device.speaks(message.payload), message.payload)
        played.sent += 1

    async def settle(self) -> None:
        await self._out.settle()


class _OverApi:
    """Some lines, each with a queue; a device always speaks on the same line."""

    def __init__(self, speaker: Speaker, played: Played) -> None:
        self._speaker, self._played = speaker, played
        self._queues: list[asyncio.Queue[Message]] = [asyncio.Queue(8) for _ in range(_LINES)]
        self._line_of: dict[str, int] = {}
        self._broken: Problem | None = None
        self._tasks = [asyncio.create_task(self._line(queue)) for queue in self._queues]

    async def say(self, message: Message, played: Played) -> None:
        del played  # counted when the message is there
        if self._broken:
            raise self._broken
        line = self._line_of.setdefault(message.entity["id"], len(self._line_of) % _LINES)
        await self._queues[line].put(message)

    async def settle(self) -> None:
        for queue in self._queues:
            await queue.join()
        await self.close()
        if self._broken:
            raise self._broken

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _line(self, queue: asyncio.Queue[Message]) -> None:
        while True:
            message = await queue.get()
            try:
                if self._broken is None:
                    said = await self._speaker.say(message.entity)
                    setattr(self._played, said, getattr(self._played, said) + 1)
            except Problem as problem:
                self._broken = problem
            finally:
                queue.task_done()


async def replay(
    archive: Path,
    /,
    *,
    to: str = "",
    speed: str = "max",
    from_: Annotated[datetime | None, Parameter(name="--from")] = None,
    until: datetime | None = None,
    device: str = "",
    city: Path | None = None,
    token: Annotated[str, Parameter(env_var="KITAMAE_TOKEN", show_env_var=True)] = "",
    json: bool = False,
    data: Path | None = None,
) -> int:
    """Play an archive of readings (JSON lines, also gzipped) into a running city, as its devices sent them.

    In the order of their time, each reading once: one that the city knows is not sent again, so a replay that was cut
    off is simply started anew. 0 when every reading arrived, 1 otherwise.

    Parameters
    ----------
    archive
        One message a line, as the device sends it.
    to
        http://… of a server, mqtt://… of an MQTT broker that the city listens to; without it the city in the data
        directory.
    speed
        How many times faster than it was, e.g. 600; max: as fast as it goes.
    from_
        Only what was observed at this time or later, e.g. 2025-10-16T18:00:00+09:00.
    until
        Only what was observed before this time.
    device
        The kind of device, as in the city's devices folder, where it has more than one.
    city
        The city's folder.
    token
        For http://…: a token that may write this kind of device.
    json
        Print what happened as JSON.
    data
        The data directory.

    """
    factor = _factor(speed)
    settings = of_its_city(Settings.chosen(data=data, city=city))
    kind = _device(settings.city, device)
    played = Played()
    started = time.monotonic()
    try:
        async with AsyncExitStack() as stack:
            messages = stack.enter_context(
                closing(Archive(archive, kind, since=_zoned(from_), until=_zoned(until)))
            )
            way: _Way
            if to.startswith(("mqtt:", "mqtts:")):
                way = _OverMqtt(kind, await stack.enter_async_context(publisher(_address(to))))
            else:
                over = _OverApi(
                    Speaker(await stack.enter_async_context(_client(to, token, settings))), played
                )
                stack.push_async_callback(over.close)
                way = over
            await _play(messages, way, factor, played, quiet=json or not sys.stderr.isatty())
    except UnreadableFileError as error:
        played.error = str(error)
    except OSError as error:
        played.error = say("cannot be read: {why}", why=error.strerror or error)
    except Problem as problem:
        why = problem.detail or problem.title
        played.error = say("{why}. Start it again: what arrived is not sent twice", why=why)
    played.seconds = round(time.monotonic() - started, 1)
    _tell(archive, played, json=json)
    return 0 if not played.error and not played.refused else 1


async def _play(messages: Archive, way: _Way, factor: float | None, played: Played, *, quiet: bool) -> None:
    with Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[told]}", markup=False),
        TimeRemainingColumn(), console=Console(stderr=True), disable=quiet, transient=True,
    ) as progress:  # fmt: skip
        bar = progress.add_task("replay", total=messages.size, told="")
        began, first, shown = time.monotonic(), None, 0.0
        for one in messages:
            played.read += 1
            if isinstance(one, Refusal):
                played.refused.append(one)
                continue
            first = one.at if first is None else first
            if factor is not None:
                due = began + (one.at - first) / 1e6 / factor
                if (early := due - time.monotonic()) > 0:
                    await asyncio.sleep(early)
            await way.say(one, played)
            if time.monotonic() - shown > 0.2:
                shown = time.monotonic()
                rate = played.read / max(shown - began, 0.001)
                when = datetime.fromtimestamp(one.at / 1e6, UTC).astimezone()
                progress.update(
                    bar,
                    completed=messages.position,
                    told=f"{played.read:,} read, {rate:,.0f}/s, {when:%Y-%m-%d %H:%M}",
                )
        await way.settle()


@asynccontextmanager
async def _client(to: str, token: str, settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    if not to:
        async with connect(settings) as client:
            yield client
        return
    if not to.startswith(("http://", "https://")):
        raise BadRequest(say("--to {to}: expected http://…, https://…, mqtt://… or mqtts://…", to=to))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(base_url=to.rstrip("/"), headers=headers, timeout=60) as client:
        yield client


def _address(to: str) -> Address:
    try:
        return Address.parse(to)
    except ValueError as error:
        raise BadRequest(f"--to: {error}") from error


def _factor(speed: str) -> float | None:
    if speed == "max":
        return None
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise BadRequest(
            say("--speed {speed}: expected max, or how many times faster than it was, e.g. 600", speed=speed)
        )
    return factor


def _zoned(moment: datetime | None) -> datetime | None:
    """A time without a zone is this machine's."""
    return moment.astimezone() if moment else None


def _device(city: Path | None, kind: str) -> Device:
    if city is None:
        raise BadRequest(say("name the city whose devices these are, e.g. --city cities/kaga"))
    files = sorted((city / "devices").glob(f"{kind or '*'}.toml"))
    if len(files) != 1:
        names = ", ".join(path.stem for path in sorted((city / "devices").glob("*.toml"))) or "none"
        raise BadRequest(
            say(
                "--device {kind}: expected one of the kinds in {folder}: {names}",
                kind=kind,
                folder=city / "devices",
                names=names,
            )
        )
    try:
        return Device.load(files[0])
    except BadDeviceError as error:
        raise BadRequest(str(error)) from error


def _tell(archive: Path, played: Played, *, json: bool) -> None:
    if json:
        told: dict[str, Any] = {"file": str(archive), **asdict(played)}
        sys.stdout.buffer.write(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
        return
    out = Console(highlight=False, soft_wrap=True)
    if played.error and not played.read:
        out.print(f"{archive.name}: {played.error}", markup=False)
        return
    rate = played.read / played.seconds if played.seconds else played.read
    out.print(
        say(
            "{name}: {read:,} read in {seconds} s ({rate:,.0f}/s): {new:,} new, {known:,} known before, {late:,} late"
            " (to history), {sent:,} sent over MQTT, {refused:,} refused",
            name=archive.name,
            rate=rate,
            **asdict(played) | {"refused": len(played.refused)},
        ),
        markup=False,
    )
    for refusal in played.refused[:_SHOWN]:
        out.print(
            say("  refused  line {line}: {expected}", line=refusal.line, expected=refusal.expected),
            markup=False,
        )
    if played.error:
        out.print(f"{archive.name}: {played.error}", markup=False)
