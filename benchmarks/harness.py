"""A real server in a process of its own, wrk as the load on the same machine, medians of rounds.

CPU per operation is the server's own (user + system, all threads, from /proc/PID/stat) over a round, divided by the
answers of that round; the load generator's is not in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.database import database

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS_PER_ROUND", "5"))
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Result:
    """One line of the table. `rate` is per second; `cpu` in microseconds of the server per operation."""

    work: str
    rate: float
    cpu: float
    target: float
    unit: str = "/s"
    spread: tuple[float, float] = (0.0, 0.0)
    p99: str = ""
    note: str = ""

    @property
    def held(self) -> bool:
        """Memory and delays have a ceiling, everything else a floor."""
        return self.rate <= self.target if self.ceiling else self.rate >= self.target

    @property
    def ceiling(self) -> bool:
        """The target is what it may be at most."""
        return self.unit in {"MB", " s", " WAPE"}


@dataclass
class Server:
    """`kitamae up --open` with the benchmark's city on a free port of loopback. `guarded`: without --open, and every request
    carries a token. `city`: its folder.
    """

    data: Path
    store: str = ""
    port: int = 0
    count: int = 100_000  # entities that the claims put there
    guarded: bool = False
    city: Path = HERE / "city"
    token: str = ""
    process: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> Server:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "kitamae", "up", "--city", str(self.city)]
        command += [] if self.guarded else ["--open"]
        command += ["--data", str(self.data), "--port", str(self.port)]
        command += ["--store", self.store] if self.store else []
        log = (self.data.parent / "server.log").open("ab")
        chosen = {"KITAMAE_MAX_SUBSCRIPTIONS_OF_ONE": "20000"}  # one program asks for everything
        chosen |= {"KITAMAE_DELIVER_TO": own_address()} if self.guarded else {}  # loopback is for --open
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | chosen)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise SystemExit(f"the server did not start; see {log.name}")
            with contextlib.suppress(OSError):  # 503 while the city is loaded is one too
                urllib.request.urlopen(self.url + "/health", timeout=60).close()
                self.token = self.make_token("write:*", "subscribe:*") if self.guarded else ""
                return self
            time.sleep(0.05)
        raise SystemExit("the server did not answer within a minute")

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def make_token(self, *scopes: str) -> str:
        """For a program that may do so much."""
        command = [
            *(sys.executable, "-m", "kitamae", "token", "create", "bench", *scopes),
            *("--data", str(self.data)),
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request; its JSON. Raises HTTPError with the server's own words for 4xx and 5xx."""
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read()[:300]!r}") from error
        with contextlib.suppress(ValueError):
            return json.loads(text)
        return None

    def cpu(self) -> float:
        """Seconds of processor time that the server has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def metric(self, name: str) -> float:
        """One series of `/metrics` that has no labels; 0 while there is none."""
        with urllib.request.urlopen(self.url + "/metrics", timeout=60) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[-1])
        return 0.0

    def memory(self) -> float:
        """Resident set, megabytes (10^6), of the server process."""
        kb = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        assert kb
        return int(kb[1]) * 1024 / 1e6


def own_address() -> str:
    """Of this machine, as others would reach it; loopback where it has no other. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


@contextlib.contextmanager
def server(*, guarded: bool = False, declares: str = "") -> Iterator[Server]:
    """A server on an empty data directory, on a real disk (BENCH_DIR, else the working directory). `declares`: what its city.toml says
    besides.
    """
    folder = Path(tempfile.mkdtemp(prefix=".bench-", dir=os.environ.get("BENCH_DIR", ".")))
    try:
        city = Path(shutil.copytree(HERE / "city", folder / "city"))
        with (city / "city.toml").open("a", encoding="utf-8") as file:
            file.write(declares)
        with database() as store, Server(folder / "data", store, guarded=guarded, city=city) as one:
            yield one
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def load(
    one: Server, script: str, *args: str, path: str = "/", connections: int = 50, weight: int = 1
) -> tuple[float, tuple[float, float], float, str]:
    """ROUNDS rounds of wrk: (median rate, (least, most), median CPU in us per operation, p99 of the median round).

    `weight`: operations in one request. Any answer that is not 2xx or 3xx ends the benchmark.
    """
    rounds = []
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        "--latency",
        "--timeout",
        "10s",
        "-s",
        str(HERE / "load" / script),
    ]
    command += ["-H", f"Authorization: Bearer {one.token}"] if one.token else []
    subprocess.run([*command, "-d1", one.url + path, "--", *args], check=True, capture_output=True)  # warm
    for _ in range(ROUNDS):
        before = one.cpu()
        out = subprocess.run(
            [*command, f"-d{SECONDS}", one.url + path, "--", *args],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        used = one.cpu() - before
        done = re.search(r"(\d+) requests in ([\d.]+)s", out)
        assert done, out
        if wrong := re.search(r"(Non-2xx.*|Socket errors.*)", out):
            raise SystemExit(f"{script}: {wrong[1]}")
        count = int(done[1]) * weight
        p99 = re.search(r"99%\s+(\S+)", out)
        rounds.append((count / float(done[2]), used / count * 1e6, p99[1] if p99 else ""))
    rates = [rate for rate, _, _ in rounds]
    median = sorted(rounds)[len(rounds) // 2]
    return (
        statistics.median(rates),
        (min(rates), max(rates)),
        statistics.median(c for _, c, _ in rounds),
        median[2],
    )


def machine() -> str:
    """What this was measured on."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def disk() -> float:
    """Microseconds of one 4 kB write made durable (fdatasync), median of 200: what a commit cannot be faster than."""
    times = []
    with tempfile.TemporaryFile(dir=os.environ.get("BENCH_DIR", ".")) as file:
        for _ in range(200):
            start = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6
