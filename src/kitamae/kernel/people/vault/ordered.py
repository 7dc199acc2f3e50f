"""What two members of staff have decided to be done to a person's records, as the vault is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from kitamae.kernel.context.store import Transaction


class Ordered(NamedTuple):
    """`by` asked, `said` goes into the receipt, `decided` is the second one's word, in the transaction of what it decides
    (`kernel/people/orders`): handed over is, of an erasure, the version of the key that is destroyed; of a correction, the number of its receipt.
    """

    by: str
    said: Mapping[str, str]
    decided: Callable[[Transaction, int], Awaitable[None]]
