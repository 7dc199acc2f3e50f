"""What this Kitamae is made of, as a CycloneDX 1.6 bill of materials: from what is installed here, not from what was asked for.

Python: the distributions that `kitamae` needs, and those that they need, as their installed metadata says; what only tests
need is not among them. npm: what `make vendor` copied for the browser, with what its bundles are built from.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kitamae.web.vendor import INVENTORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import Message

ROOT: Final = "kitamae"
_LICENCES: Final = LicenseFactory()
_LONGEST: Final = 120
"""A License field that is longer is the licence's text, not its name."""


def bill(inventory: Path = INVENTORY) -> str:
    """The document, as JSON. `inventory` is what `make vendor` wrote; where it is not there, no npm package is."""
    bom = Bom()
    installed = _installed(ROOT)
    components = {name: _python(found) for name, found in installed.items()}
    root = components.pop(ROOT)
    root.type = ComponentType.APPLICATION
    bom.metadata.component = root
    for one in components.values():
        bom.components.add(one)
    for name, one in components.items():
        bom.register_dependency(
            one, [components[need] for need in _needs(installed[name]) if need in components]
        )
    browser = dict(_npm(inventory))
    for component, _ in browser.values():
        bom.components.add(component)
    for component, needs in browser.values():
        bom.register_dependency(component, [browser[need][0] for need in needs if need in browser])
    direct = [components[need] for need in _needs(installed[ROOT]) if need in components]
    bom.register_dependency(root, [*direct, *(component for component, _ in browser.values())])
    return str(JsonV1Dot6(bom).output_as_string(indent=2))


def _installed(root: str) -> dict[str, metadata.Distribution]:
    """The distributions that one needs, itself too, by their normal names. One that is not installed here is left out."""
    found: dict[str, metadata.Distribution] = {}
    asked = [root]
    for name in asked:  # which grows by what each needs
        if name not in found:
            try:
                found[name] = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                continue
            asked += _needs(found[name])
    return found


def _needs(found: metadata.Distribution) -> list[str]:
    """Names of what it needs on this machine. Extras are followed where they are asked for with the name alone."""
    needed = set()
    for text in found.requires or ():
        try:
            one = Requirement(text)
        except InvalidRequirement:
            continue
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            needed.add(canonicalize_name(one.name))
    return sorted(needed)


def _python(found: metadata.Distribution) -> Component:
    name, version = canonicalize_name(found.metadata["Name"]), found.version
    purl = PackageURL("pypi", None, name, version)
    said = cast("Message", found.metadata)  # which it is, and which alone says what is not there
    licence = said.get("License-Expression") or said.get("License") or ""
    return Component(
        name=found.metadata["Name"],
        version=version,
        bom_ref=str(purl),
        purl=purl,
        description=said.get("Summary"),
        licenses=_licence(licence),
    )


def _licence(text: str) -> list[Any]:
    """Where it names one; a whole text, or nothing, is no name."""
    text = text.strip()
    return [_LICENCES.make_from_string(text)] if text and len(text) <= _LONGEST and "\n" not in text else []


def _npm(inventory: Path) -> Iterator[tuple[str, tuple[Component, list[str]]]]:
    """Name -> the component, and the names of what it needs."""
    listed: list[Mapping[str, Any]] = orjson.loads(inventory.read_bytes()) if inventory.is_file() else []
    for one in listed:
        group, _, name = one["name"].rpartition("/")
        purl = PackageURL("npm", group or None, name, one["version"])
        component = Component(
            name=name,
            group=group or None,
            version=one["version"],
            bom_ref=str(purl),
            purl=purl,
            licenses=_licence(one.get("license", "").strip("()")),
            hashes=[HashType.from_composite_str(_hash(text))] if (text := one.get("integrity")) else [],
        )
        yield one["name"], (component, one["needs"])


def _hash(integrity: str) -> str:
    """`sha512-<base64>` of a lock file -> `sha512:<hex>`."""
    from base64 import b64decode

    kind, _, value = integrity.partition("-")
    return f"{kind}:{b64decode(value).hex()}"
