"""What people say of an assessment before it comes into force (意見募集). Nobody is asked who he is.

A comment is shown only after the desk has read it; who wrote something about a person finds it not shown. The ledger gets a
commitment, from which nothing can be read: with its salt, which lies beside the text, whoever has both can prove what was sent;
a comment that the desk takes away for good takes its salt along.

Documents of kind `pia-comment`, by a random id: {service, at, text, state: waiting | shown | hidden, answer, salt, number}.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import mynumber
from kitamae.kernel.problems import BadRequest, Conflict, NotFound, TooManyRequests
from kitamae.kernel.registers import assessments
from kitamae.kernel.registers.register import TENANT

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.registers.assessments import Assessments

KIND: Final = "pia-comment"
LONGEST: Final = 2_000
WAITING: Final = 300
"""Comments on one assessment that nobody has read yet."""


class Comment(TypedDict):
    """`at` RFC 3339 UTC; `number` of its leaf in the ledger."""

    service: str
    at: str
    text: str
    state: str
    answer: str
    salt: str
    number: int


class Comments:
    """The comments on all assessments."""

    def __init__(self, store: Store, register: Assessments) -> None:
        self._store = store
        self._assessments = register

    async def of(self, service: str, *states: str) -> list[tuple[str, Comment]]:
        """(id, comment), oldest first."""
        kept = await self._store.documents(TENANT, KIND)
        return [
            (id, cast("Comment", doc))
            for _, id, doc in kept
            if doc["service"] == service and (not states or doc["state"] in states)
        ]

    async def send(self, service: str, text: str) -> None:
        """Raises BadRequest, HoldsMyNumber, Conflict when none are asked for, TooManyRequests."""
        text = text.strip()
        if not text or len(text) > LONGEST:
            raise BadRequest(f"text: expected 1 to {LONGEST:,} letters")
        mynumber.demand_none({"text": text})
        if len(await self.of(service, "waiting")) >= WAITING:
            raise TooManyRequests(
                "many comments wait to be read; send yours again in a day", retryAfter=86_400
            )
        id = secrets.token_hex(8)

        async def work(tx: Transaction) -> None:
            entry = await self._assessments.register.current(tx, service)
            if entry is None or not assessments.takes_comments(entry["said"], self._assessments.now()):
                raise Conflict("no comments are asked for on this assessment now")
            at = clock.text(self._assessments.now())
            number, salt = await commitment.log(tx, {"service": service, "at": at, "text": text})
            made: Comment = {
                "service": service, "at": at, "text": text, "state": "waiting", "answer": "",
                "salt": salt, "number": number,
            }  # fmt: skip
            await tx.put(TENANT, KIND, id, made)

        await self._store.transact(work)

    async def decide(self, id: str, state: str, answer: str) -> None:
        """Show it, hide it, or take it away for good (`gone`), with the city's answer. Raises BadRequest, NotFound."""
        if state not in ("shown", "hidden", "gone") or len(answer) > LONGEST:
            raise BadRequest(
                f"state: expected shown, hidden or gone, and an answer of at most {LONGEST:,} letters"
            )
        mynumber.demand_none({"answer": answer})

        async def work(tx: Transaction) -> None:
            kept: dict[str, Any] | None = await tx.get(TENANT, KIND, id)
            if kept is None:
                raise NotFound(f"there is no comment {id!r:.40}")
            if state == "gone":
                await tx.drop(TENANT, KIND, id)
            else:
                await tx.put(TENANT, KIND, id, {**kept, "state": state, "answer": answer.strip()})

        await self._store.transact(work)
