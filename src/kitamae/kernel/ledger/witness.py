"""A witness for neighbouring cities' logs: C2SP tlog-witness.

It remembers of each log the last checkpoint that it cosigned, on disk before it answers, and cosigns only what continues
it. A log that was rewritten, that became shorter or shows different people different things gets no cosignature from it.
"""

from __future__ import annotations

import base64
import threading
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from kitamae.kernel.ledger import checkpoint, merkle
from kitamae.kernel.ledger.checkpoint import Checkpoint, number, sha
from kitamae.kernel.ledger.files import put, sync
from kitamae.kernel.ledger.note import COSIGNATURE_V1, MOST_BYTES, Note
from kitamae.kernel.ledger.refusals import Malformed, NotProved, NotSigned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kitamae.kernel.ledger.note import Key, Signer

MOST_PROOF: Final = 63
MOST_REQUEST: Final = MOST_BYTES + 64 * 64
SIZE_TYPE: Final = "text/x.tlog.size"
PLAIN: Final = "text/plain; charset=utf-8"

_log = structlog.get_logger("kitamae")


class Answer(NamedTuple):
    """Of HTTP."""

    status: int
    body: bytes
    type: str = PLAIN


class Asked(NamedTuple):
    """The body of add-checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    signed: bytes

    @classmethod
    def parse(cls, body: bytes) -> Asked:
        """Raises Malformed."""
        if len(body) > MOST_REQUEST:
            raise Malformed("the request is larger than any can be")
        head, blank, signed = body.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise Malformed("the proof's lines are ASCII") from None
        if not blank or not first.startswith("old "):
            raise Malformed("expected a line `old <size>`, the proof, an empty line and the checkpoint")
        if len(lines) > MOST_PROOF:
            raise Malformed(f"a proof has at most {MOST_PROOF} hashes")
        return cls(number(first.removeprefix("old ")), tuple(sha(one) for one in lines), signed)

    @property
    def body(self) -> bytes:
        """As it is sent."""
        proof = (base64.b64encode(one).decode("ascii") for one in self.proof)
        return "\n".join((f"old {self.old}", *proof, "", "")).encode() + self.signed


class Witness:
    """Of some logs, each known by its key, whose name is the log's origin. One process at a time has `state`."""

    def __init__(
        self, signer: Signer, logs: Sequence[Key], state: Path, now: Callable[[], float] = time.time
    ) -> None:
        """Raises Malformed for a key that is no witness's, and for a state that cannot be read."""
        if signer.key.algorithm != COSIGNATURE_V1:
            raise Malformed(f"the key of {signer.key.name} is a log's, not a witness's")
        self._signer, self._state, self._now = signer, state, now
        self._logs: dict[str, list[Key]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)
        self._one = threading.Lock()
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        for origin in self._logs:
            self._latest(origin)

    def _file(self, origin: str) -> Path:
        return self._state / sha256(origin.encode()).hexdigest()

    def _latest(self, origin: str) -> Checkpoint | None:
        """What it cosigned last: by its own signature, whatever the log's key was then. Raises Malformed, NotSigned."""
        try:
            data = self._file(origin).read_bytes()
        except FileNotFoundError:
            return None
        return checkpoint.opened(data, [self._signer.key], origin)[0]

    def shown(self, name: str) -> Answer:
        """GET /<hash of the origin>/checkpoint."""
        for origin in self._logs:
            if self._file(origin).name == name:
                try:
                    return Answer(200, self._file(origin).read_bytes())
                except FileNotFoundError:
                    break
        return Answer(404, b"no checkpoint of such a log has been cosigned here\n")

    def add_checkpoint(self, body: bytes) -> Answer:
        """POST /add-checkpoint. Durable before it answers."""
        try:
            asked = Asked.parse(body)
            note = Note.parse(asked.signed)
            new = Checkpoint.parse(note.text)
        except Malformed as error:
            return Answer(400, f"{error.detail}\n".encode())
        keys = self._logs.get(new.origin)
        if keys is None:
            return Answer(404, b"no log of that origin is witnessed here\n")
        try:
            by = note.signed_by(keys)
        except NotSigned as error:
            return Answer(403, f"{error.detail}\n".encode())
        if not by:
            return Answer(403, b"no key of that log that is known here has signed this\n")
        if asked.old > new.size:
            return Answer(400, b"the old size is larger than the checkpoint's\n")
        with self._one:
            return self._add(asked, new, note)

    def _add(self, asked: Asked, new: Checkpoint, note: Note) -> Answer:
        latest = self._latest(new.origin)
        size = latest.size if latest is not None else 0
        if asked.old != size:
            return Answer(409, f"{size}\n".encode(), SIZE_TYPE)
        try:
            _demand_continued(asked, latest, new)
        except NotProved as error:
            _log.error(
                "a log shows a fork, or sends a wrong proof", log=new.origin, why=error.detail, size=new.size
            )
            return Answer(422, f"{error.detail}\n".encode())
        mine = self._signer.sign(new.text, int(self._now()))
        theirs = [one for _, one in note.signed_by(self._logs[new.origin])]
        put(self._file(new.origin), Note(new.text, (*theirs, mine)).data)
        sync(self._state)
        return Answer(200, mine.line.encode())


def _demand_continued(asked: Asked, latest: Checkpoint | None, new: Checkpoint) -> None:
    """Raises NotProved."""
    if new.size == 0 and new.root != merkle.EMPTY:
        raise NotProved("the tree without leaves has another root")
    if asked.old == 0 and asked.proof:
        raise NotProved("there is no proof of continuing nothing")
    if latest is not None and latest.size:
        merkle.consistent(latest.size, new.size, asked.proof, latest.root, new.root)
