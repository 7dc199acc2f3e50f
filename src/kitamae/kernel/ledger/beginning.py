"""Which log this is: its keys, the last that it signed, and when a new one has to begin in its place.

The secret keys lie beside the log's folder and not in it, so no backup holds them. Each line of the file is a key, and each
signs: to change it, add a line, tell it to everybody who verifies, and remove the old line later. The first one names the log.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import orjson
import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import checkpoint, merkle
from kitamae.kernel.ledger.checkpoint import Checkpoint
from kitamae.kernel.ledger.files import CHECKPOINT, EARLIER, Folder, put, sync
from kitamae.kernel.ledger.note import Note, Signer
from kitamae.kernel.ledger.refusals import Malformed, NotProved

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BEGAN: Final = "began.json"
"""Why a log stands in the place of another one: also its first entry after those that it shares with it."""

_log = structlog.get_logger("kitamae")


@dataclass(frozen=True, slots=True)
class Beginning:
    """`head` and its note, `signed`. `instead`: the entry that says in whose place this log begins."""

    signers: Sequence[Signer]
    head: Checkpoint
    signed: bytes
    instead: bytes | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a log is. `key`: the file of its secret keys. `origin`: its name, if it begins now. `replaced`: a folder
    that a restore has put aside, which may know more of the same log.
    """

    folder: Folder
    key: Path
    origin: str
    replaced: Path | None = None

    def find(self) -> Beginning:
        """The log that is here, or a new one. Raises Malformed for a key that cannot be read."""
        signers = read_key(self.key)
        if signers and self.replaced is not None:
            self._take_longer(Folder(self.replaced), signers)
        signed = self.folder.get(CHECKPOINT)
        if signed is None:
            return self._begin(signers)
        if not signers:
            return self.anew(
                "its secret key is not here, as after a restore on another machine: how far it had come nobody can know"
            )
        try:
            head, _ = checkpoint.opened(signed, [one.key for one in signers], signers[0].key.name)
        except (Malformed, NotProved) as error:
            return self.anew(f"its checkpoint is not signed by the key that is here ({error})")
        return Beginning(signers, head, signed)

    def _take_longer(self, other: Folder, signers: Sequence[Signer]) -> None:
        """What a restore has put aside may be the same log, further on: then it goes on there."""
        here, there = _size(self.folder, signers), _size(other, signers)
        if there <= here or (here < 0 and self.folder.get(CHECKPOINT) is not None):
            return  # what is here is longer, or another log
        shutil.copytree(
            other.root, self.folder.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(CHECKPOINT)
        )
        for path in [self.folder.root, *self.folder.root.rglob("*")]:
            fd = os.open(path, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        self.folder.publish(CHECKPOINT, other.get(CHECKPOINT) or b"")
        _log.warning(
            "the ledger goes on from where it was before the restore: a shorter log would be a fork to its witnesses",
            size=there,
        )

    def anew(self, why: str) -> Beginning:
        """A new log in the place of the one in the folder, which stays readable as an earlier one."""
        before: dict[str, object] = {}
        with contextlib.suppress(Malformed):
            head = Checkpoint.parse(Note.parse(self.folder.get(CHECKPOINT) or b"").text)
            before = {"origin": head.origin, "size": head.size, "root": head.root.hex()}
        earlier = self.folder.put_aside()
        if self.key.exists():
            self.key.rename(self.key.with_name(f"{self.key.name}.{earlier.name}"))
        statement = {"began": "anew", "why": why, "before": before}
        entry = {"at": clock.text(clock.now()), "by": "system", "register": "ledger", "statement": statement}
        instead = orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)
        self.folder.publish(BEGAN, instead)
        _log.error("a new ledger begins in the place of the one before", why=why, before=before)
        return replace(self._begin(()), instead=instead)

    def _begin(self, signers: Sequence[Signer]) -> Beginning:
        if not signers:
            before = sum(1 for one in (self.folder.root / EARLIER).glob("*") if one.is_dir())
            signers = [Signer.generate(f"{self.origin}/{before + 1}" if before else self.origin)]
            write_key(self.key, signers[0])
        head = Checkpoint(signers[0].key.name, 0, merkle.EMPTY)
        signed = head.signed(signers).data
        self.folder.publish(CHECKPOINT, signed)
        return Beginning(signers, head, signed)


def _size(folder: Folder, signers: Sequence[Signer]) -> int:
    """Of the log of these keys in a folder; -1: there is none."""
    try:
        keys = [one.key for one in signers]
        return checkpoint.opened(folder.get(CHECKPOINT) or b"", keys, signers[0].key.name)[0].size
    except (Malformed, NotProved):
        return -1


def read_key(path: Path) -> list[Signer]:
    """Each line a secret key; none: there is no file. Raises Malformed, also for a file that others may read."""
    try:
        if path.stat().st_mode & 0o077:
            raise Malformed(
                f"{path} may be read by others: whoever has the key writes the log. chmod 600 {path}"
            )
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise Malformed(f"{path} holds no secret key") from None
    signers = [Signer.parse(line) for line in lines if line.strip() and not line.startswith("#")]
    if not signers or len({one.key.name for one in signers}) != 1:
        raise Malformed(f"{path}: expected one secret key a line, all of one name")
    return signers


def write_key(path: Path, signer: Signer) -> None:
    """For its owner alone, durable."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    put(path, signer.text.encode())
    sync(path.parent)
