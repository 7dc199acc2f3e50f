"""A copy of the suite that runs on one machine without a network: only addresses are changed in it, never a test."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

PORT = 9090
"""Where the suite believes that the broker is, the first of several; two of its files write it out."""

ALIAS = "antares"
"""What the suite expects its brokers to be called by their operator, with a number."""

_CONTEXT = re.compile(r"https://[\w./-]+/(?:ngsi-ld-test-suite|ngsildTestSuiteV1\.8)(-compound)?\.jsonld")
"""The two contexts of the suite, wherever its files say that they are kept."""

_UNUSED = re.compile(r"https://fiware\.github\.io/[\w./-]+/(\w+\.jsonld)")
"""Two more that only have to be there: none of their terms is looked at, so an empty context stands in for each."""


def copied(checkout: Path, to: Path, *, contexts: str, host: str) -> Path:
    """The suite's tests and data, with the address of the contexts in the place of the addresses on the internet.

    `host`: where the brokers and the suite's own receivers listen, each on the port that the suite gives it.
    """
    for name in ("TP", "IOP_TP", "data", "libraries", "resources"):
        shutil.copytree(checkout / name, to / name, dirs_exist_ok=True)
    for file in to.rglob("*"):
        if file.suffix in {".robot", ".resource", ".py", ".json", ".jsonld", ".geojson"}:
            before = file.read_text("utf-8")
            after = here(before, contexts).replace(f"http://localhost:{PORT}", f"http://{host}:{PORT}")
            after = after.replace("127.0.0.1", host)
            if after != before:
                file.write_text(after, "utf-8")
    _choose(to / "resources" / "variables.py", host)
    return to


def here(text: str, contexts: str) -> str:
    """`text` with every address of the suite's contexts replaced by the one that serves them on this machine."""
    text = _CONTEXT.sub(rf"{contexts}/ngsi-ld-test-suite\1.jsonld", text)
    return _UNUSED.sub(rf"{contexts}/empty/\1", text)


def _choose(variables: Path, host: str) -> None:
    """The addresses that the suite lets its user choose; what else it says there stays."""
    api = f"http://{host}:{PORT}/ngsi-ld/v1"
    chosen = {
        "url": api,
        "temporal_api_url": api,
        "notification_server_host": host,
        "context_source_host": host,
        "context_server_host": host,
        "mqtt_broker_host": host,
    }
    said = "".join(f"{name} = {value!r}\n" for name, value in chosen.items())
    variables.write_text(variables.read_text("utf-8") + "\n" + said, "utf-8")
