"""`kitamae import jma|cap`: messages of whoever warns, by the service that understands them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.commands.control import ask
from kitamae.commands.speech import say
from kitamae.kernel.problems import BadRequest
from kitamae.sdk.city import BadCityError, City
from kitamae.sdk.service import discover

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from types import ModuleType

    from httpx2 import AsyncClient

    from kitamae.intake.deliver import Broker


@dataclass(slots=True)
class Line:
    """What became of one file: a message, or why it is none."""

    file: str
    message: Any = None
    error: str = ""
    remarks: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """`file`, and either what the message says, with `remarks` where there are any, or `error`."""
        if self.error:
            return {"file": self.file, "error": self.error}
        remarks = {"remarks": list(self.remarks)} if self.remarks else {}
        return {"file": self.file, **self.message.as_json(), **remarks}


@dataclass(frozen=True, slots=True)
class Way:
    """To a city. `control`: its local socket, where what was noted of earlier messages is; None at a server elsewhere."""

    broker: Broker
    control: AsyncClient | None = None


def format_of(word: str) -> tuple[str, ModuleType] | None:
    """The service whose `ingest.FORMATS` has a format of that name."""
    for service in discover():
        ingest = service.module("ingest")
        if ingest is not None and word in getattr(ingest, "FORMATS", {}):
            return word, ingest
    return None


async def take(
    format: tuple[str, ModuleType],
    paths: Sequence[Path],
    folder: Path | None,
    way: AbstractAsyncContextManager[Way | None],
    *,
    json: bool,
) -> int:
    """Files and folders. `way` gives None for a dry run. 0 when every message was taken."""
    name, ingest = format
    if not paths:
        raise BadRequest(say("name the files to import"))
    city = _city(folder)
    lines = [_read(file, name, ingest) for file in _files(paths)]
    for line in lines:
        if city is not None and line.message is not None:
            line.error = ingest.refused(line.message, city)
            line.remarks = () if line.error else ingest.remarks(line.message, city)
    async with way as there:
        done = [] if there is None else await _write(lines, name, ingest, city, there)
    for line in lines:
        if json:
            sys.stdout.buffer.write(orjson.dumps(line.as_json()) + b"\n")
        else:
            print(_told(line))
    if not json:
        bad = sum(bool(line.error) for line in lines)
        print(
            say(
                "{n} messages, {bad} refused, {changed} alerts written",
                n=len(lines),
                bad=bad,
                changed=len(done),
            )
        )
    return 1 if any(line.error for line in lines) else 0


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Of a folder every *.xml in it, however deep, by name."""
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*.xml") if one.is_file())
        else:
            yield path


def _read(path: Path, name: str, ingest: ModuleType) -> Line:
    try:
        with path.open("rb") as file:
            content = file.read(
                ingest.MOST_BYTES + 1
            )  # one more: so that what is too long is refused and not cut
        return Line(str(path), ingest.FORMATS[name](content))
    except ingest.BadMessageError as error:
        return Line(str(path), error=str(error))
    except OSError as error:
        return Line(
            str(path), error=say("{name}: cannot be read: {why}", name=path.name, why=error.strerror or error)
        )


def _city(folder: Path | None) -> City | None:
    try:
        return City.read(folder) if folder else None
    except BadCityError as error:
        raise BadRequest(str(error)) from error


async def _write(
    lines: Sequence[Line], format: str, ingest: ModuleType, city: City | None, way: Way
) -> list[str]:
    """Ids of what changed. One that the broker refuses is an error of the whole run: it would refuse it again.

    What is noted of the messages is written after what they change: a run that was cut off is repeated, and leaves nothing out.
    """
    if city is None:
        raise BadRequest(say("which city? name its folder with --city"))
    broker, noted_at = way.broker, f"/control/heard/{format}"
    before: dict[str, str] = await ask(way.control, "GET", noted_at) if way.control else {}
    heard = dict(before)
    present = {one["id"]: one for one in await broker.of_type(ingest.TYPE)}
    changed: dict[str, None] = {}
    for news in ingest.changes([line.message for line in lines if not line.error], city, present, heard):
        delivery = await broker.upsert(news)
        for id, reason in delivery.refused.items():
            raise BadRequest(f"{id}: {reason}")
        changed |= dict.fromkeys([*delivery.created, *delivery.changed])
    news = {key: heard.get(key) for key in {*before, *heard} if heard.get(key) != before.get(key)}
    if way.control and news:
        await ask(way.control, "POST", noted_at, news)
    return list(changed)


def _told(line: Line) -> str:
    if line.error:
        return say("{file}: refused: {why}", file=line.file, why=line.error)
    said = line.message.as_json()
    what = "、".join(said["kind"]) or "-"
    level = said["level"] or "-"
    told = f"{line.file}: {said['times']['reported']} [{said['status']}] {said['title']}: {what} ({level})"
    return "\n".join([told, *(f"  {one}" for one in line.remarks)])
