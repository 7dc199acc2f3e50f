"""`kitamae verify`: a whole log from its files alone, or one proof that a person took along."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import httpx2
import orjson
from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from kitamae.commands.speech import say
from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.ledger import verify as ledger
from kitamae.kernel.ledger.checkpoint import opened
from kitamae.kernel.ledger.files import CHECKPOINT, WITNESSED, Folder, cut
from kitamae.kernel.ledger.note import Key
from kitamae.kernel.ledger.policy import Policy
from kitamae.kernel.ledger.proof import Proof
from kitamae.kernel.ledger.refusals import Malformed, NotSigned
from kitamae.kernel.ledger.tiles import ENTRIES, MOST_ENTRY, WIDTH, Tile
from kitamae.kernel.problems import BadRequest, NotFound, Unavailable

if TYPE_CHECKING:
    from kitamae.kernel.ledger import tiles
    from kitamae.kernel.ledger.cosignature import Cosigned

PROOF: Final = ".tlog-proof"
_MOST_TILE: Final = WIDTH * (MOST_ENTRY + 2)
_FOLLOWED: Final = 60.0  # seconds that one file may take


async def verify(
    log: str,
    /,
    *,
    key: Annotated[list[str], Parameter(negative=())],
    policy: Path | None = None,
    since: Path | None = None,
    witnessed: bool = False,
) -> None:
    """Verify a whole log from its files: every entry, every tile, the checkpoint, the cosignatures.

    It proves that the entries are what was signed and, with `--since`, that none that was there then was changed or taken
    out. It does not prove that they are true.

    Parameters
    ----------
    log
        A folder, or the address of one: https://city.example.jp/ledger; or a file that ends in .tlog-proof, as My page gives them.
    key
        The log's key, as its operator has told it; several while it is being changed.
    policy
        A file (C2SP tlog-policy) that names witnesses and how many of them must have cosigned.
    since
        A checkpoint of this log that was kept earlier: what is in it must still be there.
    witnessed
        Verify the newest checkpoint that witnesses have cosigned, not the newest of all.

    """
    keys = [Key.parse(one) for one in key]
    named = Policy.parse(_text(policy)) if policy else Policy()
    if log.endswith(PROOF):
        _proof(Path(log), keys, named)
        return
    before = opened(_bytes(since), keys)[0] if since else None
    source = _Remote(log) if "://" in log else _Local(Path(log))
    console = Console(highlight=False, soft_wrap=True)
    try:
        signed = source.note(WITNESSED if witnessed else CHECKPOINT)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("verifying", total=None)
            found = await asyncio.to_thread(
                ledger.whole,
                signed,
                source.read,
                keys,
                policy=named,
                since=before,
                now=int(time.time()),
                progress=lambda done, size: bar.update(task, completed=done, total=size),
            )
    finally:
        source.close()
    head = found.head
    console.print(
        say(
            "{log}: {entries} entries, root {root}: every file is as it was signed",
            log=head.origin,
            entries=head.size,
            root=head.root.hex(),
        ),
        markup=False,
    )
    for one in found.cosigned:
        console.print(_cosigned(one), markup=False)
    if before is not None:
        console.print(
            say("the first {entries} entries are those that were there before", entries=before.size),
            markup=False,
        )


def _proof(file: Path, keys: list[Key], named: Policy) -> None:
    """Raises Malformed, NotSigned, NotProved."""
    proof = Proof.parse(_bytes(file))
    if proof.extra is None:
        raise Malformed("that proof does not say of what: expected the line `extra`, as My page writes it")
    head, seen = proof.verify(commitment.reopened(proof.extra), keys, witnesses=named.keys)
    if not named.met([one.witness for one in seen]):
        raise NotSigned(f"{len(seen)} of the policy's witnesses have cosigned: its quorum asks for more")
    console = Console(highlight=False, soft_wrap=True)
    told = orjson.dumps(orjson.loads(proof.extra)["committed"], option=orjson.OPT_INDENT_2).decode()
    console.print(
        say(
            "{log}: entry {number} of {entries} says this, and was not changed:",
            log=head.origin,
            number=proof.index,
            entries=head.size,
        ),
        markup=False,
    )
    console.print(told, markup=False)
    for one in seen:
        console.print(_cosigned(one), markup=False)


def _cosigned(one: Cosigned) -> str:
    return say("{witness} cosigned it at {at}", witness=one.witness.name, at=clock.text(one.at * 1_000_000))


class _Local:
    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise NotFound(f"there is no folder {folder}")
        self._folder = Folder(folder)
        self.read: tiles.Read = self._folder.read

    def note(self, name: str) -> bytes:
        found = self._folder.get(name)
        if found is None:
            raise NotFound(f"there is no {name} in {self._folder.root}")
        return found

    def close(self) -> None:
        pass


class _Remote:
    def __init__(self, prefix: str) -> None:
        if not prefix.startswith(("https://", "http://")):
            raise BadRequest(f"expected a folder or https://..., got {prefix!r:.80}")
        self._prefix = prefix.rstrip("/")
        self._client = httpx2.Client(timeout=_FOLLOWED)

    def note(self, name: str) -> bytes:
        return self._get(name)

    def read(self, tile: Tile) -> bytes:
        try:
            return self._get(tile.path)
        except NotFound:
            if tile.width == WIDTH:
                raise
        return cut(self._get(tile._replace(width=WIDTH).path), tile)  # the full one has come meanwhile

    def _get(self, path: str) -> bytes:
        most = _MOST_TILE if path.startswith(Tile(ENTRIES, 0).path[:13]) else 1 << 17
        try:
            with self._client.stream("GET", f"{self._prefix}/{path}") as answer:
                if answer.status_code == 404:
                    raise NotFound(f"{path} is missing at {self._prefix}")
                if answer.status_code != 200:
                    raise Unavailable(f"{self._prefix}/{path} answers {answer.status_code}")
                found = b""
                for part in answer.iter_bytes():
                    found += part
                    if len(found) > most:
                        raise Malformed(f"{path} is larger than any such file can be")
                return found
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(f"{self._prefix}/{path} cannot be had: {error}") from error

    def close(self) -> None:
        self._client.close()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from error


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"{path} is not UTF-8") from None
