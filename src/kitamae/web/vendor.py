"""Copies what the browser gets from the npm packages into `static/vendor`: `python -m kitamae.web.vendor [node_modules]`.

`npm ci --ignore-scripts --omit=dev` has fetched the pinned packages before; nothing is built, nothing is committed.
Without npm every page works; the map button is left out and our own values stand in for the design tokens.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

VENDOR: Final = Path(__file__).parent / "static" / "vendor"
INVENTORY: Final = VENDOR / "packages.json"
"""Which packages those are, and which their bundles are built from: for `kitamae sbom`."""

FILES: Final[dict[str, tuple[str, ...]]] = {
    "@digital-go-jp/design-tokens": ("LICENSE", "dist/tokens.css"),
    "maplibre-gl": (
        "LICENSE.txt",
        "dist/maplibre-gl.css",
        "dist/maplibre-gl.mjs",
        "dist/maplibre-gl-worker.mjs",
    ),
    "pmtiles": ("package.json", "dist/pmtiles.js"),
}
"""Package -> its files that we serve, each with its licence beside it (pmtiles names its own in package.json). MIT and BSD-3-Clause."""


def copy(packages: Path, to: Path = VENDOR) -> list[str]:
    """Replace `to` as a whole. Returns what is missing; then `to` is left as it was."""
    missing = [
        f"{package}/{file}"
        for package, files in FILES.items()
        for file in files
        if not (packages / package / file).is_file()
    ]
    if missing:
        return missing
    fresh = to.with_name(to.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for package, files in FILES.items():
        for file in files:
            target = fresh / package.rpartition("/")[2] / Path(file).name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(packages / package / file, target)
    (fresh / INVENTORY.name).write_text(json.dumps(_inventory(packages), indent=1), "utf-8")
    shutil.rmtree(to, ignore_errors=True)
    fresh.rename(to)
    return []


def _inventory(packages: Path) -> list[dict[str, Any]]:
    """Name, version, licence, digest and needs of each package that npm installed for the browser; without any address."""
    lock = packages / ".package-lock.json"  # npm's own list of what it installed
    installed = json.loads(lock.read_text("utf-8"))["packages"] if lock.is_file() else {}
    return [
        {
            "name": path.rpartition("node_modules/")[2],
            "version": one["version"],
            "license": one.get("license", ""),
            "integrity": one.get("integrity", ""),
            "needs": sorted(one.get("dependencies", {})),
        }
        for path, one in sorted(installed.items())
        if not one.get("dev") and not one.get("optional")
    ]


def main() -> int:
    """Says what it did, in one line."""
    packages = Path(sys.argv[1] if len(sys.argv) > 1 else "node_modules")
    if missing := copy(packages):
        print(
            f"not copied: {', '.join(missing)} (run `npm ci --ignore-scripts --omit=dev` first)",
            file=sys.stderr,
        )
        return 1
    print(f"{len(FILES)} npm packages copied into {VENDOR}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
