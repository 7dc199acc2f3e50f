"""個人情報ファイル簿: put together from the city's papers, its services', and what the platform itself holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.people import platform_purposes
from kitamae.sdk.personal_file import PLATFORM, Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.sdk.city import City
    from kitamae.sdk.manifest import Personal
    from kitamae.sdk.service import Service


def files(profile: City | None, services: Sequence[Service]) -> list[Entry]:
    """One entry for each purpose that something is collected for."""
    city = profile.platform.get("ja", profile.id) if profile else "Kitamae"
    papers: list[tuple[str, str, Personal]] = [
        ("", city, one) for one in (profile.personal if profile else ())
    ]
    for service in services:
        name = service.manifest.name.get("ja", service.id)
        papers += [(f"{service.id}.", name, one) for one in service.manifest.personal]
    found = [
        Entry(before + one.purpose, name, one.basis, one.law, one.fields, one.retention_days, one.file)
        for before, name, one in papers
        if one.fields  # else nothing is collected for it
    ]
    declared = {one.purpose for one in found}
    return found + [
        Entry(one.name, city, one.basis, one.law, sorted(one.fields), one.days, PLATFORM[one.name])
        for one in platform_purposes.ALL
        if one.name in PLATFORM and one.name not in declared
    ]
