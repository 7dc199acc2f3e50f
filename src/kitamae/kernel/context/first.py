"""What a request asks first in every transaction of its own.

Whoever was let in at the door may have lost his duty, or been signed out, before what he came for is committed. So what was asked at
the door is asked again inside, by the one mechanism that all doors share: a store runs it before the work itself, in the same savepoint.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from kitamae.kernel.context.store import Transaction

    Check = Callable[[Transaction], Awaitable[None]]

T = TypeVar("T")


class _Asked:
    """`over`: the request has its answer, and what it left running in the background is not asked on its behalf."""

    def __init__(self, check: Check) -> None:
        self.check, self.over = check, False


_ASKED: ContextVar[_Asked | None] = ContextVar("asked first", default=None)


@contextmanager
def asking(check: Check) -> Iterator[None]:
    """Until the end of the block, every transaction begins with `check(tx)`; what it raises, the transaction raises."""
    asked = _Asked(check)
    before = _ASKED.set(asked)
    try:
        yield
    finally:
        asked.over = True
        _ASKED.reset(before)


def asked_first(work: Callable[[Transaction], Awaitable[T]]) -> Callable[[Transaction], Awaitable[T]]:
    """The same work, behind the check of the request that it is of; for a store's `transact`."""
    asked = _ASKED.get()
    if asked is None or asked.over:
        return work

    async def behind(tx: Transaction) -> T:
        await asked.check(tx)
        return await work(tx)

    return behind
