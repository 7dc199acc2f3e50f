"""`kitamae up`: serve a city until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
import uvloop
from rich.cells import set_cell_size
from rich.console import Console

from kitamae import logs
from kitamae.commands import control, heap
from kitamae.commands.certificate import certified, renewed
from kitamae.commands.speech import say
from kitamae.directory.layout import Layout
from kitamae.directory.lock import Lock
from kitamae.edge.protocol import behind
from kitamae.kernel.problems import Conflict
from kitamae.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

_STOPPING_SECONDS = 3
_COLLECT = (250_000, 20, 50)
"""Objects between two looks for rings of garbage. Entities come and go by the hundred thousand and never form rings: with
Python's own numbers (700, 10, 10) a tenth of a write's time is spent on looking at them."""

_TURN = 0.0005
"""Seconds that a thread waits for Python before it asks the one that runs to let go (5 ms unless told). Beside the event loop
there are long reads, the work of `transact`, each statement of which gives Python away, and the commit, whose end the loop waits
for. Getting Python back must not take longer than what was done without it."""


class PortTaken(Conflict):
    """Something else listens there."""

    title = "The port is taken"


class _Server(uvicorn.Server):
    """Told to stop by us, not by signals: two of them share one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def up(
    *,
    city: Path | None = None,
    data: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    store: str | None = None,
    keys: str | None = None,
    stay: bool = False,
    open: bool = False,
    demo_residents: bool = False,
    stream: str | None = None,
) -> None:
    """Serve a city: pages, API and notifications, from one data directory.

    Parameters
    ----------
    city
        The city profile to serve, such as cities/kaga. Without it the broker is empty.
    data
        The data directory; it is made when it is not there.
    host
        The address to listen on.
    port
        The port to listen on; 0 takes any free one.
    store
        The PostgreSQL that keeps the state, postgresql://user@host/database, in place of the data directory. Any number
        of these processes, each with a data directory of its own, may serve one.
    keys
        The PostgreSQL that keeps persons' keys, apart from the state; without it they are in keys.db.
    stay
        Serve a city that has moved away (`kitamae migrate`) from here again, as it was then.
    open
        Clients on this machine write without signing in: for tests. Refused on any address but loopback.
    demo_residents
        A stand-in of デジタル認証アプリ with four invented residents, for demonstrations; never beside the real one.
    stream
        The NATS server that is given every change, such as nats://127.0.0.1:4222.

    """
    heap.share()
    chosen = {
        "city": city,
        "data": data,
        "host": host,
        "port": port,
        "store": store,
        "keys": keys,
        "stream": stream,
    }
    flags = {"stay": stay or None, "open": open or None, "demo_residents": demo_residents or None}
    settings = Settings.chosen(**chosen, **flags)
    logs.configure(settings)
    uvloop.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Until SIGINT or SIGTERM. Raises InUse, PortTaken and what opening the store raises."""
    began = time.perf_counter()
    with Lock(settings.data) as lock, listening(settings.host, settings.port) as public:
        from kitamae.app import Kitamae  # only now: what is refused before is refused at once

        address = _address(
            settings.host, public.getsockname()[1], secure=settings.tls_certificate is not None
        )
        lock.describe(address)
        kitamae = Kitamae(settings, lock, address=settings.public_url or address)
        async with kitamae.running():
            layout = Layout(settings.data)
            local = control.listen(layout)
            servers = [
                _server(kitamae, settings, proxies=settings.trusted_proxies),
                _server(control.Control(kitamae), settings),
            ]
            certified(servers[0].config, settings)
            _stop_on_signals(servers)
            try:
                tasks = [
                    asyncio.create_task(server.serve(sockets=[sock]))
                    for server, sock in zip(servers, (public, local), strict=True)
                ]
                while not all(server.started for server in servers):
                    if any(task.done() for task in tasks):
                        break
                    await asyncio.sleep(0.005)
                gc.freeze()  # what was loaded until now stays
                gc.set_threshold(*_COLLECT)
                sys.setswitchinterval(_TURN)
                renewing = asyncio.create_task(renewed(servers[0].config, settings))
                _greet(settings, kitamae.address, await kitamae.sign_in_link(), time.perf_counter() - began)
                await asyncio.gather(*tasks)
                renewing.cancel()
            finally:
                layout.socket.unlink(missing_ok=True)


def _server(app: ASGIApp, settings: Settings, proxies: str = "") -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            loop="none",
            http=behind(proxies),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning" if settings.log_level == "info" else settings.log_level,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies or None,
            timeout_graceful_shutdown=_STOPPING_SECONDS,
            backlog=4096,
        )
    )


def _stop_on_signals(servers: list[_Server]) -> None:
    def stop() -> None:
        for server in servers:
            server.force_exit = server.should_exit  # told twice: at once
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises PortTaken, Conflict."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.create_server((host.strip("[]"), port), family=family, backlog=4096)
    except OSError as error:
        where = _address(host, port)
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"{where} is taken by another program; choose another port, e.g. --port {_free(host, family)}"
            ) from error
        raise Conflict(f"cannot listen on {where}: {error.strerror or error}") from error
    sock.setblocking(False)
    with sock:
        yield sock


def _free(host: str, family: socket.AddressFamily) -> int:
    with socket.create_server((host.strip("[]"), 0), family=family) as sock:
        return int(sock.getsockname()[1])


def _address(host: str, port: int, *, secure: bool = False) -> str:
    scheme = "https" if secure else "http"
    return f"{scheme}://[{host.strip('[]')}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _greet(settings: Settings, address: str, link: str, seconds: float) -> None:
    """On standard output, so that a script can read it; the log goes to standard error."""
    out = Console(highlight=False, soft_wrap=True)
    city = settings.city or say("an empty broker")
    out.print(say("Kitamae serves {city} from {kept}", city=city, kept=settings.kept_in), markup=False)
    lines = [
        (say("address"), f"{address}/"),
        (say("staff sign-in"), link),
        ("", say("works once, for {minutes} minutes", minutes=settings.link_minutes)),
    ]
    if settings.open:
        lines.append(("--open", say("every client on this machine may write")))
    for name, told in lines:
        out.print(f"  {set_cell_size(name, 14)}  {told}", markup=False)
    out.print("  " + say("ready after {seconds:.1f} s; Ctrl-C stops it", seconds=seconds), markup=False)
    sys.stdout.flush()
