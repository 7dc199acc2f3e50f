"""`kitamae check`: are the papers of every service in order, a city's folder, and the words of the web pages?"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

import kitamae
from kitamae.commands.speech import count, say
from kitamae.sdk import check
from kitamae.sdk.manifest import BadManifestError
from kitamae.sdk.said import Finding
from kitamae.sdk.service import discover


def run(city: Path | None = None, package: str = "kitamae.services") -> int:
    """Are the papers of every service in order, all texts in five languages, and everything in a city's folder?

    Every finding is printed. 0 when there is none, 1 otherwise.

    Parameters
    ----------
    city
        A city's folder, such as cities/kaga: it is looked at too, and says which entity types there are.
    package
        Where services are looked for.

    """
    out = Console(highlight=False)
    try:
        services = discover(package)
    except BadManifestError as error:
        out.print(str(error), markup=False)
        return 1
    findings: list[Finding] = []
    known = None
    if city:
        profile, findings = check.city(city)
        known = set(profile.types) if profile else None
    for service in services:
        findings += check.service(service, known.__contains__ if known is not None else lambda _: True)
    findings += check.web(Path(kitamae.__file__).parent / "web")
    for finding in findings:
        out.print(str(finding), markup=False)
    looked = count("{n} service", "{n} services", len(services))
    found = count("{n} finding", "{n} findings", len(findings))
    out.print(say("{looked}, {found}", looked=looked, found=found), markup=False)
    return 1 if findings else 0
