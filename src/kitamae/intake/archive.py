"""An archive of messages (JSON lines, also gzipped) in the order of their time: what a replay plays."""

from __future__ import annotations

import gzip
import heapq
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from kitamae.intake.row import Refusal, UnreadableFileError, shown
from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from kitamae.intake.device import Device

WINDOW: Final = 48 * 3600 * 1_000_000
"""Microseconds by which a line may stand later in the file than its time says and still be played in order."""
_LONGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """One message as the device sent it. `at`: when it was observed, microseconds UTC."""

    at: int
    line: int
    payload: bytes = field(compare=False)
    entity: dict[str, Any] = field(compare=False)


class Archive:
    """Iterate it once. `position` of `size` bytes says how far it is."""

    def __init__(
        self, path: Path, device: Device, *, since: datetime | None = None, until: datetime | None = None
    ) -> None:
        """`since` <= observed < `until`. Raises OSError."""
        self.size = path.stat().st_size
        self._name = path.name
        self._raw: BinaryIO = path.open("rb")
        self._device = device
        self._since = clock.micros(since.isoformat()) if since else None
        self._until = clock.micros(until.isoformat()) if until else None

    def close(self) -> None:
        """Where it is not read to its end."""
        self._raw.close()

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self.size if self._raw.closed else self._raw.tell()

    def __iter__(self) -> Iterator[Message | Refusal]:
        """Messages by time, as far as WINDOW reaches; lines that are none as refusals, where they stand.

        Raises UnreadableFileError where the compressed file breaks off: what came before it has been given.
        """
        waiting: list[Message] = []
        newest = 0
        with self._raw:
            for number, line in self._lines():
                message = self._message(number, line)
                if isinstance(message, Refusal):
                    yield message
                    continue
                if (self._since is not None and message.at < self._since) or (
                    self._until is not None and message.at >= self._until
                ):
                    continue
                heapq.heappush(waiting, message)
                newest = max(newest, message.at)
                while waiting[0].at < newest - WINDOW:
                    yield heapq.heappop(waiting)
            while waiting:
                yield heapq.heappop(waiting)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        packed = self._raw.read(2) == b"\x1f\x8b"
        self._raw.seek(0)
        file = gzip.GzipFile(fileobj=self._raw) if packed else self._raw
        number = 0
        try:
            while line := file.readline(_LONGEST):
                number += 1
                if line.strip():
                    yield number, line.strip()
        except (EOFError, gzip.BadGzipFile, OSError) as error:
            raise UnreadableFileError(f"{self._name}: breaks off after line {number}: {error}") from error

    def _message(self, number: int, line: bytes) -> Message | Refusal:
        try:
            entity = self._device.read(line)
        except ValueError as error:
            return Refusal(number, "", shown(line[:200].decode("utf-8", "replace")), str(error))
        observed = next(value["observedAt"] for value in entity.values() if "observedAt" in value)
        return Message(clock.micros(observed), number, line, entity)
