"""`kitamae check`: are the papers of every service in order?"""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from kitamae.sdk import check
from kitamae.sdk.manifest import BadManifestError
from kitamae.sdk.service import discover


def run(city: Path | None = None, package: str = "kitamae.services") -> int:
    """Print every finding; 0 when there is none, 1 otherwise.

    `city` is a city's folder (`cities/kaga`): its @context says which entity types have a data model.
    """
    out = Console(highlight=False)
    try:
        services = discover(package)
    except BadManifestError as error:
        out.print(str(error), markup=False)
        return 1
    known = _types(city) if city else None
    findings = [
        finding
        for service in services
        for finding in check.service(service, known.__contains__ if known is not None else lambda _: True)
    ]
    for finding in findings:
        out.print(str(finding), markup=False)
    out.print(f"{len(services)} services, {len(findings)} findings", markup=False)
    return 1 if findings else 0


def _types(city: Path) -> set[str]:
    terms = json.loads((city / "context.jsonld").read_text("utf-8"))["@context"]
    return {
        term
        for scope in (terms if isinstance(terms, list) else [terms])
        if isinstance(scope, dict)
        for term in scope
    }
