"""That something is in the log, in one small file to be verified without a network: C2SP tlog-proof."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from kitamae.kernel.ledger import checkpoint, merkle
from kitamae.kernel.ledger.checkpoint import number, sha
from kitamae.kernel.ledger.cosignature import cosigned
from kitamae.kernel.ledger.note import MOST_BYTES, b64
from kitamae.kernel.ledger.refusals import Malformed, NotSigned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.ledger.checkpoint import Checkpoint
    from kitamae.kernel.ledger.cosignature import Cosigned
    from kitamae.kernel.ledger.note import Key

HEADER: Final = "c2sp.org/tlog-proof@v1"
_LONGEST: Final = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """`signed`: the checkpoint's note as the log gave it, with whatever cosignatures. `extra` proves nothing itself."""

    index: int
    path: tuple[bytes, ...]
    signed: bytes
    extra: bytes | None = None

    @property
    def data(self) -> bytes:
        """The file."""
        extra = () if self.extra is None else (f"extra {base64.b64encode(self.extra).decode('ascii')}",)
        path = (base64.b64encode(one).decode("ascii") for one in self.path)
        lines = (HEADER, *extra, f"index {self.index}", *path, "", "")
        return "\n".join(lines).encode() + self.signed

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Raises Malformed."""
        if len(data) > 2 * MOST_BYTES:
            raise Malformed("a proof is smaller than that")
        head, blank, signed = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise Malformed("a proof's own lines are ASCII") from None
        if not blank or lines.pop(0) != HEADER:
            raise Malformed(f"a proof begins with {HEADER}, and the checkpoint stands behind an empty line")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = b64(lines.pop(0).removeprefix("extra "))
        if not lines or not lines[0].startswith("index "):
            raise Malformed("a proof says which entry it is of: index and a number")
        index = number(lines.pop(0).removeprefix("index "))
        if len(lines) > _LONGEST:
            raise Malformed(f"an inclusion proof has at most {_LONGEST} hashes")
        return cls(index, tuple(sha(one) for one in lines), signed, extra)

    def verify(
        self,
        leaf: bytes,
        keys: Sequence[Key],
        *,
        origin: str | None = None,
        witnesses: Sequence[Key] = (),
        quorum: int = 0,
    ) -> tuple[Checkpoint, list[Cosigned]]:
        """That the leaf (what was logged, not its hash) is in a log of these keys, which so many of these witnesses saw.

        Raises Malformed, NotSigned, NotProved.
        """
        head, note = checkpoint.opened(self.signed, keys, origin)
        seen = cosigned(note, witnesses)
        if len(seen) < quorum:
            raise NotSigned(f"{len(seen)} of these witnesses have cosigned, and {quorum} are asked for")
        merkle.included(self.index, head.size, merkle.leaf_hash(leaf), self.path, head.root)
        return head, seen
