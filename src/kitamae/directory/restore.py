"""A restore unpacks beside the city, checks everything, and only then changes places, in steps that can be resumed.

Until the changing of places begins, nothing of the city is touched. It is announced in `.swap.json` first, so that
a restore that is killed in the middle is finished by the next start: the directory is never half old, half new.
"""

from __future__ import annotations

import errno
import hashlib
import lzma
import os
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.directory import sealing
from kitamae.directory.backup import FORMAT, MANIFEST, SEAL, STATE
from kitamae.directory.layout import FOLDERS
from kitamae.kernel.problems import BadRequest, StoreFull

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from kitamae.directory.layout import Layout

_ASIDE: Final = {STATE: (f"{STATE}-wal", f"{STATE}-shm")}
"""What belongs to a file and must leave with it."""

_CHUNK: Final = 1 << 20


_LONGEST_MANIFEST: Final = 64 * 1024 * 1024  # some 500,000 files


class BadBackup(BadRequest):
    """A file that is not a complete backup that this version can read; the city was not touched."""

    title = "That backup cannot be restored"


def unpack(
    file: Path, layout: Layout, check: Callable[[Path], None], identity: str | None = None
) -> dict[str, Any]:
    """Unpack into `.incoming` and verify every byte; returns the manifest. `identity`: what opens an encrypted file.

    `check` looks at the unpacked state and raises Problem when it is damaged or of a newer version. Raises BadBackup,
    StoreFull. On any error nothing is left behind.
    """
    shutil.rmtree(layout.incoming, ignore_errors=True)
    layout.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with sealing.opened(file, layout.root, identity) as plain:
            manifest = _unpack(plain, layout)
        check(layout.incoming / STATE)
        _settle(layout.incoming)
    except BaseException:
        shutil.rmtree(layout.incoming, ignore_errors=True)
        raise
    return manifest


def _unpack(file: Path, layout: Layout) -> dict[str, Any]:
    layout.incoming.mkdir(mode=0o700)
    for folder in FOLDERS:
        (layout.incoming / folder).mkdir(mode=0o700)
    found: dict[str, str] = {}
    manifest: dict[str, Any] | None = None
    try:
        with tarfile.open(file) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    raise BadBackup(f"{file}: {member.name!r:.120} is not a plain file")
                if member.name == MANIFEST:
                    if member.size > _LONGEST_MANIFEST:
                        raise BadBackup(f"{file}: a manifest of {member.size} bytes is none")
                    manifest = orjson.loads(content.read(member.size))
                else:
                    _demand_room(layout.root, member.size)
                    found[member.name] = _write(content, layout.incoming / _place(file, member.name))
    except FileNotFoundError as error:
        raise BadBackup(f"there is no file {file}") from error
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise StoreFull(
                "the disk became full while the backup was unpacked; nothing was changed"
            ) from error
        why = str(error).partition("\n")[0].rstrip(":")
        raise BadBackup(f"{file} is damaged or not a backup: {why}") from error
    if not isinstance(manifest, dict) or STATE not in found:
        raise BadBackup(f"{file} is not complete: it was cut off, or it is not a backup of Kitamae")
    if manifest.get("format") != FORMAT:
        raise BadBackup(
            f"{file} has the format {manifest.get('format')!r} of Kitamae {manifest.get('kitamae')!r}; "
            f"this version reads format {FORMAT}"
        )
    listed = manifest.get("files")
    if not isinstance(listed, dict):
        raise BadBackup(f"{file} is damaged: its manifest lists no files")
    if listed != found:
        wrong = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
        raise BadBackup(f"{file} is damaged: {wrong[0]} is not what was backed up")
    return manifest


def _place(file: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    inside = len(path.parts) > 1 and path.parts[0] in FOLDERS and ".." not in path.parts
    if name not in (STATE, SEAL) and not inside:
        raise BadBackup(f"{file}: {name!r:.120} has no place in a data directory")
    return path


def _demand_room(root: Path, size: int) -> None:
    free = shutil.disk_usage(root).free
    if size > free:
        raise StoreFull(
            f"the next file of the backup needs {size} bytes, and the disk has {free}; nothing was changed"
        )


def _write(content: IO[bytes], to: Path) -> str:
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    summed = hashlib.sha256()
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        while part := content.read(_CHUNK):
            summed.update(part)
            out.write(part)
        out.flush()
        os.fsync(out.fileno())
    return summed.hexdigest()


def swap(layout: Layout) -> None:
    """Put what `unpack` checked in the place of what is there; the store must be closed.

    The old city stays in `.replaced` until the next restore.
    """
    shutil.rmtree(layout.replaced, ignore_errors=True)
    layout.replaced.mkdir(mode=0o700)
    note = layout.swap.with_suffix(".new")
    with note.open("wb") as out:
        out.write(orjson.dumps({"from": layout.incoming.name, "to": layout.replaced.name}))
        out.flush()
        os.fsync(out.fileno())
    note.rename(layout.swap)
    _sync(layout.root)
    finish(layout)


def finish(layout: Layout) -> bool:
    """At every start, under the lock: finish a swap that was begun, forget an unpacking that was not finished."""
    if not layout.swap.exists():
        shutil.rmtree(layout.incoming, ignore_errors=True)
        return False
    layout.replaced.mkdir(exist_ok=True, mode=0o700)
    for name in (STATE, SEAL, *FOLDERS):
        if not (layout.incoming / name).exists():
            continue  # it has moved already
        for old in (*_ASIDE.get(name, ()), name):
            if (layout.root / old).exists():
                (layout.root / old).rename(layout.replaced / old)
        _sync(layout.replaced)
        (layout.incoming / name).rename(layout.root / name)
        _sync(layout.root)
    layout.swap.unlink()
    _sync(layout.root)
    shutil.rmtree(layout.incoming, ignore_errors=True)
    return True


def _settle(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            _sync(path)
    _sync(folder)


def _sync(folder: Path) -> None:
    """A rename is durable when its folder is."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
