"""Normalized entities with short names, as pages and exports read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def told(entity: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """An attribute's default instance of a normalized entity; empty where there is none. Anybody with a token may have written the others."""
    found = (entity or {}).get(name, {})
    instances = found if isinstance(found, list) else [found]
    return next((one for one in instances if isinstance(one, dict) and "datasetId" not in one), {})
