"""`kitamae witness`: cosigning for neighbouring cities' logs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from rich.console import Console

from kitamae.directory.lock import Lock
from kitamae.kernel.context.api import body
from kitamae.kernel.ledger.beginning import read_key, write_key
from kitamae.kernel.ledger.note import COSIGNATURE_V1, Signer
from kitamae.kernel.ledger.policy import Policy
from kitamae.kernel.ledger.refusals import Malformed
from kitamae.kernel.ledger.witness import MOST_REQUEST, Answer, Witness
from kitamae.kernel.problems import NotFound, Problem

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_KEY: Final = "witness.key"


async def witness(
    *, logs: Path, name: str = "", data: Path = Path("witness"), host: str = "127.0.0.1", port: int = 8081
) -> None:
    """Witness the logs of neighbouring cities until SIGINT or SIGTERM: C2SP tlog-witness.

    It cosigns what continues what it cosigned before, and refuses a log that was rewritten or has become shorter. Its key is
    made at the first start; the line that it prints is what neighbours put into their file of witnesses.

    Parameters
    ----------
    logs
        A file (C2SP tlog-policy) with a line `log <vkey>` for each log, and `quorum none`.
    name
        What the witness is called, such as city.example.jp/witness; needed at the first start.
    data
        A directory for its key and for what it has seen. Losing it, it must begin with a new key.
    host
        The address to listen on.
    port
        The port; 0 takes any free one.

    """
    known = [one.key for one in Policy.parse(_text(logs)).logs]
    with Lock(data):
        signer = _signer(data / _KEY, name)
        serving = Application(Witness(signer, known, data / "logs"))
        config = uvicorn.Config(
            serving,
            host=host,
            port=port,
            log_level="warning",
            lifespan="off",
            access_log=False,
            server_header=False,
        )
        await _Announced(config, f"witness {signer.key.name} for {len(known)} logs", signer.key.vkey).serve()


class _Announced(uvicorn.Server):
    """Says where it is, once it is there."""

    def __init__(self, config: uvicorn.Config, what: str, vkey: str) -> None:
        super().__init__(config)
        self._what, self._vkey = what, vkey

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            console = Console(highlight=False, soft_wrap=True)
            console.print(f"{self._what} on http://{self.config.host}:{port}", markup=False)
            console.print(f"neighbours write: witness <name> {self._vkey} <your address>", markup=False)
            sys.stdout.flush()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"{path} cannot be read: {error}") from error


def _signer(path: Path, name: str) -> Signer:
    signers = read_key(path)
    if not signers:
        if not name:
            raise Malformed("--name: a new witness needs one, such as city.example.jp/witness")
        signers = [Signer.generate(name, COSIGNATURE_V1)]
        write_key(path, signers[0])
    if len(signers) > 1 or (name and signers[0].key.name != name):
        raise Malformed(f"{path}: expected one secret key, of {name or 'the witness'}")
    return signers[0]


class Application:
    """ASGI, `http` only."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Whoever asks: it is what a log has signed that counts."""
        answer = await self._answer(scope, receive)
        headers: list[tuple[bytes, bytes]] = [
            (b"content-type", answer.type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path, method = scope["path"], scope["method"]
        if path == "/add-checkpoint":
            if method != "POST":
                return Answer(405, b"expected POST\n")
            headers: dict[bytes, Any] = dict(scope["headers"])
            try:
                expected = body.length(headers.get(b"content-length"), MOST_REQUEST)
                sent = await body.read(receive, expected, MOST_REQUEST)
            except Problem as problem:
                return Answer(problem.status, f"{problem.detail or problem.title}\n".encode())
            return await asyncio.to_thread(self._witness.add_checkpoint, sent)
        if method == "GET" and path.endswith("/checkpoint"):
            return await asyncio.to_thread(self._witness.shown, path[1:].removesuffix("/checkpoint"))
        return Answer(404, b"POST /add-checkpoint, GET /<hash of the origin>/checkpoint\n")
