"""A second person's word (四眼): what one member of staff asks for, another one approves, who is strongly signed in.

Whoever needs it calls these functions inside the transaction of what is asked for, so that word and deed are one. `about`
names what is asked for (`transfer:7f3a…`); `digest` is of what the second person was shown, `is_now` of what would be shown now, worked
out in the transaction: what was changed between is not approved. That the second person may decide at all (his desk) is asked of the policy and again in the transaction, by the caller.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast

from kitamae.kernel.context import clock
from kitamae.kernel.ledger.commitment import canonical
from kitamae.kernel.people import mynumber
from kitamae.kernel.people.records import TENANT, Recovery
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal

KIND: Final = "approval"
STRONG: Final = 2
"""`Principal.assurance`: a passkey."""
APART: Final = 30 * 86_400_000_000
"""How long two are not two after one let the other in, microseconds: by then whoever was shut out has noticed."""
_LONGEST: Final = 500

Word = Literal["asked", "approved", "refused", "withdrawn", "expired"]


class Approval(TypedDict):
    """Times are RFC 3339 UTC. `barred`: who may not be the second person, besides whoever asked. `digest`: of what was decided about;
    it, `second` and what follows are empty until somebody decided.
    """

    by: str
    at: str
    until: str
    digest: str
    barred: list[str]
    word: Word
    second: str
    decided: str
    why: str


def shown(what: Any) -> str:
    """The digest of what a second person sees: 64 hexadecimal digits."""
    return sha256(canonical(what)).hexdigest()


def word(kept: Approval, now: int) -> Word:
    """Where it stands: nobody decides any more about what was asked for too long ago."""
    return "expired" if kept["word"] == "asked" and clock.micros(kept["until"]) <= now else kept["word"]


async def ask(
    tx: Transaction, about: str, who: Principal, *, until: int, barred: Iterable[str], now: int
) -> Approval:
    """Ask for it. Raises Conflict where the same was asked for before, and is open."""
    before = cast("Approval | None", await tx.get(TENANT, KIND, about))
    if before is not None and word(before, now) == "asked":
        raise Conflict("this waits for a second person already")
    kept: Approval = {
        "by": who.ref, "at": clock.text(now), "until": clock.text(until), "digest": "",
        "barred": sorted(set(barred)), "word": "asked", "second": "", "decided": "", "why": "",
    }  # fmt: skip
    await tx.put(TENANT, KIND, about, kept)
    return kept


async def decide(
    tx: Transaction,
    about: str,
    who: Principal,
    digest: str,
    *,
    is_now: str,
    yes: bool,
    why: str = "",
    now: int,
) -> Approval:
    """Approve, or refuse and say why. Raises NotFound, Forbidden, Conflict, BadRequest."""
    kept = await _open(tx, about, now)
    if who.assurance < STRONG:
        raise Forbidden("a second person signs in with a passkey")
    if who.ref == kept["by"]:
        raise Forbidden("nobody is the second person of what he asked for himself")
    await demand_apart(tx, who.ref, kept["by"], now)
    if yes and who.ref in kept["barred"]:
        raise Forbidden("whoever gets something by it is not its second person")
    if yes and digest != is_now:
        raise Conflict("it is not any more what you were shown: look at it again")
    if not yes and not why.strip():
        raise BadRequest("why: whoever refuses says why")
    said: Word = "approved" if yes else "refused"
    return await _close(tx, about, {**kept, "digest": is_now}, said, who.ref, why, now)


async def demand_apart(tx: Transaction, one: str, other: str, now: int) -> None:
    """Whoever let somebody in (a new colleague, or one who lost his device) held his way in: for a while the two are not two, and
    nor are two whom the same person let in. Raises Forbidden.
    """
    if await _behind(tx, one, now) & await _behind(tx, other, now):
        raise Forbidden(
            "of these two one let the other in less than 30 days ago, or the same person let both in: ask somebody else, or the"
            " operator (kitamae staff)"
        )


async def _behind(tx: Transaction, ref: str, now: int) -> set[str]:
    """Whoever may hold that person's way in: himself, who let him in less than `APART` ago, who let those in, and so on."""
    seen, ask = {ref}, [ref]
    while ask:
        let_in = cast("Recovery | None", await tx.get(TENANT, "recovery", ask.pop()))
        for one in (*let_in.get("before", ()), let_in) if let_in else ():
            if one["by"] not in seen and clock.micros(one["at"]) + APART > now:
                seen.add(one["by"])
                ask.append(one["by"])
    return seen


async def withdraw(tx: Transaction, about: str, who: str, now: int) -> Approval:
    """Nobody needs to decide any more. Raises NotFound, Conflict."""
    return await _close(tx, about, await _open(tx, about, now), "withdrawn", who, "", now)


async def expire(tx: Transaction, about: str, now: int) -> None:
    """Write down that nobody decides any more, where that is so."""
    kept = cast("Approval | None", await tx.get(TENANT, KIND, about))
    if kept is not None and word(kept, now) == "expired":
        await tx.put(TENANT, KIND, about, {**kept, "word": "expired"})


async def _open(tx: Transaction, about: str, now: int) -> Approval:
    kept = cast("Approval | None", await tx.get(TENANT, KIND, about))
    if kept is None:
        raise NotFound("nothing like that waits for a second person")
    if (stands := word(kept, now)) != "asked":
        raise Conflict(f"nobody decides about this any more: it is {stands}")
    return kept


async def _close(
    tx: Transaction, about: str, kept: Approval, said: Word, second: str, why: str, now: int
) -> Approval:
    decided: Approval = {
        **kept, "word": said, "second": second, "decided": clock.text(now), "why": plain("why", why),
    }  # fmt: skip
    await tx.put(TENANT, KIND, about, decided)
    return decided


def plain(field: str, text: str, least: int = 0, most: int = _LONGEST) -> str:
    """A sentence that somebody typed: trimmed, printable, without a My Number. Raises BadRequest, HoldsMyNumber."""
    said = " ".join(text.split())
    if not least <= len(said) <= most or not said.isprintable():
        raise BadRequest(f"{field}: expected {least} to {most} characters")
    mynumber.demand_none({field: said})
    return said
