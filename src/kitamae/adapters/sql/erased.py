"""The list of erasures once more, in a file: it outlives the store of keys that it lies beside, and holds references and times alone."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from kitamae.kernel.people.vault.keystore import Erasure
from kitamae.kernel.problems import StoreFull

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def listed(path: Path) -> list[Erasure]:
    """What it says; a last line that was cut off by a crash was never answered for, and is left out."""
    found: list[Erasure] = []
    with contextlib.suppress(FileNotFoundError):
        for line in path.read_text("utf-8").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                found.append(Erasure(*json.loads(line)))
    return found


def add(path: Path, gone: Sequence[Erasure]) -> None:
    """Durable when it returns. Raises StoreFull."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "ab") as file:
            file.write(b"\n" + b"".join(json.dumps(list(one)).encode() + b"\n" for one in gone))
            file.flush()
            os.fsync(fd)
    except OSError as error:
        raise StoreFull(f"the list of erasures {path} cannot be written: {error.strerror}") from error
