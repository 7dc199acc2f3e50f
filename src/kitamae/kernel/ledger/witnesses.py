"""Asking witnesses for their cosignatures: each by itself, so that one that is slow or dead delays nobody.

A round asks all of them about one checkpoint, so that their cosignatures are on the same one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx2
import structlog

from kitamae.kernel.ledger import merkle, tiles
from kitamae.kernel.ledger.checkpoint import number
from kitamae.kernel.ledger.note import MOST_BYTES, signatures
from kitamae.kernel.ledger.refusals import Malformed, NotProved, NotSigned
from kitamae.kernel.ledger.witness import Asked

if TYPE_CHECKING:
    from kitamae.kernel.ledger.log import Head, Log
    from kitamae.kernel.ledger.note import Key, Signature
    from kitamae.kernel.ledger.policy import Policy

ROUND: Final = 10.0  # seconds between two rounds
AGAIN: Final = 3_600.0  # and between two cosignatures of a log that does not grow
PATIENCE: Final = 5.0  # seconds that a witness has
LONGEST: Final = 600.0  # seconds that one which does not answer is left alone

_log = structlog.get_logger("kitamae")


@dataclass(slots=True)
class Asking:
    """One witness. `trouble`: why it has not cosigned; `not_before`: when it is asked again (monotonic)."""

    name: str
    key: Key
    url: str
    known: int = 0  # the size that it cosigned last
    failures: int = 0
    not_before: float = 0.0
    trouble: str = ""


class Witnesses:
    """Of one log. `policy` names them, with their addresses."""

    def __init__(self, log: Log, policy: Policy) -> None:
        self._of = log
        self.policy = policy
        self.asking = [Asking(name, *known) for name, known in policy.witnesses.items() if known.url]
        self._last: tuple[int, float] = (-1, 0.0)

    def trouble(self) -> str:
        """Who does not cosign, and why; "": nobody."""
        return "; ".join(f"{one.name}: {one.trouble}" for one in self.asking if one.trouble)

    async def first(self) -> None:
        """Asked once before this process signs anything: what it would sign may be a fork to who has seen more. One that does not
        answer in time holds up nobody.
        """
        with contextlib.suppress(OSError, Malformed):
            async with httpx2.AsyncClient(timeout=PATIENCE, follow_redirects=False) as client:
                await self.round(client)

    async def run(self) -> None:
        """Until cancelled."""
        async with httpx2.AsyncClient(timeout=PATIENCE, follow_redirects=False) as client:
            while self.asking:
                try:
                    await self.round(client)
                except (OSError, Malformed) as error:
                    _log.warning("witnesses could not be asked; it is tried again", why=str(error))
                await asyncio.sleep(ROUND)

    async def round(self, client: httpx2.AsyncClient) -> int:
        """Ask those whose turn it is; how many cosigned. Nobody is asked about what all have seen."""
        head = self._of.head
        size, when = self._last
        due = [one for one in self.asking if one.not_before <= time.monotonic()]
        if size == head.checkpoint.size and time.monotonic() - when < AGAIN:
            due = [one for one in due if one.known != size]
        found = [
            one
            for one in await asyncio.gather(*(self._ask(one, head, client) for one in due))
            if one is not None
        ]
        if found:
            await asyncio.to_thread(self._of.cosign, head, found)
            self._last = (head.checkpoint.size, time.monotonic())
        return len(found)

    async def _ask(self, one: Asking, head: Head, client: httpx2.AsyncClient) -> Signature | None:
        try:
            async with asyncio.timeout(2 * PATIENCE):
                signature = await self._cosigned(one, head, client)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, Malformed, NotProved) as error:
            trouble = str(error) or type(error).__name__
            if not one.failures:
                _log.warning("a witness did not cosign", witness=one.name, why=trouble)
            one.trouble = trouble
            one.failures += 1
            one.not_before = time.monotonic() + min(LONGEST, ROUND * 2 ** min(one.failures, 10))
            return None
        one.trouble, one.failures, one.known = "", 0, head.checkpoint.size
        return signature

    async def _cosigned(self, one: Asking, head: Head, client: httpx2.AsyncClient) -> Signature:
        """Raises Malformed, NotSigned, NotProved."""
        for _ in range(2):
            status, body = await self._post(one, head, client)
            if status != 409:
                break
            one.known = number(body.decode("ascii", "replace").removesuffix("\n"))
            if one.known > head.checkpoint.size:
                self._of.shorter = (
                    f"{one.name} has seen {one.known} entries of this log, and there are {head.checkpoint.size}: the log is shorter"
                    " than it was, and nothing is signed until it is whole. docs/operate/ledger.md says what to do"
                )
                raise NotProved(self._of.shorter)
        if status != 200:
            raise NotProved(f"it answered {status}: {body[:200].decode('utf-8', 'replace').strip()}")
        for signature in signatures(body):
            if one.key.made(signature):
                one.key.verify(head.checkpoint.text, signature)
                return signature
        raise NotSigned("its answer is signed by another key than is known of it")

    async def _post(self, one: Asking, head: Head, client: httpx2.AsyncClient) -> tuple[int, bytes]:
        size = head.checkpoint.size
        proof: list[bytes] = []
        if 0 < one.known < size:
            node = tiles.nodes(self._of.folder.read, size)
            proof = await asyncio.to_thread(merkle.consistency, node, one.known, size)
        asked = Asked(min(one.known, size), tuple(proof), head.signed).body
        async with client.stream("POST", f"{one.url.rstrip('/')}/add-checkpoint", content=asked) as answer:
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise Malformed("its answer is larger than any can be")
            return answer.status_code, body
