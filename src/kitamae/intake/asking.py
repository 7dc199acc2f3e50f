"""Requests to a broker that is patient with it: it may be starting, stopping, busy or away for a moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import httpx2
import orjson

from kitamae.kernel.problems import Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between tries when the broker does not answer or says that it cannot for the moment."""
_FOR_THE_MOMENT: Final = {429, 502, 503, 504}
_JSON: Final = {"Content-Type": "application/json"}


class RefusedByBrokerError(Problem):
    """The broker said no to the whole request: not signed in, not allowed, not understood."""


class Asking:
    """What is asked here may be asked twice: only what a repetition does not change."""

    def __init__(self, client: httpx2.AsyncClient, pauses: Sequence[float] = PAUSES) -> None:
        """The client brings the base address and whoever asks (its Authorization header)."""
        self._client = client
        self._pauses = pauses

    async def ask(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """The broker's answer, whatever its status. Raises Unavailable when there is none."""
        sent = None if body is None else orjson.dumps(body)
        for pause in (*self._pauses, None):
            try:
                answer = await self._client.request(
                    method, path, content=sent, headers=_JSON if sent else None
                )
            except httpx2.TransportError as error:
                if pause is None:
                    raise Unavailable(
                        f"the broker does not answer: {error or type(error).__name__}"
                    ) from error
            else:
                if answer.status_code not in _FOR_THE_MOMENT or pause is None:
                    return answer
            await asyncio.sleep(pause)
        raise AssertionError


def no(answer: httpx2.Response) -> RefusedByBrokerError:
    """The broker's own sentence, to be raised."""
    try:
        body = orjson.loads(answer.content)
        why = body.get("detail") or body.get("title")
    except (orjson.JSONDecodeError, AttributeError):
        why = ""
    return RefusedByBrokerError(
        f"the broker refused it ({answer.status_code}): {why or answer.reason_phrase}"
    )
