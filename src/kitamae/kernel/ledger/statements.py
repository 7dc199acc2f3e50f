"""Statements of public registers, which stand in the log as they are: for everybody to read, for ever.

An entry is JSON in its canonical form (RFC 8785 for what is allowed here):

    {"at": "2026-11-21T05:00:00.000000Z", "by": "sensors", "register": "sensors", "statement": {...}}

Statements that arrive together are committed together.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import mynumber
from kitamae.kernel.problems import BadRequest, Forbidden, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Store, Transaction

MOST: Final = 16_384
"""Bytes of one entry."""
TOGETHER: Final = 1_000
"""Statements in one request."""
OWN: Final = frozenset(
    {
        "services",
        "pias",
        "sensors",
        "incidents",
        "providers",
        "emergency-access",
        "ledger",
        "access-log",
        "evacuation",
        "evacuation-rehearsal",
    }
)
"""Registers of the platform: no token writes a statement that reads as if it were theirs."""
_REGISTER: Final = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)


def entries(sent: Any, by: str, now: Callable[[], int] = clock.now, *, own: bool = False) -> list[bytes]:
    """From `{"register": ..., "statement": {...}}`, or a list of these. `own`: the platform says it of a register of its own.

    Raises BadRequest, Forbidden for a register that is the platform's (or, with `own`, none of these), TooLarge, HoldsMyNumber.
    """
    many = sent if isinstance(sent, list) else [sent]
    if not 1 <= len(many) <= TOGETHER:
        raise BadRequest(f"expected 1 to {TOGETHER:,} statements, got {len(many):,}")
    at = clock.text(now())
    return [_entry(one, at, by, own=own) for one in many]


def _entry(sent: Any, at: str, by: str, *, own: bool) -> bytes:
    if not isinstance(sent, dict) or sent.keys() != {"register", "statement"}:
        raise BadRequest('expected {"register": "<name>", "statement": {...}}')
    register, statement = sent["register"], sent["statement"]
    if not isinstance(register, str) or not _REGISTER.fullmatch(register):
        raise BadRequest(
            "register: expected a name of small letters, digits and hyphens, such as sensors or services"
        )
    if (register in OWN) != own:
        raise Forbidden(
            f"the register {register} is {'none of the platform' if own else 'the platform itself'}: give yours a name of its own"
        )
    if not isinstance(statement, dict) or not statement:
        raise BadRequest("statement: expected an object that says something")
    mynumber.demand_none(statement)
    told = {"at": at, "by": by, "register": register, "statement": statement}
    try:
        entry = commitment.canonical(told)
    except (ValueError, TypeError, orjson.JSONEncodeError) as error:
        raise BadRequest(f"statement: {error}") from error
    if len(entry) > MOST:
        raise TooLarge(f"a statement of {len(entry):,} bytes: {MOST:,} are taken")
    return entry


class Appender:
    """Puts entries into the store's ledger."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Sequence[bytes], asyncio.Future[list[int]]]] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, entries: Sequence[bytes]) -> list[int]:
        """Their numbers; durable when it returns. Raises what the store raises."""
        done: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._waiting.append((entries, done))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="ledger entries")
        return await done

    async def _run(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting, []
                await self._commit(together)
        finally:
            self._task = None

    async def _commit(self, together: Sequence[tuple[Sequence[bytes], asyncio.Future[list[int]]]]) -> None:
        async def work(tx: Transaction) -> list[list[int]]:
            return [[await tx.log(entry) for entry in some] for some, _ in together]

        try:
            numbers = await self._store.transact(work)
        except BaseException as error:
            for _, done in together:
                if not done.done():
                    done.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, done), given in zip(together, numbers, strict=True):
            if not done.done():
                done.set_result(given)
