"""Messages that wait take so much memory and no more, and none is dropped that its sender was promised to be kept."""

from __future__ import annotations

import pytest
from aiomqtt import Message

from kitamae.adapters.mqtt import waiting
from kitamae.adapters.mqtt.waiting import Waiting


def message(payload: bytes, qos: int = 0) -> Message:
    return Message("a/b", payload, qos, False, 1, None)


def test_of_a_flood_without_acknowledgement_so_many_wait_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "MOST", 3)
    queue = Waiting(10)
    for _ in range(5):
        queue.put_nowait(message(b"x"))
    for _ in range(4):
        queue.put_nowait(message(b"y", qos=1))
    assert (queue.qsize(), queue.dropped) == (7, 2)
    assert [queue.get_nowait().payload for _ in range(7)] == [b"x"] * 3 + [b"y"] * 4


def test_of_a_long_message_is_kept_what_shows_that_it_is_too_long() -> None:
    queue = Waiting(10)
    queue.put_nowait(message(b"x" * 1_000_000))
    queue.put_nowait(message(b"y" * 10))
    assert [len(bytes(queue.get_nowait().payload)) for _ in range(2)] == [11, 10]  # type: ignore[arg-type]  # both are bytes
