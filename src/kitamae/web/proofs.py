"""What a person takes along to verify without the city: C2SP tlog-proof files, which `kitamae verify` takes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from kitamae.kernel.ledger import commitment
from kitamae.kernel.problems import NotFound, Unavailable

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.ledger.log import Log

_LAST: Final = (1 << 63) - 2  # the one behind it is still a number of 64 bits
_OFTEN: Final = 0.05  # seconds
_TIMES: Final = 60  # an entry is published within a second; a slow disk has three


@dataclass(frozen=True, slots=True)
class Proofs:
    """`log` None: this process publishes no ledger."""

    store: Store
    log: Log | None

    async def file(self, number: int, committed: Any, salt: str) -> Response:
        """That the entry with this number says what was `committed`, with its `salt` (base64): both stand in `extra`, beside the proof.

        Raises Unavailable where it is not published yet, NotFound where that entry says something else.
        """
        if self.log is None:
            raise Unavailable("this process does not publish the ledger", retryAfter=5)
        opened = commitment.canonical({"committed": committed, "salt": salt})
        leaf, index = commitment.reopened(opened), await self._published(number)
        if await self.log.entry(index) != leaf:
            raise NotFound(f"the entry {number} of the ledger does not say that")
        made = replace(await self.log.proof(index), extra=opened)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{number}.tlog-proof"',
        }
        return Response(made.data, headers=headers, media_type="text/plain")

    async def _published(self, number: int) -> int:
        """Where it stands in the log. Raises Unavailable."""
        for _ in range(_TIMES):
            index = await self.store.index(number)
            if index is not None and self.log is not None and index < self.log.head.checkpoint.size:
                return index
            await asyncio.sleep(_OFTEN)
        raise Unavailable("that entry is published within a second: ask again", retryAfter=1)


def number(text: str, most: int = _LAST) -> int:
    """Of an entry of the ledger, as somebody sent it. Raises NotFound."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= most):
        raise NotFound(f"{text:.40} is no number of an entry")
    return int(text)
