"""Services are folders: found by their manifest, their modules found by name.

manifest.toml   its papers                 pages.py   routes(room) -> list of Starlette routes under /<id>
models.py       what it knows              api.py     router(room) -> a FastAPI router, mounted at /api/<id>
logic.py        what it does: pure         ingest.py  start(room): listens for what comes from outside;
                                                      for `kitamae import`: FORMATS, TYPE, MOST_BYTES, BadMessageError,
                                                      refused, remarks, changes, FEEDS (see docs/build-a-service.md)
templates/, locales/, static/, pia/        jobs.py    start(room, observing): what it does beside requests
                                           desk.py    routes(room) -> its staff's pages under /staff/<desk>
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kitamae.sdk.manifest import BadManifestError, Manifest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType


@dataclass(frozen=True, slots=True)
class Service:
    """A service folder whose papers are in order. `package` is where Python finds its modules."""

    manifest: Manifest
    folder: Path
    package: str

    @property
    def id(self) -> str:
        """As in the manifest."""
        return self.manifest.id

    def module(self, name: str) -> ModuleType | None:
        """`pages`, `api`, ...; None where the service has none. An error inside the module is not hidden."""
        dotted = f"{self.package}.{name}"
        return import_module(dotted) if find_spec(dotted) else None


def discover(package: str = "kitamae.services") -> list[Service]:
    """Every folder of the package that has a manifest, those that others require first, then by `order`.

    Raises BadManifestError: papers not in order, a folder named otherwise than its id, a required service that is
    missing, services that require each other in a circle.
    """
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise BadManifestError(f"{package}: no such package")
    found: dict[str, Service] = {}
    for root in spec.submodule_search_locations:
        for papers in sorted(Path(root).glob("*/manifest.toml")):
            manifest = Manifest.read(papers)
            if manifest.id != papers.parent.name:
                raise BadManifestError(
                    f"{papers}: id is {manifest.id!r} but the folder is {papers.parent.name!r}"
                )
            found[manifest.id] = Service(manifest, papers.parent, f"{package}.{manifest.id}")
    return list(_in_order(found))


def _in_order(found: dict[str, Service]) -> Iterable[Service]:
    done: set[str] = set()
    waiting = sorted(found.values(), key=lambda service: (service.manifest.order, service.id))
    while waiting:
        ready = [service for service in waiting if done.issuperset(service.manifest.requires)]
        if not ready:
            missing = {need for service in waiting for need in service.manifest.requires} - found.keys()
            names = ", ".join(service.id for service in waiting)
            raise BadManifestError(
                f"{names}: required but not there: {', '.join(sorted(missing))}"
                if missing
                else f"{names}: these services require each other in a circle"
            )
        yield from ready
        done |= {service.id for service in ready}
        waiting = [service for service in waiting if service.id not in done]
