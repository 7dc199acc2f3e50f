"""A copy of the suite that runs on one machine without a network: only addresses are changed in it, never a test."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

PORT = 9090
"""Where the suite believes that the broker is; two of its files write it out."""

_CONTEXT = re.compile(r"https://[\w./-]+/(?:ngsi-ld-test-suite|ngsildTestSuiteV1\.8)(-compound)?\.jsonld")
"""The two contexts of the suite, wherever its files say that they are kept."""

_UNUSED = re.compile(r"https://fiware\.github\.io/[\w./-]+/(\w+\.jsonld)")
"""Two more that only have to be there: none of their terms is looked at, so an empty context stands in for each."""


def copied(checkout: Path, to: Path, *, contexts: str) -> Path:
    """The suite's tests and data, with the address of the contexts in the place of the addresses on the internet."""
    for name in ("TP", "IOP_TP", "data", "libraries", "resources"):
        shutil.copytree(checkout / name, to / name, dirs_exist_ok=True)
    for file in to.rglob("*"):
        if file.suffix in {".robot", ".resource", ".py", ".json", ".jsonld", ".geojson"}:
            before = file.read_text("utf-8")
            after = here(before, contexts)
            if after != before:
                file.write_text(after, "utf-8")
    return to


def here(text: str, contexts: str) -> str:
    """`text` with every address of the suite's contexts replaced by the one that serves them on this machine."""
    text = _CONTEXT.sub(rf"{contexts}/ngsi-ld-test-suite\1.jsonld", text)
    return _UNUSED.sub(rf"{contexts}/empty/\1", text)


def variables(copy: Path, *, broker: str, host: str) -> None:
    """Tell the copy where the broker is and where its own receivers listen; what else it says stays."""
    file = copy / "resources" / "variables.py"
    chosen = {
        "url": f"{broker}/ngsi-ld/v1",
        "temporal_api_url": f"{broker}/ngsi-ld/v1",
        "notification_server_host": host,
        "context_source_host": host,
        "context_server_host": host,
        "mqtt_broker_host": host,
    }
    said = "".join(f"{name} = {value!r}\n" for name, value in chosen.items())
    file.write_text(file.read_text("utf-8") + "\n" + said, "utf-8")
    for test in (copy / "TP").rglob("*.robot"):
        before = test.read_text("utf-8")
        if (after := before.replace(f"http://localhost:{PORT}", broker)) != before:
            test.write_text(after, "utf-8")
