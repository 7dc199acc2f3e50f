"""What a witness says of a checkpoint: C2SP tlog-cosignature, version 1 (Ed25519, timestamped).

"At this time, this was the largest tree of that log that I have seen, and it continues all that I saw before."
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kitamae.kernel.ledger.note import COSIGNATURE_V1
from kitamae.kernel.ledger.refusals import Malformed, NotSigned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.ledger.note import Key, Note, Signature


class Cosigned(NamedTuple):
    """Who cosigned, and when (seconds since 1970, UTC)."""

    witness: Key
    at: int
    signature: Signature


def demand_cosigners(keys: Iterable[Key]) -> list[Key]:
    """Keys that are a witness's. Raises Malformed."""
    found = list(keys)
    for key in found:
        if key.algorithm != COSIGNATURE_V1:
            raise Malformed(f"the key of {key.name} is a log's, not a witness's: its kind is 1, not 4")
    return found


def cosigned(note: Note, witnesses: Iterable[Key], now: int | None = None) -> list[Cosigned]:
    """The cosignatures of these witnesses, verified; `now`: none may be later than that. Raises NotSigned."""
    found = []
    for key, signature in note.signed_by(demand_cosigners(witnesses)):
        at = int.from_bytes(signature.data[:8], "big")
        if now is not None and at > now:
            raise NotSigned(f"{key.name} has cosigned in the future")
        found.append(Cosigned(key, at, signature))
    return found
