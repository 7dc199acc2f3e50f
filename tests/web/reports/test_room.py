"""How many forms with a photo are in memory: counted before any of them is read."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from kitamae.kernel.problems import TooManyRequests
from kitamae.web.reports.form import SMALL, Room


def form(length: int) -> Request:
    async def receive() -> dict[str, object]:
        raise AssertionError("nothing is read before there is room")

    return Request({"type": "http", "headers": [(b"content-length", str(length).encode())]}, receive)


async def test_a_form_waits_for_room_before_it_is_read_and_words_alone_never_wait() -> None:
    room = Room(1, patience=0.01)
    async with room.slot(form(SMALL + 1)):
        with pytest.raises(TooManyRequests):
            async with room.slot(form(SMALL + 1)):
                raise AssertionError
        async with room.slot(form(SMALL)):
            pass
    async with room.slot(form(SMALL + 1)):
        pass
